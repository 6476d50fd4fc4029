"""Who parks in the demo's garage in the week before now, drawn from a seed: the same for the same moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

from postern.parking.pairing import APART, distances

BAYS = 60
DAYS = 7
"""Full days before today."""
_VISITORS = 56
_BY_WEEKDAY = (1.0, 1.0, 1.0, 1.05, 1.2, 1.25, 0.6)
_BY_HOUR = (0, 0, 0, 0, 0, 1, 4, 12, 18, 22, 24, 24, 22, 20, 20, 18, 18, 20, 22, 16, 10, 6, 3, 1)
_TOWNS = ("B", "M", "HH", "K", "F", "S", "D", "P", "L", "DD", "HB", "PM", "HVL", "OHV")
_LETTERS = "ABCDEFHJKLMNPRSTUVWXZ"
_LANE_BUSY = timedelta(seconds=25)
_FREE = timedelta(minutes=10)
"""Shorter stays cost nothing, and those between this and the next bound are not drawn: they would be free
on the way to the car, and not at the exit."""
_SHORTEST_PAID = timedelta(minutes=30)
_MOST_INSIDE = BAYS - 4


class Part(StrEnum):
    """What a stay is for, beside parking: the cases that wait for an attendant, and one that was answered."""

    AMBIGUOUS = "ambiguous"
    """Drives out under a plate that could be this one's or its twin's."""
    TWIN = "twin"
    """Its plate looks nearly the same, and it is still inside."""
    UNREADABLE = "unreadable"
    """Its plate is dirty: it came in unread."""
    CORRECTED = "corrected"
    """The same, and an attendant has read the picture."""
    UNPAID = "unpaid"
    """Left without paying."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnPermit:
    """A standing right to park, of nobody who lives."""

    holder: str
    plates: tuple[str, ...]
    bays: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """A visit; `left` None: still inside. `paid_at`: when its driver pays, if anything is owed then."""

    plate: str
    entered: datetime
    left: datetime | None
    paid_at: datetime | None = None
    permit: int | None = None
    merchant: int | None = None
    by_hand: bool = False
    part: Part | None = None

    def is_inside(self, at: datetime) -> bool:
        return self.entered <= at and (self.left is None or self.left > at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """Everything that happened until `now`. Merchants are numbered from 0."""

    now: datetime
    stays: tuple[Stay, ...]
    permits: tuple[DrawnPermit, ...]


def week(now: datetime, time_zone: ZoneInfo) -> Week:
    """The week before `now` and today so far."""
    return _Drawing(now, time_zone).week()


class _Drawing:
    def __init__(self, now: datetime, time_zone: ZoneInfo) -> None:
        self._now = now
        self._zone = time_zone
        self._draw = Random("the demo's garage")  # noqa: S311 - a demo, not a secret
        self._plates: list[str] = []

    def week(self) -> Week:
        permits = self._permits()
        parts = self._parts()
        today = self._now.astimezone(self._zone).date()
        days = [today - timedelta(days=back) for back in range(DAYS, -1, -1)]
        planned = sorted(
            (one for day in days for one in self._day(day, permits)), key=lambda one: one.entered
        )
        stays = _covered(_apart(_fitting([*parts, *planned])), permits)
        came = tuple(self._until_now(one) for one in stays if one.entered + _LANE_BUSY <= self._now)
        return Week(now=self._now, stays=came, permits=permits)

    def _permits(self) -> tuple[DrawnPermit, ...]:
        return tuple(
            DrawnPermit(holder=holder, plates=tuple(self._plate() for _ in range(plates)), bays=bays)
            for holder, plates, bays in (
                ("Kontor Nord GmbH (invented)", 6, 4),
                ("Practice on the first floor (invented)", 2, 1),
                ("Monthly: flat 12 (invented)", 1, 1),
                ("Monthly: flat 31 (invented)", 1, 1),
            )
        )

    def _parts(self) -> list[Stay]:
        """The stays that make cases, by how long ago they came and left."""
        back = self._back
        plate = self._plate(ends="8083")
        twin = plate[:-1] + "8"
        self._plates.append(twin)
        corrected = back(minutes=200)
        return [
            Stay(plate=plate, entered=back(minutes=190), left=back(minutes=24), part=Part.AMBIGUOUS),
            Stay(plate=twin, entered=back(minutes=142), left=None, part=Part.TWIN),
            Stay(plate=self._plate(), entered=back(minutes=71), left=None, part=Part.UNREADABLE),
            Stay(
                plate=self._plate(),
                entered=corrected,
                left=back(minutes=50),
                paid_at=back(minutes=56),
                part=Part.CORRECTED,
            ),
            Stay(
                plate=self._plate(),
                entered=back(hours=27),
                left=back(hours=24, minutes=10),
                part=Part.UNPAID,
            ),
        ]

    def _back(self, **span: int) -> datetime:
        return self._now - timedelta(**span)

    def _day(self, day: date, permits: tuple[DrawnPermit, ...]) -> Iterator[Stay]:
        draw = self._draw
        for number, permit in enumerate(permits):
            for plate in permit.plates:
                if draw.random() < (0.8 if day.weekday() < 5 else 0.1):
                    entered = self._at(day, 7) + timedelta(minutes=draw.triangular(0, 150, 60))
                    length = timedelta(hours=draw.triangular(4, 10, 8.5))
                    yield Stay(plate=plate, entered=entered, left=entered + length, permit=number)
        for _ in range(round(_VISITORS * _BY_WEEKDAY[day.weekday()] * draw.uniform(0.85, 1.15))):
            hour = draw.choices(range(24), _BY_HOUR)[0]
            yield self._visit(self._at(day, hour) + timedelta(seconds=draw.uniform(0, 3600)))

    def _visit(self, entered: datetime) -> Stay:
        draw = self._draw
        length = self._length()
        left = entered + length
        at_exit = draw.random() < 0.2
        walks = timedelta(seconds=20) if at_exit else timedelta(minutes=draw.uniform(3, 9))
        merchant = draw.choice((None,) * 7 + (0,)) if length > timedelta(minutes=45) else None
        return Stay(
            plate=self._plate(),
            entered=entered,
            left=left,
            paid_at=left - walks if length > _FREE else None,
            merchant=merchant,
            by_hand=draw.random() < 0.02,
        )

    def _length(self) -> timedelta:
        """An errand, an evening, a working day, and now and then a night."""
        draw = self._draw
        if draw.random() < 0.06:
            return _FREE * draw.uniform(0.4, 0.95)
        if draw.random() < 0.04:
            return timedelta(hours=draw.uniform(11, 30))
        drawn = timedelta(minutes=min(draw.lognormvariate(math.log(95), 0.7), 600))
        return max(drawn, _SHORTEST_PAID)

    def _until_now(self, stay: Stay) -> Stay:
        """What is still to come has not happened."""
        left = stay.left if stay.left is not None and stay.left <= self._now else None
        paid = stay.paid_at if stay.paid_at is not None and stay.paid_at <= self._now else None
        return replace(stay, left=left, paid_at=paid)

    def _plate(self, ends: str = "") -> str:
        """None that a misread of another of the garage's could be."""
        draw = self._draw
        while True:
            letters = "".join(draw.choices(_LETTERS, k=2))
            text = draw.choice(_TOWNS) + letters + (ends or str(draw.randrange(100, 10_000)))
            if min(distances(text, self._plates), default=math.inf) >= 2 * APART:
                self._plates.append(text)
                return text

    def _at(self, day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), tzinfo=self._zone).astimezone(UTC)


