"""Which car inside is the one that was read at the exit? Pairs only when no other car inside could be meant.

**Distance.** Plates are compared by an edit distance whose costs are negative natural logarithms of how
likely an optical reader makes that mistake (a noisy channel; Damerau 1964, and Kernighan, Church and Gale
1990 for weights from confusion probabilities). They follow from: 3 % of plates of 7 characters are misread,
so 0.43 % of characters; of those, 90 % are taken for one that looks alike, shared over the one to three
that do, 5 % are dropped or added, and 0.02 % are any other of the 35. Where many countries stamp two
characters from one die (O and 0, I and 1) reading decides by a coin, 1.5 %. Which characters look alike is
what `vehicles/grammars.py` found in pictures of plates.

    alike to the die 1.5 % → 4.2      alike 0.23 % → 6.1      somewhat alike 0.05 % → 7.6
    dropped or added 0.011 % → 9.1    any other 0.0003 % of characters → 14

Chains are closed (O read as D read as 0 costs no less than its cheapest way), so this is a metric.

**Uniqueness.** A read pairs with the nearest car only if it is within `PAIRS_WITHIN` and every other car
inside is at least `APART` further away, which makes the other 22,000 times less likely. By the triangle
inequality two cars inside that are nearer to each other than `APART` are never told apart by one read, not
even an exact one: the misread of one may be exactly the other. One confusable character apart is at most
7.6, so such pairs are always a person's to decide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product
from uuid import UUID

from postern.vehicles.plates import normalise

PAIRS_WITHIN = 10.0
"""One character that looks alike, one dropped or added, or two of one die; not two of other kinds."""
APART = 10.0
LEAST_SCORE = 0.5
"""A read below it never pairs by itself."""
_FAR = PAIRS_WITHIN + APART

_DIE, _ALIKE, _SOMEWHAT, _DROPPED, _OTHER = 4.2, 6.1, 7.6, 9.1, 14.0
_FAMILIES = (
    (_DIE, ("O0", "I1")),
    (_ALIKE, ("0D", "OD", "0Q", "OQ", "1L", "IL", "8B", "5S", "2Z", "6G", "VY", "MN", "UV", "1T", "1J")),
    (_SOMEWHAT, ("27", "DQ", "17", "7T", "7Z", "CG", "0C", "OC", "EF", "MH", "HN", "KX", "PR", "UO", "UD")),
    (
        _SOMEWHAT,
        (
            "4A",
            "8S",
            "3B",
            "38",
            "68",
            "89",
            "56",
            "9G",
            "BR",
            "BE",
            "DB",
            "VW",
            "NW",
            "MW",
            "XY",
            "JI",
            "6B",
        ),
    ),
)
_TWINS = str.maketrans("АВЕКМНОРСТУХІЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJABEZHIKMNOPTYX")
"""Cyrillic and Greek plates carry only letters that have a Latin twin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateRead:
    """A plate as read at a lane; `score` 0 to 1. `country` is for people to see: it is judged from the same
    marks."""

    text: str
    score: float
    country: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """A session that has not ended, and its plate as read at entry, or as a person put it right."""

    session: UUID
    read: PlateRead


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A session that may be meant."""

    session: UUID
    distance: float


class Why(StrEnum):
    """Why a read does not pair by itself."""

    LOW_SCORE = "low-score"
    TWICE_INSIDE = "twice-inside"
    """Two cars inside carry exactly this plate: one is a clone, or left without being read."""
    TOO_ALIKE = "too-alike"


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """It is that session; no other car inside could be meant."""

    session: UUID
    distance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ambiguous:
    """Several could be meant, or the read is not to be relied on: a person decides. Nearest first."""

    candidates: tuple[Candidate, ...]
    why: Why


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpaired:
    """No car inside is near enough. `nearest` are the few that a person may want to look at."""

    nearest: tuple[Candidate, ...]


Pairing = Paired | Ambiguous | Unpaired


def pair(read: PlateRead, inside: Sequence[Inside], *, least_score: float = LEAST_SCORE) -> Pairing:
    """Which session an exit read belongs to.

    1. No car inside is within `PAIRS_WITHIN`: Unpaired, whatever the score.
    2. Another car inside is less than `APART` further away than the nearest: Ambiguous.
    3. The read is less sure than `least_score`; or it is not exact and the entry's read was: Ambiguous.
    4. Else it is the nearest.
    """
    text = _form(read.text)
    near = _near(text, inside) if text else []
    if not near or near[0][0].distance > PAIRS_WITHIN:
        return Unpaired(nearest=tuple(one for one, _ in near[:3]))
    (first, score), rest = near[0], near[1:]
    rivals = tuple(one for one, _ in rest if one.distance < first.distance + APART)
    if rivals:
        twice = first.distance == rivals[0].distance == 0
        return Ambiguous(candidates=(first, *rivals), why=Why.TWICE_INSIDE if twice else Why.TOO_ALIKE)
    if read.score < least_score or (first.distance and score < least_score):
        return Ambiguous(candidates=(first,), why=Why.LOW_SCORE)
    return Paired(session=first.session, distance=first.distance)


def distance(one: str, other: str) -> float:
    """How unlikely it is that both were read from one plate; 0 for the same text, infinite beside nothing."""
    one, other = _form(one), _form(other)
    return _distance(one, other, math.inf) if one and other else math.inf


def _near(text: str, inside: Sequence[Inside]) -> list[tuple[Candidate, float]]:
    """The cars inside that are not too far to matter, nearest first, each with the score of its entry's
    read."""
    found = []
    for one in inside:
        far = _distance(text, _form(one.read.text), _FAR)
        if far < _FAR:
            found.append((Candidate(session=one.session, distance=far), one.read.score))
    return sorted(found, key=lambda near: (near[0].distance, near[0].session))


@lru_cache(maxsize=8192)
def _form(text: str) -> str:
    return normalise(text).translate(_TWINS)


def _distance(one: str, other: str, limit: float) -> float:
    """The edit distance, or infinity as soon as it is sure to be `limit` or more."""
    if one == other:
        return 0.0
    if abs(len(one) - len(other)) * _DROPPED >= limit:
        return math.inf
    costs = _costs()
    row = [_DROPPED * j for j in range(len(other) + 1)]
    for i, a in enumerate(one, 1):
        before, row = row, [_DROPPED * i]
        for j, b in enumerate(other, 1):
            changed = before[j - 1] + (0.0 if a == b else costs.get((a, b), _OTHER))
            row.append(min(changed, before[j] + _DROPPED, row[j - 1] + _DROPPED))
        if min(row) >= limit:
            return math.inf
    return row[-1] if row[-1] < limit else math.inf


@lru_cache(maxsize=1)
def _costs() -> dict[tuple[str, str], float]:
    """What each confusion costs, over the cheapest chain of confusions (Floyd and Warshall)."""
    costs: dict[tuple[str, str], float] = {}
    for cost, pairs in _FAMILIES:
        for both in pairs:
            a, b = both[0], both[1]
            costs[a, b] = costs[b, a] = min(cost, costs.get((a, b), _OTHER))
    characters = sorted({character for pair in costs for character in pair})
    for via in characters:
        for a, b in product(characters, repeat=2):
            if a != b and (chain := costs.get((a, via), _OTHER) + costs.get((via, b), _OTHER)) < _OTHER:
                costs[a, b] = min(costs.get((a, b), _OTHER), chain)
    return costs
