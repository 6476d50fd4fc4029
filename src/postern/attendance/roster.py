"""Who is expected when: a weekly pattern and dated changes to it, as shifts on a site's wall clock.

On the night when clocks go forward, a shift from 22:00 to 06:00 lasts seven hours; when they go back,
nine. An hour that the wall never shows is read as it would have been without the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from postern.access.model import DaySpan
from postern.attendance.model import Break, Shift
from postern.errors import BadInput


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakPattern:
    """A break by the wall clock; one that starts before the shift's hours lies on the next day."""

    hours: DaySpan
    paid: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftPattern:
    """A shift by the wall clock. An end at or before the start lies on the next day."""

    name: str
    hours: DaySpan
    breaks: tuple[BreakPattern, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WeeklyShift:
    """The same shift on some days of every week; Monday is 0."""

    weekdays: frozenset[int]
    pattern: ShiftPattern

    def __post_init__(self) -> None:
        if not self.weekdays <= frozenset(range(7)):
            raise BadInput("weekdays are 0 (Monday) to 6 (Sunday)")


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterChange:
    """A date whose shifts replace the week's; without shifts it is a day off. `name` says why."""

    day: date
    name: str
    patterns: tuple[ShiftPattern, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """The week and its changes. Without either nobody is expected, and everything worked is unplanned.

    `follows_calendar`: the week gives way to public holidays (`public_holidays.kept`); shifts that go on
    through them do not follow it.
    """

    weekly: tuple[WeeklyShift, ...] = ()
    changes: tuple[RosterChange, ...] = ()
    follows_calendar: bool = True

    def shifts_on(self, day: date, zone: ZoneInfo) -> tuple[Shift, ...]:
        """The shifts that start on `day`, earliest first; two on one day are a split shift."""
        changed = [one for one in self.changes if one.day == day]
        patterns = (
            [pattern for one in changed for pattern in one.patterns]
            if changed
            else [one.pattern for one in self.weekly if day.weekday() in one.weekdays]
        )
        return tuple(sorted((_shift(one, day, zone) for one in patterns), key=lambda one: one.start))


NO_ROSTER = Roster()


@lru_cache(maxsize=100_000)
def wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment at which the wall clock first shows `at` on `day`, in UTC. Everybody's days share them."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _shift(pattern: ShiftPattern, day: date, zone: ZoneInfo) -> Shift:
    start = wall(day, pattern.hours.start, zone)
    last = day if pattern.hours.end > pattern.hours.start else day + timedelta(days=1)
    end = wall(last, pattern.hours.end, zone)
    if end <= start:  # it lies in the hour that the wall does not show
        end = start + _length(pattern.hours)
    breaks = tuple(_break(one, pattern, day, zone) for one in pattern.breaks)
    return Shift(day=day, start=start, end=end, breaks=breaks, name=pattern.name)


def _break(pattern: BreakPattern, of: ShiftPattern, day: date, zone: ZoneInfo) -> Break:
    """It keeps its length when clocks change: half an hour at 02:30 is never ninety minutes."""
    after_midnight = pattern.hours.start < of.hours.start
    start = wall(day + timedelta(days=1) if after_midnight else day, pattern.hours.start, zone)
    return Break(start=start, end=start + _length(pattern.hours), paid=pattern.paid)


def _length(span: DaySpan) -> timedelta:
    """By the wall clock; no span is empty."""
    start, end = (timedelta(hours=one.hour, minutes=one.minute) for one in (span.start, span.end))
    return end - start if end > start else end - start + timedelta(days=1)
