"""Permits: a standing right to park, of one holder, for some plates and a number of bays.

Who comes first is covered: when as many cars of a permit are inside as it has bays, the next one pays. That
is decided at its entry and stays so, even if another of them leaves meanwhile; so nobody's price depends on
what others do later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from postern.errors import BadInput
from postern.parking.pairing import APART, distances, form
from postern.spans import Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """`bays` cars with one of `plates` at a time, from `valid_from` until just before `valid_until`."""

    id: UUID
    holder: str
    plates: frozenset[str]
    bays: int
    valid_from: datetime
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.bays < 1 or not self.plates:
            raise BadInput("A permit needs at least one bay and one plate.")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise BadInput("A permit must end after it begins.")

    @property
    def span(self) -> Span:
        return Span(start=self.valid_from, end=self.valid_until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """The permit covers this car."""

    permit: UUID


class Uncovered(StrEnum):
    """Why no permit covers a car."""

    NO_PERMIT = "no-permit"
    NOT_VALID_NOW = "permit-not-valid-now"
    BAYS_TAKEN = "permit-bays-taken"
    NEAR_A_PERMIT = "near-a-permit"
    """The read is not a permit's plate but could have come from one: a person decides, nothing is charged."""


Coverage = Covered | Uncovered


def covered(
    permits: Sequence[Permit], reads: Sequence[str], at: datetime, taken: Mapping[UUID, int]
) -> Coverage:
    """Whether a permit covers a car at its entry `at`; `reads` are all that was read of its plate.

    `taken` says how many covered cars of each permit are inside at that moment, without this one.
    """
    seen = {known for read in reads if (known := form(read))}
    own = [one for one in permits if not seen.isdisjoint(map(form, one.plates))]
    valid = [one for one in own if one.span.contains(at)]
    free = [one for one in valid if taken.get(one.id, 0) < one.bays]
    if free:
        return Covered(permit=min(free, key=lambda one: (one.valid_from, one.id)).id)
    if own:
        return Uncovered.BAYS_TAKEN if valid else Uncovered.NOT_VALID_NOW
    plates = [plate for one in permits if one.span.contains(at) for plate in one.plates]
    near = any(min(distances(read, plates), default=math.inf) < APART for read in seen)
    return Uncovered.NEAR_A_PERMIT if near else Uncovered.NO_PERMIT


def charged_from(permit: Permit, entered: datetime, at: datetime) -> datetime | None:
    """From when a car that its permit covered at entry pays: when the permit ended; None if it covers up to
    `at`."""
    if permit.valid_until is None or at <= permit.valid_until:
        return None
    return max(entered, permit.valid_until)
