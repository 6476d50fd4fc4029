"""What is paid on top of minutes for the hour or the day they were worked in: nights, Sundays, holidays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.attendance.model import WorkDay
from postern.attendance.moments import days_between
from postern.attendance.pay import LineKind, PayLine
from postern.attendance.public_holidays import PublicHolidays
from postern.attendance.roster import wall
from postern.attendance.rules_model import Law, Premium, Rule

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SUNDAY = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slice:
    """Minutes between two hours at which a premium may begin or end. `begun`: the calendar day of the
    work day's first minute."""

    clock_day: date
    start: datetime
    minutes: int
    begun: date


def premium_lines(
    days: Sequence[WorkDay], law: Law, calendar: PublicHolidays, zone: ZoneInfo
) -> tuple[PayLine, ...]:
    """The PREMIUM lines: of each family of premiums the highest that fits a minute."""
    found: list[PayLine] = []
    for one in days:
        premiums = [
            (rule, premium)
            for rule, premium in law.on(one.day).of(Premium)
            if law.profile.night_worker or not premium.night_workers
        ]
        if premiums and one.counted:
            found.extend(_of_day(one, premiums, calendar, zone))
    return tuple(found)


def _of_day(
    work: WorkDay, premiums: Sequence[tuple[Rule, Premium]], calendar: PublicHolidays, zone: ZoneInfo
) -> Iterator[PayLine]:
    slices = list(_slices(work, [premium for _, premium in premiums], zone))
    fitting = {
        rule.id: [one for one in slices if _fits(one, premium, calendar, zone)] for rule, premium in premiums
    }
    enough = [
        (rule, premium)
        for rule, premium in premiums
        if sum(one.minutes for one in fitting[rule.id]) > premium.more_than
    ]
    minutes: dict[str, int] = {}
    for one in slices:
        best: dict[str, tuple[Rule, Premium]] = {}
        for rule, premium in enough:
            known = best.get(premium.family)
            if one in fitting[rule.id] and (known is None or premium.percent > known[1].percent):
                best[premium.family] = rule, premium
        for rule, _ in best.values():
            minutes[rule.id] = minutes.get(rule.id, 0) + one.minutes
    for rule, premium in enough:
        if rule.id in minutes:
            yield PayLine(
                day=work.day,
                category=premium.category,
                minutes=minutes[rule.id],
                percent=premium.percent,
                article=rule.article,
                kind=LineKind.PREMIUM,
            )


def _slices(work: WorkDay, premiums: Sequence[Premium], zone: ZoneInfo) -> Iterator[_Slice]:
    edges = sorted({edge for one in premiums for edge in (one.start, one.end)} - {time(0)})
    begun: date | None = None
    for stretch in work.counted:
        for since, until, day in days_between(stretch.start, stretch.end, zone):
            begun = day if begun is None else begun
            cuts = [at for at in (wall(day, edge, zone) for edge in edges) if since < at < until]
            for start, end in zip((since, *cuts), (*cuts, until), strict=True):
                yield _Slice(clock_day=day, start=start, minutes=(end - start) // _MINUTE, begun=begun)


def _fits(one: _Slice, premium: Premium, calendar: PublicHolidays, zone: ZoneInfo) -> bool:
    day = one.clock_day - _DAY if premium.next_day else one.clock_day
    if premium.days and not _is_one_of(day, premium.days, calendar):
        return False
    if premium.begun_before_midnight and one.begun >= one.clock_day:
        return False
    if premium.start == premium.end:
        return True
    after_start = wall(one.clock_day, premium.start, zone) <= one.start
    before_end = one.start < wall(one.clock_day, premium.end, zone)
    if premium.end == time(0):
        return after_start
    return after_start and before_end if premium.start < premium.end else after_start or before_end


def _is_one_of(day: date, names: frozenset[str], calendar: PublicHolidays) -> bool:
    return (
        ("sunday" in names and day.weekday() == _SUNDAY)
        or ("public-holiday" in names and day in calendar.names)
        or f"{day:%m-%d}" in names
    )
