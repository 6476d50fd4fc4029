"""Rosters that tests work by."""

from __future__ import annotations

from datetime import time

from postern.access.model import DaySpan
from postern.attendance.roster import Roster, ShiftPattern, WeeklyShift

DAY_SHIFT = Roster(
    weekly=(
        WeeklyShift(
            weekdays=frozenset(range(5)),
            pattern=ShiftPattern(name="Day", hours=DaySpan(start=time(8), end=time(16))),
        ),
    )
)
