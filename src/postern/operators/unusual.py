"""Which looking is unusual enough to tell the privacy officer. Rules as data, judged purely.

They explain themselves and are few on purpose: an alarm that nobody can explain is one that nobody reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from postern.operators.concerns import Concern


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """The numbers of the rules. Nights are by the wall clock of the organisation's first site."""

    near_an_hour: int = 16
    near_a_day: int = 48
    night_begins: time = time(22)
    night_ends: time = time(5)
    night_subjects: int = 3
    looks_without_case: int = 5


THRESHOLDS = Thresholds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A subject that the operator has opened: when last, and how often without a case since the first."""

    at: datetime
    looks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Looking:
    """What an operator did in the last 24 hours up to `at`, which is on the organisation's wall clock.

    `names`: of the people just opened.
    """

    login_name: str
    at: datetime
    opened: tuple[Opened, ...]
    names: tuple[str, ...] = ()


def unusual(looking: Looking, thresholds: Thresholds = THRESHOLDS) -> frozenset[Concern]:
    """Every concern that the looking gives; nothing for somebody who opened nothing."""
    return frozenset(_met(looking, thresholds)) if looking.opened else frozenset()


def _met(looking: Looking, limits: Thresholds) -> Iterator[Concern]:
    hour = [one for one in looking.opened if one.at > looking.at - timedelta(hours=1)]
    # 1. Almost at a limit of the budget.
    if len(hour) >= limits.near_an_hour or len(looking.opened) >= limits.near_a_day:
        yield Concern.NEAR_LIMIT
    # 2. Several subjects within an hour of the night.
    if is_night(looking.at, limits) and len(hour) >= limits.night_subjects:
        yield Concern.AT_NIGHT
    # 3. The same subject over and over.
    if any(one.looks >= limits.looks_without_case for one in looking.opened):
        yield Concern.AGAIN_AND_AGAIN
    # 4. Somebody of one's own name.
    own = _parts(looking.login_name)
    if any(own & _parts(name) for name in looking.names):
        yield Concern.OWN_NAME


def is_night(at: datetime, limits: Thresholds = THRESHOLDS) -> bool:
    """Whether it is night on that wall clock; the night goes over midnight."""
    return at.time() >= limits.night_begins or at.time() < limits.night_ends


def _parts(name: str) -> set[str]:
    """Words of three letters and more: initials and particles are everybody's."""
    return {part for part in re.findall(r"[^\W\d_]+", name.casefold()) if len(part) >= 3}
