"""A schedule's week as text in a form, and back; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from postern.access.model import DaySpan, Schedule, WeeklySpan
from postern.access.schedule import parsed_span

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A stretch of a day, in minutes, for the picture of a week."""

    start: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DayView:
    """One weekday: its spans as text, and as bars."""

    text: str
    bars: tuple[Bar, ...]


def spans_from(text: str) -> tuple[DaySpan, ...]:
    """`08:00-12:00, 13:00-17:30` as spans. Raises ValueError or BadInput on anything else."""
    parts = [part.strip() for part in re.split(r"[,;，；]", text)]
    return tuple(parsed_span(part) for part in parts if part)


def text_from(spans: tuple[DaySpan, ...]) -> str:
    """The spans as they are typed, in order."""
    return ", ".join(
        f"{span.start:%H:%M}-{'24:00' if span.end == time(0) else span.end.strftime('%H:%M')}"
        for span in sorted(spans, key=lambda span: span.start)
    )


def days_of(schedule: Schedule) -> tuple[DayView, ...]:
    """Monday to Sunday."""
    days = []
    for weekday in range(7):
        spans = tuple(one.span for one in schedule.weekly if weekday in one.weekdays)
        days.append(DayView(text=text_from(spans), bars=tuple(_bar(span) for span in spans)))
    return tuple(days)


def weekly_from(days: tuple[tuple[DaySpan, ...], ...]) -> tuple[WeeklySpan, ...]:
    """Spans of seven days, the same span on several days told once."""
    weekdays: dict[DaySpan, set[int]] = {}
    for weekday, spans in enumerate(days):
        for span in spans:
            weekdays.setdefault(span, set()).add(weekday)
    return tuple(WeeklySpan(weekdays=frozenset(which), span=span) for span, which in weekdays.items())


def _bar(span: DaySpan) -> Bar:
    start, end = _minutes(span.start), _minutes(span.end)
    return Bar(start=start, length=(end if end > start else DAY_MINUTES) - start)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
