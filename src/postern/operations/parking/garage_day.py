"""A garage's day, seen three times: the payments, the barriers, the vehicles (`parking/reconciliation.py`).

What a provider says is what its notices and answers said of each checkout; what is booked are the payments
that the books took in; barriers are the passages that agents recorded; vehicles are the sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.ids import SiteId
from postern.journal.model import Act
from postern.money import Money
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.parking import payment_attempts as attempts
from postern.operations.parking.payment_attempts import Attempt, AttemptState
from postern.operations.parking.rows import CASES, SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.operations.parking.settle_read import BY_HAND, of_days
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import store
from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.reconciliation import (
    DayFacts,
    Passages,
    Reconciliation,
    Sum,
    Unpaid,
    Vehicles,
    reconcile,
)
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState
from postern.records.model import DecisionRecord, Deed, Outcome, PassageRecord, PaymentRecord
from postern.sites import store as sites

THROUGH = (Outcome.TAKEN, Outcome.PRESUMED)
IN_DOUBT = (CaseKind.UNREADABLE, CaseKind.AMBIGUOUS, CaseKind.MISSING_ENTRY, CaseKind.TOO_LATE)
_DAY = timedelta(days=1)


async def reconciled(services: Services, actor: Actor, site: SiteId, day: date) -> Reconciliation:
    """The day of the garage's calendar, compared. In the journal, as it opens the day's records."""
    require(actor, Duty.READ_LEDGER)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await trace(services, tx, actor, Act.LOOKED, purpose="reconciliation", detail=f"site {site}, {day}")
    _, rules = await settled(services, actor.tenant, site)
    async with services.database.transaction(actor.tenant) as tx:
        desk = Desk(services=services, tx=tx, tenant=actor.tenant, site=site, rules=rules)
        records = await _records(desk, day)
        paid = await attempts.answered(tx, services.keyring, actor.tenant, site)
        sessions, cases = await load(desk, SESSIONS, Session), await load(desk, CASES, Case)
    seen = Seen(records=records, paid=paid, sessions=sessions, cases=cases)
    return reconcile(facts_of(day, rules, seen))


async def _records(desk: Desk, day: date) -> list[OpenedRecord]:
    """Everything that the books have taken in of the UTC days that the garage's day touches."""
    cursors = await store.cursors(desk.tx, desk.site)
    sealed = await of_days(desk.tx, desk.site, cursors, since=day - _DAY, until=day + _DAY)
    return await opened(desk.services, desk.tx, desk.tenant, sealed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Everything at hand: records around the day, checkouts that were answered, sessions and cases."""

    records: Sequence[OpenedRecord]
    paid: Sequence[Attempt]
    sessions: Sequence[Session]
    cases: Sequence[Case]


def facts_of(day: date, rules: Rules, seen: Seen) -> DayFacts:
    """What is compared, of everything at hand; pure."""
    span = bounds(day, rules.calendar.time_zone)
    start, end = span
    payments = [
        one.happening
        for one in seen.records
        if isinstance(one.happening, PaymentRecord) and start <= one.happening.at < end
    ]
    went = [one for one in seen.sessions if one.left_at is not None and start <= one.left_at < end]
    return DayFacts(
        day=day,
        currency=rules.settings.currency,
        listed=_listed(seen.paid, start, end),
        booked=[
            Sum(reference=one.reference, amount=Money(one.amount, one.currency))
            for one in payments
            if one.provider != BY_HAND and one.deed in (Deed.PAID, Deed.PAID_IN_DOUBT)
        ],
        unpaid=[Unpaid(session=one.id, amount=one.owed) for one in went if one.owed.amount > 0],
        inward=_through(seen, rules, span, out=False),
        outward=_through(seen, rules, span, out=True),
        vehicles=_vehicles(seen.sessions, start, end),
    )


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of the day on the garage's clock, and that of the next day."""
    first, after = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + _DAY))
    return first, after


def _listed(paid: Sequence[Attempt], start: datetime, end: datetime) -> list[Sum]:
    return [
        Sum(reference=one.reference, amount=one.amount)
        for one in paid
        if one.state in (AttemptState.PAID, AttemptState.WRONG)
        and one.details.paid_at is not None
        and start <= one.details.paid_at < end
        and one.provider != BY_HAND
    ]


def _through(seen: Seen, rules: Rules, span: tuple[datetime, datetime], *, out: bool) -> Passages:
    """Vehicles that went through lanes that way, and how many of them a person has to say something of."""
    start, end = span
    decided = {
        (one.key.agent, one.key.seq)
        for one in seen.records
        if isinstance(one.happening, DecisionRecord)
        and (lane := rules.lanes.get(one.happening.access_point)) is not None
        and lane.way_out is out
    }
    through = sum(
        1
        for one in seen.records
        if isinstance(one.happening, PassageRecord)
        and start <= one.happening.at < end
        and one.happening.outcome in THROUGH
        and (one.key.agent, one.happening.decision_seq) in decided
    )
    doubtful = sum(
        1
        for one in seen.cases
        if one.state is CaseState.OPEN
        and one.kind in IN_DOUBT
        and one.way_out is out
        and one.session is None  # else that session is counted: it began, or has ended
        and start <= one.opened_at < end
    )
    return Passages(through=through, in_doubt=min(doubtful, through))


def _vehicles(sessions: Sequence[Session], start: datetime, end: datetime) -> Vehicles:
    counted = [one for one in sessions if one.entry is not None]
    given_up = [one for one in counted if one.state in (SessionState.STALE, SessionState.DISMISSED)]
    kept = [one for one in counted if one not in given_up]
    return Vehicles(
        inside_before=sum(1 for one in kept if one.entered_at < start and _inside(one, start)),
        began=sum(1 for one in counted if start <= one.entered_at < end),
        ended=sum(1 for one in kept if one.left_at is not None and start <= one.left_at < end),
        inside_after=sum(1 for one in kept if one.entered_at < end and _inside(one, end)),
        given_up=sum(1 for one in given_up if start <= one.entered_at < end),
    )


def _inside(session: Session, at: datetime) -> bool:
    return session.left_at is None or session.left_at >= at
