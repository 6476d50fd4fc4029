"""Limits of the law that the hours of a work day, a week or a month did not keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from postern.attendance.law_at import LawAt
from postern.attendance.model import WorkDay
from postern.attendance.pay import Breach, PayLine
from postern.attendance.rules_model import (
    Average,
    BreaksNeeded,
    ClosedDays,
    DayMost,
    Law,
    OvertimeMost,
    Reckoned,
    RestBetween,
    Rule,
    WeekRest,
)
from postern.attendance.tiers import week_start
from postern.attendance.worked import MINUTE, Worked

_SUNDAY = 6
_WEEK = 7


def breaches(
    days: Sequence[WorkDay], worked: Sequence[Worked], lines: Sequence[PayLine], law_at: LawAt
) -> tuple[Breach, ...]:
    """All of them, by day. Averages are judged only where the days reach back far enough."""
    law = law_at.law
    found = [
        *(breach for one in worked for breach in _of_day(one, law_at)),
        *_rests(worked, law),
        *_weeks(worked, law),
        *_averages(days, worked, law),
        *_overtime(lines, law),
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.rule)))


def _breach(rule: Rule, day: date, minutes: int) -> Breach:
    return Breach(day=day, rule=rule.id, minutes=minutes, article=rule.article)


def _of_day(worked: Worked, law_at: LawAt) -> Iterator[Breach]:
    in_force = law_at.law.on(worked.day)
    for rule, most in in_force.of(DayMost):
        if worked.minutes > most.minutes:
            yield _breach(rule, worked.day, worked.minutes - most.minutes)
    for rule, needed in in_force.of(BreaksNeeded):
        short = _short_of_break(worked, needed)
        if short:
            yield _breach(rule, worked.day, short)
    if law_at.law.profile.sunday_work:
        return
    for rule, closed in in_force.of(ClosedDays):
        minutes = sum(
            part.minutes
            for part in worked.parts
            if ("sunday" in closed.days and part.day.weekday() == _SUNDAY)
            or ("public-holiday" in closed.days and part.day in law_at.calendar.names)
        )
        if minutes:
            yield _breach(rule, worked.day, minutes)


def _short_of_break(worked: Worked, needed: BreaksNeeded) -> int:
    """Minutes of break that are missing, or that somebody worked too long without one; the larger."""
    counted = worked.work.counted
    pauses = [(other.start - one.end) // MINUTE for one, other in pairwise(counted)]
    taken = sum(pause for pause in pauses if pause >= needed.part)
    due = max((step.minutes for step in needed.steps if worked.minutes > step.over), default=0)
    run = longest = 0
    for number, minutes in enumerate(worked.lengths):
        run = minutes + (run if number and pauses[number - 1] < needed.part else 0)
        longest = max(longest, run)
    return max(due - taken, longest - needed.run, 0)


def _rests(worked: Sequence[Worked], law: Law) -> Iterator[Breach]:
    for one, other in pairwise(worked):
        for rule, rest in law.on(other.day).of(RestBetween):
            free = (other.work.counted[0].start - one.work.counted[-1].end) // MINUTE
            if free < rest.minutes:
                yield _breach(rule, other.day, rest.minutes - free)


def _weeks(worked: Sequence[Worked], law: Law) -> Iterator[Breach]:
    weeks: dict[date, list[Worked]] = {}
    for one in worked:
        weeks.setdefault(week_start(one.day, law.profile), []).append(one)
    for of_week in weeks.values():
        last = of_week[-1]
        for rule, rest in law.on(last.day).of(WeekRest):
            together = sum(one.minutes for one in of_week)
            short = together <= rest.week_at_most and all(one.minutes <= rest.day_at_most for one in of_week)
            if len(of_week) == _WEEK and not short:
                yield _breach(rule, last.day, last.minutes)


def _averages(days: Sequence[WorkDay], worked: Sequence[Worked], law: Law) -> Iterator[Breach]:
    starts = sorted({week_start(one.day, law.profile) for one in days})
    weeks = dict.fromkeys(starts, 0)
    for one in worked:
        weeks[week_start(one.day, law.profile)] += one.minutes
    for number, start in enumerate(starts):
        for rule, average in law.on(start).of(Average):
            window = starts[number + 1 - average.weeks : number + 1] if number + 1 >= average.weeks else []
            over = sum(weeks[one] for one in window) - average.weeks * average.minutes
            if over > 0:
                yield _breach(rule, start + timedelta(days=_WEEK - 1), over)


def _overtime(lines: Sequence[PayLine], law: Law) -> Iterator[Breach]:
    """Told once for each day or month, on the day on which the limit was passed, with all that is over it."""
    gone: dict[tuple[str, date], int] = {}
    passed: dict[tuple[str, date], tuple[Rule, date]] = {}
    limits: dict[str, OvertimeMost] = {}
    for line in lines:
        for rule, most in law.on(line.day).of(OvertimeMost):
            if line.category not in most.categories:
                continue
            limits[rule.id] = most
            key = rule.id, line.day.replace(day=1) if most.of is Reckoned.MONTH else line.day
            gone[key] = gone.get(key, 0) + line.minutes
            if gone[key] > most.minutes:
                passed.setdefault(key, (rule, line.day))
    for key, (rule, day) in passed.items():
        yield _breach(rule, day, gone[key] - limits[rule.id].minutes)
