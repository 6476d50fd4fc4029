"""How many cars are in each area: counted at its lanes, and put right whenever the true number is known.

A count drifts: a read is missed, a car follows another under one opening, somebody reverses out. What is
known beats what was counted: an area that was seen empty, or counted by a person, starts anew, and the
difference is kept as a `Drift`. In between nothing is guessed. The count says instead how far off it may
be: each passage is missed with some probability, in or out alike, so what is missed is a random walk whose
spread grows with the root of the passages. How often passages are missed is what the area's own drifts
show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postern.errors import BadInput
from postern.ids import AreaId

MISSED_SHARE = 0.01
"""Passages that are missed, as long as an area's own drifts do not say otherwise: one in a hundred."""
_PRIOR = 200
"""Passages that `MISSED_SHARE` counts for beside an area's own."""
_MOST_MISSED = 0.5
_NINETY_FIVE = 1.96
"""Standard deviations on each side that hold 95 of 100 counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """Cars in an area of `bays`, and the passages counted since the true number was last known.

    `impossible` are those since then that cannot have been, into a full area or out of an empty one: each
    proves that one was missed before it. The count stays within 0 and the bays.
    """

    bays: int
    cars: int = 0
    known_at: datetime | None = None
    passages: int = 0
    impossible: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.cars <= self.bays:
            raise BadInput(f"An area of {self.bays} bays cannot hold {self.cars} cars. Check both numbers.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """By how many cars a count was off (above 0: too many) after so many passages."""

    at: datetime
    cars: int
    passages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PutRight:
    """The count started anew, and by how much it had been off."""

    count: Count
    drift: Drift


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What to show: cars, free bays, and between which numbers the cars lie in 95 of 100 such counts."""

    cars: int
    free: int
    fewest: int
    most: int


def passed(counts: Mapping[AreaId, Count], *, out_of: AreaId, into: AreaId) -> dict[AreaId, Count]:
    """The counts after a passage; areas that are not counted, the street say, are left out."""
    after = dict(counts)
    for area, change in ((out_of, -1), (into, 1)):
        if area in after and out_of != into:
            after[area] = _changed(after[area], change)
    return after


def put_right(count: Count, cars: int, at: datetime) -> PutRight:
    """After the true number became known at `at`: 0 when seen empty. Raises BadInput if it cannot be."""
    drift = Drift(at=at, cars=count.cars - cars, passages=count.passages)
    return PutRight(count=Count(bays=count.bays, cars=cars, known_at=at), drift=drift)


def estimate(count: Count, drifts: Sequence[Drift] = ()) -> Estimate:
    """The count with how far off it may be, judged by how far off it was before."""
    spread = math.ceil(_NINETY_FIVE * math.sqrt(count.passages * missed_share(drifts))) + count.impossible
    return Estimate(
        cars=count.cars,
        free=count.bays - count.cars,
        fewest=max(0, count.cars - spread),
        most=min(count.bays, count.cars + spread),
    )


def missed_share(drifts: Sequence[Drift]) -> float:
    """Of passages, how many are missed; at most half.

    A walk of which a share p of n steps is missed, in or out alike, is off by √(p n) in the mean square: so p
    is the sum of squared drifts over the sum of passages.
    """
    walked, off = sum(one.passages for one in drifts), sum(one.cars**2 for one in drifts)
    return min(_MOST_MISSED, (MISSED_SHARE * _PRIOR + off) / (_PRIOR + walked))


def _changed(count: Count, change: int) -> Count:
    cars = count.cars + change
    within = min(max(cars, 0), count.bays)
    return replace(
        count, cars=within, passages=count.passages + 1, impossible=count.impossible + (cars != within)
    )
