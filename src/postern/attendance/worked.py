"""Worked: a work day's counted minutes, cut at midnight once for everything that the law asks about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from postern.attendance.model import WorkDay
from postern.attendance.moments import days_between

MINUTE = timedelta(minutes=1)


class Part(NamedTuple):
    """Minutes of one calendar day. `start` and `end` are moments in UTC."""

    day: date
    start: datetime
    end: datetime
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Worked:
    """A day on which something counts. `lengths`: the minutes of each of its stretches."""

    work: WorkDay
    minutes: int
    lengths: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def day(self) -> date:
        """The work day."""
        return self.work.day


def worked_days(days: Sequence[WorkDay], zone: ZoneInfo) -> tuple[Worked, ...]:
    """Those of the days on which something counts."""
    return tuple(_worked(one, zone) for one in days if one.counted)


def parts_of(work: WorkDay, zone: ZoneInfo, starts: time = time(0)) -> tuple[Part, ...]:
    """The day's counted minutes, cut where a day begins at `starts`."""
    return tuple(
        Part(day=day, start=start, end=end, minutes=(end - start) // MINUTE)
        for one in work.counted
        for start, end, day in days_between(one.start, one.end, zone, starts)
    )


def _worked(work: WorkDay, zone: ZoneInfo) -> Worked:
    lengths = tuple(one.minutes for one in work.counted)
    return Worked(work=work, minutes=sum(lengths), lengths=lengths, parts=parts_of(work, zone))
