"""Which minutes are regular, and which are overtime: thresholds over a day, a week or a month.

Every minute worked lands in one category. Thresholds of the day come first; only minutes that they leave
regular count towards those of the week and the month, so that no minute is paid as overtime twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple

from postern.attendance.law_at import LawAt
from postern.attendance.model import WorkDay
from postern.attendance.pay import PayLine, PayProfile
from postern.attendance.public_holidays import DayKind
from postern.attendance.rules_model import REGULAR, InForce, Law, Reckoned, Rule, Tier
from postern.attendance.worked import Worked, parts_of
from postern.errors import BadInput

_WEEK = 7
_DAYS = tuple(timedelta(days=number) for number in range(_WEEK))


class NoPayRule(BadInput):
    """The law does not know this way of reckoning hours."""

    def __init__(self) -> None:
        super().__init__(
            "There is no pay rule for this way of reckoning hours on one of the days."
            " Choose another way or another jurisdiction in the pay profile."
        )


class Piece(NamedTuple):
    """Minutes of one law's day and one kind. `moved`: the day is worked instead of another week's."""

    day: date
    kind: DayKind
    start: datetime
    minutes: int
    moved: bool = False


class _Part(NamedTuple):
    """A piece, or a part of one, and the tier that it fell into."""

    piece: Piece
    minutes: int
    rule: Rule
    tier: Tier


def worked_lines(days: Sequence[WorkDay], worked: Sequence[Worked], law_at: LawAt) -> tuple[PayLine, ...]:
    """The WORKED lines of days that begin with a week and a month, or before all work."""
    law = law_at.law
    pieces = _marked_sevenths(_pieces(days, worked, law_at), law)
    parts = [
        part
        for day, of_day in groupby(pieces, key=lambda one: one.day)
        for part in _parts_of_day(of_day, law.on(day))
    ]
    for reckoned in (Reckoned.WEEK, Reckoned.MONTH):
        parts = list(_over_longer(parts, law, reckoned))
    return _lines(parts)


def week_start(day: date, profile: PayProfile) -> date:
    """The first day of the work week that `day` lies in."""
    return day - _DAYS[(day.weekday() - profile.week_starts) % _WEEK]


def _pieces(days: Sequence[WorkDay], worked: Sequence[Worked], law_at: LawAt) -> list[Piece]:
    law, calendar = law_at.law, law_at.calendar
    has_roster = any(one.shifts for one in days)
    shifts = {one.day: one.shifts for one in days}
    starts = law.profile.day_starts if law.book.fixed_days else time(0)

    def kind(clock_day: date, work_day: date) -> DayKind:
        """A public holiday begins and ends at midnight; of a rest day the whole shift has its kind."""
        if law.book.fixed_days:
            return DayKind.WORK
        if clock_day in calendar.names:
            return DayKind.PUBLIC_HOLIDAY
        day = clock_day if work_day in calendar.names and not shifts[work_day] else work_day
        found = calendar.kind(day, shifts.get(day, ()), has_roster=has_roster)
        return DayKind.WORK if found is DayKind.PUBLIC_HOLIDAY else found

    found = [
        Piece(
            day=part.day if law.book.fixed_days else one.day,
            kind=kind(part.day, one.day),
            start=part.start,
            minutes=part.minutes,
            moved=one.day in calendar.worked,
        )
        for one in worked
        for part in (one.parts if starts == time(0) else parts_of(one.work, law_at.zone, starts))
    ]
    return sorted(found, key=lambda one: (one.day, one.start))


def _marked_sevenths(pieces: Sequence[Piece], law: Law) -> Iterator[Piece]:
    """The seventh day of a work week on each of whose days somebody worked."""
    worked: dict[date, set[date]] = {}
    for day in {one.day for one in pieces}:
        worked.setdefault(week_start(day, law.profile), set()).add(day)
    sevenths = {
        max(of_week)
        for of_week in worked.values()
        if len(of_week) == _WEEK and law.on(max(of_week)).tiers(Reckoned.DAY, DayKind.SEVENTH)
    }
    for one in pieces:
        yield one._replace(kind=DayKind.SEVENTH) if one.day in sevenths else one


def _parts_of_day(pieces: Iterable[Piece], in_force: InForce) -> Iterator[_Part]:
    gone = 0
    for piece in pieces:
        fits = [(tier.after or 0, rule, tier) for rule, tier in in_force.tiers(Reckoned.DAY, piece.kind)]
        if not fits:
            raise NoPayRule
        for minutes, rule, tier in _shared(gone, piece.minutes, fits):
            yield _Part(piece=piece, minutes=minutes, rule=rule, tier=tier)
        gone += piece.minutes


def _over_longer(parts: Iterable[_Part], law: Law, reckoned: Reckoned) -> Iterator[_Part]:
    """Regular minutes beyond the threshold of their week or month, in the order in which they were worked."""
    gone: dict[date, int] = {}
    for part in parts:
        day = part.piece.day
        moved = part.piece.moved and reckoned is Reckoned.WEEK
        fits = [(0, part.rule, part.tier)]
        for rule, tier in law.on(day).tiers(reckoned, part.piece.kind):
            after = law.profile.contract_minutes if tier.after is None else tier.after
            if after is not None:
                fits.append((after, rule, tier))
        if part.tier.category != REGULAR or moved or len(fits) == 1:
            yield part
            continue
        start = week_start(day, law.profile) if reckoned is Reckoned.WEEK else day.replace(day=1)
        before = gone.get(start, 0)
        gone[start] = before + part.minutes
        for minutes, rule, tier in _shared(before, part.minutes, sorted(fits, key=lambda one: one[0])):
            yield _Part(piece=part.piece, minutes=minutes, rule=rule, tier=tier)


def _shared(
    gone: int, minutes: int, fits: Sequence[tuple[int, Rule, Tier]]
) -> Iterator[tuple[int, Rule, Tier]]:
    """Minutes after `gone` others, cut at thresholds in their order; each part with the highest passed."""
    end = gone + minutes
    for number, (after, rule, tier) in enumerate(fits):
        until = fits[number + 1][0] if number + 1 < len(fits) else end
        part = min(until, end) - max(after, gone)
        if part > 0:
            yield part, rule, tier


def _lines(parts: Iterable[_Part]) -> tuple[PayLine, ...]:
    minutes: dict[tuple[date, str], int] = {}
    last: dict[tuple[date, str], _Part] = {}
    for one in parts:
        key = one.piece.day, one.rule.id
        minutes[key] = minutes.get(key, 0) + one.minutes
        last[key] = one
    return tuple(
        PayLine(
            day=key[0],
            category=last[key].tier.category,
            minutes=minutes[key],
            percent=last[key].tier.percent,
            article=last[key].rule.article,
        )
        for key in sorted(minutes, key=lambda one: one[0])
    )
