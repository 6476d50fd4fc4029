"""What every payment provider does alike: Stripe Checkout (a server of its published API) and a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings
from postern.errors import BadInput, CannotVerify, Conflict, NotFound, PosternError, Refused
from postern.money import Money
from postern.operations.ports import CheckoutLine, CheckoutState, CheckoutWanted, PaymentProvider
from tests.contract.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer


@dataclass(frozen=True, kw_only=True)
class Provided:
    """A provider, and the driver's hand that pays there."""

    provider: PaymentProvider
    pay: Callable[[str], Awaitable[object]]


@pytest.fixture(params=["stripe", "desk"])
async def provided(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provided]:
    if request.param == "desk":
        desk = Desk(tmp_path / "desk.sqlite", SetClock(datetime.now(UTC)))
        yield Provided(provider=desk, pay=desk.take_money)
        await desk.close()
        return
    server = StripeServer()
    await server.start()
    stripe = StripeCheckout(
        StripeSettings(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=server.address)
    )

    async def pay(id: str) -> None:
        server.pay(id)

    yield Provided(provider=stripe, pay=pay)
    await stripe.close()
    await server.stop()


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def wanted(cents: int = 650, reference: str | None = None) -> CheckoutWanted:
    return CheckoutWanted(
        reference=reference or f"7-{uuid4().hex}",
        lines=(CheckoutLine(label="Each started hour", amount=euro(cents)),),
        total=euro(cents),
        success_url="https://pay.example.org/pay/r/x",
        cancel_url="https://pay.example.org/pay/c/x",
        good_until=datetime.now(UTC) + timedelta(minutes=31),
    )


async def test_nothing_to_pay_is_refused(provided: Provided) -> None:
    with pytest.raises(BadInput):
        await provided.provider.create_checkout(wanted(0))


async def test_a_checkout_is_open_until_it_is_paid(provided: Provided) -> None:
    asked = wanted()
    made = await provided.provider.create_checkout(asked)
    assert (made.state, made.amount, made.reference) == (CheckoutState.OPEN, euro(650), asked.reference)
    assert made.url is not None
    assert made.payment is None
    assert await provided.provider.find(made.id) == made
    await provided.pay(made.id)
    paid = await provided.provider.find(made.id)
    assert (paid.state, paid.amount, paid.reference) == (CheckoutState.PAID, euro(650), asked.reference)
    assert paid.payment is not None


async def test_one_reference_is_one_checkout(provided: Provided) -> None:
    asked = wanted()
    first = await provided.provider.create_checkout(asked)
    assert await provided.provider.create_checkout(asked) == first
    with pytest.raises(Conflict):
        await provided.provider.create_checkout(wanted(651, reference=asked.reference))


async def test_an_ended_checkout_takes_no_money_and_a_paid_one_cannot_be_ended(provided: Provided) -> None:
    ended = await provided.provider.create_checkout(wanted())
    assert (await provided.provider.expire(ended.id)).state is CheckoutState.EXPIRED
    paid = await provided.provider.create_checkout(wanted())
    await provided.pay(paid.id)
    assert (await provided.provider.expire(paid.id)).state is CheckoutState.PAID


async def test_what_is_not_known_is_not_found(provided: Provided) -> None:
    with pytest.raises(NotFound):
        await provided.provider.find("unknown")
    with pytest.raises(NotFound):
        await provided.provider.refund("unknown", euro(1), reference="a")


async def test_money_goes_back_once_for_each_reference_and_never_more_than_came(provided: Provided) -> None:
    made = await provided.provider.create_checkout(wanted(650))
    await provided.pay(made.id)
    payment = (await provided.provider.find(made.id)).payment
    assert payment is not None
    first = await provided.provider.refund(payment, euro(600), reference="a")
    assert first == await provided.provider.refund(payment, euro(600), reference="a")
    assert first.amount == euro(600)
    with pytest.raises(Refused):
        await provided.provider.refund(payment, euro(51), reference="b")
    assert (await provided.provider.refund(payment, euro(50), reference="c")).settled


async def test_nobody_else_speaks_for_a_provider(provided: Provided) -> None:
    with pytest.raises(CannotVerify):
        provided.provider.verify_webhook(b'{"type": "checkout.session.completed"}', "")


async def test_a_slip_is_over_after_its_time_and_outlives_a_restart(tmp_path: Path) -> None:
    clock = SetClock(datetime.now(UTC))
    desk = Desk(tmp_path / "desk.sqlite", clock)
    over, paid = await desk.create_checkout(wanted()), await desk.create_checkout(wanted())
    await desk.take_money(paid.id.lower())
    await desk.close()
    clock.advance(timedelta(minutes=32))
    again = Desk(tmp_path / "desk.sqlite", clock)
    assert (await again.find(over.id)).state is CheckoutState.EXPIRED
    with pytest.raises(Refused):
        await again.take_money(over.id)
    assert (await again.find(paid.id)).state is CheckoutState.PAID
    assert (await again.refund(paid.id, euro(650), reference="a")).amount == euro(650)
    await again.close()


async def test_two_slips_never_have_one_code(tmp_path: Path) -> None:
    drawn = iter(["AAAAAA", "AAAAAA", "BBBBBB"])
    desk = Desk(tmp_path / "desk.sqlite", SetClock(datetime.now(UTC)), draw=lambda: next(drawn))
    assert [(await desk.create_checkout(wanted())).id for _ in range(2)] == ["AAAAAA", "BBBBBB"]
    with pytest.raises(PosternError):
        await desk.refund("AAAAAA", euro(1), reference="a")
    await desk.close()
