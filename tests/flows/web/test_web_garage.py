"""The garage's pages over HTTP: set up, priced, permitted, paid for by merchants."""

from __future__ import annotations

import re

import pytest

from postern.ids import SiteId
from postern.operations.demo import Demo
from postern.operations.parking import garage_setup
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.parking.tariff_data import demo_tariff, dump_tariff
from postern.web.console import garage as overview_page
from tests.flows.web.conftest import Browser

SETTINGS = {"bays": "120", "currency": "eur", "vehicle_class": "car", "stale_days": "7", "version": "0"}


@pytest.fixture
async def garage(browser: Browser, demo: Demo) -> int:
    """The demo's site, made a garage as a person would."""
    answer = await browser.send(
        f"/garage/setup/{demo.site}", **SETTINGS, special_days="2026-12-25, 2026-12-26"
    )
    assert answer.headers["location"] == f"/garage/setup?site={demo.site}&said=saved", answer.text
    return int(demo.site)


async def test_a_site_becomes_a_garage_and_the_list_of_what_it_lacks_grows_shorter(
    browser: Browser, garage: int
) -> None:
    page = (await browser.get(f"/garage/setup?site={garage}")).text
    assert 'value="120"' in page
    assert "2026-12-25 2026-12-26" in page
    assert page.count('class="done"') == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("bays", "0", "1 to 100,000 bays"),
        ("bays", "many", "This is no number."),
        ("currency", "EURO", "is no currency"),
        ("special_days", "Christmas", "Write days like 2026-12-25"),
    ],
)
async def test_settings_that_cannot_be_are_told_with_what_to_do(
    browser: Browser, demo: Demo, field: str, value: str, words: str
) -> None:
    answer = await browser.send(f"/garage/setup/{demo.site}", **(SETTINGS | {field: value}))
    assert answer.status_code == 422
    assert words in answer.text


async def test_the_overview_does_not_wait_for_books_that_are_still_being_read(
    browser: Browser, hub: Services, admin: Actor, garage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_page, "SOON", 0.05)
    async with hub.garages.of(admin.tenant, SiteId(garage)).lock:
        page = (await browser.get("/garage")).text
        assert "Its books are being read" in page
        assert 'hx-trigger="every 2s"' in page
    monkeypatch.undo()
    page = (await browser.get("/garage")).text
    assert "Its books are being read" not in page
    assert "hx-trigger" not in page
    assert "Free bays" in page


async def test_somebody_elses_change_is_not_lost(browser: Browser, garage: int) -> None:
    answer = await browser.send(f"/garage/setup/{garage}", **SETTINGS)
    assert "changed meanwhile" in answer.text


async def test_a_tariff_is_set_shown_and_superseded(browser: Browser, garage: int) -> None:
    assert "No tariff yet" in (await browser.get("/garage/tariffs")).text
    edit = await browser.get(f"/garage/tariffs/{garage}")
    assert "id: old-town" in edit.text
    text = dump_tariff(demo_tariff())
    answer = await browser.send(f"/garage/tariffs/{garage}", text=text, since="")
    assert answer.headers["location"] == "/garage/tariffs?said=tariff-set"
    dearer = text.replace("Old Town garage", "Dearer")
    await browser.send(f"/garage/tariffs/{garage}", text=dearer, since="2030-01-01T00:00")
    page = (await browser.get("/garage/tariffs")).text
    assert page.index("Dearer") < page.index("Old Town garage")
    assert "To come" in page
    assert "In force" in page


async def test_a_fault_in_the_text_stands_beside_its_line_and_changes_nothing(
    browser: Browser, garage: int
) -> None:
    text = dump_tariff(demo_tariff()).replace("currency: EUR", "currency: EUR\nsurprise: 1")
    checked = await browser.send("/garage/tariffs/check", text=text)
    assert re.search(r'class="row wrong">.*?surprise: 1', checked.text, flags=re.S)
    answer = await browser.send(f"/garage/tariffs/{garage}", text=text)
    assert answer.status_code == 422
    assert "No tariff yet" in (await browser.get("/garage/tariffs")).text


@pytest.mark.parametrize(
    ("old", "new", "since", "words"),
    [
        ("EUR", "CHF", "", "takes EUR"),
        ("id: old-town", "id: old-town", "2020-01-01T00:00", "in the past"),
        ("id: old-town", "id: old-town", "someday", "This is no date"),
    ],
)
async def test_a_tariff_that_does_not_fit_the_garage_is_refused(
    browser: Browser, garage: int, old: str, new: str, since: str, words: str
) -> None:
    text = dump_tariff(demo_tariff()).replace(old, new)
    answer = await browser.send(f"/garage/tariffs/{garage}", text=text, since=since)
    assert answer.status_code == 422
    assert words in answer.text


