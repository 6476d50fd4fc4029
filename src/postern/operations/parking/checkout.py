"""Take a driver's money: ask for it, hear that it came, tell the books, give it back.

1. The amount is computed here, from the books; a phone never says what it pays.
2. The attempt is durable before the provider is asked, so that money never comes for what nobody knows.
3. One session has one open checkout: an earlier one is ended before another is asked for.
4. Whoever tells that it was paid (webhook, poll, the driver's return), the books are told under one
   reference, which they note once; only then is the attempt marked. So order and repetition do not matter.
5. Money that is not what was asked for is never booked to a session: it becomes a case.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from postern.errors import BadInput, Conflict, NotFound, PosternError, Refused, Unavailable
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.money import Money
from postern.operations.parking import payment_attempts as attempts
from postern.operations.parking.books import Books, Owed, PaidNotice, PublicGarage
from postern.operations.parking.payment_attempts import Attempt, AttemptDetails, AttemptState
from postern.operations.parking.provider_away import note_away
from postern.operations.parking.public_garage import garage_of
from postern.operations.ports import (
    Checkout,
    CheckoutLine,
    CheckoutState,
    CheckoutWanted,
    Notice,
    NoticeKind,
    PaymentProvider,
    Slips,
)
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.sites import store as sites

GOOD_FOR = timedelta(minutes=31)
"""Stripe keeps a checkout open for half an hour at least; the minute is for the way there."""
_FORGOTTEN = timedelta(hours=24)
_DAY = timedelta(days=1)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Till:
    """Who takes the money, whose books note it, where drivers' phones find us. `desk`: the provider, where
    it is an attendant."""

    provider: PaymentProvider
    books: Books
    public_url: str
    desk: Slips | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """Where to send the driver; `url` None when nothing is owed."""

    reference: str
    url: str | None


async def start(
    services: Services,
    till: Till,
    garage: PublicGarage,
    session: UUID,
    *,
    language: str = "en",
    back: str = "/pay",
) -> Started:
    """Ask for what the session owes now; `back` is where the phone goes when nothing is paid.

    Raises NotFound for a session that is not, Unavailable, BadInput.
    """
    now = services.clock.now()
    owed = await till.books.owed(garage, session, now)
    if owed.owed.amount <= 0:
        return Started(reference="", url=None)
    open_one = await _end_earlier(services, till, garage, session, owed)
    if open_one is not None:
        return Started(reference=open_one.reference, url=open_one.details.url)
    attempt = Attempt(
        id=attempts.new_attempt_id(),
        tenant=garage.tenant,
        site=garage.site,
        state=AttemptState.ASKED,
        provider=till.provider.name,
        amount=owed.owed,
        details=AttemptDetails(
            session=session,
            started=now,
            good_until=now + GOOD_FOR,
            entered=owed.entered,
            at=owed.at,
            lines=owed.lines,
            total=owed.total,
            vat=owed.vat,
            vat_percent=str(owed.vat_percent),
            left=owed.left,
        ),
    )
    async with services.database.transaction(garage.tenant) as tx:
        await attempts.add(tx, services.keyring, attempt)
    try:
        made = await till.provider.create_checkout(_wanted(till, attempt, owed, language, back))
    except Unavailable:
        await note_away(services, garage.tenant, garage.site)
        raise
    asked = attempt.as_(AttemptState.ASKED, checkout=made.id, url=made.url)
    async with services.database.transaction(garage.tenant) as tx:
        await attempts.update(tx, services.keyring, asked)
    return Started(reference=attempt.reference, url=made.url)


def _wanted(till: Till, attempt: Attempt, owed: Owed, language: str, back: str) -> CheckoutWanted:
    lines = tuple(CheckoutLine(label=one.label, amount=one.amount) for one in owed.lines)
    if owed.paid.amount:  # the provider shows what is left, in one sum
        lines = (CheckoutLine(label=" · ".join(one.label for one in lines), amount=attempt.amount),)
    return CheckoutWanted(
        reference=attempt.reference,
        lines=lines,
        total=attempt.amount,
        success_url=f"{till.public_url}/pay/r/{attempt.reference}",
        cancel_url=f"{till.public_url}{back}",
        good_until=attempt.details.good_until,
        language=language,
    )


async def _end_earlier(
    services: Services, till: Till, garage: PublicGarage, session: UUID, owed: Owed
) -> Attempt | None:
    """An open checkout for the same amount, to be used again; every other one is ended.

    Raises Conflict when one of them turns out to have been paid just now: the price is to be shown anew.
    """
    async with services.database.transaction(garage.tenant) as tx:
        found = await attempts.of_session(tx, services.keyring, garage.tenant, garage.site, session)
    half_spent = services.clock.now() + GOOD_FOR / 2
    for one in (one for one in found if one.state is AttemptState.ASKED):
        same = one.amount == owed.owed and one.details.url is not None
        if same and one.details.good_until > half_spent:
            return one
        if one.details.checkout is not None:
            ended = await till.provider.expire(one.details.checkout)
            await settle(services, till, one, ended)
            if ended.state is CheckoutState.PAID:
                raise Conflict("this was paid just now; look at the price again")
    return None


async def settle(services: Services, till: Till, attempt: Attempt, found: Checkout) -> Attempt:
    """Bring the attempt to what its provider says; the attempt as it is now."""
    if attempt.state in (AttemptState.PAID, AttemptState.WRONG) or found.state is CheckoutState.OPEN:
        return attempt
    if found.state is CheckoutState.EXPIRED:
        known = attempt.state is AttemptState.EXPIRED
        return attempt if known else await _become(services, attempt.as_(AttemptState.EXPIRED))
    # Paid; also when we had taken it for expired, since the money is there.
    garage = await garage_of(services, attempt.tenant, attempt.site)
    notice = PaidNotice(
        session=attempt.details.session,
        provider=attempt.provider,
        reference=attempt.reference,
        amount=found.amount,
        at=services.clock.now(),
        quoted_at=attempt.details.at,
    )
    if found.amount != attempt.amount or found.reference != attempt.reference:
        await till.books.note_doubtful(garage, notice, "another amount was paid than was asked for")
        state = AttemptState.WRONG
    else:
        await till.books.note_paid(garage, notice)
        state = AttemptState.PAID
    return await _become(services, attempt.as_(state, payment=found.payment, paid_at=notice.at))


async def _become(services: Services, attempt: Attempt) -> Attempt:
    """Keep the new state; when somebody else was faster, what they made of it."""
    try:
        async with services.database.transaction(attempt.tenant) as tx:
            await attempts.update(tx, services.keyring, attempt)
    except Conflict:
        async with services.database.transaction(attempt.tenant) as tx:
            return await attempts.get(tx, services.keyring, attempt.tenant, attempt.site, attempt.id)
    return attempt


async def take_webhook(services: Services, till: Till, body: bytes, signature: str) -> bool:
    """Take in what the provider tells; whether it concerned us. Raises CannotVerify for a forged one.

    What is not about a payment of ours (the provider's keys may serve another shop too) is let pass; what
    names a payment that we never asked for is logged, since no garage can be told.
    """
    notice = till.provider.verify_webhook(body, signature)
    if notice.kind is NoticeKind.OTHER:
        return False
    try:
        attempt = await find(services, notice.reference)
    except BadInput:
        return False
    except NotFound:
        _log.warning("payment for an unknown session", notice=notice.id)
        return False
    if notice.kind is NoticeKind.REFUNDED:
        await _note_refund(services, till, attempt, notice)
    else:
        await settle(services, till, attempt, _as_checkout(attempt, notice))
    return True


def _as_checkout(attempt: Attempt, notice: Notice) -> Checkout:
    paid = notice.kind is NoticeKind.PAID
    return Checkout(
        id=notice.checkout or "",
        reference=notice.reference,
        state=CheckoutState.PAID if paid else CheckoutState.EXPIRED,
        amount=notice.amount or attempt.amount,
        payment=notice.payment,
    )


async def find(services: Services, reference: str) -> Attempt:
    """The attempt of a reference. Raises BadInput, NotFound."""
    site, id = attempts.parse_reference(reference)
    tenant = await tenant_of(services, site)
    async with services.database.transaction(tenant) as tx:
        return await attempts.get(tx, services.keyring, tenant, site, id)


async def tenant_of(services: Services, site: SiteId) -> TenantId:
    """Whose site it is. Raises NotFound."""
    async with services.database.transaction() as tx:
        return await sites.tenant_of(tx, site)


async def ask_provider(services: Services, till: Till, attempt: Attempt) -> Attempt:
    """Where no webhook came (yet): ask how the checkout stands. Raises Unavailable."""
    if attempt.state is not AttemptState.ASKED or attempt.provider != till.provider.name:
        return attempt
    now = services.clock.now()
    if attempt.details.checkout is None:
        # The provider was asked and its answer lost, or never asked: nobody was shown where to pay.
        expired = now > attempt.details.good_until
        return await _become(services, attempt.as_(AttemptState.EXPIRED)) if expired else attempt
    try:
        found = await till.provider.find(attempt.details.checkout)
    except Unavailable:
        await note_away(services, attempt.tenant, attempt.site)
        raise
    except NotFound:
        if now - attempt.details.started < _FORGOTTEN:
            raise
        return await _become(services, attempt.as_(AttemptState.EXPIRED))
    return await settle(services, till, attempt, found)


async def ask_about_open(services: Services, till: Till) -> int:
    """Ask the provider about every open checkout of every garage; how many were settled by it."""
    settled = 0
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            places = [one.id for one in await sites.sites(tx, services.keyring, tenant)]
            found = [a for site in places for a in await attempts.asked(tx, services.keyring, tenant, site)]
        for one in found:
            try:
                settled += (await ask_provider(services, till, one)).state is not AttemptState.ASKED
            except PosternError as fault:
                _log.warning("asking about a checkout", fault=str(fault))
    return settled


async def keep_asking(services: Services, till: Till, every: timedelta) -> None:
    """Ask about open checkouts, for ever: where webhooks come, for the one that got lost. Once a day what was
    never paid is forgotten."""
    forgotten = services.clock.now() - _DAY
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            await ask_about_open(services, till)
            if services.clock.now() - forgotten >= _DAY:
                await forget_unpaid(services)
                forgotten = services.clock.now()
        except PosternError as fault:
            _log.warning("asking about checkouts", fault=str(fault))


async def forget_unpaid(services: Services) -> int:
    """Delete old checkouts of every garage that ended unpaid; how many."""
    gone, now = 0, services.clock.now()
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            for site in await sites.sites(tx, services.keyring, tenant):
                gone += await attempts.forget_unpaid(tx, services.keyring, tenant, site.id, now)
    return gone


async def refund(
    services: Services, till: Till, actor: Actor, *, reference: str, amount: Money, reason: str
) -> Money:
    """Give back a part or all of a payment; what was given back.

    The journal entry is durable first. Raises NotFound, BadInput without a reason, Refused for more than was
    paid and for a payment that never came. Asked twice at a time, it goes back once.
    """
    require(actor, Duty.TAKE_MONEY)
    reason = stated(reason)
    attempt = await find(services, reference)
    if attempt.tenant != actor.tenant:
        raise NotFound("there is no such payment")
    payment = attempt.details.payment
    if attempt.state not in (AttemptState.PAID, AttemptState.WRONG) or payment is None:
        raise Refused("nothing was paid here that could be given back")
    before = attempt.details.refunded or Money.zero(attempt.amount.currency)
    number = f"{attempt.id.hex}-{before.amount}"
    async with services.database.transaction(attempt.tenant) as tx:
        detail = f"refund of {amount.amount} {amount.currency} for payment {attempt.id.hex[:8]}"
        await trace(services, tx, actor, Act.CHANGED, purpose=reason, detail=detail)
    done = await till.provider.refund(payment, amount, reference=number)
    await _book_refund(services, till, attempt, before + done.amount)
    return done.amount


async def _note_refund(services: Services, till: Till, attempt: Attempt, notice: Notice) -> None:
    """The provider says how much went back in all: book what we did not know of."""
    if notice.amount is not None:
        await _book_refund(services, till, attempt, notice.amount)


async def _book_refund(services: Services, till: Till, attempt: Attempt, in_all: Money) -> None:
    before = attempt.details.refunded or Money.zero(attempt.amount.currency)
    if in_all.currency != before.currency or in_all <= before:
        return  # told before, or out of order
    garage = await garage_of(services, attempt.tenant, attempt.site)
    await till.books.note_refunded(
        garage,
        PaidNotice(
            session=attempt.details.session,
            provider=attempt.provider,
            reference=f"{attempt.reference}-refund-{before.amount}",
            amount=in_all - before,
            at=services.clock.now(),
        ),
    )
    await _become(services, attempt.as_(attempt.state, refunded=in_all))
