"""The counter on the garage's real books: what a driver pays is in the ledger, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from postern.clock import SetClock
from postern.errors import Conflict, NotFound
from postern.ids import new_id
from postern.money import Money
from postern.operations.parking import checkout, garage_setup
from postern.operations.parking.books import PublicGarage
from postern.operations.parking.checkout import Till
from postern.operations.parking.payment_attempts import AttemptState
from postern.operations.parking.public_garage import garage_of
from postern.operations.public.counter_books import CounterBooks
from postern.operations.services import Services
from postern.parking.cases import CaseKind
from postern.parking.validations import ValidationKind
from tests.contract.stripe_server import StripeServer, signature
from tests.flows.conftest import admin, hub
from tests.flows.parking.conftest import garage as driven_garage
from tests.flows.parking.driven import Driven, balanced
from tests.flows.public.conftest import stripe_server, till_of

__all__ = ["admin", "driven_garage", "hub", "stripe_server"]

PLATE = "BXY123"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime.now(UTC))


@pytest.fixture
def books(hub: Services) -> CounterBooks:
    return CounterBooks(services=hub)


@pytest.fixture
async def till(stripe_server: StripeServer, books: CounterBooks) -> AsyncIterator[Till]:
    async with till_of(stripe_server, books) as made:
        yield made


@pytest.fixture
async def garage(hub: Services, driven_garage: Driven) -> PublicGarage:
    return await garage_of(hub, driven_garage.tenant, driven_garage.site)


@pytest.fixture
async def inside(driven_garage: Driven, clock: SetClock) -> Driven:
    """A car drove in two and a half hours ago: 6.00 EUR."""
    await driven_garage.drives(driven_garage.way_in, PLATE, clock.now() - timedelta(minutes=150))
    await driven_garage.send()
    return driven_garage


async def test_a_typed_plate_finds_its_car_and_a_plate_of_nobody_finds_none(
    inside: Driven, books: CounterBooks, garage: PublicGarage, clock: SetClock
) -> None:
    (found,) = await books.likely(garage, PLATE)
    assert clock.now() - found.entered == timedelta(minutes=150)
    assert await books.likely(garage, "MKL9876") == []
    assert await books.inside_with_pictures(garage, 10) == []


async def test_the_price_has_the_operators_words_its_tax_and_when_it_rises(
    inside: Driven, books: CounterBooks, garage: PublicGarage, clock: SetClock
) -> None:
    (found,) = await books.likely(garage, PLATE)
    owed = await books.owed(garage, found.session, clock.now())
    assert [(one.label, one.quantity, one.amount) for one in owed.lines] == [
        ("Each started hour", 3, Money(600, "EUR"))
    ]
    assert (owed.owed, owed.total, owed.paid) == (Money(600, "EUR"), Money(600, "EUR"), Money(0, "EUR"))
    assert (owed.vat, owed.vat_percent) == (Money(96, "EUR"), Decimal(19))
    assert owed.leave_by == clock.now() + timedelta(minutes=30)
    with pytest.raises(NotFound):
        await books.owed(garage, new_id(), clock.now())


async def test_what_is_paid_is_in_the_ledger_once_and_the_driver_may_leave(
    inside: Driven,
    hub: Services,
    till: Till,
    books: CounterBooks,
    garage: PublicGarage,
    stripe_server: StripeServer,
    clock: SetClock,
) -> None:
    (found,) = await books.likely(garage, PLATE)
    await checkout.start(hub, till, garage, found.session)
    (id,) = stripe_server.sessions
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(id))
    told = [checkout.take_webhook(hub, till, body, signature(body)) for _ in range(10)]
    await asyncio.gather(*told)
    await checkout.ask_about_open(hub, till)
    session = await inside.session_of(PLATE)
    assert (session.paid, session.owed) == (Money(600, "EUR"), Money(0, "EUR"))
    assert balanced(await inside.lines())
    owed = await books.owed(garage, found.session, clock.now())
    assert owed.owed == Money(0, "EUR")
    assert owed.leave_by == clock.now() + timedelta(minutes=15)
    garage_now = await inside.settle()
    assert garage_now.cases == {}


async def test_another_amount_than_asked_for_is_in_the_books_and_a_case(
    inside: Driven,
    hub: Services,
    till: Till,
    books: CounterBooks,
    garage: PublicGarage,
    stripe_server: StripeServer,
) -> None:
    (found,) = await books.likely(garage, PLATE)
    started = await checkout.start(hub, till, garage, found.session)
    (id,) = stripe_server.sessions
    session = {**stripe_server.pay(id), "amount_total": 599}
    body = stripe_server.said("checkout.session.completed", session)
    for _ in range(3):
        await checkout.take_webhook(hub, till, body, signature(body))
    assert (await checkout.find(hub, started.reference)).state is AttemptState.WRONG
    (case,) = (await inside.settle()).cases.values()
    assert case.kind is CaseKind.WRONG_AMOUNT
    assert balanced(await inside.lines())


async def test_a_refund_is_in_the_ledger(
    inside: Driven,
    hub: Services,
    till: Till,
    books: CounterBooks,
    garage: PublicGarage,
    stripe_server: StripeServer,
) -> None:
    (found,) = await books.likely(garage, PLATE)
    started = await checkout.start(hub, till, garage, found.session)
    stripe_server.pay(next(iter(stripe_server.sessions)))
    await checkout.ask_about_open(hub, till)
    await checkout.refund(
        hub,
        till,
        inside.admin,
        reference=started.reference,
        amount=Money(200, "EUR"),
        reason="the barrier stayed shut",
    )
    held = (await inside.balances())["provider-clearing"]
    assert held == 400
    assert balanced(await inside.lines())


async def test_a_merchants_code_takes_something_off_once(
    inside: Driven, hub: Services, books: CounterBooks, garage: PublicGarage, clock: SetClock
) -> None:
    merchant = await garage_setup.add_merchant(
        hub, inside.admin, garage.site, name="Bakery", kind=ValidationKind.MINUTES, value=60
    )
    code = merchant.validations[0].code
    (found,) = await books.likely(garage, PLATE)
    with pytest.raises(NotFound):
        await books.validate(garage, found.session, "else")
    assert await books.validate(garage, found.session, code) == "Bakery"
    with pytest.raises(Conflict):
        await books.validate(garage, found.session, code)
    owed = await books.owed(garage, found.session, clock.now())
    assert owed.owed == Money(400, "EUR")
    assert owed.lines[-1].amount == Money(-200, "EUR")


async def test_a_call_for_help_is_a_case_of_the_session(
    inside: Driven, books: CounterBooks, garage: PublicGarage
) -> None:
    (found,) = await books.likely(garage, PLATE)
    id = await books.call_for_help(garage, found.session, "it stays shut")
    case = (await inside.settle()).cases[id]
    assert (case.kind, case.session) == (CaseKind.HELP, found.session)