def _fitting(stays: list[Stay]) -> list[Stay]:
    """Without who finds the garage full, or is inside already. The parts come first, and always fit."""
    kept: list[Stay] = []
    for one in stays:
        inside = [other for other in kept if other.is_inside(one.entered)]
        again = any(other.plate == one.plate for other in inside)
        if one.part is not None or (len(inside) < _MOST_INSIDE and not again):
            kept.append(one)
    return kept


def _apart(stays: list[Stay]) -> list[Stay]:
    """One at a time through each lane: in by the order of coming, out by the order of leaving."""
    entered = _spread(stays, lambda one: one.entered)
    shifted = [replace(one, entered=at) for one, at in zip(stays, entered, strict=True)]
    leaving = [one for one in shifted if one.left is not None]
    times = iter(_spread(leaving, lambda one: one.left or one.entered))
    return [replace(one, left=next(times)) if one.left is not None else one for one in shifted]


def _covered(stays: list[Stay], permits: tuple[DrawnPermit, ...]) -> list[Stay]:
    """Whoever finds the permit's bays taken pays like a visitor."""
    bays = [one.bays for one in permits]
    found = dict(enumerate(stays))
    inside: list[Stay] = []
    for number, one in sorted(enumerate(stays), key=lambda each: each[1].entered):
        if one.permit is None:
            continue
        inside = [other for other in inside if other.is_inside(one.entered)]
        if sum(other.permit == one.permit for other in inside) < bays[one.permit]:
            inside.append(one)
        elif one.left is not None:
            found[number] = replace(one, permit=None, paid_at=one.left - timedelta(minutes=5))
    return [found[number] for number in range(len(stays))]


def _spread(stays: list[Stay], when: Callable[[Stay], datetime]) -> list[datetime]:
    """The moments, each later than the one before it by what a lane needs for a vehicle."""
    found: dict[int, datetime] = {}
    free: datetime | None = None
    for number, one in sorted(enumerate(stays), key=lambda each: when(each[1])):
        at = when(one) if free is None else max(when(one), free)
        found[number] = at
        free = at + _LANE_BUSY
    return [found[number] for number in range(len(stays))]
