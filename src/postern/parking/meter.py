"""Units started one after the other, as `quote.py` describes them, counted in runs so that a month is quick.

A run is a number of equal units that start under the same line, within one span, calendar day and 24 hours,
so that the caps leave the same to all of them: the first units take it, the others nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from postern.errors import BadInput
from postern.parking.tariff import Basis, Period, Tariff, TariffLine, When

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metered:
    """`units` units of `line`, the first of which starts at `starts`; `taken` minor units are asked for them.

    `room` is what the caps left at the start of the run, None without caps, and `cap` the words of the
    tightest.
    """

    line: TariffLine
    starts: datetime
    units: int
    taken: int
    room: int | None
    cap: str

    @property
    def taken_off(self) -> int:
        """What the caps took off, in minor units."""
        return self.units * self.line.price.amount - self.taken

    def taken_by(self, units: int) -> int:
        """What the first `units` of them ask for."""
        asked = units * self.line.price.amount
        return asked if self.room is None else min(asked, self.room)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The line in force at a moment: the day that its span belongs to, and the wall time at which that
    ends."""

    line: TariffLine
    number: int
    period: Period
    day: date
    ends: datetime


def line_at(basis: Basis, entered: datetime, at: datetime) -> Placed:
    """The line in force. Raises BadInput when the tariff has no period for that day, or no line."""
    wall = at.astimezone(basis.calendar.time_zone).replace(tzinfo=None)
    vehicle_class, special_days = basis.vehicle_class, basis.calendar.special_days
    period = period_on(basis.tariff, wall.date())
    best: Placed | None = None
    for number, line in enumerate(period.lines):
        if best is not None and best.line.rank >= line.rank:
            continue
        if line.vehicle_classes and vehicle_class not in line.vehicle_classes:
            continue
        if at - entered < line.after or (line.until is not None and at - entered >= line.until):
            continue
        best = _fitting(number, period, wall, special_days) or best
    if best is None:
        raise BadInput(
            f"Tariff {basis.tariff.id} has no line for {vehicle_class!r} at {wall:%A %H:%M}; add one."
        )
    return best


def period_on(tariff: Tariff, day: date) -> Period:
    """The period in force on that day of the site. Raises BadInput where there is none."""
    for period in reversed(tariff.periods):
        if period.first <= day and (period.last is None or day <= period.last):
            return period
    raise BadInput(f"Tariff {tariff.id} has no prices for {day}; add a period that holds that day.")


