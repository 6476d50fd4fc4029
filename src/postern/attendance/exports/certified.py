"""A certified payroll: a contractor's week on a federal construction site, as 29 CFR 5.5(a)(3)(ii) asks for.

The hours are ours; rates, deductions and wages are payroll's, so they are left for payroll to fill in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from postern.attendance.exports.model import Paid
from postern.attendance.pay import LineKind

DAYS = 7
_WHOLE = Decimal(100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """One line: the minutes of each day at the straight rate and above it."""

    name: str
    number: str
    classification: str
    straight: tuple[int, ...]
    overtime: tuple[int, ...]

    @property
    def minutes(self) -> int:
        """All of the week."""
        return sum(self.straight) + sum(self.overtime)


@dataclass(frozen=True, kw_only=True, slots=True)
class CertifiedPayroll:
    """The form for the week that ends on `week_ending`. `number` counts the payrolls of a project."""

    contractor: str
    address: str
    is_subcontractor: bool
    number: int
    week_ending: date
    project: str
    contract: str
    workers: tuple[Worker, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The days of the week."""
        return tuple(self.week_ending - timedelta(days=back) for back in range(DAYS - 1, -1, -1))


def workers(everyone: Sequence[Paid], week_ending: date) -> tuple[Worker, ...]:
    """Whoever worked in the week, by name; lines above 100 % are overtime."""
    found = [_worker(one, week_ending) for one in everyone]
    return tuple(sorted((one for one in found if one.minutes), key=lambda one: (one.name, one.number)))


def _worker(paid: Paid, week_ending: date) -> Worker:
    straight, overtime = [0] * DAYS, [0] * DAYS
    for day in paid.sheet.days:
        for line in day.lines:
            place = DAYS - 1 - (week_ending - line.day).days
            if line.kind is not LineKind.WORKED or not 0 <= place < DAYS:
                continue
            above = line.percent is not None and line.percent > _WHOLE
            (overtime if above else straight)[place] += line.minutes
    return Worker(
        name=paid.payee.name,
        number=paid.payee.employee_number,
        classification=paid.payee.occupation,
        straight=tuple(straight),
        overtime=tuple(overtime),
    )
