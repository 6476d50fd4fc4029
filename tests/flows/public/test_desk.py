"""A driver pays at the desk: a slip's code on the phone, an attendant who takes the money and says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.errors import BadInput, NotFound, Refused
from postern.ids import SiteId
from postern.money import Money
from postern.operations.parking import checkout
from postern.operations.parking.books import PublicGarage
from postern.operations.parking.checkout import Till
from postern.operations.parking.desk import take_for_slip
from postern.operations.parking.payment_attempts import AttemptState
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from tests.flows.public.books import DrawnBooks, DrawnCar


@pytest.fixture
async def till(tmp_path: Path, clock: SetClock, books: DrawnBooks) -> AsyncIterator[Till]:
    desk = Desk(tmp_path / "desk.sqlite", clock)
    yield Till(provider=desk, books=books, public_url="https://pay.example.org", desk=desk)
    await desk.close()


@pytest.fixture
async def reference(hub: Services, till: Till, garage: PublicGarage, car: DrawnCar) -> str:
    return (await checkout.start(hub, till, garage, car.session)).reference


async def slip_of(counter: Counter, reference: str) -> wire.ReceiptView:
    return await counter.receipt(wire.AskReceipt(reference=reference, client="192.0.2.1"))


async def test_the_phone_shows_a_code_and_the_receipt_once_it_is_paid(
    hub: Services,
    till: Till,
    counter: Counter,
    admin: Actor,
    garage: PublicGarage,
    reference: str,
    books: DrawnBooks,
) -> None:
    shown = await slip_of(counter, reference)
    assert (shown.state, len(shown.slip), shown.amount) == ("asked", 6, Money(750, "EUR"))
    for _ in range(2):
        took = await take_for_slip(hub, till, admin, garage.site, shown.slip.lower(), reason="paid in coins")
        assert took.state is AttemptState.PAID
    assert [one.amount for one in books.paid.values()] == [Money(750, "EUR")]
    paid = await slip_of(counter, reference)
    assert (paid.state, paid.slip, paid.provider) == ("paid", "", "by-hand")


async def test_money_is_taken_by_who_is_charged_with_it_with_a_reason_and_at_this_garage(
    hub: Services,
    till: Till,
    counter: Counter,
    admin: Actor,
    stranger: Actor,
    garage: PublicGarage,
    reference: str,
    books: DrawnBooks,
) -> None:
    code = (await slip_of(counter, reference)).slip
    with pytest.raises(BadInput):
        await take_for_slip(hub, till, admin, garage.site, code, reason=" ")
    with pytest.raises(Refused):
        await take_for_slip(hub, till, replace(admin, role=Role.AUDITOR), garage.site, code, reason="paid")
    with pytest.raises(NotFound):
        await take_for_slip(hub, till, stranger, garage.site, code, reason="paid in coins")
    with pytest.raises(NotFound):
        await take_for_slip(hub, till, admin, SiteId(garage.site + 1), code, reason="paid in coins")
    with pytest.raises(NotFound):
        await take_for_slip(hub, till, admin, garage.site, "NOBODY", reason="paid in coins")
    assert books.paid == {}


async def test_a_slip_that_is_over_takes_no_money(
    hub: Services,
    till: Till,
    counter: Counter,
    admin: Actor,
    garage: PublicGarage,
    reference: str,
    clock: SetClock,
) -> None:
    code = (await slip_of(counter, reference)).slip
    clock.advance(timedelta(minutes=32))
    with pytest.raises(Refused):
        await take_for_slip(hub, till, admin, garage.site, code, reason="paid in coins")
    assert (await slip_of(counter, reference)).state == "expired"


async def test_money_is_given_back_at_the_desk(
    hub: Services,
    till: Till,
    counter: Counter,
    admin: Actor,
    garage: PublicGarage,
    reference: str,
    books: DrawnBooks,
) -> None:
    code = (await slip_of(counter, reference)).slip
    await take_for_slip(hub, till, admin, garage.site, code, reason="paid in coins")
    given = await checkout.refund(
        hub, till, admin, reference=reference, amount=Money(250, "EUR"), reason="one hour too many"
    )
    assert given == Money(250, "EUR")
    assert [one.amount for one in books.refunded.values()] == [given]
