"""Cutting time at the hours that the wall clock shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.attendance.roster import wall

_DAY = timedelta(days=1)


def whole(at: datetime) -> datetime:
    """The minute that the clock shows."""
    return at.replace(second=0, microsecond=0)


def day_at(at: datetime, zone: ZoneInfo, starts: time) -> date:
    """The day that `at` lies in, if days begin at `starts`."""
    guess = at.date()
    for day in (guess + _DAY, guess, guess - _DAY):
        if wall(day, starts, zone) <= at:
            return day
    return guess - 2 * _DAY


def days_between(
    start: datetime, end: datetime, zone: ZoneInfo, starts: time = time(0)
) -> Iterator[tuple[datetime, datetime, date]]:
    """The parts of a stretch that lie in different days, each with its day."""
    day = day_at(start, zone, starts)
    while start < end:
        until = min(end, wall(day + _DAY, starts, zone))
        if start < until:
            yield start, until, day
        start, day = until, day + _DAY
