"""The garage's overview, its sessions and its cases over HTTP, with cars driven in by records of agents."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI

from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.operations.parking import garage_look, garage_setup
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operators.model import Actor
from postern.parking.compare import PastSession
from postern.parking.tariff_data import dump_tariff
from postern.web.ports import ConsolePorts
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven, driven
from tests.flows.web.conftest import Browser

MINUTE = timedelta(minutes=1)
PLATE = "KAB123"


@pytest.fixture
async def garage(browser: Browser, hub: Services, admin: Actor, clock: SetClock) -> Driven:
    """A garage with a lane in and a lane out."""
    return await driven(hub, admin, clock)


async def waits(garage: Driven, plate: str = PLATE, *, score: float = 0.95) -> str:
    """A car stands at the exit and waits for an answer; the address of its case."""
    await garage.decided(
        garage.way_out, plate, garage.clock.now(), reason=Reason.AWAITING_ANSWER, score=score
    )
    await garage.send()
    [case] = [one for one in (await garage.settle()).cases.values() if one.stands_at_barrier]
    return f"/garage/cases/{garage.site}/{case.id}"


async def test_the_overview_counts_bays_vehicles_cases_and_money(browser: Browser, garage: Driven) -> None:
    for number in range(3):
        await garage.drives(garage.way_in, f"KAB12{number}", garage.clock.now() + number * MINUTE)
    await garage.send()
    session = await garage.session_of("KAB120")
    garage.clock.advance(timedelta(hours=1))
    await garage.pays(session.id, 200, "pay-1")
    await waits(garage, "KXY99")
    page = (await browser.get("/garage")).text
    figures = re.findall(r"<strong[^>]*>([^<]+)</strong>", page)
    assert figures == ["197", "3", "1", "€2.00"]
    assert page.count('<svg class="chart"') == 2
    assert 'class="limit"' in page
    for plate in ("KAB12", "KXY99"):
        assert plate not in page


async def test_sessions_cover_plates_until_one_is_opened_and_that_is_in_the_journal(
    browser: Browser, garage: Driven
) -> None:
    await garage.drives(garage.way_in, PLATE, NOON)
    await garage.send()
    session = await garage.session_of(PLATE)
    page = (await browser.get(f"/garage/{garage.site}/sessions")).text
    assert "••••23" in page
    assert PLATE not in page
    assert "parking session" not in (await browser.get("/journal")).text
    garage.clock.advance(90 * MINUTE)
    opened = (await browser.get(f"/garage/{garage.site}/sessions/{session.id}")).text
    assert PLATE in opened
    assert "Each started hour" in opened
    assert "2 × 60 min" in opened
    assert "parking session" in (await browser.get("/journal")).text


async def test_no_more_sessions_are_opened_than_the_budget_has(browser: Browser, garage: Driven) -> None:
    for number in range(22):
        await garage.drives(garage.way_in, f"B{number:02}XY{number:02}", NOON + number * MINUTE)
    await garage.send()
    addresses = re.findall(
        rf'href="(/garage/{garage.site}/sessions/[^"]+)"',
        (await browser.get(f"/garage/{garage.site}/sessions")).text,
    )
    answers = [(await browser.get(address)).status_code for address in addresses]
    assert answers == [200] * 20 + [429] * 2


async def test_a_case_is_in_the_queue_without_its_plate_and_decided_in_one_tap(
    browser: Browser, garage: Driven
) -> None:
    await garage.drives(garage.way_in, PLATE, NOON)
    await garage.send()
    garage.clock.advance(30 * MINUTE)
    address = await waits(garage)
    queue = (await browser.get("/garage/cases")).text
    assert "Waits at the barrier" in queue
    assert address in queue
    assert PLATE not in queue
    page = (await browser.get(address)).text
    assert PLATE in page
    assert "Read surely: 95 %" in page
    answer = await browser.send(address, why="plate-clear", words="", resolution="dismiss")
    assert answer.headers["location"] == f"{address}?said=case-decided"
    decided = (await browser.get(address)).text
    assert "The picture shows it clearly" in decided
    assert "Nothing to do" in decided
    assert 'name="resolution"' not in decided
    queue = (await browser.get("/garage/cases")).text
    assert "Nothing waits" in queue
    assert "Answered lately" in queue


async def test_a_corrected_plate_finds_its_session(browser: Browser, garage: Driven) -> None:
    await garage.drives(garage.way_in, PLATE, NOON)
    await garage.send()
    garage.clock.advance(30 * MINUTE)
    await garage.drives(garage.way_out, "K4B1Z", garage.clock.now(), score=0.3)
    garage.clock.advance(MINUTE)
    await garage.send()
    [case] = (await garage.settle()).cases.values()
    address = f"/garage/cases/{garage.site}/{case.id}"
    empty = await browser.send(address, why="plate-clear", words="", resolution="correct-plate", plate="")
    assert empty.status_code == 422
    await browser.send(address, why="plate-clear", words="", resolution="correct-plate", plate="k-ab 123")
    page = (await browser.get(address)).text
    assert "Plate corrected" in page
    assert (await garage.session_of(PLATE)).left_at is not None


async def test_a_barrier_that_nobody_drives_is_told_at_once_and_the_decision_kept(
    browser: Browser, garage: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postern.operations.sites.commands.GOOD_FOR", timedelta(seconds=0.2))
    address = await waits(garage)
    answer = await browser.send(address, why="driver-told", words="he paid in cash", resolution="open")
    assert answer.status_code == 422
    assert "the barrier did not open" in answer.text
    assert "The driver told on the phone · he paid in cash" in answer.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"why": "", "words": "", "resolution": "dismiss"}, "Choose a reason"),
        ({"why": "other", "words": "", "resolution": "dismiss"}, "Choose a reason"),
        ({"why": "plate-clear", "words": "", "resolution": "explode"}, "choose from the list"),
    ],
)
async def test_nothing_is_decided_without_a_reason_or_with_an_unknown_deed(
    browser: Browser, garage: Driven, fields: dict[str, str], words: str
) -> None:
    address = await waits(garage)
    answer = await browser.send(address, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Nothing waits" not in (await browser.get("/garage/cases")).text


async def test_two_attendants_do_not_decide_one_case_twice(browser: Browser, garage: Driven) -> None:
    address = await waits(garage)
    await browser.send(address, why="plate-clear", words="", resolution="dismiss")
    second = await browser.send(address, why="plate-clear", words="", resolution="waive")
    assert "meanwhile" in second.text


async def test_news_of_a_garage_come_when_something_arrives(
    hub: Services, admin: Actor, garage: Driven
) -> None:
    news = garage_look.garage_news(hub, admin, [garage.site])
    await anext(news)
    following = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await waits(garage)
    await asyncio.wait_for(following, 20)
    await news.aclose()


async def test_past_sessions_tell_times_and_nobody(hub: Services, admin: Actor, garage: Driven) -> None:
    await garage.drives(garage.way_in, PLATE, NOON)
    garage.clock.advance(30 * MINUTE)
    await garage.drives(garage.way_out, PLATE, garage.clock.now())
    garage.clock.advance(MINUTE)
    await garage.send()
    found = await garage_look.past_sessions(hub, admin, garage.site, days=7)
    assert found == [PastSession(entered=NOON, left=NOON + 30 * MINUTE, vehicle_class="car")]


@pytest.mark.parametrize(("plate", "shown"), [("", ""), ("AB", "••"), ("ABC", "•BC"), ("BAB1234", "•••••34")])
def test_a_covered_plate_keeps_its_last_two_characters(plate: str, shown: str) -> None:
    assert garage_look.covered(plate) == shown


async def test_help_at_a_kiosk_is_a_case_that_calls_until_it_is_decided(
    browser: Browser, hub: Services, admin: Actor, garage: Driven
) -> None:
    kiosk = await kiosks.add_kiosk(hub, admin, site=garage.site, name="Exit 1", door=garage.doors[1])
    cookie = await kiosks.open_kiosk(
        hub, await kiosks.new_kiosk_code(hub, admin, site=garage.site, id=kiosk.id)
    )
    call = await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie))
    assert await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie)) == call
    queue = (await browser.get("/garage/cases")).text
    assert "Asks for help" in queue
    assert "Calls for help" in queue
    assert "Garage · Out" in queue
    address = f"/garage/cases/{garage.site}/{call}"
    page = await browser.get(address)
    assert f"/garage/calls/{garage.site}/{kiosk.id}/line" in page.text
    assert "microphone=(self)" in page.headers["permissions-policy"]
    await browser.send(address, why="driver-told", words="", resolution="dismiss")
    assert (await kiosks.known_kiosk(hub, cookie)).call is None
    assert "Nothing waits" in (await browser.get("/garage/cases")).text
    assert await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie)) != call


async def test_two_tariffs_are_compared_on_past_sessions(
    browser: Browser, hub: Services, admin: Actor, garage: Driven
) -> None:
    await garage.drives(garage.way_in, PLATE, NOON)
    garage.clock.advance(90 * MINUTE)
    await garage.drives(garage.way_out, PLATE, garage.clock.now())
    garage.clock.advance(MINUTE)
    await garage.send()
    known = (await garage_setup.tariffs(hub, admin, garage.site))[0]
    dearer = dump_tariff(known.tariff).replace("price: 2.00", "price: 3.00")
    await garage_setup.set_tariff(hub, admin, garage.site, text=dearer)
    address = f"/garage/simulator?tariff={garage.site}-1&other={garage.site}-2&entered=2026-03-04T09:00"
    page = (await browser.get(address)).text
    past = page[page.index("past-title") :]
    assert re.findall(r"<strong>([^<]+)</strong>", past) == ["€4.00", "€6.00", "0", "1", "0"]
    assert "1 h 30 min" in past


async def test_a_link_to_pay_is_shown_once_and_leads_to_the_page_for_drivers(
    app: FastAPI, browser: Browser, garage: Driven
) -> None:
    app.state.ports = ConsolePorts(pay_url="https://pay.example.org")
    await garage.drives(garage.way_in, PLATE, NOON)
    garage.clock.advance(90 * MINUTE)
    await garage.drives(garage.way_out, PLATE, garage.clock.now())
    garage.clock.advance(MINUTE)
    await garage.send()
    [case] = (await garage.settle()).cases.values()
    address = f"/garage/cases/{garage.site}/{case.id}"
    shown = (await browser.send(address, why="promised", words="", resolution="send-pay-link")).text
    assert re.search(rf'id="pay-link">https://pay\.example\.org/pay/l/{garage.site}-[\w-]{{16,}}<', shown)
    page = (await browser.get(address)).text
    assert "/pay/l/" not in page
    assert "Link to pay sent" in page
    assert "Link to pay sent" in (await browser.get("/garage/cases")).text
    await garage.pays(case.session, 400, "by-link")
    assert str(case.id) not in (await browser.get("/garage/cases")).text.split('id="answered-title"')[0]
