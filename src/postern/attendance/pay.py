"""PayProfile, PayLine, Breach: what pay rules take and give. The rules themselves are in `payrules.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import NewType

Jurisdiction = NewType("Jurisdiction", str)
"""The name of a file of rules: `cn`, `de`, `us`, `us-ca`."""


class HoursSystem(StrEnum):
    """How hours are reckoned: by the day and week, over a longer period, or not at all."""

    STANDARD = "standard"
    COMPREHENSIVE = "comprehensive"
    EXEMPT = "exempt"


class Premiums(StrEnum):
    """Which premiums are paid: those that the law asks for, or those agreed on up to what stays untaxed."""

    LAW = "law"
    AGREED = "agreed"


@dataclass(frozen=True, kw_only=True, slots=True)
class PayProfile:
    """By which law somebody is paid, and what their contract and their site add to it.

    `region`: the part of the country whose public holidays count, as ISO 3166-2 writes it after the dash
    (`BY`, `CA`). `week_starts`: the weekday (Monday is 0) and `day_starts` the hour at which the employer's
    fixed work week and work day begin, where the law leaves that to the employer. `contract_minutes`: the
    week agreed on, where hours above it are shown apart. `sunday_work`: an exception lets work go on when it
    rests by law. `meals_waived`: both sides agreed to leave out a meal period where the law lets them.
    `rests_punched`: rest periods are punched here, so that a missing one can be seen. `night_worker`: works
    nights in rotation or on many days of the year, and so has a right to a premium for them.
    """

    jurisdiction: Jurisdiction
    region: str | None = None
    system: HoursSystem = HoursSystem.STANDARD
    premiums: Premiums = Premiums.LAW
    week_starts: int = 0
    day_starts: time = time(0)
    contract_minutes: int | None = None
    sunday_work: bool = False
    meals_waived: bool = False
    rests_punched: bool = False
    night_worker: bool = True


class LineKind(StrEnum):
    """`WORKED` lines share out the minutes worked, each minute once; `percent` is of the basic wage.

    `PREMIUM` lines come on top of minutes that are in a WORKED line already; `percent` is what is added.
    `EXTRA` lines pay minutes that nobody worked: an hour for a meal period that was not given.
    """

    WORKED = "worked"
    PREMIUM = "premium"
    EXTRA = "extra"


@dataclass(frozen=True, kw_only=True, slots=True)
class PayLine:
    """So many minutes of a day at a percentage, and the article that says so.

    `day` is the work day (the shift's day), or where the law has a fixed day of 24 hours, that day. `percent`
    None: the law leaves it to the contract.
    """

    day: date
    category: str
    minutes: int
    percent: Decimal | None
    article: str
    kind: LineKind = LineKind.WORKED


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """A limit of the law that the hours worked did not keep: so many minutes over it, or short of it."""

    day: date
    rule: str
    minutes: int
    article: str
