"""The money pages: a day in order, a day that is not, the ledger's file, receipts found and given back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.clock import SetClock
from postern.operations.parking.take_by_hand import take_by_hand
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.parking.reconciliation import DifferenceKind
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven, driven
from tests.flows.web.conftest import Browser

MINUTE = timedelta(minutes=1)
PLATE = "KAB123"


@pytest.fixture
async def garage(browser: Browser, hub: Services, admin: Actor, clock: SetClock) -> Driven:
    """A garage out of which a car drove that came the same day and paid by hand."""
    made = await driven(hub, admin, clock)
    await made.drives(made.way_in, PLATE, NOON)
    await made.send()
    session = await made.session_of(PLATE)
    clock.advance(30 * MINUTE)
    await take_by_hand(hub, admin, made.site, session.id, amount="2.00", reason="paid in cash")
    await made.drives(made.way_out, PLATE, clock.now())
    clock.advance(MINUTE)
    await made.send()
    await made.settle()
    return made


async def test_a_day_in_which_all_agrees_is_in_order(browser: Browser, garage: Driven) -> None:
    page = (await browser.get(f"/garage/money?site={garage.site}")).text
    assert "In order" in page
    assert "Payments, passages and vehicles agree." in page
    assert "Cash and invoices" in page
    assert page.count("€2.00") >= 3
    assert PLATE not in page


async def test_money_that_the_provider_does_not_know_is_explained_in_both_languages(
    browser: Browser, garage: Driven
) -> None:
    await garage.drives(garage.way_in, "KXY99", garage.clock.now())
    garage.clock.advance(MINUTE)
    await garage.send()
    await garage.pays((await garage.session_of("KXY99")).id, 400, "pay-unknown")
    english = (await browser.get(f"/garage/money?site={garage.site}")).text
    assert "To be looked into" in english
    assert "the provider does not list it" in english
    chinese = (await browser.get(f"/garage/money?site={garage.site}", **{"accept-language": "zh"})).text
    assert "支付机构未列出" in chinese
    assert DifferenceKind.NOT_LISTED.value not in english


async def test_another_day_is_empty_and_a_day_to_come_is_today(browser: Browser, garage: Driven) -> None:
    assert "Nothing moved." in (await browser.get(f"/garage/money?site={garage.site}&day=2026-03-01")).text
    assert "4 Mar 2026" in (await browser.get(f"/garage/money?site={garage.site}&day=2030-01-01")).text


async def test_the_accountant_gets_every_line_and_the_journal_knows(browser: Browser, garage: Driven) -> None:
    answer = await browser.get(f"/garage/money/{garage.site}/ledger.csv?first=2026-03-01&last=2026-03-04")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0].startswith("day,booked,movement,kind")
    assert sum(round(100 * float(line.split(",")[6])) for line in lines[1:]) == 0
    assert PLATE not in answer.text
    assert "ledger for the accountant" in (await browser.get("/journal")).text


async def test_a_receipt_is_found_by_its_plate_with_a_purpose_and_the_search_is_journalled(
    browser: Browser, garage: Driven
) -> None:
    fields = {"what": "k-ab 123", "first": "2026-03-01", "last": "2026-03-04"}
    refused = await browser.send(f"/garage/receipts/{garage.site}", **fields, purpose="", case="")
    assert refused.status_code == 422
    assert "Each started hour" not in refused.text
    found = await browser.send(f"/garage/receipts/{garage.site}", **fields, purpose="driver asks", case="C-7")
    assert "Each started hour" in found.text
    assert "driver asks" in (await browser.get("/journal")).text
    none = await browser.send(
        f"/garage/receipts/{garage.site}", **(fields | {"what": "KZZ 999"}), purpose="driver asks", case="C-7"
    )
    assert "No receipt found" in none.text


async def test_nothing_is_given_back_for_a_payment_that_is_not_there(
    browser: Browser, garage: Driven
) -> None:
    answer = await browser.send(
        f"/garage/receipts/{garage.site}/refund", reference="1-nonsense", amount="1.00", reason="goodwill"
    )
    assert answer.status_code == 422
    assert "go back by the way" not in answer.text
