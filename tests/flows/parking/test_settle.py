"""The books of a garage, from agents' records to the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from postern.operations.services import Services
from postern.parking.cases import CaseKind, CaseState
from postern.parking.session import SessionState
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven, balanced

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def paid_stay(garage: Driven, plate: str) -> None:
    await garage.drives(garage.way_in, plate, NOON)
    await garage.send()
    session = await garage.session_of(plate)
    garage.clock.advance(HOUR)
    await garage.pays(session.id, 200, f"pay-{plate}")
    await garage.drives(garage.way_out, plate, garage.clock.now() + 5 * MINUTE)
    garage.clock.advance(6 * MINUTE)
    await garage.send()
    await garage.settle()


async def test_a_stay_is_paid_and_the_books_balance(garage: Driven) -> None:
    await paid_stay(garage, "KAB123")
    sessions, cases = await garage.stored()
    assert [one.state for one in sessions] == [SessionState.LEFT]
    assert not cases
    assert await garage.balances() == {"provider-clearing": 200, "revenue": -168, "vat": -32}
    assert balanced(await garage.lines())


async def test_a_payment_is_noted_once_however_often_it_is_told(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    session = await garage.session_of("KAB123")
    garage.clock.advance(MINUTE)
    told = [await garage.pays(session.id, 200, "same") for _ in range(10)]
    assert told == [True] + [False] * 9
    assert (await garage.session_of("KAB123")).paid.amount == 200


async def test_a_hub_that_starts_anew_has_the_same_books(garage: Driven) -> None:
    await paid_stay(garage, "KAB123")
    await garage.drives(garage.way_in, "KXY99", garage.clock.now())
    await garage.send()
    before, lines = await garage.settle(), await garage.lines()
    fresh = replace(garage.services)
    garage.services = fresh
    after = await garage.settle()
    assert after is not before
    assert after.sessions == before.sessions
    assert after.cases == before.cases
    assert await garage.lines() == lines


async def test_an_entry_that_arrives_after_its_exit_explains_it(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.drives(garage.way_out, "KAB123", NOON + HOUR)
    garage.clock.advance(2 * HOUR)
    await garage.send(garage.way_out)
    found = await garage.settle()
    assert [one.kind for one in found.cases.values()] == [CaseKind.MISSING_ENTRY]
    assert await garage.balances() == {}
    await garage.send(garage.way_in)
    found = await garage.settle()
    (case,) = found.cases.values()
    assert case.kind is CaseKind.UNPAID_EXIT
    assert case.state is CaseState.OPEN
    assert await garage.balances() == {"receivable": 200, "revenue": -168, "vat": -32}
    sessions, cases = await garage.stored()
    assert len(sessions) == len(cases) == 1


async def test_another_process_sees_what_this_one_wrote(garage: Driven, hub: Services) -> None:
    other = replace(hub)
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    await garage.settle()
    mine, garage.services = garage.services, other
    await garage.drives(garage.way_in, "KXY99", NOON + MINUTE)
    garage.clock.advance(2 * MINUTE)
    await garage.send()
    await garage.settle()
    garage.services = mine
    assert len((await garage.settle()).sessions) == 2
