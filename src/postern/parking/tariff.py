"""A tariff: dated data in the operator's own words. `quote.py` says what it costs, `tariff_data.py` reads it.

**Which line is in force at a moment.** The wall clock of the site decides, the length of the session so far
where a line is limited to a part of it, and the vehicle class. Of the lines that fit, one for special days
goes before one with weekly spans, and that before one without spans ("at all other times"). A span over
midnight belongs to the day it starts on. Within one rank no two lines may fit at once, and none may be
missing: `tariff_data` refuses both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from postern.access.model import DaySpan
from postern.money import Money

EVERY_DAY = frozenset(range(7))


class RoundingMode(StrEnum):
    """Which way the total goes to the next multiple."""

    DOWN = "down"
    NEAREST = "nearest"
    UP = "up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounding:
    """Totals are multiples of `to` minor units. Each mode keeps the order of amounts, so no price falls by
    it."""

    to: int = 1
    mode: RoundingMode = RoundingMode.DOWN

    def of(self, total: Money) -> Money:
        """The total as it is asked for."""
        more = {RoundingMode.DOWN: 0, RoundingMode.NEAREST: self.to // 2, RoundingMode.UP: self.to - 1}
        return Money((total.amount + more[self.mode]) // self.to * self.to, total.currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """`hours` of the wall clock on those weekdays (0 is Monday), or on the site's special days."""

    hours: DaySpan
    weekdays: frozenset[int] = EVERY_DAY
    special_days: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffLine:
    """One step: `price` for each started unit of `step`, in the operator's words.

    `step` None is a flat price for the span that it lies in (without spans: for the calendar day), asked once
    for each such span. `free`: who leaves within it pays nothing, who stays longer pays from entry; the
    line in force at entry decides. (To give everyone the first hour, write a line of price 0 with `until`
    one hour.) `after`, `until`: the part of the session it is for. `cap`: the most it costs in one span
    (without spans: in one calendar day). No `vehicle_classes`: all of them.
    """

    label: str
    price: Money
    step: timedelta | None
    when: tuple[When, ...] = ()
    vehicle_classes: frozenset[str] = frozenset()
    free: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    until: timedelta | None = None
    cap: Money | None = None

    @property
    def rank(self) -> int:
        """2 for special days, 1 for weekly spans, 0 for all other times; the highest that fits is in
        force."""
        return 0 if not self.when else 2 if any(one.special_days for one in self.when) else 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Cap:
    """The most that may be asked for in a span of time, in the operator's words."""

    label: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Lines in force from the start of `first` until the end of `last`, by the site's calendar.

    `day_cap` holds for a calendar day, `cap_24h` for each 24 hours from entry.
    """

    first: date
    last: date | None
    lines: tuple[TariffLine, ...]
    day_cap: Cap | None = None
    cap_24h: Cap | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """Prices in force, VAT included in them. `periods` follow each other without a gap; the last stays
    open."""

    id: str
    name: str
    currency: str
    vat_percent: Decimal
    rounding: Rounding
    grace_after_paying: timedelta
    vehicle_classes: tuple[str, ...]
    periods: tuple[Period, ...]

    def vat_in(self, total: Money) -> Money:
        """The tax that a total includes, rounded to the minor unit, halves away from zero."""
        return total.scaled(self.vat_percent / (100 + self.vat_percent))


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Where and when the site lives: its wall clock and its special days."""

    time_zone: ZoneInfo
    special_days: frozenset[date] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """What a quote was made from, so that validations can ask for the price of its first minutes."""

    tariff: Tariff
    calendar: Calendar
    vehicle_class: str
