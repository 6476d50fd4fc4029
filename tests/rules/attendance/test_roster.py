"""Shifts by the wall clock, also in the nights when it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from postern.access.model import DaySpan
from postern.attendance.model import Stretch
from postern.attendance.roster import (
    NO_ROSTER,
    BreakPattern,
    Roster,
    RosterChange,
    ShiftPattern,
    WeeklyShift,
)
from postern.errors import BadInput

BERLIN = ZoneInfo("Europe/Berlin")


def hours(start: str, end: str) -> DaySpan:
    return DaySpan(start=time.fromisoformat(start), end=time.fromisoformat(end))


EARLY = ShiftPattern(
    name="Early", hours=hours("06:00", "14:00"), breaks=(BreakPattern(hours=hours("10:00", "10:30")),)
)
NIGHT = ShiftPattern(
    name="Night", hours=hours("22:00", "06:00"), breaks=(BreakPattern(hours=hours("02:30", "03:00")),)
)
WEEK = Roster(
    weekly=(
        WeeklyShift(weekdays=frozenset(range(5)), pattern=EARLY),
        WeeklyShift(weekdays=frozenset({5}), pattern=NIGHT),
    ),
    changes=(
        RosterChange(day=date(2026, 3, 4), name="Leave"),
        RosterChange(day=date(2026, 3, 5), name="Swap", patterns=(NIGHT,)),
    ),
)


def test_without_a_roster_nobody_is_expected() -> None:
    assert NO_ROSTER.shifts_on(date(2026, 3, 2), BERLIN) == ()


def test_a_shift_stands_on_the_wall_clock_of_the_site() -> None:
    (shift,) = WEEK.shifts_on(date(2026, 3, 2), BERLIN)
    assert (shift.start, shift.end) == (
        datetime(2026, 3, 2, 5, tzinfo=UTC),
        datetime(2026, 3, 2, 13, tzinfo=UTC),
    )
    assert shift.minutes == 450


def test_a_change_replaces_the_week_and_may_be_a_day_off() -> None:
    assert WEEK.shifts_on(date(2026, 3, 4), BERLIN) == ()
    assert [one.name for one in WEEK.shifts_on(date(2026, 3, 5), BERLIN)] == ["Night"]


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(date(2026, 3, 21), 450), (date(2026, 3, 28), 390), (date(2026, 10, 24), 510)],
    ids=["a plain night", "clocks go forward", "clocks go back"],
)
def test_a_night_is_as_long_as_it_really_is(day: date, minutes: int) -> None:
    (shift,) = WEEK.shifts_on(day, BERLIN)
    assert shift.day == day
    unpaid = Stretch(start=shift.breaks[0].start, end=shift.breaks[0].end).minutes
    assert Stretch(start=shift.start, end=shift.end).minutes - unpaid == shift.minutes
    assert shift.minutes == minutes


def test_a_weekday_that_no_week_has_is_refused() -> None:
    with pytest.raises(BadInput, match="weekdays are 0"):
        WeeklyShift(weekdays=frozenset({7}), pattern=EARLY)


def test_a_stretch_never_runs_backwards() -> None:
    with pytest.raises(ValueError, match="cannot end before it starts"):
        Stretch(start=datetime(2026, 3, 2, 6, tzinfo=UTC), end=datetime(2026, 3, 2, 5, tzinfo=UTC))
