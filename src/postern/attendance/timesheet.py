"""Timesheet: one person's days, pay lines and totals between two dates; a pure function of what is recorded.

What it needs from before its first day, so that weeks and months are whole, `reach` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TypeVar
from zoneinfo import ZoneInfo

from postern.attendance.law_at import LawAt
from postern.attendance.model import Anomaly, AnomalyKind, Correction, Punch, Shift, WorkDay
from postern.attendance.moments import whole
from postern.attendance.pairing import MARGIN, paired, plan_about
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.pay import Breach, LineKind, PayLine, PayProfile
from postern.attendance.paying import calendar_of, law_of, pay_lines
from postern.attendance.payrules import checked
from postern.attendance.planned import Plan
from postern.attendance.public_holidays import PublicHolidays, kept
from postern.attendance.roster import Roster
from postern.attendance.rules_model import REGULAR
from postern.attendance.tiers import week_start
from postern.clock import aware
from postern.ids import PersonId

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
D = TypeVar("D", PayLine, Breach)
_UNPAIRED = frozenset((AnomalyKind.MISSING_IN, AnomalyKind.MISSING_OUT, AnomalyKind.WRONG_CLOCK))


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetDay:
    """One day: what was planned, worked, paid, and what was not kept.

    `late`, `early`: minutes after the shift's start and before its end, none where excused. `absent`: the
    minutes planned on a day without any punch. `public_holiday`: its name.
    """

    work: WorkDay
    planned: int = 0
    late: int = 0
    early: int = 0
    absent: int = 0
    public_holiday: str | None = None
    lines: tuple[PayLine, ...] = ()
    breaches: tuple[Breach, ...] = ()

    @property
    def day(self) -> date:
        """The day it is about."""
        return self.work.day

    @property
    def minutes(self) -> int:
        """The minutes that count as worked."""
        return self.work.minutes

    @property
    def overtime(self) -> int:
        """Of the worked minutes, those that the law or the contract counts beyond the regular ones."""
        return sum(one.minutes for one in self.lines if _is_overtime(one))

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What a person has to look at."""
        return self.work.anomalies


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryTotal:
    """All lines of one category and percentage together."""

    category: str
    kind: LineKind
    percent: Decimal | None
    minutes: int
    article: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Minutes of the whole timesheet."""

    worked: int = 0
    planned: int = 0
    late: int = 0
    early: int = 0
    absent: int = 0
    categories: tuple[CategoryTotal, ...] = ()

    @property
    def overtime(self) -> int:
        """Of the worked minutes, those beyond the regular ones."""
        return sum(one.minutes for one in self.categories if _is_overtime(one))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timesheet:
    """One person's days from `first` to `last`, both included."""

    person: PersonId
    first: date
    last: date
    days: tuple[TimesheetDay, ...]
    totals: Totals

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """All of its days'."""
        return tuple(anomaly for one in self.days for anomaly in one.anomalies)

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """All of its days'."""
        return tuple(breach for one in self.days for breach in one.breaches)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a person's hours are reckoned by: plan, clock on the wall, the site's rules and the law."""

    roster: Roster
    zone: ZoneInfo
    pairing: PairingRules
    profile: PayProfile


def reach(first: date, last: date, profile: PayProfile) -> tuple[date, date]:
    """The first and the last day whose punches a timesheet from `first` to `last` needs."""
    return _since(first, profile) - MARGIN, _until(last) + MARGIN


def timesheet(
    person: PersonId,
    first: date,
    last: date,
    punches: Iterable[Punch],
    corrections: Iterable[Correction],
    *,
    terms: Terms,
    at: datetime,
    language: str = "en",
) -> Timesheet:
    """The days from `first` to `last` as things stand at `at`. `language`: of the names of public holidays.

    A pay line that falls on a day outside belongs to the timesheet of that day. Raises BadInput for pairing
    rules or a pay profile that the law has no place for.
    """
    return grounds(terms, first, last, language).timesheet(person, punches, corrections, at=at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grounds:
    """What the timesheets of everybody with the same terms share: worked out once, whoever's come after."""

    first: date
    last: date
    plan: Plan
    rules: PairingRules
    law_at: LawAt

    def timesheet(
        self, person: PersonId, punches: Iterable[Punch], corrections: Iterable[Correction], *, at: datetime
    ) -> Timesheet:
        """One person's, as things stand at `at`."""
        first, last, law_at = self.first, self.last, self.law_at
        since, until = _since(first, law_at.law.profile), _until(last)
        days = paired(punches, corrections, self.plan, first=since, last=until, rules=self.rules, at=at)
        pay = pay_lines(days, law_at)
        lines, breaches = _grouped(pay.lines), _grouped(pay.breaches)
        rows = tuple(
            _row(one, lines.get(one.day, ()), breaches.get(one.day, ()), law_at.calendar, aware(at))
            for one in days
            if first <= one.day <= last
        )
        return Timesheet(person=person, first=first, last=last, days=rows, totals=totals(rows))


