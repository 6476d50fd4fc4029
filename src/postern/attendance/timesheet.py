"""Timesheet: one person's days, pay lines and totals between two dates, computed and never stored open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from postern.attendance.model import Anomaly, WorkDay
from postern.attendance.pay import Breach, LineKind, PayLine
from postern.ids import PersonId


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
