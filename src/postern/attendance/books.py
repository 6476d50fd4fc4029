"""MonthBook: one person's punches and corrections of one month at one site, folded from what was recorded.

The order in which entries are taken changes nothing, and an entry that is taken twice counts once: its id is
the record's. A month is of UTC, so that a site's time zone may change; whoever reckons a month of a site's
calendar looks into the books before and after it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from postern.attendance.model import Correction, CorrectionState, Punch
from postern.clock import utc_day
from postern.ids import PersonId, SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """Somebody approved or refused a correction."""

    correction: UUID
    day: date
    state: CorrectionState
    by: UUID | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A manager found these hours of the month right. `hours`: the fingerprint of what they saw."""

    month: date
    hours: UUID
    by: UUID | None
    at: datetime


Entry: TypeAlias = Punch | Correction | Decided | Approval


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthBook:
    """Everything of one month, each by its id. `decisions` wait for a correction that is not here yet."""

    site: SiteId
    person: PersonId
    month: date
    punches: tuple[Punch, ...] = ()
    corrections: tuple[Correction, ...] = ()
    decisions: tuple[Decided, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def taking(self, entries: Iterable[Entry]) -> MonthBook:
        """The book with these entries in it."""
        punches = {one.id: one for one in self.punches}
        asked = {one.id: one for one in self.corrections}
        decisions = {(one.correction, one.at, one.state): one for one in self.decisions}
        approvals = {(one.at, one.hours): one for one in self.approvals}
        for entry in entries:
            match entry:
                case Punch():
                    punches[entry.id] = entry
                case Correction():
                    asked.setdefault(entry.id, entry)
                case Decided():
                    decisions[entry.correction, entry.at, entry.state] = entry
                case Approval():
                    approvals[entry.at, entry.hours] = entry
        made = sorted(decisions.values(), key=lambda one: (one.at, one.correction, one.state))
        return replace(
            self,
            punches=tuple(sorted(punches.values(), key=lambda one: (one.at, one.id))),
            corrections=tuple(
                _decided(one, made) for one in sorted(asked.values(), key=lambda one: (one.asked_at, one.id))
            ),
            decisions=tuple(made),
            approvals=tuple(sorted(approvals.values(), key=lambda one: (one.at, one.hours))),
        )

    @property
    def approval(self) -> Approval | None:
        """The latest."""
        return self.approvals[-1] if self.approvals else None


def _decided(one: Correction, decisions: Iterable[Decided]) -> Correction:
    """The first decision holds: whoever thinks otherwise asks for another correction."""
    found = next((other for other in decisions if other.correction == one.id), None)
    if found is None:
        return one
    return replace(one, state=found.state, decided_by=found.by, decided_at=found.at)


def month_of(entry: Entry) -> date:
    """The first day of the month in whose book an entry lies."""
    match entry:
        case Punch():
            return utc_day(entry.at).replace(day=1)
        case Approval():
            return entry.month
        case _:
            return entry.day.replace(day=1)


def months_about(first: date, last: date) -> tuple[date, ...]:
    """The months whose books tell of these days: those days' own, and one before and after."""
    month = (first.replace(day=1) - timedelta(days=1)).replace(day=1)
    found = [month]
    while month <= last:
        month = next_month(month)
        found.append(month)
    return tuple(found)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