def grounds(terms: Terms, first: date, last: date, language: str = "en") -> Grounds:
    """Of these days. Raises BadInput as `timesheet` does."""
    since, until = _since(first, terms.profile), _until(last)
    calendar = calendar_of(terms.profile, since, until, language)
    roster = kept(terms.roster, calendar, since - MARGIN, until + MARGIN)
    rules = checked(terms.pairing, terms.profile, first)
    return Grounds(
        first=first,
        last=last,
        plan=plan_about(roster, terms.zone, first=since, last=until, rules=rules),
        rules=rules,
        law_at=LawAt(law_of(terms.profile), calendar, terms.zone),
    )


def totals(days: Sequence[TimesheetDay]) -> Totals:
    """The sums of any days, of one person or of many."""
    minutes: dict[tuple[LineKind, str, Decimal | None, str], int] = {}
    for line in (line for one in days for line in one.lines):
        key = line.kind, line.category, line.percent, line.article
        minutes[key] = minutes.get(key, 0) + line.minutes
    categories = [
        CategoryTotal(kind=kind, category=category, percent=percent, minutes=whole, article=article)
        for (kind, category, percent, article), whole in minutes.items()
    ]
    return Totals(
        worked=sum(one.minutes for one in days),
        planned=sum(one.planned for one in days),
        late=sum(one.late for one in days),
        early=sum(one.early for one in days),
        absent=sum(one.absent for one in days),
        categories=tuple(sorted(categories, key=_in_order)),
    )


def _is_overtime(one: PayLine | CategoryTotal) -> bool:
    return one.kind is LineKind.WORKED and one.category != REGULAR


def _in_order(one: CategoryTotal) -> tuple[int, bool, Decimal, str, str]:
    """What was worked before what comes on top; the lower percentage first, the contract's own last."""
    percent = one.percent if one.percent is not None else Decimal(0)
    return list(LineKind).index(one.kind), one.percent is None, percent, one.category, one.article


def _since(first: date, profile: PayProfile) -> date:
    """Before week and month begin: what is worked over midnight may belong to a day further back yet."""
    return min(week_start(first, profile), first.replace(day=1)) - 2 * _DAY


def _until(last: date) -> date:
    """A day after the end: where the law's day begins later than midnight, its first hours belong to it."""
    return last + _DAY


def _grouped(each: Sequence[D]) -> dict[date, tuple[D, ...]]:
    """By day what is in order of days."""
    return {day: tuple(of_day) for day, of_day in groupby(each, key=lambda one: one.day)}


def _row(
    work: WorkDay,
    lines: tuple[PayLine, ...],
    breaches: tuple[Breach, ...],
    calendar: PublicHolidays,
    at: datetime,
) -> TimesheetDay:
    unclear = work.excused or any(one.kind in _UNPAIRED for one in work.anomalies)
    late = early = absent = 0
    for shift in () if unclear else work.shifts:
        within = [one for one in work.counted if one.start < shift.end and shift.start < one.end]
        if within:
            late += max((within[0].start - whole(shift.start)) // _MINUTE, 0)
            early += max((shift.end - within[-1].end) // _MINUTE, 0) if work.open_since is None else 0
        elif shift.end <= at and work.open_since is None:
            absent += shift.minutes
    return TimesheetDay(
        work=work,
        planned=_planned(work.shifts),
        late=late,
        early=early,
        absent=absent,
        public_holiday=calendar.names.get(work.day),
        lines=lines,
        breaches=breaches,
    )


def _planned(shifts: Sequence[Shift]) -> int:
    return sum(one.minutes for one in shifts)
