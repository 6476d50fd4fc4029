"""Which minutes are regular, and which are overtime: thresholds over a day, a week or a month.

Every minute worked lands in one category. Thresholds of the day come first; only minutes that they leave
regular count towards those of the week and the month, so that no minute is paid as overtime twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.attendance.model import WorkDay
from postern.attendance.moments import days_between
from postern.attendance.pay import PayLine, PayProfile
from postern.attendance.public_holidays import DayKind, PublicHolidays
from postern.attendance.rules_model import REGULAR, InForce, Law, Reckoned, Rule, Tier
from postern.errors import BadInput

_WEEK = 7


class NoPayRule(BadInput):
    """The law does not know this way of reckoning hours."""

    def __init__(self) -> None:
        super().__init__(
            "There is no pay rule for this way of reckoning hours on one of the days."
            " Choose another way or another jurisdiction in the pay profile."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Minutes of one law's day and one kind. `moved`: the day is worked instead of another week's."""

    day: date
    kind: DayKind
    start: datetime
    minutes: int
    moved: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A piece, or a part of one, and the tier that it fell into."""

    piece: Piece
    minutes: int
    rule: Rule
    tier: Tier


def worked_lines(
    days: Sequence[WorkDay], law: Law, calendar: PublicHolidays, zone: ZoneInfo
) -> tuple[PayLine, ...]:
    """The WORKED lines of days that begin with a week and a month, or before all work."""
    parts: list[_Part] = []
    of_day: list[Piece] = []
    for piece in _marked_sevenths(_pieces(days, law, calendar, zone), law):
        if of_day and of_day[0].day != piece.day:
            parts.extend(_parts_of_day(of_day, law.on(of_day[0].day)))
            of_day = []
        of_day.append(piece)
    if of_day:
        parts.extend(_parts_of_day(of_day, law.on(of_day[0].day)))
    for reckoned in (Reckoned.WEEK, Reckoned.MONTH):
        parts = list(_over_longer(parts, law, reckoned))
    return _lines(parts)


def week_start(day: date, profile: PayProfile) -> date:
    """The first day of the work week that `day` lies in."""
    return day - timedelta(days=(day.weekday() - profile.week_starts) % _WEEK)


def _pieces(days: Sequence[WorkDay], law: Law, calendar: PublicHolidays, zone: ZoneInfo) -> list[Piece]:
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
            day=clock_day if law.book.fixed_days else one.day,
            kind=kind(clock_day, one.day),
            start=start,
            minutes=(end - start) // timedelta(minutes=1),
            moved=one.day in calendar.worked,
        )
        for one in days
        for stretch in one.counted
        for start, end, clock_day in days_between(stretch.start, stretch.end, zone, starts)
    ]
    return sorted(found, key=lambda one: (one.day, one.start))


def _marked_sevenths(pieces: Sequence[Piece], law: Law) -> Iterator[Piece]:
    """The seventh day of a work week on each of whose days somebody worked."""
    worked: dict[date, set[date]] = {}
    for one in pieces:
        worked.setdefault(week_start(one.day, law.profile), set()).add(one.day)
    for one in pieces:
        of_week = worked[week_start(one.day, law.profile)]
        is_seventh = len(of_week) == _WEEK and one.day == max(of_week) and _has_sevenths(law.on(one.day))
        yield replace(one, kind=DayKind.SEVENTH) if is_seventh else one


def _has_sevenths(in_force: InForce) -> bool:
    return any(tier.of is Reckoned.DAY and DayKind.SEVENTH in tier.on for _, tier in in_force.of(Tier))


def _parts_of_day(pieces: Sequence[Piece], in_force: InForce) -> Iterator[_Part]:
    gone = 0
    tiers = [(rule, tier) for rule, tier in in_force.of(Tier) if tier.of is Reckoned.DAY]
    for piece in pieces:
        fits = [(tier.after or 0, rule, tier) for rule, tier in tiers if piece.kind in tier.on]
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
        start = week_start(day, law.profile) if reckoned is Reckoned.WEEK else day.replace(day=1)
        moved = part.piece.moved and reckoned is Reckoned.WEEK
        fits = [(0, part.rule, part.tier)]
        for rule, tier in law.on(day).of(Tier):
            after = law.profile.contract_minutes if tier.after is None else tier.after
            if tier.of is reckoned and part.piece.kind in tier.on and after is not None:
                fits.append((after, rule, tier))
        if part.tier.category != REGULAR or moved or len(fits) == 1:
            yield part
            continue
        before = gone.get(start, 0)
        gone[start] = before + part.minutes
        for minutes, rule, tier in _shared(before, part.minutes, fits):
            yield replace(part, minutes=minutes, rule=rule, tier=tier)


def _shared(
    gone: int, minutes: int, fits: Sequence[tuple[int, Rule, Tier]]
) -> Iterator[tuple[int, Rule, Tier]]:
    """Minutes after `gone` others, cut at the thresholds; each part with the highest threshold passed."""
    ordered = sorted(fits, key=lambda one: one[0])
    for number, (after, rule, tier) in enumerate(ordered):
        until = ordered[number + 1][0] if number + 1 < len(ordered) else gone + minutes
        part = min(until, gone + minutes) - max(after, gone)
        if part > 0:
            yield part, rule, tier


def _lines(parts: Iterable[_Part]) -> tuple[PayLine, ...]:
    found: dict[tuple[date, str], PayLine] = {}
    for one in parts:
        key = one.piece.day, one.rule.id
        before = found.get(key)
        found[key] = PayLine(
            day=one.piece.day,
            category=one.tier.category,
            minutes=one.minutes + (before.minutes if before is not None else 0),
            percent=one.tier.percent,
            article=one.rule.article,
        )
    return tuple(found[key] for key in sorted(found, key=lambda one: one[0]))
