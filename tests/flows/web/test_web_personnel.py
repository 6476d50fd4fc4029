"""Employments, teams and contractors on their pages and over the API."""

from __future__ import annotations

import re

from postern.operations import look
from postern.operations.people import employments
from postern.operations.services import Services
from postern.operators.model import Actor
from tests.flows.web.conftest import Browser


async def test_somebody_is_employed_in_a_team_leaves_now_and_the_page_says_so(
    browser: Browser, hub: Services, admin: Actor
) -> None:
    person = (await look.find_people(hub, admin, text="Ada")).rows[0].person.id
    assert "No teams yet" in (await browser.get("/teams")).text
    made = await browser.send("/contractors/new", name="Nord Bau", contract="N-17", address="Kai 1")
    assert made.status_code == 303
    assert "Nord Bau" in (await browser.get(made.headers["location"])).text
    assert (await browser.send("/teams/new", name="nobody", manager="no such number")).status_code == 422
    made = await browser.send("/teams/new", name="Roof", manager=str(person), site="1")
    team = made.headers["location"].split("/")[2].partition("?")[0]
    page = (await browser.get(f"/people/{person}/employments/new")).text
    contractor = re.search(r'<option value="([0-9a-f-]{36})">Nord Bau', page)
    assert contractor is not None
    wanted = {"first": "2026-01-01", "team": team, "occupation": "Roofer", "version": "0"}
    wrong = await browser.send(f"/people/{person}/employments/new", **wanted, until="25:00")
    assert "This is no time of day" in wrong.text
    made = await browser.send(f"/people/{person}/employments/new", **wanted, contractor=contractor[1])
    assert made.status_code == 303, made.text
    assert "Ada Nowak" in (await browser.get(f"/teams/{team}")).text
    page = (await browser.get(f"/people/{person}")).text
    assert all(word in page for word in ("Nord Bau", "Roofer", "Leaves now"))

    assert (await browser.send(f"/people/{person}/leave")).status_code == 303
    page = (await browser.get(f"/people/{person}")).text
    assert "Access ends" in page
    (one,) = (await employments.employment_file(hub, admin, person)).employments.every
    assert one.ends_at == hub.clock.now()

    change = f"/people/{person}/employments/{one.id}"
    assert 'value="2026-03-04"' in (await browser.get(change)).text
    stale = await browser.send(change, first="2026-01-01", version="1")
    assert stale.status_code == 422
    assert (await browser.send(change, first="2026-01-01", version="2")).status_code == 303
    told = (await browser.get(f"/api/v1/people/{person}/employments")).json()
    assert [(item["first"], item["ends_at"]) for item in told["employments"]] == [("2026-01-01", None)]
    assert (await browser.send(f"{change}/remove", version="3")).status_code == 303
    assert (await browser.send(f"/teams/{team}/remove")).status_code == 303
    chinese = await browser.get("/teams", **{"Accept-Language": "zh"})
    assert "团队与承包商" in chinese.text
