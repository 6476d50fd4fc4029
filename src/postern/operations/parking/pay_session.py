"""Prices and payments of sessions: what is owed now, and money noted once for each of its references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import SiteId, TenantId
from postern.money import Money
from postern.operations.archive.hub_records import HubRecord, record
from postern.operations.parking.rows import SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.parking import charging, store
from postern.parking.charging import Price
from postern.parking.clearance import Clearance, Owed
from postern.parking.garage import Garage
from postern.parking.pairing import PAIRS_WITHIN, distance
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState
from postern.records.model import Deed, PaymentRecord
from postern.sealing.tags import blind_index

NOTICES = "parking/notices"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionPrice:
    """What a session costs: `price` None where no tariff says or a permit covers it. `owed`: what is left."""

    session: Session
    price: Price | None
    clearance: Clearance | None
    owed: Money
    leave_by: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentNotice:
    """Money that came in (PAID, PAID_IN_DOUBT) or went back (REFUNDED, REFUND_FAILED) for a session.

    `reference` is the provider's: whatever is told of it twice is noted once. `quoted_at`: of which moment's
    price it is.
    """

    deed: Deed
    session: UUID | None
    amount: Money
    provider: str
    reference: str
    quoted_at: datetime | None = None


async def price_of(
    services: Services, tenant: TenantId, site: SiteId, session: UUID, at: datetime | None = None
) -> SessionPrice:
    """What the session costs at `at`, or now. Raises NotFound."""
    garage, rules = await settled(services, tenant, site)
    found = garage.sessions.get(session)
    if found is None:
        found = await put_away(services, tenant, site, rules, session)
    return priced(found, rules, at or services.clock.now())


def priced(session: Session, rules: Rules, at: datetime) -> SessionPrice:
    """The price of a session that runs; of one that has ended, what was charged."""
    moment = min(at, session.left_at) if session.left_at is not None else max(at, session.entered_at)
    price = charging.price(session, rules, moment)
    nothing = Money.zero(session.charged.currency)
    if session.left_at is not None:
        owed, clearance = max(session.owed, nothing), None
    else:
        clearance = charging.standing(session, rules, moment)
        owed = clearance.amount if isinstance(clearance, Owed) else nothing
    tariff = charging.tariff_of(session, rules)
    settled_at = session.settled_at
    leave_by = settled_at + tariff.grace_after_paying if settled_at and tariff and not owed else None
    return SessionPrice(session=session, price=price, clearance=clearance, owed=owed, leave_by=leave_by)


async def put_away(
    services: Services, tenant: TenantId, site: SiteId, rules: Rules, session: UUID
) -> Session:
    """A session that has ended some time ago. Raises NotFound."""
    async with services.database.transaction(tenant) as tx:
        desk = Desk(services=services, tx=tx, tenant=tenant, site=site, rules=rules)
        found = await load(desk, SESSIONS, Session, [session])
    if not found:
        raise NotFound("there is no such session (any more)")
    return found[0]


def likely(garage: Garage, plate: str) -> list[Session]:
    """Sessions that the plate may mean, and for which one may pay: nearest first."""
    near = [
        (distance(plate, one.who.plate), one.entered_at, one)
        for one in garage.sessions.values()
        if one.who.plate and is_payable(one)
    ]
    found = sorted((one for one in near if one[0] <= PAIRS_WITHIN), key=lambda one: one[:2])
    return [session for _, _, session in found]


def is_payable(session: Session) -> bool:
    """Whether somebody may pay for it: it runs, or something is owed."""
    running = session.left_at is None and session.state in (SessionState.OPEN, SessionState.STALE)
    return running or session.owed.amount > 0


async def note_payment(services: Services, tenant: TenantId, site: SiteId, notice: PaymentNotice) -> bool:
    """Note it and settle; False when it was noted before. Raises NotFound when the site is no garage."""
    now = services.clock.now()
    told = PaymentRecord(
        at=now,
        deed=notice.deed,
        session=notice.session,
        amount=notice.amount.amount,
        currency=notice.amount.currency,
        provider=notice.provider,
        reference=notice.reference,
        quoted_at=notice.quoted_at,
    )
    back = notice.deed in (Deed.REFUNDED, Deed.REFUND_FAILED)
    what = f"{'back' if back else 'in'}|{notice.provider}|{notice.reference}"
    noted = await _once(services, tenant, site, what, [told])
    await settled(services, tenant, site)
    return noted


async def _once(
    services: Services, tenant: TenantId, site: SiteId, what: str, told: Sequence[HubRecord]
) -> bool:
    key = await services.keyring.purpose_key(tenant, NOTICES)
    async with services.database.transaction(tenant) as tx:
        await store.garage(tx, site)
        today = utc_day(services.clock.now())
        if not await store.note_once(tx, site, blind_index(key, what), today):
            return False
        await record(services, tx, tenant, site, told)
    return True
