"""Taking a driver's money, whatever order the provider tells it in, and however often."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from postern.clock import SetClock
from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings
from postern.errors import BadInput, CannotVerify, Conflict, NotFound, Refused, Unavailable
from postern.money import Money
from postern.operations.parking import checkout, payment_attempts
from postern.operations.parking.books import PaidNotice, PublicGarage
from postern.operations.parking.checkout import Started, Till
from postern.operations.parking.payment_attempts import Attempt, AttemptState
from postern.operations.parking.provider_away import is_away
from postern.operations.ports import Checkout, Notice
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from tests.contract.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer, signature
from tests.contract.stripe_server import signature as signed
from tests.flows.public.books import DrawnBooks, DrawnCar


@pytest.fixture
async def started(hub: Services, till: Till, garage: PublicGarage, car: DrawnCar) -> Started:
    return await checkout.start(hub, till, garage, car.session)


def only(server: StripeServer) -> str:
    assert len(server.sessions) == 1
    return next(iter(server.sessions))


async def test_nothing_is_asked_of_who_owes_nothing(
    hub: Services, till: Till, garage: PublicGarage, car: DrawnCar, stripe_server: StripeServer
) -> None:
    with pytest.raises(NotFound):
        await checkout.start(hub, till, garage, uuid4())
    started = await checkout.start(hub, till, garage, car.session)
    stripe_server.pay(only(stripe_server))
    await checkout.ask_about_open(hub, till)
    assert (await checkout.start(hub, till, garage, car.session)).url is None
    assert started.url is not None


async def test_the_books_say_what_is_asked_for(
    hub: Services, started: Started, stripe_server: StripeServer
) -> None:
    session = stripe_server.sessions[only(stripe_server)]
    assert (session["amount_total"], session["currency"]) == (750, "eur")
    assert session["client_reference_id"] == started.reference
    assert session["success_url"] == f"https://pay.example.org/pay/r/{started.reference}"
    attempt = await checkout.find(hub, started.reference)
    assert (attempt.state, attempt.amount) == (AttemptState.ASKED, Money(750, "EUR"))


async def test_asking_again_leads_to_the_same_checkout_and_a_dearer_price_ends_it(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    car: DrawnCar,
    started: Started,
    stripe_server: StripeServer,
    clock: SetClock,
) -> None:
    assert await checkout.start(hub, till, garage, car.session) == started
    car.entered -= timedelta(hours=1)
    dearer = await checkout.start(hub, till, garage, car.session)
    assert dearer.reference != started.reference
    assert [one["status"] for one in stripe_server.sessions.values()] == ["expired", "open"]
    assert (await checkout.find(hub, started.reference)).state is AttemptState.EXPIRED


async def test_what_was_paid_a_moment_ago_is_not_asked_for_again(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    car: DrawnCar,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    stripe_server.pay(only(stripe_server))
    car.entered -= timedelta(hours=1)
    with pytest.raises(Conflict):
        await checkout.start(hub, till, garage, car.session)
    assert len(books.paid) == 1
    rest = await checkout.start(hub, till, garage, car.session)
    assert (await checkout.find(hub, rest.reference)).amount == Money(250, "EUR")


async def test_a_signed_webhook_is_noted_and_ten_of_them_once(
    hub: Services, till: Till, started: Started, stripe_server: StripeServer, books: DrawnBooks, car: DrawnCar
) -> None:
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(only(stripe_server)))
    took = await asyncio.gather(*(checkout.take_webhook(hub, till, body, signature(body)) for _ in range(10)))
    assert took == [True] * 10
    assert [(one.session, one.amount) for one in books.paid.values()] == [(car.session, Money(750, "EUR"))]
    assert (await checkout.find(hub, started.reference)).state is AttemptState.PAID


async def test_a_forged_webhook_notes_nothing(
    hub: Services, till: Till, started: Started, stripe_server: StripeServer, books: DrawnBooks
) -> None:
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(only(stripe_server)))
    with pytest.raises(CannotVerify):
        await checkout.take_webhook(hub, till, body, signature(body, secret="whsec_forged"))
    assert books.paid == {}
    assert (await checkout.find(hub, started.reference)).state is AttemptState.ASKED


@pytest.mark.parametrize("change", [{"amount_total": 1}, {"amount_total": 75000}, {"currency": "usd"}])
async def test_a_payment_of_another_amount_or_currency_is_a_case_and_never_booked(
    hub: Services,
    till: Till,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
    change: dict[str, object],
) -> None:
    session = {**stripe_server.pay(only(stripe_server)), **change}
    body = stripe_server.said("checkout.session.completed", session)
    for _ in range(3):
        await checkout.take_webhook(hub, till, body, signature(body))
    assert books.paid == {}
    assert len(books.doubtful) == 1
    assert (await checkout.find(hub, started.reference)).state is AttemptState.WRONG


async def test_webhooks_in_any_order_and_many_times_end_alike(
    hub: Services, till: Till, garage: PublicGarage, books: DrawnBooks, stripe_server: StripeServer
) -> None:
    drawn = random.Random(4)
    car = books.cars[0]
    for _ in range(5):
        books.cars.append(DrawnCar(plate="X", entered=car.entered))
    references = [(await checkout.start(hub, till, garage, one.session)).reference for one in books.cars]
    bodies = []
    for id in list(stripe_server.sessions):
        intent = stripe_server.pay(id)["payment_intent"]
        bodies.append(stripe_server.said("checkout.session.completed", stripe_server.sessions[id]))
        bodies.append(stripe_server.said("checkout.session.expired", stripe_server.sessions[id]))
        for refunded in (200, 750):
            stripe_server.intents[intent]["refunded"] = refunded
            bodies.append(stripe_server.said("charge.refunded", stripe_server.charge(intent)))
    told = bodies * 3
    drawn.shuffle(told)
    for body in told:
        await checkout.take_webhook(hub, till, body, signature(body))
    for reference in references:
        attempt = await checkout.find(hub, reference)
        assert (attempt.state, attempt.details.refunded) == (AttemptState.PAID, Money(750, "EUR"))
    assert sorted(one.amount.amount for one in books.paid.values()) == [750] * 6
    back = {one.session: 0 for one in books.cars}
    for one in books.refunded.values():
        back[one.session] += one.amount.amount
    assert set(back.values()) == {750}


async def test_money_that_comes_after_we_took_the_checkout_for_expired_is_noted(
    hub: Services, till: Till, started: Started, stripe_server: StripeServer, books: DrawnBooks
) -> None:
    id = only(stripe_server)
    expired = stripe_server.said("checkout.session.expired", stripe_server.sessions[id])
    await checkout.take_webhook(hub, till, expired, signature(expired))
    assert (await checkout.find(hub, started.reference)).state is AttemptState.EXPIRED
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(id))
    await checkout.take_webhook(hub, till, body, signature(body))
    assert len(books.paid) == 1


async def test_a_webhook_for_an_unknown_payment_or_another_shop_changes_nothing(
    hub: Services, till: Till, garage: PublicGarage, stripe_server: StripeServer, books: DrawnBooks
) -> None:
    for reference in (f"{garage.site}-{uuid4().hex}", f"99-{uuid4().hex}", "shop-order-7", "", None):
        about = {
            "id": "cs_test_x",
            "object": "checkout.session",
            "client_reference_id": reference,
            "payment_status": "paid",
            "amount_total": 100,
            "currency": "eur",
            "payment_intent": "pi_x",
        }
        body = stripe_server.said("checkout.session.completed", about)
        assert not await checkout.take_webhook(hub, till, body, signature(body))
    assert books.told == 0


async def test_where_no_webhook_comes_asking_finds_what_was_paid_and_what_expired(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    assert await checkout.ask_about_open(hub, till) == 0
    stripe_server.pay(only(stripe_server))
    assert await checkout.ask_about_open(hub, till) == 1
    assert len(books.paid) == 1
    assert await checkout.ask_about_open(hub, till) == 0


async def test_a_provider_that_is_away_loses_no_payment_and_the_exits_know(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    stripe_server.pay(only(stripe_server))
    stripe_server.fail_next = 3
    assert not await is_away(hub, garage.tenant, garage.site)
    assert await checkout.ask_about_open(hub, till) == 0
    assert await is_away(hub, garage.tenant, garage.site)
    assert await checkout.ask_about_open(hub, till) == 1
    assert len(books.paid) == 1


async def test_an_attempt_whose_checkout_was_never_made_expires(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    car: DrawnCar,
    stripe_server: StripeServer,
    clock: SetClock,
) -> None:
    stripe_server.fail_next = 3
    with pytest.raises(Unavailable):
        await checkout.start(hub, till, garage, car.session)
    assert await is_away(hub, garage.tenant, garage.site)
    assert await checkout.ask_about_open(hub, till) == 0
    clock.advance(timedelta(minutes=32))
    assert await checkout.ask_about_open(hub, till) == 1


async def test_money_goes_back_with_a_reason_and_never_more_than_came(
    hub: Services,
    till: Till,
    admin: Actor,
    stranger: Actor,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    async def refund(cents: int, reason: str = "the barrier stayed shut") -> Money:
        return await checkout.refund(
            hub,
            till,
            admin,
            reference=started.reference,
            amount=Money(cents, "EUR"),
            reason=reason,
        )

    with pytest.raises(Refused):
        await refund(750)
    with pytest.raises(NotFound):
        await checkout.refund(
            hub, till, stranger, reference=started.reference, amount=Money(1, "EUR"), reason="mine now"
        )
    auditor = replace(admin, role=Role.AUDITOR)
    with pytest.raises(Refused):
        await checkout.refund(
            hub, till, auditor, reference=started.reference, amount=Money(1, "EUR"), reason="why not"
        )
    stripe_server.pay(only(stripe_server))
    await checkout.ask_about_open(hub, till)
    with pytest.raises(BadInput):
        await refund(750, reason=" ")
    assert await refund(300) == Money(300, "EUR")
    assert await refund(450) == Money(450, "EUR")
    with pytest.raises(Refused):
        await refund(1)
    assert sorted(one.amount.amount for one in books.refunded.values()) == [300, 450]
    intent = next(iter(stripe_server.intents))
    body = stripe_server.said("charge.refunded", stripe_server.charge(intent))
    await checkout.take_webhook(hub, till, body, signature(body))
    assert len(books.refunded) == 2


async def test_nothing_of_a_payment_but_its_amount_and_state_lies_in_clear(
    hub: Services, garage: PublicGarage, started: Started, car: DrawnCar, stripe_server: StripeServer
) -> None:
    async with hub.database.transaction(garage.tenant) as tx:
        cursor = await tx.execute("SELECT payment_attempt::text FROM payment_attempt")
        (row,) = [text for (text,) in await cursor.fetchall()]
    for secret in (car.session.hex, str(car.session), only(stripe_server), "Each started hour"):
        assert secret not in row
        assert secret.encode().hex() not in row


async def test_a_link_opens_one_session_and_nothing_else_does(
    hub: Services, garage: PublicGarage, car: DrawnCar, clock: SetClock
) -> None:
    async with hub.database.transaction(garage.tenant) as tx:
        link = await payment_attempts.new_link(
            tx, hub.keyring, garage.tenant, garage.site, session=car.session, at=clock.now()
        )
        secret = link.partition("-")[2]

        async def opened(typed: str) -> UUID:
            return await payment_attempts.linked(
                tx, hub.keyring, garage.tenant, garage.site, typed, clock.now()
            )

        assert await opened(secret) == car.session
        with pytest.raises(NotFound):
            await opened(secret[:-1])
        clock.advance(timedelta(days=91))
        with pytest.raises(NotFound):
            await opened(secret)


async def test_what_was_never_paid_is_forgotten_and_receipts_are_kept(
    hub: Services,
    till: Till,
    garage: PublicGarage,
    car: DrawnCar,
    started: Started,
    stripe_server: StripeServer,
    clock: SetClock,
) -> None:
    await till.provider.expire(only(stripe_server))
    await checkout.ask_about_open(hub, till)
    paid = await checkout.start(hub, till, garage, car.session)
    stripe_server.pay(list(stripe_server.sessions)[1])
    await checkout.ask_about_open(hub, till)
    assert await checkout.forget_unpaid(hub) == 0
    clock.advance(timedelta(days=31))
    assert await checkout.forget_unpaid(hub) == 1
    with pytest.raises(NotFound):
        await checkout.find(hub, started.reference)
    assert (await checkout.find(hub, paid.reference)).state is AttemptState.PAID


@dataclass
class CutShort(DrawnBooks):
    """Notes the money, and then the power goes: whoever told it does not learn that it was noted."""

    cuts: int = 3

    async def note_paid(self, garage: PublicGarage, notice: PaidNotice) -> None:
        await super().note_paid(garage, notice)
        if self.cuts:
            self.cuts -= 1
            raise ConnectionResetError


async def test_cut_off_between_the_books_and_the_attempt_it_is_noted_once(
    hub: Services, till: Till, started: Started, stripe_server: StripeServer, books: DrawnBooks
) -> None:
    cut = CutShort(cars=books.cars)
    till = replace(till, books=cut)
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(only(stripe_server)))
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            await checkout.take_webhook(hub, till, body, signature(body))
        assert (await checkout.find(hub, started.reference)).state is AttemptState.ASKED
    assert await checkout.take_webhook(hub, till, body, signature(body))
    assert (cut.told, len(cut.paid)) == (4, 1)
    assert (await checkout.find(hub, started.reference)).state is AttemptState.PAID


class Believing(StripeCheckout):
    """A mutant: it believes whatever looks like a webhook."""

    def verify_webhook(self, body: bytes, signature: str) -> Notice:
        return super().verify_webhook(body, signed(body))


async def test_a_provider_that_does_not_verify_is_noticed(
    hub: Services,
    till: Till,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    session = {**stripe_server.pay(only(stripe_server)), "amount_total": 1}
    cheaper = stripe_server.said("checkout.session.completed", session)
    believing = Believing(
        StripeSettings(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=stripe_server.address)
    )
    mutant = replace(till, provider=believing)
    assert await checkout.take_webhook(hub, mutant, cheaper, "forged")
    assert len(books.doubtful) == 1
    await believing.close()


async def test_a_till_that_does_not_compare_amounts_is_noticed(
    hub: Services,
    till: Till,
    started: Started,
    stripe_server: StripeServer,
    books: DrawnBooks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = checkout._as_checkout

    def careless(attempt: Attempt, notice: Notice) -> Checkout:
        return replace(honest(attempt, notice), amount=attempt.amount)

    monkeypatch.setattr(checkout, "_as_checkout", careless)
    session = {**stripe_server.pay(only(stripe_server)), "amount_total": 1}
    body = stripe_server.said("checkout.session.completed", session)
    await checkout.take_webhook(hub, till, body, signature(body))
    assert len(books.paid) == 1  # so a test that looks for it there would fail
    assert books.doubtful == {}
