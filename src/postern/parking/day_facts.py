"""A day's sessions and cases as its reconciliation wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from postern.parking.cases import Case, CaseKind
from postern.parking.reconciliation import DayFacts, Passages, Sum, Unpaid, Vehicles
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState

_EXITS = (CaseKind.UNREADABLE, CaseKind.AMBIGUOUS, CaseKind.MISSING_ENTRY)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What others tell of the day: the provider's list, the ledger, the barriers, and who counted the cars.

    `read_in`, `read_out`: passages known to have been a second reading of the same vehicle.
    """

    listed: Sequence[Sum]
    booked: Sequence[Sum]
    through_in: int
    through_out: int
    read_in: int = 0
    read_out: int = 0
    counted: int | None = None


def day_facts(
    day: date, sessions: Sequence[Session], cases: Sequence[Case], rules: Rules, told: Told
) -> DayFacts:
    """The facts of a day of the garage's calendar; `sessions` and `cases` are all that touch it."""
    start, end = _midnight(day, rules), _midnight(day + _DAY, rules)
    ended = [one for one in sessions if one.state is SessionState.LEFT and _within(one.left_at, start, end)]
    over = {one.id: _over(one, rules) for one in sessions}
    given_up = [one for one in sessions if one.state is not SessionState.LEFT]
    return DayFacts(
        day=day,
        currency=rules.settings.currency,
        listed=told.listed,
        booked=told.booked,
        unpaid=[Unpaid(session=one.id, amount=one.owed) for one in ended if one.owed.amount > 0],
        inward=Passages(through=told.through_in, read_twice=told.read_in),
        outward=Passages(
            through=told.through_out,
            read_twice=told.read_out,
            in_doubt=_in_doubt(sessions, cases, start, end),
        ),
        vehicles=Vehicles(
            inside_before=sum(_inside(one, over[one.id], start) for one in sessions),
            began=sum(_within(one.entered_at, start, end) for one in sessions),
            ended=len(ended),
            inside_after=sum(_inside(one, over[one.id], end) for one in sessions),
            given_up=sum(_within(over[one.id], start, end) for one in given_up),
            counted=told.counted,
        ),
    )


def _midnight(day: date, rules: Rules) -> datetime:
    return datetime.combine(day, time.min, rules.time_zone).astimezone(UTC)


def _within(at: datetime | None, start: datetime, end: datetime) -> bool:
    return at is not None and start <= at < end


def _inside(session: Session, over: datetime | None, at: datetime) -> bool:
    return session.entered_at < at and (over is None or over >= at)


def _over(session: Session, rules: Rules) -> datetime | None:
    """When it stopped counting as inside: a stale one at the first UTC midnight at which it was too old, or
    when its permit's next car drove in."""
    if session.state is not SessionState.STALE or session.left_at is not None:
        return session.left_at
    old = session.entered_at + rules.settings.stale_after
    midnight = datetime.combine(old.date(), time.min, UTC)
    return midnight if midnight == old else midnight + _DAY


def _in_doubt(sessions: Sequence[Session], cases: Sequence[Case], start: datetime, end: datetime) -> int:
    """Exits of that day that are no session's, and that a person was asked about."""
    known = {one.exit for one in sessions if one.exit is not None}
    return len(
        {
            one.record
            for one in cases
            if one.way_out
            and one.kind in _EXITS
            and _within(one.opened_at, start, end)
            and one.record is not None
            and one.record not in known
        }
    )
