"""A garage's lane is set on an access point's page, and told by the API."""

from __future__ import annotations

import re

from tests.flows.web.conftest import Browser


async def drive(browser: Browser) -> tuple[str, dict[str, str]]:
    """The page of the driveway's way in, and what its form holds."""
    found = re.findall(r'href="(/sites/1/access-points/[0-9a-f-]{36})"', (await browser.get("/sites/1")).text)
    for path in found:
        page = (await browser.get(path)).text
        if 'value="Driveway barrier, in"' in page:
            chosen = re.findall(
                r'<select id="(\w+)".*?<option value="([^"]+)" selected>', page, flags=re.DOTALL
            )
            return path, {"name": "Driveway barrier, in", "version": "1", **dict(chosen)}
    raise AssertionError("the demo site has no driveway")


async def test_a_lane_is_set_shown_again_and_told_by_the_api(browser: Browser) -> None:
    path, form = await drive(browser)
    lane = {"lane": "entry", "lane_rule": "wait", "lane_wait": "20", "lane_score": "0.7"}
    answer = await browser.send(path, **form | lane)
    assert answer.status_code == 303, answer.text
    page = (await browser.get(path)).text
    assert '<option value="entry" selected>' in page
    assert '<option value="wait" selected>' in page
    assert 'name="lane_wait" value="20"' in page
    points = (await browser.get("/api/v1/sites/1")).json()["access_points"]
    assert {one["name"]: one["lane"] for one in points if one["lane"]} == {
        "Driveway barrier, in": {
            "kind": "entry",
            "rule": "wait",
            "wait_seconds": 20,
            "least_score": 0.7,
        }
    }
    assert "Entry lane" in (await browser.get("/sites/1")).text


async def test_what_a_lane_cannot_be_is_said_beside_its_field(browser: Browser) -> None:
    path, form = await drive(browser)
    wrong = {"lane": "exit", "lane_wait": "3", "lane_score": "2", "way_out": "yes"}
    page = await browser.send(path, **form | wrong)
    assert page.status_code == 422
    for words in ("Give 5 to 60 seconds", "Give a number from 0 to 1", "A way out opens for everyone"):
        assert words in page.text
    assert all(one["lane"] is None for one in (await browser.get("/api/v1/sites/1")).json()["access_points"])
