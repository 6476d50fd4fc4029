"""How many are aboard, as pages ask it: set at a way in, asked at its kiosk and on the driver's own page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from postern.clock import SetClock
from postern.ids import PersonId
from postern.operations.admit import Entrance
from postern.operations.demo import Demo
from postern.operations.operators import members
from postern.operations.people import register
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operators.model import Actor
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_aboard import GATE, drives
from tests.flows.operations.test_operations_muster import Walk, id_of
from tests.flows.own_world import PASSPHRASE, Phone
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser, fields_of
from tests.flows.web.test_web_lanes import drive


@pytest.fixture
def walk(hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan, clock: SetClock) -> Walk:
    return Walk(hub, agent, entrance, places, clock)


async def way_in(browser: Browser) -> tuple[str, dict[str, str]]:
    """The page of the driveway's way in, which is no garage's lane, and what its form holds."""
    path, form = await drive(browser)
    return path, form | {"lane": "", "lane_rule": "wait"}


@asynccontextmanager
async def phone(app: FastAPI) -> AsyncIterator[Phone]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        yield Phone(client=client)


async def test_a_way_in_asks_as_its_page_says_and_what_it_cannot_be_is_told(browser: Browser) -> None:
    path, form = await way_in(browser)
    for wrong, words in (
        ({"asks_aboard": "0"}, "from 1 to 100"),
        ({"asks_aboard": "101"}, "from 1 to 100"),
        ({"asks_aboard": "many"}, "number"),
        ({"asks_aboard": "4", "way_out": "yes"}, "Whoever leaves is not asked"),
        ({"asks_aboard": "4", "lane": "exit"}, "Whoever leaves is not asked"),
    ):
        page = await browser.send(path, **form | wrong)
        assert page.status_code == 422, wrong
        assert words in page.text, wrong
    assert (await browser.send(path, **form | {"asks_aboard": "5"})).status_code == 303
    assert 'name="asks_aboard" value="5"' in (await browser.get(path)).text
    points = (await browser.get("/api/v1/sites/1")).json()["access_points"]
    assert {one["name"]: one["asks_aboard"] for one in points if one["asks_aboard"]} == {GATE: 5}
    assert (await browser.send(path, **form | {"version": "2"})).status_code == 303
    points = (await browser.get("/api/v1/sites/1")).json()["access_points"]
    assert all(one["asks_aboard"] is None for one in points)


async def test_the_kiosk_and_the_driver_s_own_page_ask_and_take_one_answer(
    app: FastAPI,
    browser: Browser,
    stranger_browser: Browser,
    hub: Services,
    admin: Actor,
    demo: Demo,
    walk: Walk,
    places: SitePlan,
) -> None:
    path, form = await way_in(browser)
    assert (await browser.send(path, **form | {"asks_aboard": "12"})).status_code == 303
    door = next(one.door for one in places.access_points if one.name == GATE)
    kiosk = await kiosks.add_kiosk(hub, admin, site=demo.site, name="Gate", door=door)
    ada, car = await id_of(hub, demo, "Ada Nowak"), await id_of(hub, demo, "PDM1001")
    async with hub.database.transaction(demo.tenant) as tx:
        vehicle = (await hub.registry.vehicles.all(tx, demo.tenant))[car]
    kept = replace(vehicle.details, keeper=PersonId(ada))
    await register.change_vehicle(hub, admin, id=vehicle.id, version=vehicle.version, details=kept)
    link = (await members.new_member_link(hub, admin, PersonId(ada))).removeprefix(HOME)
    code = await kiosks.new_kiosk_code(hub, admin, site=demo.site, id=kiosk.id)
    async with phone(app) as tablet, phone(app) as own:
        await tablet.post("/kiosk", code=code)
        await own.post(link, passphrase=PASSPHRASE, again=PASSPHRASE)
        assert 'data-from="/kiosk/aboard"' in (await tablet.get("/kiosk")).text
        assert (await tablet.get("/kiosk/aboard")).status_code == 204
        assert "How many" not in (await own.get("/me")).text

        await drives(walk)

        asked = (await tablet.get("/kiosk/aboard")).text
        assert re.findall(r'name="people" value="(\d+)"', asked) == [str(n) for n in range(1, 10)]
        assert "More, up to 12" in asked
        assert "PDM1001" not in asked, "the kiosk names nobody"
        home = (await own.get("/me")).text
        assert "PDM1001 came in by" in home
        answer = {one: fields_of(home)[one] for one in ("site", "passage")}
        assert answer["passage"] == fields_of(asked)["passage"]
        # No cookie of a kiosk, none of the person's, no form key: nothing is taken.
        given = {"passage": answer["passage"], "people": "3"}
        for nobody in (stranger_browser.client, browser.client):
            for where in ("/kiosk/aboard", "/me/aboard"):
                refused = await nobody.post(where, data=given | {"site": "1"}, headers=SAME_ORIGIN)
                assert refused.status_code in {303, 401, 403}, where
        assert (await own.post("/me/aboard", people="3", **answer)).status_code == 403
        for wrong in (
            {"people": "13"},
            {"people": "x"},
            {"people": "2.5e9"},
            {"passage": "x"},
            {"passage": ""},
        ):
            assert (await tablet.post("/kiosk/aboard", **given | wrong)).status_code == 422, wrong
            assert (await own.send("/me/aboard", **answer | {"people": "3"} | wrong)).status_code == 422, (
                wrong
            )

        said = await tablet.post("/kiosk/aboard", **given)

        assert (said.status_code, "3 counted" in said.text) == (200, True)
        assert (await tablet.get("/kiosk/aboard")).status_code == 204
        again = await tablet.post("/kiosk/aboard", **given)
        assert (again.status_code, "was said already" in again.text) == (422, True)
        late = await own.send("/me/aboard", people="3", **answer)
        assert (late.status_code, "was said already" in late.text) == (422, True)
        assert "How many" not in (await own.get("/me")).text

        await drives(walk, "Driveway barrier, out")
        await drives(walk)
        home = (await own.get("/me")).text
        answer = {one: fields_of(home)[one] for one in ("site", "passage")}
        nowhere = await own.send("/me/aboard", **answer | {"site": "999", "people": "3"})
        assert nowhere.status_code in {404, 422}
        done = await own.send("/me/aboard", people="2", **answer)
        assert done.headers["location"] == "/me?said=aboard-said"
    await browser.send("/muster/1/call", drill="yes")
    roll = (await browser.get("/muster/1")).text
    assert "In PDM1001, as they said themselves" in roll
    assert "person 1" in roll
    assert "person 2" not in roll
    assert "Nobody has said who is in it" not in roll
    assert "Vehicles not told of" not in roll
    await drives(walk, "Driveway barrier, out")
    await drives(walk)
    roll = (await browser.get("/muster/1")).text
    assert "Nobody has said who is in it" in roll
    assert "Vehicles not told of: 1" in roll
    assert "All seen" not in roll, "nobody knows whether they are"