async def test_the_simulator_draws_and_compares_and_says_what_it_cannot(
    browser: Browser, hub: Services, admin: Actor, demo: Demo, garage: int
) -> None:
    assert "No tariff yet" in (await browser.get("/garage/simulator")).text
    text = dump_tariff(demo_tariff())
    await garage_setup.set_tariff(hub, admin, demo.site, text=text)
    address = f"/garage/simulator?tariff={garage}-1&entered=2026-03-04T09:00&hours=24&vehicle=car"
    page = (await browser.get(f"{address}&other={garage}-1")).text
    assert page.count('<path class="curve n') == 4  # two curves, and two in the key
    assert "Most for one day" in page
    assert "€18.00" in page
    wrong = await browser.get(f"{address}&vehicle=tank")
    assert wrong.status_code == 422
    assert "no vehicle class" in wrong.text
    assert "This is no date" in (await browser.get("/garage/simulator?entered=soon")).text


async def test_a_permit_is_added_listed_and_ended(browser: Browser, garage: int) -> None:
    fields = {"holder": "Drawn Ltd", "bays": "2", "valid_from": "2026-03-01", "valid_until": "2026-03-31"}
    answer = await browser.send(f"/garage/permits/{garage}", **fields, plates="b-dr 42\nb-dr 43, b-dr 44")
    assert answer.status_code == 303
    page = (await browser.get("/garage/permits")).text
    for plate in ("BDR42", "BDR43", "BDR44"):
        assert plate in page
    assert "31 Mar 2026" in page
    [id] = re.findall(rf"/garage/permits/{garage}/([0-9a-f-]+)/end", page)
    await browser.send(f"/garage/permits/{garage}/{id}/end")
    assert "Ended" in (await browser.get("/garage/permits")).text
    assert (await browser.send(f"/garage/permits/{garage}/{id}/end")).status_code == 404


async def test_whoever_lists_permits_is_in_the_journal(browser: Browser, garage: int) -> None:
    await browser.get("/garage/permits")
    assert "permits" in (await browser.get("/journal")).text


@pytest.mark.parametrize(
    "wrong", [{"bays": "0"}, {"plates": ""}, {"valid_until": "2026-02-01"}, {"valid_from": "soon"}]
)
async def test_a_permit_that_covers_nobody_is_refused(
    browser: Browser, garage: int, wrong: dict[str, str]
) -> None:
    fields = {"holder": "Drawn", "bays": "1", "valid_from": "2026-03-01", "plates": "B DR 1"} | wrong
    assert (await browser.send(f"/garage/permits/{garage}", **fields)).status_code == 422


async def test_a_merchant_is_added_with_a_code_of_their_own_and_ended(browser: Browser, garage: int) -> None:
    answer = await browser.send(f"/garage/merchants/{garage}", name="Cinema", kind="amount", value="2.50")
    assert answer.status_code == 303, answer.text
    page = (await browser.get("/garage/merchants")).text
    assert "Cinema" in page
    assert "€2.50" in page
    [id] = re.findall(rf"/garage/merchants/{garage}/([0-9a-f-]+)/end", page)
    await browser.send(f"/garage/merchants/{garage}/{id}/end")
    assert "Ended" in (await browser.get("/garage/merchants")).text


@pytest.mark.parametrize(
    ("kind", "value"), [("amount", "lots"), ("minutes", ""), ("percent", "0"), ("percent", "101")]
)
async def test_a_validation_worth_nothing_or_too_much_is_refused(
    browser: Browser, garage: int, kind: str, value: str
) -> None:
    answer = await browser.send(f"/garage/merchants/{garage}", name="Cinema", kind=kind, value=value)
    assert answer.status_code == 422
    assert "Cinema" not in (await browser.get("/garage/merchants")).text


async def test_sheets_to_print_lead_to_the_page_for_drivers_and_only_where_there_is_one(
    browser: Browser, app: object, garage: int
) -> None:
    await browser.send(f"/garage/merchants/{garage}", name="Cinema", kind="full", value="")
    page = (await browser.get("/garage/merchants")).text
    [id] = re.findall(rf"/garage/merchants/{garage}/([0-9a-f-]+)/end", page)
    assert f"/{id}/sheet" not in page
    assert (await browser.get(f"/garage/merchants/{garage}/{id}/sheet")).status_code == 404
    app.state.ports = type(app.state.ports)(pay_url="https://pay.example.org")  # type: ignore[attr-defined]
    sheet = (await browser.get(f"/garage/merchants/{garage}/{id}/sheet")).text
    assert re.search(r"https://pay\.example\.org/pay\?g=1-[A-Z2-7]{6}&amp;v=[\w-]{16}", sheet)
    posters = (await browser.get(f"/garage/posters/{garage}")).text
    assert posters.count('class="sheet"') == 1
    assert "v=" not in re.findall(r"https://pay[^<]*", posters)[0]
