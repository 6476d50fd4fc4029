"""Stripe Checkout by Stripe's SDK, against a server of the published API (see stripe_server.py)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from postern.devices.payments.stripe_amounts import from_stripe, to_stripe
from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings
from postern.errors import BadInput, CannotVerify, Conflict, NotFound, Refused, Unavailable
from postern.money import Money
from postern.operations.ports import CheckoutLine, CheckoutState, CheckoutWanted, NoticeKind
from tests.contract.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer, signature


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    made = StripeServer()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def stripe_checkout(server: StripeServer) -> AsyncIterator[StripeCheckout]:
    made = StripeCheckout(
        StripeSettings(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=server.address)
    )
    try:
        yield made
    finally:
        await made.close()


def euro(cents: int) -> Money:
    return Money(amount=cents, currency="EUR")


def wanted(*lines: CheckoutLine, reference: str | None = None) -> CheckoutWanted:
    lines = lines or (
        CheckoutLine(label="First hour", amount=euro(200)),
        CheckoutLine(label="Each further hour", amount=euro(450)),
    )
    total = Money(amount=sum(one.amount.amount for one in lines), currency=lines[0].amount.currency)
    return CheckoutWanted(
        reference=reference or f"7-{uuid4().hex}",
        lines=lines,
        total=total,
        success_url="https://pay.example.org/pay/done",
        cancel_url="https://pay.example.org/pay",
        good_until=datetime.now(UTC) + timedelta(minutes=31),
    )


async def test_a_checkout_shows_every_line_and_leads_to_stripes_page(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    asked = wanted()
    made = await stripe_checkout.create_checkout(asked)
    assert (made.state, made.amount, made.reference) == (CheckoutState.OPEN, euro(650), asked.reference)
    assert made.url == f"{server.address}/c/pay/{made.id}"
    (_, _, params) = server.asked[-1]
    names = [line["price_data"]["product_data"]["name"] for line in params["line_items"].values()]
    assert names == ["First hour", "Each further hour"]
    assert params["client_reference_id"] == asked.reference
    assert "metadata" not in params
    assert "customer_email" not in params
    assert server.headers[-1]["stripe-version"]
    assert server.headers[-1]["idempotency-key"]


async def test_lines_that_take_something_off_become_one_total(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(
        wanted(
            CheckoutLine(label="Two hours", amount=euro(400)),
            CheckoutLine(label="The baker pays", amount=euro(-150)),
        )
    )
    assert made.amount == euro(250)
    assert len(server.sessions[made.id]["_lines"]) == 1


async def test_asking_twice_makes_one_checkout(server: StripeServer, stripe_checkout: StripeCheckout) -> None:
    asked = wanted()
    assert await stripe_checkout.create_checkout(asked) == await stripe_checkout.create_checkout(asked)
    assert len(server.sessions) == 1


async def test_an_answer_lost_on_the_way_makes_no_second_checkout(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    server.lose_next = 1
    made = await stripe_checkout.create_checkout(wanted())
    assert list(server.sessions) == [made.id]


async def test_one_reference_for_two_amounts_is_a_conflict(stripe_checkout: StripeCheckout) -> None:
    reference = f"7-{uuid4().hex}"
    await stripe_checkout.create_checkout(wanted(reference=reference))
    with pytest.raises(Conflict):
        await stripe_checkout.create_checkout(
            wanted(CheckoutLine(label="Else", amount=euro(1)), reference=reference)
        )


async def test_a_paid_checkout_is_found_paid_and_refunded_once(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    server.pay(made.id)
    found = await stripe_checkout.find(made.id)
    assert (found.state, found.amount) == (CheckoutState.PAID, euro(650))
    assert found.payment is not None
    first = await stripe_checkout.refund(found.payment, euro(200), reference="a")
    again = await stripe_checkout.refund(found.payment, euro(200), reference="a")
    assert first == again
    assert (first.amount, first.settled) == (euro(200), True)
    assert server.intents[found.payment]["refunded"] == 200
    with pytest.raises(Refused):
        await stripe_checkout.refund(found.payment, euro(451), reference="b")


async def test_an_expired_checkout_is_found_expired(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    server.sessions[made.id].update(status="expired", url=None)
    assert (await stripe_checkout.find(made.id)).state is CheckoutState.EXPIRED


async def test_a_checkout_can_be_ended_and_one_that_was_paid_stays_paid(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    assert (await stripe_checkout.expire(made.id)).state is CheckoutState.EXPIRED
    assert (await stripe_checkout.expire(made.id)).state is CheckoutState.EXPIRED
    paid = await stripe_checkout.create_checkout(wanted())
    server.pay(paid.id)
    assert (await stripe_checkout.expire(paid.id)).state is CheckoutState.PAID


async def test_faults_are_told_in_our_words_and_never_in_theirs(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    with pytest.raises(NotFound):
        await stripe_checkout.find("cs_test_unknown")
    with pytest.raises(NotFound):
        await stripe_checkout.refund("pi_unknown", euro(1), reference="c")
    with pytest.raises(BadInput) as refused:
        await stripe_checkout.create_checkout(wanted(CheckoutLine(label="Nothing", amount=euro(0))))
    assert "unit_amount" not in str(refused.value) or "request" in str(refused.value)
    wrong = StripeCheckout(StripeSettings(secret_key="sk_test_wrong", api_base=server.address))
    with pytest.raises(Unavailable, match="STRIPE_SECRET_KEY"):
        await wrong.find("cs_test_x")
    await wrong.close()
    server.fail_next = 10
    with pytest.raises(Unavailable, match="does not answer"):
        await stripe_checkout.find("cs_test_x")


async def test_a_stripe_that_cannot_be_reached_is_unavailable() -> None:
    nobody = StripeCheckout(StripeSettings(secret_key="sk_test_x", api_base="http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        await nobody.find("cs_test_x")
    await nobody.close()


async def test_a_webhook_is_believed_when_stripe_signed_it_just_now(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    body = server.said("checkout.session.completed", server.pay(made.id))
    notice = stripe_checkout.verify_webhook(body, signature(body))
    assert (notice.kind, notice.reference, notice.checkout) == (NoticeKind.PAID, made.reference, made.id)
    assert notice.amount == euro(650)


async def test_a_forged_changed_unsigned_or_old_webhook_is_refused(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    body = server.said("checkout.session.completed", server.pay(made.id))
    cheaper = body.replace(b'"amount_total": 650', b'"amount_total": 1')
    assert cheaper != body
    for forged, signed in (
        (body, signature(body, secret="whsec_other")),
        (cheaper, signature(body)),
        (body, ""),
        (body, "t=now,v1=00"),
        (body, signature(body, at=int(time.time()) - 301)),
        (b"\xff", signature(b"\xff")),
        (b"[]", signature(b"[]")),
    ):
        with pytest.raises(CannotVerify):
            stripe_checkout.verify_webhook(forged, signed)


async def test_without_the_webhooks_secret_no_webhook_is_believed(server: StripeServer) -> None:
    made = StripeCheckout(StripeSettings(secret_key=SECRET_KEY, api_base=server.address))
    body = b"{}"
    with pytest.raises(CannotVerify, match="POSTERN_STRIPE_WEBHOOK_SECRET"):
        made.verify_webhook(body, signature(body, secret=""))
    await made.close()


async def test_completed_without_the_money_is_no_payment(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    session = {**server.sessions[made.id], "status": "complete", "payment_status": "unpaid"}
    body = server.said("checkout.session.completed", session)
    assert stripe_checkout.verify_webhook(body, signature(body)).kind is NoticeKind.OTHER


async def test_refunds_and_expiries_are_told_and_everything_else_is_let_pass(
    server: StripeServer, stripe_checkout: StripeCheckout
) -> None:
    made = await stripe_checkout.create_checkout(wanted())
    intent = server.pay(made.id)["payment_intent"]
    server.intents[intent]["refunded"] = 300
    body = server.said("charge.refunded", server.charge(intent))
    notice = stripe_checkout.verify_webhook(body, signature(body))
    assert (notice.kind, notice.amount, notice.reference) == (NoticeKind.REFUNDED, euro(300), made.reference)
    body = server.said("checkout.session.expired", server.sessions[made.id])
    assert stripe_checkout.verify_webhook(body, signature(body)).kind is NoticeKind.EXPIRED
    body = json.dumps(json.loads(server.said("price.created", {"id": "price_1", "object": "price"}))).encode()
    assert stripe_checkout.verify_webhook(body, signature(body)).kind is NoticeKind.OTHER


@pytest.mark.parametrize(
    ("currency", "ours", "theirs"),
    [("EUR", 650, 650), ("JPY", 650, 650), ("ISK", 650, 65000), ("KWD", 1250, 1250), ("UGX", 5, 500)],
)
def test_each_currency_is_counted_as_stripe_counts_it(currency: str, ours: int, theirs: int) -> None:
    money = Money(amount=ours, currency=currency)
    assert to_stripe(money) == theirs
    assert from_stripe(theirs, currency.lower()) == money


def test_an_amount_that_stripe_would_round_is_refused() -> None:
    with pytest.raises(BadInput):
        to_stripe(Money(amount=1251, currency="KWD"))
    with pytest.raises(BadInput):
        from_stripe(50, "isk")
