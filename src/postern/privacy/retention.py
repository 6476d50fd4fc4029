"""Retention: for how many days a site keeps each kind of record, and from when a day is over.

Rules only. One key seals all of a site's day (`records/sealed.py`), so rows go when their own kind's time is
over, and the day's key, with which any copy of them in a backup opens, at the longest time of all kinds:
docs/decisions/0007-retention-within-a-day.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from postern.errors import BadInput
from postern.ids import SiteId
from postern.records.model import Kind

SHORTEST_DAYS = 1
LONGEST_DAYS = 3660
DEFAULT_DAYS = 90
DEFAULT_PICTURE_DAYS = 30
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class KindDays:
    """Records of `kind` are kept for `days` UTC days after their own."""

    kind: Kind
    days: int


DEFAULTS = tuple(KindDays(kind=kind, days=DEFAULT_DAYS) for kind in Kind)
"""Alike for every kind, so that nothing outlives the rows that it was sealed with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """A site's own times; kinds that are not named keep their default. Evidence pictures go first."""

    site: SiteId
    kinds: tuple[KindDays, ...] = ()
    picture_days: int = DEFAULT_PICTURE_DAYS
    version: int = 0

    def __post_init__(self) -> None:
        every = [one.days for one in self.kinds] + [self.picture_days]
        if any(not SHORTEST_DAYS <= days <= LONGEST_DAYS for days in every):
            raise BadInput(f"keep records for {SHORTEST_DAYS} to {LONGEST_DAYS} days")
        if len({one.kind for one in self.kinds}) < len(self.kinds):
            raise BadInput("give each kind of record one retention")

    @property
    def longest(self) -> int:
        """The longest time of all kinds: then nothing of a day opens any more."""
        return max(self.days(kind) for kind in Kind)

    @property
    def is_alike(self) -> bool:
        """Whether every kind is kept for the same time."""
        return len({self.days(kind) for kind in Kind}) == 1

    def days(self, kind: Kind) -> int:
        """For how long that kind is kept."""
        named = {one.kind: one.days for one in (*DEFAULTS, *self.kinds)}
        return named[kind]

    def ended_before(self, kind: Kind, today: date) -> date:
        """Records of that kind of days before this one are over."""
        return today - self.days(kind) * _DAY

    def pictures_ended_before(self, today: date) -> date:
        """Pictures of days before this one are over; never later than the decisions they belong to."""
        return today - min(self.picture_days, self.days(Kind.DECISION)) * _DAY

    def keys_ended_before(self, today: date) -> date:
        """Days before this one hold nothing any more that may be opened: their keys are destroyed."""
        return min(self.ended_before(kind, today) for kind in Kind)


def alike(site: SiteId, *, days: int, picture_days: int, version: int = 0) -> Retention:
    """Every kind of record for so many days."""
    kinds = tuple(KindDays(kind=kind, days=days) for kind in Kind)
    return Retention(site=site, kinds=kinds, picture_days=picture_days, version=version)