def metered(basis: Basis, *, entered: datetime, until: datetime) -> Iterator[Metered]:
    """The runs of units that start from `entered` until just before `until`, both in UTC."""
    spent, time_zone = _Spent(), basis.calendar.time_zone
    at = entered
    while at < until:
        placed = line_at(basis, entered, at)
        room, cap, keys = spent.room(placed, at.astimezone(time_zone).date(), (at - entered) // _DAY)
        line = placed.line
        if line.step is None:
            units = 0 if room == 0 and spent.is_asked(keys) else 1
            following = _reached(placed.ends, at, time_zone)
            if line.until is not None:
                following = min(following, entered + line.until)
        else:
            end = min(_change(placed, basis, entered, at), until)
            units = -((at - end) // line.step)
            following = at + units * line.step
        asked = units * line.price.amount
        taken = asked if room is None else min(asked, room)
        spent.note(keys, taken)
        yield Metered(line=line, starts=at, units=units, taken=taken, room=room, cap=cap)
        at = following


class _Spent:
    """What was asked for so far under each cap, by what the cap counts for."""

    def __init__(self) -> None:
        self._spent: dict[tuple[object, ...], int] = defaultdict(int)
        self._asked: set[tuple[object, ...]] = set()

    def room(
        self, placed: Placed, day: date, block: int
    ) -> tuple[int | None, str, tuple[tuple[object, ...], ...]]:
        """What the tightest cap leaves (None without any), its words, and the keys to note under."""
        line, period = placed.line, placed.period
        keys = (("line", period.first, placed.number, placed.day), ("day", day), ("24 h", block))
        most = line.cap.amount if line.cap is not None else None
        if line.step is None:
            most = line.price.amount if most is None else min(most, line.price.amount)
        limits = (
            (most, line.label),
            (period.day_cap.amount.amount, period.day_cap.label) if period.day_cap else (None, ""),
            (period.cap_24h.amount.amount, period.cap_24h.label) if period.cap_24h else (None, ""),
        )
        rooms = [
            (max(0, limit - self._spent[key]), label)
            for key, (limit, label) in zip(keys, limits, strict=True)
            if limit is not None
        ]
        if not rooms:
            return None, "", keys
        return (*min(rooms, key=lambda one: one[0]), keys)

    def is_asked(self, keys: tuple[tuple[object, ...], ...]) -> bool:
        """Whether the line was used in this span before."""
        return keys[0] in self._asked

    def note(self, keys: tuple[tuple[object, ...], ...], amount: int) -> None:
        self._asked.add(keys[0])
        for key in keys:
            self._spent[key] += amount


def _fitting(number: int, period: Period, wall: datetime, special_days: frozenset[date]) -> Placed | None:
    """The line's span that holds `wall`: yesterday's, if it runs over midnight, before today's."""
    line = period.lines[number]
    today = wall.date()
    if not line.when:
        ends = datetime.combine(today + _DAY, time.min)
        return Placed(line=line, number=number, period=period, day=today, ends=ends)
    for day in (today - _DAY, today):
        for when in line.when:
            start, end = span_on(when, day)
            if _applies(when, day, special_days) and start <= wall < end:
                return Placed(line=line, number=number, period=period, day=day, ends=end)
    return None


def _applies(when: When, day: date, special_days: frozenset[date]) -> bool:
    return day in special_days if when.special_days else day.weekday() in when.weekdays


def span_on(when: When, day: date) -> tuple[datetime, datetime]:
    """The wall times between which the span of that day lies."""
    hours = when.hours
    last = day if hours.end > hours.start else day + _DAY
    return datetime.combine(day, hours.start), datetime.combine(last, hours.end)


def _change(placed: Placed, basis: Basis, entered: datetime, at: datetime) -> datetime:
    """The next moment at which another line, another day or another cap may count; also each change of
    clocks."""
    time_zone, vehicle_class = basis.calendar.time_zone, basis.vehicle_class
    wall = at.astimezone(time_zone).replace(tzinfo=None)
    marks = {time.min}
    elapsed = entered + ((at - entered) // _DAY + 1) * _DAY
    for line in placed.period.lines:
        if line.vehicle_classes and vehicle_class not in line.vehicle_classes:
            continue
        marks.update(mark for one in line.when for mark in (one.hours.start, one.hours.end))
        for edge in (line.after, line.until):
            if edge is not None and entered + edge > at:
                elapsed = min(elapsed, entered + edge)
    here = wall.time()
    later = min((mark for mark in marks if mark > here), default=None)
    mark = datetime.combine(wall.date(), later) if later else datetime.combine(wall.date() + _DAY, time.min)
    following = at + (mark - wall)
    if following.astimezone(time_zone).utcoffset() != at.astimezone(time_zone).utcoffset():
        following = _clock_change(at, following, time_zone)
    return min(following, elapsed)


def _reached(mark: datetime, at: datetime, time_zone: ZoneInfo) -> datetime:
    """The first moment after `at` at which the wall shows `mark` or, where it jumps over it, something
    later."""
    following = at + (mark - at.astimezone(time_zone).replace(tzinfo=None))
    if following.astimezone(time_zone).utcoffset() == at.astimezone(time_zone).utcoffset():
        return following
    change = _clock_change(at, following, time_zone)
    return max(change, change + (mark - change.astimezone(time_zone).replace(tzinfo=None)))


def _clock_change(after: datetime, by: datetime, time_zone: ZoneInfo) -> datetime:
    """The moment after one and by the other at which the offset changes, to the second. Found by halving."""
    first = after.astimezone(time_zone).utcoffset()
    low, high = after, by
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        if middle.astimezone(time_zone).utcoffset() == first:
            low = middle
        else:
            high = middle
    return high.astimezone(UTC).replace(microsecond=0)
