"""Stripe Checkout through Stripe's own SDK: a page at Stripe takes the card, we never see it.

What Stripe learns of us: amounts, the tariff's words for them, and a random reference. No plate, no name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import stripe

from postern.devices.payments.stripe_amounts import from_stripe, to_stripe
from postern.errors import BadInput, CannotVerify, Conflict, NotFound, PosternError, Refused, Unavailable
from postern.money import Money
from postern.operations.ports import (
    Checkout,
    CheckoutLine,
    CheckoutState,
    CheckoutWanted,
    Notice,
    NoticeKind,
    Refunded,
)

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

_SECONDS = 10.0
_RETRIES = 2
"""The SDK repeats what a network failed, under the same idempotency key, so that nothing is done twice."""
_REFERENCE = "reference"
_KINDS = {
    "checkout.session.completed": NoticeKind.PAID,
    "checkout.session.async_payment_succeeded": NoticeKind.PAID,
    "checkout.session.expired": NoticeKind.EXPIRED,
    "charge.refunded": NoticeKind.REFUNDED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeSettings:
    """Keys from Stripe's dashboard. `api_base`: another address than Stripe's, for tests."""

    secret_key: str = field(repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    api_base: str | None = None


class StripeCheckout:
    """A PaymentProvider. Use it within one event loop, and close it."""

    name = "stripe"

    def __init__(self, settings: StripeSettings) -> None:
        stripe.enable_telemetry = False  # how long our requests took is nobody's business but ours
        self._webhook_secret = settings.webhook_secret
        self._transport = stripe.HTTPXClient(timeout=_SECONDS)
        self._client = stripe.StripeClient(
            settings.secret_key,
            http_client=self._transport,
            max_network_retries=_RETRIES,
            base_addresses={"api": settings.api_base} if settings.api_base else None,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close_async()  # type: ignore[no-untyped-call]  # the SDK forgot its types here

    async def create_checkout(self, wanted: CheckoutWanted) -> Checkout:
        """See PaymentProvider."""
        with _translated():
            made = await self._client.v1.checkout.sessions.create_async(
                _parameters(wanted), {"idempotency_key": f"checkout-{wanted.reference}"}
            )
            return _checkout(made)

    async def find(self, id: str) -> Checkout:
        """See PaymentProvider."""
        with _translated():
            return _checkout(await self._client.v1.checkout.sessions.retrieve_async(id))

    async def expire(self, id: str) -> Checkout:
        """See PaymentProvider."""
        found = await self.find(id)
        if found.state is not CheckoutState.OPEN:
            return found
        try:
            with _translated():
                return _checkout(await self._client.v1.checkout.sessions.expire_async(id))
        except BadInput:  # it ended in between
            return await self.find(id)

    async def refund(self, payment: str, amount: Money, *, reference: str) -> Refunded:
        """See PaymentProvider."""
        with _translated():
            made = await self._client.v1.refunds.create_async(
                {"payment_intent": payment, "amount": to_stripe(amount)},
                {"idempotency_key": f"refund-{reference}"},
            )
        if made.status in ("failed", "canceled"):
            raise Refused("Stripe refused the refund; look at this payment in Stripe's dashboard")
        settled = made.status == "succeeded"
        return Refunded(id=made.id, amount=from_stripe(made.amount, made.currency), settled=settled)

    def verify_webhook(self, body: bytes, signature: str) -> Notice:
        """See PaymentProvider. Signed by Stripe within the last five minutes, or refused."""
        if self._webhook_secret is None:
            raise CannotVerify("there is no secret for Stripe's webhooks; set POSTERN_STRIPE_WEBHOOK_SECRET")
        try:
            said = stripe.Webhook.construct_event(body, signature, self._webhook_secret, api_key="")
            return _notice(said.id, said.type, said.data.object)
        except (stripe.SignatureVerificationError, ValueError, KeyError, AttributeError, TypeError) as fault:
            raise CannotVerify("this was not signed by Stripe for this garage, or not just now") from fault


def _parameters(wanted: CheckoutWanted) -> SessionCreateParams:
    return {
        "mode": "payment",
        "client_reference_id": wanted.reference,
        "line_items": [_line(one) for one in _payable(wanted)],
        # A charge knows its own metadata only: this leads a refund made in Stripe's dashboard back to us.
        "payment_intent_data": {"metadata": {_REFERENCE: wanted.reference}},
        "success_url": wanted.success_url,
        "cancel_url": wanted.cancel_url,
        "expires_at": int(wanted.good_until.timestamp()),
        "locale": "zh" if wanted.language == "zh" else "en",
    }


def _payable(wanted: CheckoutWanted) -> tuple[CheckoutLine, ...]:
    """The quote's lines; one of the total where lines take something off, which Stripe has no lines for."""
    lines = wanted.lines
    plain = (
        all(one.amount.amount > 0 for one in lines)
        and sum(one.amount.amount for one in lines) == wanted.total.amount
    )
    if plain and lines:
        return lines
    return (CheckoutLine(label=" · ".join(one.label for one in lines)[:200] or "—", amount=wanted.total),)


