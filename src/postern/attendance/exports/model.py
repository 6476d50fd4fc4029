"""Paid and Table: whose hours a file lists, and the rows that CSV and XLSX share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from postern.attendance.timesheet import Timesheet, TimesheetDay

Cell = str | int | Decimal | date | time | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Payee:
    """Whose hours they are, as payroll knows them. `employer`: the contractor's name; empty: own staff."""

    name: str
    employee_number: str = ""
    employer: str = ""
    team: str = ""
    occupation: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paid:
    """A payee and their timesheet."""

    payee: Payee
    sheet: Timesheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A list with its headings, which are keys that a page may put into words."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def hours(minutes: int) -> Decimal:
    """Minutes as hours with two decimals, halves up, as payroll programs take them."""
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"), ROUND_HALF_UP)


def totals(everyone: Sequence[Paid]) -> Table:
    """A line a person: hours worked and planned, and what was not kept."""
    headings = (
        "employee_number",
        "name",
        "employer",
        "team",
        "occupation",
        "first",
        "last",
        "worked_hours",
        "planned_hours",
        "late_minutes",
        "early_minutes",
        "absent_hours",
        "open_anomalies",
    )
    rows = tuple(
        (
            one.payee.employee_number,
            one.payee.name,
            one.payee.employer,
            one.payee.team,
            one.payee.occupation,
            one.sheet.first,
            one.sheet.last,
            hours(one.sheet.totals.worked),
            hours(one.sheet.totals.planned),
            one.sheet.totals.late,
            one.sheet.totals.early,
            hours(one.sheet.totals.absent),
            len(one.sheet.anomalies),
        )
        for one in everyone
    )
    return Table(name="totals", headings=headings, rows=rows)


def pay(everyone: Sequence[Paid]) -> Table:
    """A line a person and category: what payroll pays, and the article that says so."""
    headings = (
        "employee_number",
        "name",
        "first",
        "last",
        "category",
        "kind",
        "percent",
        "hours",
        "minutes",
        "article",
    )
    rows = tuple(
        (
            one.payee.employee_number,
            one.payee.name,
            one.sheet.first,
            one.sheet.last,
            total.category,
            total.kind.value,
            total.percent,
            hours(total.minutes),
            total.minutes,
            total.article,
        )
        for one in everyone
        for total in one.sheet.totals.categories
    )
    return Table(name="pay", headings=headings, rows=rows)


def days(everyone: Sequence[Paid], zone: ZoneInfo) -> Table:
    """A line a person and day, times by the clock on the site's wall."""
    headings = (
        "employee_number",
        "name",
        "day",
        "shift",
        "planned_minutes",
        "came",
        "left",
        "worked_minutes",
        "worked_hours",
        "late_minutes",
        "early_minutes",
        "absent_minutes",
        "public_holiday",
        "excused",
        "open_anomalies",
    )
    rows = tuple(
        (one.payee.employee_number, one.payee.name, *_day(day, zone))
        for one in everyone
        for day in one.sheet.days
    )
    return Table(name="days", headings=headings, rows=rows)


def _day(day: TimesheetDay, zone: ZoneInfo) -> tuple[Cell, ...]:
    stretches = day.work.stretches
    return (
        day.day,
        ", ".join(shift.name for shift in day.work.shifts if shift.name),
        day.planned,
        _wall(stretches[0].start, zone) if stretches else None,
        _wall(stretches[-1].end, zone) if stretches else None,
        day.minutes,
        hours(day.minutes),
        day.late,
        day.early,
        day.absent,
        day.public_holiday or "",
        "yes" if day.work.excused else "",
        len(day.anomalies),
    )


def _wall(at: datetime, zone: ZoneInfo) -> time:
    return at.astimezone(zone).time().replace(microsecond=0)
