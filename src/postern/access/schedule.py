"""Is a schedule open at a moment?

The clock on the site's wall decides. On the night when clocks go forward, a span of 02:30–03:30 loses the
half hour that the wall never shows; when they go back, 02:30–03:00 is shown twice and is open twice.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from postern.access.model import DaySpan, Schedule
from postern.clock import aware


class Openness(Enum):
    """Whether a schedule is open; `CLOSED_SPECIALLY`: the week alone would have opened it."""

    OPEN = "open"
    CLOSED = "closed"
    CLOSED_SPECIALLY = "closed-specially"


def openness(schedule: Schedule, at: datetime, time_zone: ZoneInfo) -> Openness:
    """Whether `schedule` is open at `at`, by the wall clock of `time_zone`."""
    wall = aware(at).astimezone(time_zone).replace(tzinfo=None)
    days = (wall.date(), wall.date() - timedelta(days=1))  # yesterday's spans may run over midnight
    if any(_covers(span, day, wall) for day in days for span in spans_on(schedule, day)):
        return Openness.OPEN
    if any(_covers(span, day, wall) for day in days for span in _weekly_on(schedule, day)):
        return Openness.CLOSED_SPECIALLY
    return Openness.CLOSED


def spans_on(schedule: Schedule, day: date) -> tuple[DaySpan, ...]:
    """The spans that start on `day`: a special day's if it is one, else the week's."""
    special = [one for one in schedule.special_days if one.day == day]
    return tuple(span for one in special for span in one.spans) if special else _weekly_on(schedule, day)


def _weekly_on(schedule: Schedule, day: date) -> tuple[DaySpan, ...]:
    return tuple(weekly.span for weekly in schedule.weekly if day.weekday() in weekly.weekdays)


def _covers(span: DaySpan, day: date, wall: datetime) -> bool:
    last = day if span.end > span.start else day + timedelta(days=1)
    return datetime.combine(day, span.start) <= wall < datetime.combine(last, span.end)


def parsed_span(text: str) -> DaySpan:
    """`08:00-17:30` as a span; `24:00` is the end of the day. Raises ValueError on anything else."""
    start, dash, end = text.replace("–", "-").partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no span; write it like 08:00-17:30")
    return DaySpan(start=_parsed_time(start), end=_parsed_time(end))


def _parsed_time(text: str) -> time:
    text = text.strip()
    return time(0) if text == "24:00" else time.fromisoformat(text)
