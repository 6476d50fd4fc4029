"""How punches become hours at a site: what its operators set, and the law limits (`payrules.checked`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from postern.attendance.clocks import ClockRules
from postern.errors import BadInput

MINUTE = timedelta(minutes=1)
_NOTHING = timedelta(0)


class RoundingMode(StrEnum):
    """Which way a punch goes to the next multiple. `IN_FAVOUR`: what counts is never less than was worked."""

    NEAREST = "nearest"
    IN_FAVOUR = "in-favour"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounding:
    """Punches count at multiples of `to` minutes of the wall clock. Seconds are always left out."""

    to: int = 1
    mode: RoundingMode = RoundingMode.NEAREST

    def __post_init__(self) -> None:
        if self.to < 1 or 60 % self.to:
            raise BadInput(
                "round to a number of minutes that an hour is a multiple of, for example 5, 6 or 15"
            )

    def of(self, at: datetime, zone: ZoneInfo, *, is_start: bool) -> datetime:
        """The moment at which the punch at `at` counts. Half a multiple goes up."""
        at = at.replace(second=0, microsecond=0)
        if self.to == 1:
            return at
        over = at.astimezone(zone).minute % self.to
        back = is_start if self.mode is RoundingMode.IN_FAVOUR else over * 2 < self.to
        return at - over * MINUTE if back or not over else at + (self.to - over) * MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Grace:
    """Punches so near to a shift's start or end count as on time.

    `before` and `late`: how long before and after its start; `early` and `after`: before and after its end.
    """

    before: timedelta = _NOTHING
    late: timedelta = _NOTHING
    early: timedelta = _NOTHING
    after: timedelta = _NOTHING

    def __post_init__(self) -> None:
        if min(self.before, self.late, self.early, self.after) < _NOTHING:
            raise BadInput("a grace is not below nothing; write 0 min for none")


NO_GRACE = Grace()


@dataclass(frozen=True, kw_only=True, slots=True)
class PairingRules:
    """The rules of one site.

    `duplicate`: two punches of one direction so near to each other are one. `longest`: a stretch is never
    longer; beyond it a punch was forgotten. `longest_break`: whoever comes back later begins anew. `reach`:
    how far from a shift a punch may still belong to it. `day_change`: unplanned work before this hour
    belongs to the day before. `paid_rest`: a break no longer than this counts as worked. `deduct_breaks`: the
    shift's unpaid breaks are taken off where none was punched.
    """

    duplicate: timedelta = timedelta(minutes=2)
    longest: timedelta = timedelta(hours=16)
    longest_break: timedelta = timedelta(hours=4)
    reach: timedelta = timedelta(hours=6)
    day_change: time = time(0)
    paid_rest: timedelta = _NOTHING
    deduct_breaks: bool = False
    rounding: Rounding = field(default_factory=Rounding)
    grace: Grace = field(default_factory=Grace)
    clocks: ClockRules = field(default_factory=ClockRules)
