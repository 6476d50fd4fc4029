"""LawAt: a law as one place meets it, with its public holidays and the clock on its wall.

What it says of a calendar day is the same for everybody there, so it is worked out once and remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from postern.attendance.public_holidays import PublicHolidays
from postern.attendance.roster import wall
from postern.attendance.rules_model import InForce, Law, Premium, Rule

_DAY = timedelta(days=1)
_SUNDAY = 6
Paid: TypeAlias = tuple[Rule, Premium]


class PremiumSpan(NamedTuple):
    """From `start` until `end` each of these premiums holds, or does if the work began early enough."""

    start: datetime
    end: datetime
    premiums: tuple[Paid, ...]


class LawAt:
    """The law, the place's public holidays and its zone; remembers the hours of premiums."""

    def __init__(self, law: Law, calendar: PublicHolidays, zone: ZoneInfo) -> None:
        self.law = law
        self.calendar = calendar
        self.zone = zone
        self._premiums: dict[InForce, tuple[Paid, ...]] = {}
        self._spans: dict[tuple[InForce, date], tuple[PremiumSpan, ...]] = {}

    def premiums(self, in_force: InForce) -> tuple[Paid, ...]:
        """Those that the profile has a right to."""
        found = self._premiums.get(in_force)
        if found is None:
            everybody = self.law.profile.night_worker
            found = self._premiums[in_force] = tuple(
                one for one in in_force.of(Premium) if everybody or not one[1].night_workers
            )
        return found

    def premium_spans(self, in_force: InForce, day: date) -> tuple[PremiumSpan, ...]:
        """The hours of a calendar day with premiums by the rules of the work day, cut where any changes."""
        found = self._spans.get((in_force, day))
        if found is None:
            found = self._spans[in_force, day] = tuple(self._cut(self.premiums(in_force), day))
        return found

    def _cut(self, premiums: Sequence[Paid], day: date) -> Iterator[PremiumSpan]:
        edges = {edge for _, one in premiums for edge in (one.start, one.end)} - {time(0)}
        cuts = sorted(wall(day, edge, self.zone) for edge in edges)
        first, last = wall(day, time(0), self.zone), wall(day + _DAY, time(0), self.zone)
        for start, end in zip((first, *cuts), (*cuts, last), strict=True):
            fits = tuple(one for one in premiums if self._fits(start, day, one[1]))
            if fits:
                yield PremiumSpan(start, end, fits)

    def _fits(self, start: datetime, day: date, premium: Premium) -> bool:
        if premium.days and not self._is_one_of(day - _DAY if premium.next_day else day, premium.days):
            return False
        if premium.start == premium.end:
            return True
        after_start = wall(day, premium.start, self.zone) <= start
        before_end = start < wall(day, premium.end, self.zone)
        if premium.end == time(0):
            return after_start
        return after_start and before_end if premium.start < premium.end else after_start or before_end

    def _is_one_of(self, day: date, names: frozenset[str]) -> bool:
        return (
            ("sunday" in names and day.weekday() == _SUNDAY)
            or ("public-holiday" in names and day in self.calendar.names)
            or f"{day:%m-%d}" in names
        )