def _line(line: CheckoutLine) -> SessionCreateParamsLineItem:
    return {
        "quantity": 1,
        "price_data": {
            "currency": line.amount.currency.lower(),
            "unit_amount": to_stripe(line.amount),
            "product_data": {"name": line.label[:200]},
        },
    }


def _checkout(found: stripe.checkout.Session) -> Checkout:
    paid = found.payment_status == "paid"
    state = CheckoutState.PAID if paid else CheckoutState.OPEN
    if not paid and found.status == "expired":
        state = CheckoutState.EXPIRED
    return Checkout(
        id=found.id,
        reference=found.client_reference_id or "",
        state=state,
        amount=from_stripe(found.amount_total or 0, found.currency or ""),
        url=found.url,
        payment=_id_of(found.payment_intent),
    )


def _notice(id: str, type_: str, about: Any) -> Notice:
    kind = _KINDS.get(type_, NoticeKind.OTHER)
    if kind is NoticeKind.REFUNDED:
        return Notice(
            id=id,
            kind=kind,
            reference=str(about.metadata.to_dict().get(_REFERENCE, "")) if about.metadata else "",
            amount=from_stripe(about.amount_refunded, about.currency),
            payment=_id_of(about.payment_intent),
        )
    if kind is NoticeKind.OTHER:
        return Notice(id=id, kind=kind, reference="")
    if kind is NoticeKind.PAID and about.payment_status != "paid":
        kind = NoticeKind.OTHER  # "completed" with a slow way of paying: the money is still to come
    return Notice(
        id=id,
        kind=kind,
        reference=about.client_reference_id or "",
        amount=from_stripe(about.amount_total, about.currency),
        checkout=about.id,
        payment=_id_of(about.payment_intent),
    )


def _id_of(thing: Any) -> str | None:
    """The id of what may be given as an id or, expanded, as a whole."""
    return thing if thing is None or isinstance(thing, str) else str(thing.id)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The SDK's faults as ours. Its words may repeat what was sent, so they are not passed on."""
    try:
        yield
    except stripe.StripeError as fault:
        raise _ours(fault) from fault


def _ours(fault: stripe.StripeError) -> PosternError:
    where = f"(Stripe's request {fault.request_id})" if fault.request_id else "(before it reached Stripe)"
    if isinstance(fault, stripe.AuthenticationError | stripe.PermissionError):
        return Unavailable(f"Stripe does not take our key; check POSTERN_STRIPE_SECRET_KEY {where}")
    if isinstance(fault, stripe.IdempotencyError):
        return Conflict(f"this was asked of Stripe before, for something else {where}")
    if isinstance(fault, stripe.InvalidRequestError):
        if fault.http_status == 404 or fault.code == "resource_missing":
            return NotFound(f"Stripe does not know this payment {where}")
        if fault.code == "charge_already_refunded" or fault.param == "amount":
            return Refused(f"Stripe gives back no more than was paid {where}")
        return BadInput(f"Stripe cannot take this payment: {fault.code or fault.param or 'invalid'} {where}")
    return Unavailable(f"Stripe does not answer now; try again in a minute {where}")
