"""Tariffs of every shape, drawn; and the price by the plainest reckoning, unit by unit and minute by
minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from postern.access.model import DaySpan
from postern.money import Money
from postern.parking.tariff import (
    EVERY_DAY,
    Calendar,
    Cap,
    Period,
    Rounding,
    RoundingMode,
    Tariff,
    TariffLine,
    When,
)

MINUTE = timedelta(minutes=1)
CLASSES = ("car", "motorcycle")


@cache
def zones_that_change() -> tuple[str, ...]:
    """Every IANA zone whose clocks change between 2024 and 2030."""

    def offsets(name: str) -> set[timedelta | None]:
        days = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(0, 2190, 7))
        return {day.astimezone(ZoneInfo(name)).utcoffset() for day in days}

    return tuple(name for name in sorted(available_timezones()) if len(offsets(name)) > 1)


def money(least: int = 0, most: int = 40) -> st.SearchStrategy[Money]:
    """Tenths of a euro, so that it is a multiple of whatever totals are rounded to."""
    return st.integers(least, most).map(lambda n: Money(10 * n, "EUR"))


SEASONS = (date(2026, 3, 5), date(2026, 10, 3))
"""From each, 32 days in which clocks go forward in the north and back in the south, or the reverse."""
DAYS = st.builds(lambda season, n: season + timedelta(days=n), st.sampled_from(SEASONS), st.integers(0, 31))
MOMENTS = st.builds(
    lambda day, n: datetime.combine(day, time(0), UTC) + n * MINUTE, DAYS, st.integers(0, 1439)
)
CLOCKS = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
STEPS = st.none() | st.sampled_from([1, 7, 15, 20, 60, 90, 1440]).map(lambda n: n * MINUTE)
CAPS = st.none() | st.builds(Cap, label=st.just("most"), amount=money(0, 200))


@st.composite
def lines(draw: st.DrawFn) -> tuple[TariffLine, ...]:
    """A line for all other times in one or two parts, spans that do not meet, and perhaps special days."""
    free = draw(st.sampled_from([0, 0, 10, 45])) * MINUTE

    def line(label: str, **more: object) -> TariffLine:
        return TariffLine(
            label=label,
            price=draw(money()),
            step=draw(STEPS),
            free=free,
            cap=draw(st.none() | money(0, 100)),
            **more,
        )

    split = draw(st.sampled_from([None, 30, 60, 1440]))
    if split is None:
        found = [line("else")]
    else:
        found = [line("first", until=split * MINUTE), line("later", after=split * MINUTE)]
    marks = draw(st.lists(CLOCKS, min_size=2, max_size=4, unique=True).map(sorted))
    ring = list(zip(marks, (*marks[1:], marks[0]), strict=True))
    for number, (start, end) in enumerate(ring):
        if draw(st.booleans()):
            when = When(hours=DaySpan(start=start, end=end), weekdays=draw(st.just(EVERY_DAY) | WEEKDAYS))
            found.append(line(f"span {number}", when=(when,)))
    if draw(st.booleans()):
        hours = DaySpan(start=draw(CLOCKS), end=draw(CLOCKS))
        found.append(line("special", when=(When(hours=hours, special_days=True),)))
    return tuple(found)


WEEKDAYS = st.frozensets(st.integers(0, 6), min_size=1)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """One to three periods from 2024 on."""
    firsts = [date(2024, 1, 1), *sorted(draw(st.sets(DAYS, max_size=2)))]
    lasts = [*(first - timedelta(days=1) for first in firsts[1:]), None]
    periods = [
        Period(first=first, last=last, lines=draw(lines()), day_cap=draw(CAPS), cap_24h=draw(CAPS))
        for first, last in zip(firsts, lasts, strict=True)
    ]
    return Tariff(
        id="drawn",
        name="Drawn",
        currency="EUR",
        vat_percent=draw(st.sampled_from([Decimal(0), Decimal("7.7"), Decimal(19)])),
        rounding=Rounding(to=draw(st.sampled_from([1, 5, 10])), mode=draw(st.sampled_from(RoundingMode))),
        grace_after_paying=timedelta(minutes=15),
        vehicle_classes=CLASSES,
        periods=tuple(periods),
    )


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A zone whose clocks change, and some special days."""
    zone = draw(st.sampled_from(zones_that_change()))
    return Calendar(time_zone=ZoneInfo(zone), special_days=draw(st.frozensets(DAYS, max_size=4)))


def plain_price(tariff: Tariff, calendar: Calendar, entered: datetime, at: datetime) -> int:
    """The price before rounding, reckoned unit by unit from the words of the tariff alone."""
    spent: dict[object, int] = {}
    flat_asked: set[object] = set()
    start, asked, free = entered, 0, None
    while start < at:
        wall = start.astimezone(calendar.time_zone).replace(tzinfo=None)
        period = next(
            one
            for one in tariff.periods
            if one.first <= wall.date() and (one.last is None or wall.date() <= one.last)
        )
        line, day = _in_force(period, calendar, wall, start - entered)
        free = line.free if free is None else free
        limits = {("line", period.first, line.label, day): line.cap.amount if line.cap is not None else None}
        limits["day", wall.date()] = period.day_cap.amount.amount if period.day_cap else None
        limits["24 h", (start - entered) // timedelta(days=1)] = (
            period.cap_24h.amount.amount if period.cap_24h else None
        )
        price = line.price.amount
        if line.step is None and ("line", period.first, line.label, day) in flat_asked:
            price = 0
        if line.step is None:
            flat_asked.add(("line", period.first, line.label, day))
        for key, limit in limits.items():
            if limit is not None:
                price = min(price, max(0, limit - spent.get(key, 0)))
        for key in limits:
            spent[key] = spent.get(key, 0) + price
        asked += price
        start = start + line.step if line.step else _flat_end(line, calendar, start, entered, day)
    return asked if free is not None and at - entered > free else 0


def _in_force(
    period: Period, calendar: Calendar, wall: datetime, elapsed: timedelta
) -> tuple[TariffLine, date]:
    found = []
    for line in period.lines:
        if line.after <= elapsed and (line.until is None or elapsed < line.until):
            found += [(line.rank, line, day) for day in _days(line, calendar, wall)]
    rank = max(one[0] for one in found)
    return next((line, day) for its, line, day in found if its == rank)


def _days(line: TariffLine, calendar: Calendar, wall: datetime) -> list[date]:
    """The days whose span of that line holds the wall time."""
    if not line.when:
        return [wall.date()]
    yesterday = wall.date() - timedelta(days=1)
    return [
        day for day in (yesterday, wall.date()) if any(_holds(one, calendar, wall, day) for one in line.when)
    ]


def _holds(when: When, calendar: Calendar, wall: datetime, day: date) -> bool:
    if not (day in calendar.special_days if when.special_days else day.weekday() in when.weekdays):
        return False
    last = day + timedelta(days=when.hours.end <= when.hours.start)
    return datetime.combine(day, when.hours.start) <= wall < datetime.combine(last, when.hours.end)


def _flat_end(
    line: TariffLine, calendar: Calendar, start: datetime, entered: datetime, day: date
) -> datetime:
    """Minute by minute until the wall shows the end of the span or something later."""
    last = day + timedelta(days=1)
    if line.when:
        hours = line.when[0].hours
        last_day = day if hours.end > hours.start else last
        ends = datetime.combine(last_day, hours.end)
    else:
        ends = datetime.combine(last, time(0))
    at = start
    while at.astimezone(calendar.time_zone).replace(tzinfo=None) < ends:
        at += MINUTE
        if line.until is not None and at - entered >= line.until:
            break
    return at
