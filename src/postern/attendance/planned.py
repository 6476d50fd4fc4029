"""Which shift a moment belongs to, and which day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from postern.attendance.model import Shift
from postern.attendance.roster import Roster


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The shifts of some days in their order; between two of them the middle divides."""

    shifts: tuple[Shift, ...]
    by_day: Mapping[date, tuple[Shift, ...]]
    middles: tuple[datetime, ...]
    reach: timedelta
    zone: ZoneInfo
    day_change: time

    def on(self, day: date) -> tuple[Shift, ...]:
        """The shifts that start on that day."""
        return self.by_day.get(day, ())

    def shift_at(self, at: datetime) -> Shift | None:
        """The shift that a punch at `at` belongs to; None where the nearest is out of reach."""
        if not self.shifts:
            return None
        shift = self.shifts[bisect_right(self.middles, at)]
        return shift if shift.start - self.reach <= at <= shift.end + self.reach else None

    def day_of(self, at: datetime) -> date:
        """The day of unplanned work that begins at `at`."""
        wall = at.astimezone(self.zone)
        return wall.date() if wall.time() >= self.day_change else wall.date() - timedelta(days=1)

    def between_shifts(self, start: datetime, end: datetime) -> bool:
        """Whether the time from `start` to `end` lies over the middle between two shifts."""
        return bisect_right(self.middles, start) != bisect_right(self.middles, end)


def plan(
    roster: Roster, first: date, last: date, zone: ZoneInfo, *, reach: timedelta, day_change: time
) -> Plan:
    """The shifts of the days from `first` to `last`."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    by_day = {day: roster.shifts_on(day, zone) for day in days}
    shifts = tuple(shift for of_day in by_day.values() for shift in of_day)
    return Plan(
        shifts=shifts,
        by_day=by_day,
        middles=_middles(shifts),
        reach=reach,
        zone=zone,
        day_change=day_change,
    )


def _middles(shifts: Sequence[Shift]) -> tuple[datetime, ...]:
    return tuple(one.end + (other.start - one.end) / 2 for one, other in pairwise(shifts))


def nearer_its_start(at: datetime, shift: Shift) -> bool:
    """Whether `at` is nearer to the shift's start than to its end."""
    return abs(at - shift.start) <= abs(shift.end - at)
