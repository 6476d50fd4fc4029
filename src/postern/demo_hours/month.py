"""When the demo's people came and went since the first of last month, drawn: the same for the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from postern.access.model import DaySpan
from postern.attendance.model import Shift
from postern.attendance.public_holidays import kept, public_holidays
from postern.attendance.roster import BreakPattern, Roster, ShiftPattern, WeeklyShift

COUNTRY = "DE"
CONTRACTOR = "Metallbau Lenz (invented)"
_MINUTE = timedelta(minutes=1)
_WEEKDAYS, _NIGHTS = frozenset(range(5)), frozenset({6, 0, 1, 2, 3})


def _roster(name: str, weekdays: frozenset[int], hours: DaySpan, rest: DaySpan) -> Roster:
    pattern = ShiftPattern(name=name, hours=hours, breaks=(BreakPattern(hours=rest),))
    return Roster(weekly=(WeeklyShift(weekdays=weekdays, pattern=pattern),))


def _span(start: time, end: time) -> DaySpan:
    return DaySpan(start=start, end=end)


ROSTERS = {
    "Office": _roster("Office", _WEEKDAYS, _span(time(8), time(16, 30)), _span(time(12), time(12, 30))),
    "Early": _roster("Early", _WEEKDAYS, _span(time(6, 30), time(15)), _span(time(10, 30), time(11))),
    "Late": _roster("Late", _WEEKDAYS, _span(time(13, 30), time(22)), _span(time(17, 30), time(18))),
    "Night": _roster("Night", _NIGHTS, _span(time(22), time(6)), _span(time(2), time(2, 30))),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """One of the demo's people, by employee number; `contractor`: who employs them, if not the organisation.

    `approved`: somebody has approved the hours of last month. `forgot_out`, `forgot_in`, `sick`, `missing`:
    on which day of work before today, counted back, what happened.
    """

    number: str
    roster: str
    team: str
    occupation: str
    contractor: str = ""
    approved: bool = False
    forgot_out: int | None = None
    forgot_in: int | None = None
    sick: int | None = None
    missing: int | None = None


WORKERS = (
    Worker(number="1001", roster="Office", team="Office", occupation="head of office", approved=True),
    Worker(number="1002", roster="Night", team="Workshop", occupation="night watch", approved=True),
    Worker(number="1003", roster="Office", team="Office", occupation="accountant", forgot_in=7),
    Worker(number="1004", roster="Early", team="Workshop", occupation="fitter", forgot_out=2),
    Worker(
        number="1005", roster="Early", team="Workshop", occupation="fitter", contractor=CONTRACTOR, sick=9
    ),
    Worker(number="1006", roster="Late", team="Workshop", occupation="dispatcher", missing=4),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """Somebody went in or out through the front door."""

    at: datetime
    number: str
    out: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgot:
    """The punch that no reader has, of the work of `day`."""

    at: datetime
    number: str
    out: bool
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """Everything until `now`, in its order. `sick`: days that were excused."""

    now: datetime
    first: date
    passed: tuple[Passed, ...]
    forgotten: tuple[Forgot, ...]
    sick: tuple[tuple[str, date], ...]


def month(now: datetime, time_zone: ZoneInfo) -> Month:
    """From the first of last month until `now`."""
    today = now.astimezone(time_zone).date()
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    draw = Random("the demo's hours")  # noqa: S311 - a demo, not a secret
    made = [_of(worker, draw, first, today, time_zone) for worker in WORKERS]
    passed = sorted((one for each in made for one in each.passed), key=lambda one: (one.at, one.number))
    return Month(
        now=now,
        first=first,
        passed=tuple(one for one in passed if one.at < now - _MINUTE),
        forgotten=tuple(one for each in made for one in each.forgotten),
        sick=tuple(one for each in made for one in each.sick),
    )


@dataclass(kw_only=True)
class _Made:
    passed: list[Passed]
    forgotten: list[Forgot]
    sick: list[tuple[str, date]]


def _of(worker: Worker, draw: Random, first: date, today: date, time_zone: ZoneInfo) -> _Made:
    shifts = list(_shifts(ROSTERS[worker.roster], first, today, time_zone))
    before = [one for one in shifts if one.day < today]
    made = _Made(passed=[], forgotten=[], sick=[])
    for shift in shifts:
        back = len(before) - before.index(shift) if shift in before else 0
        if worker.sick is not None and back in (worker.sick, worker.sick - 1):
            made.sick.append((worker.number, shift.day))
        elif worker.missing is None or back != worker.missing:
            _works(worker, draw, shift, back, made)
    return made


def _works(worker: Worker, draw: Random, shift: Shift, back: int, made: _Made) -> None:
    """In, out and in for the break, out: a bit early or late, and now and then one of them forgotten."""
    at = [shift.start + draw.triangular(-14, 6, -4) * _MINUTE]
    for one in shift.breaks:
        rests = one.start + draw.uniform(-3, 4) * _MINUTE
        at += [rests, rests + (one.end - one.start) + draw.uniform(0.2, 6) * _MINUTE]
    at.append(shift.end + draw.triangular(-2, 40, 5) * _MINUTE)
    left_out = len(at) - 1 if back and back == worker.forgot_out else None
    left_out = 0 if back and back == worker.forgot_in else left_out
    for place, moment in enumerate(at):
        out = place % 2 == 1
        if place == left_out:
            made.forgotten.append(Forgot(at=moment, number=worker.number, out=out, day=shift.day))
        else:
            made.passed.append(Passed(at=moment, number=worker.number, out=out))


def _shifts(roster: Roster, first: date, today: date, time_zone: ZoneInfo) -> Iterator[Shift]:
    """The roster's, without public holidays."""
    planned = kept(roster, public_holidays(COUNTRY, None, first.year, today.year), first, today)
    for number in range((today - first).days + 1):
        yield from planned.shifts_on(first + timedelta(days=number), time_zone)
