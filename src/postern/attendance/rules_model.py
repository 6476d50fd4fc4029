"""A pay rule: its words, the article it comes from, when it is in force, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias, TypeVar, cast

from postern.attendance.pay import HoursSystem, Jurisdiction, PayProfile, Premiums
from postern.attendance.public_holidays import DayKind

REGULAR = "regular"
"""The category of minutes that no threshold was passed by; only these count towards the next threshold."""


class Reckoned(StrEnum):
    """Over what a threshold counts minutes."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """Minutes beyond `after` of a day, week or month are of this category and percentage.

    `after` None: beyond the minutes agreed on in the contract. `on`: on which kinds of days.
    """

    of: Reckoned
    on: frozenset[DayKind]
    after: int | None
    category: str
    percent: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Premium:
    """So many percent on top of minutes within `hours` (none: all) on those days.

    `days`: `sunday`, `public-holiday` or a date of every year as `12-24`; empty for all. `next_day`: the
    hours lie on the day after. `begun_before_midnight`: only for work begun the day before. `more_than`: only
    where a work day has more such minutes than that. Of one family the highest is paid; families add up.
    """

    family: str
    category: str
    percent: Decimal
    start: time
    end: time
    days: frozenset[str]
    next_day: bool
    begun_before_midnight: bool
    more_than: int
    night_workers: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DayMost:
    """No work day is longer."""

    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Average:
    """Over so many weeks no week is longer on average."""

    weeks: int
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakNeeded:
    """Whoever works longer than `over` has breaks of `minutes` altogether."""

    over: int
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BreaksNeeded:
    """Breaks of at least `part` each, and nobody works longer than `run` without one."""

    steps: tuple[BreakNeeded, ...]
    part: int
    run: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RestBetween:
    """Between the end of one work day and the start of the next."""

    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedDays:
    """Nobody works on these days (`sunday`, `public-holiday`), unless an exception holds."""

    days: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class OvertimeMost:
    """The most overtime of these categories in a day or a month."""

    of: Reckoned
    minutes: int
    categories: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekRest:
    """A week has a day without work, unless the whole week and each day of it are short."""

    week_at_most: int
    day_at_most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Meals:
    """A meal period of `minutes` begins before work has gone on for longer than `by`, if it ever does.

    It may be waived where the work lasts no longer than `waived_up_to`. An hour is paid for a day without.
    """

    number: int
    by: int
    minutes: int
    waived_up_to: int
    pay: int
    category: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rests:
    """A rest of `minutes` for each `each` minutes worked or the larger part of them, from `least` on."""

    each: int
    minutes: int
    least: int
    pay: int
    category: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidRest:
    """Breaks no longer than this are hours worked."""

    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundingAllowed:
    """To which multiples punches may be rounded to the nearest."""

    to: frozenset[int]


Demand: TypeAlias = (
    Tier
    | Premium
    | DayMost
    | Average
    | BreaksNeeded
    | RestBetween
    | ClosedDays
    | OvertimeMost
    | WeekRest
    | Meals
    | Rests
    | PaidRest
    | RoundingAllowed
)
D = TypeVar("D", bound=Demand)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule of law. A rule that was superseded stays, with its last day."""

    id: str
    label: Mapping[str, str]
    article: str
    source: str
    first: date
    last: date | None
    systems: frozenset[HoursSystem]
    premiums: Premiums | None
    demand: Demand

    def holds(self, day: date, profile: PayProfile) -> bool:
        """Whether it is in force on `day` for somebody with that profile."""
        dated = self.first <= day and (self.last is None or day <= self.last)
        agreed = self.premiums is None or self.premiums is profile.premiums
        return dated and agreed and profile.system in self.systems


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleBook:
    """The rules of one jurisdiction. `fixed_days`: a work day is 24 hours from a fixed hour, not a shift."""

    jurisdiction: Jurisdiction
    country: str
    region: str | None
    label: Mapping[str, str]
    days_off: bool
    fixed_days: bool
    rules: tuple[Rule, ...]


class InForce:
    """The rules that hold on one day for one profile; remembers those of each kind."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._of: dict[type[object], tuple[tuple[Rule, Demand], ...]] = {}
        self._tiers: dict[tuple[Reckoned, DayKind], tuple[tuple[Rule, Tier], ...]] = {}

    def of(self, kind: type[D]) -> tuple[tuple[Rule, D], ...]:
        """Those of one kind, with what they ask for."""
        found = self._of.get(kind)
        if found is None:
            found = self._of[kind] = tuple(
                (one, one.demand) for one in self.rules if isinstance(one.demand, kind)
            )
        return cast("tuple[tuple[Rule, D], ...]", found)

    def tiers(self, of: Reckoned, kind: DayKind) -> tuple[tuple[Rule, Tier], ...]:
        """The tiers over a day, a week or a month for one kind of days, those of the contract first."""
        found = self._tiers.get((of, kind))
        if found is None:
            fits = [(rule, tier) for rule, tier in self.of(Tier) if tier.of is of and kind in tier.on]
            found = self._tiers[of, kind] = tuple(sorted(fits, key=lambda one: one[1].after or 0))
        return found


class Law:
    """A rule book as one profile meets it; remembers what holds on a day."""

    def __init__(self, book: RuleBook, profile: PayProfile) -> None:
        self.book = book
        self.profile = profile
        self._days: dict[date, InForce] = {}
        self._sets: dict[tuple[str, ...], InForce] = {}

    def on(self, day: date) -> InForce:
        """What holds on `day`; days with the same rules share one value."""
        found = self._days.get(day)
        if found is None:
            rules = tuple(one for one in self.book.rules if one.holds(day, self.profile))
            known = self._sets.setdefault(tuple(one.id for one in rules), InForce(rules))
            found = self._days[day] = known
        return found
