"""Attendants and drivers, from a case at a barrier to the books."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from postern.access.reasons import Reason
from postern.clock import utc_day
from postern.errors import BadInput, Conflict, NotFound, Refused
from postern.journal import store as journal
from postern.journal.model import Act, Entry
from postern.money import Money
from postern.operations.parking import cases as parking_cases
from postern.operations.parking.books import PaidNotice, PublicGarage
from postern.operations.parking.clear_to_leave import clear_to_leave
from postern.operations.parking.public_garage import garage_of
from postern.operations.parking.resolve_case import Wanted, resolve_case
from postern.operations.public.counter_books import CounterBooks
from postern.operators.model import Actor, Role
from postern.parking.cases import CaseKind, CaseState, Resolution
from postern.parking.clearance import Cleared, Owed, Uncertain
from postern.records.model import Deed, Outcome, PaymentRecord
from tests.flows.operations.drawn import NOON
from tests.flows.parking.driven import Driven

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WHY = "seen on the picture"


async def entries(garage: Driven) -> list[Entry]:
    async with garage.services.database.transaction(garage.tenant) as tx:
        found = await journal.read(tx, garage.services.keyring, garage.tenant, before=None, limit=50)
    return [one.entry for one in found]


async def public(garage: Driven) -> PublicGarage:
    return await garage_of(garage.services, garage.tenant, garage.site)


async def asked(garage: Driven, plate: str, score: float = 0.95):  # type: ignore[no-untyped-def]  # a test's own
    return await clear_to_leave(
        garage.services, garage.tenant, garage.site, lane=garage.way_out, plate=plate, score=score
    )


async def waiting(garage: Driven, plate: str, *, score: float = 0.95) -> None:
    """A car stands at the exit and waits for an attendant."""
    await garage.decided(
        garage.way_out, plate, garage.clock.now(), reason=Reason.AWAITING_ANSWER, score=score
    )
    await garage.send()


async def test_the_exit_says_what_is_owed_and_opens_once_it_is_paid(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    garage.clock.advance(90 * MINUTE)
    assert (await asked(garage, "KAB123")).clearance == Owed(amount=Money(400, "EUR"))
    books, here = CounterBooks(services=garage.services), await public(garage)
    (likely,) = await books.likely(here, "KAB123")
    owed = await books.owed(here, likely.session, garage.clock.now())
    assert [line.label for line in owed.lines] == ["Each started hour"]
    for _ in range(10):
        await books.note_paid(
            here,
            PaidNotice(
                session=likely.session,
                provider="stripe",
                reference="cs_1",
                amount=owed.owed,
                at=garage.clock.now(),
                quoted_at=garage.clock.now(),
            ),
        )
    assert isinstance((await asked(garage, "KAB123")).clearance, Cleared)
    garage.clock.advance(14 * MINUTE)
    assert isinstance((await asked(garage, "KAB123")).clearance, Cleared)
    garage.clock.advance(30 * MINUTE)
    assert (await asked(garage, "KAB123")).clearance == Owed(amount=Money(200, "EUR"))


async def test_a_corrected_plate_lets_the_waiting_car_leave_and_is_in_the_journal(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    session = await garage.session_of("KAB123")
    garage.clock.advance(MINUTE)
    await garage.pays(session.id, 200, "p1")
    await waiting(garage, "W", score=0.2)
    assert isinstance((await asked(garage, "W", 0.2)).clearance, Uncertain)
    (row,) = await parking_cases.cases_open(garage.services, garage.admin)
    assert (row.kind, row.waits, row.lane) == (CaseKind.WAITING, True, "Out")
    wanted = Wanted(resolution=Resolution.CORRECT_PLATE, reason=WHY, plate="k-ab 123")
    decided = await resolve_case(garage.services, garage.admin, garage.site, row.id, wanted)
    assert decided.case is not None
    assert decided.case.state is CaseState.RESOLVED
    assert isinstance((await asked(garage, "W", 0.2)).clearance, Cleared)
    (entry,) = [one for one in await entries(garage) if one.purpose == WHY]
    assert (entry.actor, entry.act) == ("admin", Act.CHANGED)
    await garage.drives(garage.way_out, "W", garage.clock.now(), score=0.2)
    await garage.send()
    await garage.settle()
    assert await garage.balances() == {"provider-clearing": 200, "revenue": -168, "vat": -32}


async def test_a_waiver_opens_the_barrier_by_a_command_and_nothing_is_owed(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    garage.clock.advance(HOUR)
    await garage.decided(garage.way_out, "KAB123", garage.clock.now(), reason=Reason.NOT_PAID)
    await garage.send()
    books, here = CounterBooks(services=garage.services), await public(garage)
    session = await garage.session_of("KAB123")
    await books.call_for_help(here, session.id, "the phone is empty")
    (row,) = await parking_cases.cases_open(garage.services, garage.admin)
    assert row.kind is CaseKind.HELP
    await waiting(garage, "KAB123")
    (row,) = [
        one
        for one in await parking_cases.cases_open(garage.services, garage.admin)
        if one.waits and one.lane == "Out"
    ]
    task = asyncio.create_task(
        resolve_case(
            garage.services,
            garage.admin,
            garage.site,
            row.id,
            Wanted(resolution=Resolution.WAIVE, reason=WHY, session=session.id),
        )
    )
    sent: list[tuple[object, ...]] = []
    while not sent and not task.done():
        async with garage.services.database.transaction(garage.tenant) as tx:
            rows = await tx.execute("SELECT id FROM command WHERE site_id = %s", [garage.site])
            sent = list(await rows.fetchall())
        await asyncio.sleep(0.01)
    assert sent
    async with garage.services.database.transaction(garage.tenant) as tx:
        await tx.execute("UPDATE command SET outcome = 'done|opened' WHERE site_id = %s", [garage.site])
    decided = await task
    assert decided.barrier is not None
    assert decided.barrier.done
    assert isinstance((await asked(garage, "KAB123")).clearance, Cleared)
    await garage.let_through(garage.way_out, garage.clock.now() + MINUTE)
    garage.clock.advance(2 * MINUTE)
    await garage.send()
    await garage.settle()
    assert await garage.balances() == {"waived": 168, "revenue": -168}


async def test_money_for_a_session_that_there_is_not_is_booked_and_becomes_a_case(garage: Driven) -> None:
    session = (await public(garage)).site
    assert await garage.pays(None, 500, "lost")
    (row,) = await parking_cases.cases_open(garage.services, garage.admin)
    assert (row.kind, row.owed, row.site) == (CaseKind.UNKNOWN_SESSION, Money(500, "EUR"), session)
    assert await garage.balances() == {"provider-clearing": 500, "receivable": -500}


async def test_a_case_is_answered_once_and_never_without_a_reason_or_a_duty(garage: Driven) -> None:
    await waiting(garage, "", score=0.0)
    (row,) = await parking_cases.cases_open(garage.services, garage.admin)
    hub, site = garage.services, garage.site
    for wanted in (
        Wanted(resolution=Resolution.DISMISS, reason=" "),
        Wanted(resolution=Resolution.CORRECT_PLATE, reason=WHY),
        Wanted(resolution=Resolution.PAIR, reason=WHY),
        Wanted(resolution=Resolution.SEND_PAY_LINK, reason=WHY),
    ):
        with pytest.raises(BadInput):
            await resolve_case(hub, garage.admin, site, row.id, wanted)
    auditor = Actor(tenant=garage.tenant, name="eve", role=Role.AUDITOR)
    good = Wanted(resolution=Resolution.DISMISS, reason=WHY)
    with pytest.raises(Refused):
        await resolve_case(hub, auditor, site, row.id, good)
    with pytest.raises(NotFound):
        await resolve_case(hub, garage.admin, site, garage.way_in, good)
    await resolve_case(hub, garage.admin, site, row.id, good)
    with pytest.raises(Conflict):
        await resolve_case(hub, garage.admin, site, row.id, good)


async def test_a_case_page_shows_both_plates_and_the_price_and_is_journalled(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB8123", NOON)
    await garage.drives(garage.way_in, "KABB123", NOON + MINUTE)
    garage.clock.advance(HOUR)
    await garage.drives(garage.way_out, "KAB8123", garage.clock.now())
    await garage.send()
    (row,) = await parking_cases.cases_open(garage.services, garage.admin)
    page = await parking_cases.case_page(garage.services, garage.admin, garage.site, row.id)
    assert page.case.who.plate == "KAB8123"
    assert {one.session.who.plate for one in page.sessions} == {"KAB8123", "KABB123"}
    assert {one.owed for one in page.sessions} == {Money(200, "EUR")}
    assert "case" in {one.purpose for one in await entries(garage)}
    with pytest.raises(NotFound):
        await parking_cases.case_picture(garage.services, garage.admin, garage.site, row.id)


async def test_who_turns_back_has_no_session(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON, outcome=Outcome.NOT_TAKEN)
    garage.clock.advance(MINUTE)
    await garage.send()
    found = await garage.settle()
    assert not found.sessions
    assert [(one.kind, one.state) for one in found.cases.values()] == [
        (CaseKind.REVERSED_OUT, CaseState.NOTED)
    ]
    assert utc_day(NOON) == found.turned


async def test_no_agent_records_a_payment(garage: Driven) -> None:
    await garage.drives(garage.way_in, "KAB123", NOON)
    await garage.send()
    session = await garage.session_of("KAB123")
    forged = PaymentRecord(
        at=NOON,
        deed=Deed.PAID,
        session=session.id,
        amount=200,
        currency="EUR",
        provider="stripe",
        reference="forged",
    )
    await garage.record(garage.way_in, forged)
    await garage.send()
    assert not (await garage.session_of("KAB123")).paid
    assert await garage.balances() == {}
