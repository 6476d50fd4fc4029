"""Visits as pages: asked for at a kiosk, answered in the console, invited, and let go."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operations.sites import access_levels, kiosks
from postern.operations.visitors import rules as visit_rules
from postern.operators.model import Actor
from postern.sites.store import SitePlan
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser

WALK_UP = {"name": "Mei Tanaka", "host": "Ada Nowak", "signature": "Mei Tanaka", "agreed": "yes"}


@pytest.fixture
async def tablet(
    app: FastAPI, hub: Services, admin: Actor, demo: Demo, places: SitePlan
) -> AsyncIterator[httpx.AsyncClient]:
    """A kiosk in the lobby of a site that takes visitors without invitation, once they have signed."""
    levels = await access_levels.access_levels(hub, admin)
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    wanted = replace(found.rules, walk_ups=True, walk_up_level=levels[0].id)
    await visit_rules.change_rules(hub, admin, wanted, english="Wear the vest.", chinese="请穿背心。")
    made = await kiosks.add_kiosk(hub, admin, site=demo.site, name="Lobby", door=places.doors[0].id)
    code = await kiosks.new_kiosk_code(hub, admin, site=demo.site, id=made.id)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME, headers=SAME_ORIGIN) as client:
        assert (await client.post("/kiosk", data={"code": code})).status_code == 303
        yield client


async def test_a_visitor_asks_at_a_kiosk_and_the_console_answers(
    browser: Browser, tablet: httpx.AsyncClient
) -> None:
    assert "/kiosk/visit" in (await tablet.get("/kiosk")).text
    form = (await tablet.get("/kiosk/visit")).text
    assert "Wear the vest." in form
    number = re.findall(r'name="terms" value="(\d+)"', form)[0]
    refused = await tablet.post(
        "/kiosk/visit", data={name: value for name, value in WALK_UP.items() if name != "agreed"}
    )
    assert refused.status_code == 422
    assert "Mei Tanaka" in refused.text

    asked = await tablet.post("/kiosk/visit", data=WALK_UP | {"terms": number})
    standing = asked.headers["location"]
    waiting = (await tablet.get(standing)).text
    assert "Your host is being asked" in waiting
    assert "<svg" not in waiting.partition('id="standing"')[2]

    listed = (await browser.get("/visits")).text
    assert "Waits for the host" in listed
    visit = standing.removeprefix("/kiosk")
    assert visit.startswith("/visit/")
    page = f"/visits/{visit.rpartition('/')[2]}"
    assert (await browser.send(page, act="approve")).status_code == 303
    welcome = (await tablet.get(standing)).text
    assert "Welcome, Mei Tanaka" in welcome
    assert "<svg" in welcome.partition('id="standing"')[2]
    assert (await browser.send(page, act="approve")).status_code == 422
    assert (await browser.send(page, act="nonsense")).status_code == 422
    assert (await browser.send(page, act="arrived")).status_code == 303
    assert (await browser.send(page, act="left")).status_code == 303
    shown = (await browser.get(page)).text
    assert "Has left" in shown
    assert 'name="act"' not in shown


async def test_an_invitation_shows_its_link_once_and_what_is_wrong_with_a_form(browser: Browser) -> None:
    form = {"name": "Ona Rist", "site": "1", "start": "2026-03-04T12:00", "end": "2026-03-04T14:00"}
    for wrong in (
        {"name": ""},
        {"end": "2026-03-04T11:00"},
        {"host": "Nobody"},
        {"mail": "x"},
        {"site": "9"},
    ):
        assert (await browser.send("/visits/new", **(form | wrong))).status_code == 422
    made = await browser.send("/visits/new", **form, host="1001")
    (link,) = set(re.findall(r"http://127\.0\.0\.1:8441/visit/1-[\w-]{32}", made.text))
    assert made.status_code == 200
    page = (await browser.get("/visits")).text
    visit = re.findall(r'href="(/visits/[0-9a-f-]{36})"', page)[0]
    shown = (await browser.get(visit)).text
    assert "Ada Nowak" in shown
    assert link not in shown
    again = await browser.send(visit, act="link")
    assert len(re.findall(r"/visit/1-[\w-]{32}", again.text)) == 1
    assert link not in again.text
    saved = await browser.send(
        "/visits/rules/1", version="0", walk_up_hours="4", kept_days="9", terms_english="A text."
    )
    assert saved.status_code == 303
    assert "this one is number 1" in (await browser.get("/visits/rules/1")).text
    stale = await browser.send("/visits/rules/1", version="0", walk_up_hours="4", kept_days="9")
    assert stale.status_code == 422
