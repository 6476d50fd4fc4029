"""Is a device's clock to be believed? A wrong one moves hours from one day to another, or makes them up.

A punch whose device tells a time far from the time of its arrival is put aside, with what it most likely
meant, until a person has decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from postern.clock import aware


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRules:
    """How far a device's clock may be ahead of the time of arrival, and how far behind it.

    A device that keeps punches while its line is down needs a larger `behind`: the longest it may keep them.
    """

    ahead: timedelta = timedelta(minutes=2)
    behind: timedelta = timedelta(minutes=15)


class ClockFault(StrEnum):
    """Which way the clock is wrong."""

    AHEAD = "ahead"
    BEHIND = "behind"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trusted:
    """The device's time counts."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """The device's time does not count. `likely`: when it was, if the punch came at once."""

    reason: ClockFault
    off: timedelta
    likely: datetime


Judgement: TypeAlias = Trusted | Quarantined


def judge(device_at: datetime, received_at: datetime, rules: ClockRules) -> Judgement:
    """Whether the time of the device may count, against the time at which the punch arrived."""
    off = aware(device_at) - aware(received_at)
    if off > rules.ahead:
        return Quarantined(reason=ClockFault.AHEAD, off=off, likely=received_at)
    if -off > rules.behind:
        return Quarantined(reason=ClockFault.BEHIND, off=-off, likely=received_at)
    return Trusted(at=device_at)
