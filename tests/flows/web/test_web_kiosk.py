"""The kiosk's page and the lines of calls: who is let in, and who is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from postern.operations.demo import Demo
from postern.operations.parking import garage_setup
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operators.model import Actor
from postern.parking.rules import GarageSettings
from postern.sites.kiosks import Kiosk
from postern.sites.store import SitePlan
from postern.web.ports import ConsolePorts
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser

PATIENCE = 20


@dataclass
class Line:
    """A WebSocket to the application, without a network."""

    out: asyncio.Queue[MutableMapping[str, Any]] = field(default_factory=asyncio.Queue)
    back: asyncio.Queue[MutableMapping[str, Any]] = field(default_factory=asyncio.Queue)

    async def heard(self) -> MutableMapping[str, Any]:
        return await asyncio.wait_for(self.back.get(), PATIENCE)

    async def word(self) -> dict[str, str]:
        return json.loads((await self.heard())["text"])

    async def say(self, **word: str) -> None:
        await self.out.put({"type": "websocket.receive", "text": json.dumps(word)})


@asynccontextmanager
async def line(app: FastAPI, path: str, cookies: httpx.Cookies, origin: str = HOME) -> AsyncIterator[Line]:
    opened = Line()
    cookie = "; ".join(f"{one.name}={one.value}" for one in cookies.jar)
    headers = {"host": "postern.example.org", "origin": origin, "cookie": cookie}
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "wss",
        "subprotocols": [],
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await opened.out.put({"type": "websocket.connect"})
    serving = asyncio.create_task(app(scope, opened.out.get, opened.back.put))
    yield opened
    await opened.out.put({"type": "websocket.disconnect", "code": 1001})
    await asyncio.wait_for(serving, PATIENCE)


@pytest.fixture
async def kiosk(hub: Services, admin: Actor, demo: Demo, places: SitePlan) -> Kiosk:
    return await kiosks.add_kiosk(hub, admin, site=demo.site, name="Exit 1", door=places.doors[0].id)


@pytest.fixture
async def tablet(app: FastAPI, hub: Services, admin: Actor, kiosk: Kiosk) -> AsyncIterator[Browser]:
    """A tablet that has become the kiosk, as somebody types its code."""
    code = await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        assert "Make this tablet a kiosk" in (await client.get("/kiosk")).text
        answer = await client.post("/kiosk", data={"code": code}, headers=SAME_ORIGIN)
        assert answer.headers["location"] == "/kiosk"
        yield Browser(client=client)


async def test_a_tablet_with_a_code_shows_the_help_button_and_may_use_its_microphone(tablet: Browser) -> None:
    page = await tablet.get("/kiosk")
    assert "Exit 1" in page.text
    assert 'class="helpbutton"' in page.text
    assert "microphone=(self)" in page.headers["permissions-policy"]
    assert "microphone=()" in (await tablet.get("/about")).headers["permissions-policy"]


async def test_the_kiosks_cookie_is_out_of_scripts_reach_and_no_login(tablet: Browser) -> None:
    [cookie] = tablet.client.cookies.jar
    assert cookie.name == "__Host-postern-kiosk"
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    for path in ("/", "/wall", "/garage/kiosks", "/doors"):
        answer = await tablet.get(path)
        assert answer.headers["location"] == "/sign-in", path
    assert (await tablet.get("/api/v1/sites")).status_code == 401


async def test_a_wrong_code_is_told_and_makes_no_kiosk(stranger_browser: Browser, demo: Demo) -> None:
    answer = await stranger_browser.client.post("/kiosk", data={"code": "1-22222-22222"}, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert "make a new one" in answer.text
    assert not stranger_browser.client.cookies


async def test_a_call_is_shown_to_attendants_until_it_is_closed(
    browser: Browser, tablet: Browser, kiosk: Kiosk
) -> None:
    assert "Calls for help" not in (await browser.get("/garage/kiosks")).text
    await tablet.client.post("/kiosk/help", headers=SAME_ORIGIN)
    assert "data-waits" in (await tablet.get("/kiosk")).text
    assert "Calls for help" in (await browser.get("/garage/kiosks")).text
    page = await browser.get(f"/garage/calls/{kiosk.site}/{kiosk.id}")
    assert "microphone=(self)" in page.headers["permissions-policy"]
    await browser.send(f"/garage/calls/{kiosk.site}/{kiosk.id}/end")
    assert "Calls for help" not in (await browser.get("/garage/kiosks")).text
    assert "data-waits" not in (await tablet.get("/kiosk")).text


async def test_the_console_makes_a_kiosk_and_shows_its_code_once(browser: Browser, places: SitePlan) -> None:
    door = f"{places.site.id}/{places.doors[0].id}"
    page = await browser.send("/garage/kiosks", name="Exit 2", door=door)
    assert "Code for Exit 2" in page.text
    assert "Code for Exit 2" not in (await browser.get("/garage/kiosks")).text
    wrong = await browser.send("/garage/kiosks", name="Exit 3", door="1/nonsense")
    assert "Please choose from the list." in wrong.text


async def test_kiosk_and_attendant_hear_each_other(
    app: FastAPI, browser: Browser, tablet: Browser, kiosk: Kiosk
) -> None:
    place = f"/garage/calls/{kiosk.site}/{kiosk.id}/line"
    async with (
        line(app, "/kiosk/call", tablet.client.cookies) as lane,
        line(app, place, browser.client.cookies) as desk,
    ):
        for side in (lane, desk):
            assert (await side.heard())["type"] == "websocket.accept"
            assert await side.word() == {"kind": "listening"}
        await desk.say(kind="here", me="desk")
        assert await lane.word() == {"kind": "here", "me": "desk"}
        await lane.out.put({"type": "websocket.receive", "text": '{"kind": "open-the-barrier"}'})
        await lane.say(kind="offer", me="lane", to="desk", sdp="v=0")
        assert await desk.word() == {"kind": "offer", "me": "lane", "to": "desk", "sdp": "v=0"}


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://postern.example.org", "null", ""])
async def test_another_sites_page_opens_no_line_although_the_cookie_comes_along(
    app: FastAPI, browser: Browser, tablet: Browser, kiosk: Kiosk, origin: str
) -> None:
    for path, cookies in (
        ("/kiosk/call", tablet.client.cookies),
        (f"/garage/calls/{kiosk.site}/{kiosk.id}/line", browser.client.cookies),
    ):
        async with line(app, path, cookies, origin) as refused:
            assert (await refused.heard())["type"] == "websocket.close"


async def test_a_line_opens_to_nobody_without_the_right_cookie(
    app: FastAPI, browser: Browser, tablet: Browser, kiosk: Kiosk
) -> None:
    for path, cookies in (
        ("/kiosk/call", browser.client.cookies),
        ("/kiosk/call", httpx.Cookies()),
        (f"/garage/calls/{kiosk.site}/{kiosk.id}/line", tablet.client.cookies),
        (f"/garage/calls/{kiosk.site}/{kiosk.id}/line", httpx.Cookies()),
    ):
        async with line(app, path, cookies) as refused:
            assert (await refused.heard())["type"] == "websocket.close"


async def test_a_kiosk_that_was_removed_is_cut_off_at_its_next_word(
    app: FastAPI, hub: Services, admin: Actor, tablet: Browser, kiosk: Kiosk
) -> None:
    async with line(app, "/kiosk/call", tablet.client.cookies) as lane:
        assert (await lane.heard())["type"] == "websocket.accept"
        assert await lane.word() == {"kind": "listening"}
        await kiosks.remove_kiosk(hub, admin, site=kiosk.site, id=kiosk.id)
        await lane.say(kind="waiting", me="lane")
        assert (await lane.heard())["code"] == 4401


async def test_a_garages_kiosk_shows_where_to_pay(
    app: FastAPI, hub: Services, admin: Actor, tablet: Browser, kiosk: Kiosk
) -> None:
    app.state.ports = ConsolePorts(pay_url="https://pay.example.org")
    assert "payhere" not in (await tablet.get("/kiosk")).text
    await garage_setup.set_garage(hub, admin, GarageSettings(site=kiosk.site, bays=10, currency="EUR"))
    assert "payhere" in (await tablet.get("/kiosk")).text


async def test_a_kiosk_asks_for_the_ticket_of_who_waits_unread_and_nobody_else_may(
    app: FastAPI, tablet: Browser, stranger_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.state.ports = ConsolePorts(pay_url="https://pay.example.org")
    assert (await tablet.get("/kiosk/ticket")).status_code == 204

    async def waits(hub: Services, known: kiosks.KnownKiosk) -> kiosks.Ticket:
        assert (hub, known.kiosk.name) == (app.state.services, "Exit 1")
        return kiosks.Ticket(code="ABCD2345", garage="1-7KQ4M2")

    monkeypatch.setattr(kiosks, "ticket", waits)
    shown = (await tablet.get("/kiosk/ticket")).text
    assert "ABCD-2345" in shown
    assert "<svg" in shown
    assert "ABCD" not in (await stranger_browser.get("/kiosk/ticket")).text


async def test_a_ticket_is_asked_for_only_at_a_garage_s_way_out_and_a_wrong_one_is_told(
    tablet: Browser,
) -> None:
    assert "I have a ticket" not in (await tablet.get("/kiosk")).text  # this site is no garage
    assert "Code from the entry" in (await tablet.get("/kiosk/leave")).text
    answer = await tablet.client.post("/kiosk/leave", data={"code": ""}, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    answer = await tablet.client.post("/kiosk/leave", data={"code": "AAAA-AAAA"}, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
