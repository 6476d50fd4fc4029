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

**What is left.** A car that came in unseen and is read right at the exit, while a car one lookalike away is
inside, may be taken for that one. In a town of 300,000 plates with 150 cars inside, where one car in a
hundred comes in unseen, that is about one stay in 14,000; `SURE` takes away those that were read best. It
shows when the other car leaves: its session has ended, so its exit is a case, with both pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from postern.vehicles.plates import normalise

PAIRS_WITHIN = 10.0
"""One character that looks alike, one dropped or added, or two of one die; not two of other kinds."""
APART = 10.0
LEAST_SCORE = 0.5
"""A read below it never pairs by itself."""

SURE = 0.9
"""Two reads that are both at least so sure, and yet differ, are two cars until a person says otherwise."""

_DIE, _ALIKE, _SOMEWHAT, _DROPPED, _OTHER = 42, 61, 76, 91, 140
"""In tenths, so that sums are exact."""
_TENTH = 10
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
    BOTH_SURE = "both-sure"
    """Entry and exit were read so surely that a misread is unlikely: the car may have come in unseen."""


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
    3. The read is less sure than `least_score`; or it is not exact, and the entry's read was less sure than
       that, or both are at least `SURE`: Ambiguous.
    4. Else it is the nearest.
    """
    near = _near(read.text, inside)
    if not near or near[0][0].distance > PAIRS_WITHIN:
        return Unpaired(nearest=tuple(one for one, _ in near[:3]))
    (first, score), rest = near[0], near[1:]
    rivals = tuple(one for one, _ in rest if one.distance < first.distance + APART)
    if rivals:
        twice = first.distance == rivals[0].distance == 0
        return Ambiguous(candidates=(first, *rivals), why=Why.TWICE_INSIDE if twice else Why.TOO_ALIKE)
    if read.score < least_score or (first.distance and score < least_score):
        return Ambiguous(candidates=(first,), why=Why.LOW_SCORE)
    if first.distance and min(read.score, score) >= SURE:
        return Ambiguous(candidates=(first,), why=Why.BOTH_SURE)
    return Paired(session=first.session, distance=first.distance)


def distance(one: str, other: str) -> float:
    """How unlikely it is that both were read from one plate; 0 for the same text, infinite beside nothing."""
    return distances(one, (other,))[0]


def distances(one: str, others: Sequence[str]) -> list[float]:
    """The distance of `one` to each of the others, all worked out together."""
    text, forms = form(one), [form(other) for other in others]
    if not text or not forms:
        return [math.inf] * len(forms)
    found = zip(_tenths(text, forms), forms, strict=True)
    return [tenths / _TENTH if known else math.inf for tenths, known in found]


def _near(read: str, inside: Sequence[Inside]) -> list[tuple[Candidate, float]]:
    """The cars inside that are not too far to matter, nearest first, each with its entry's score."""
    far = PAIRS_WITHIN + APART
    found = [
        (Candidate(session=one.session, distance=away), one.read.score)
        for one, away in zip(inside, distances(read, [one.read.text for one in inside]), strict=True)
        if away < far
    ]
    return sorted(found, key=lambda near: (near[0].distance, near[0].session))


@lru_cache(maxsize=8192)
def form(text: str) -> str:
    """The plate as it is compared: normalised, Cyrillic and Greek letters as their Latin twins."""
    return normalise(text).translate(_TWINS)


def _tenths(text: str, others: Sequence[str]) -> list[int]:
    """Edit distances by rows, one for each of the others at once.

    An addition depends on the cell before it in the same row: a running minimum of what each cell would be
    without its own additions gives all of them together.
    """
    width = max(map(len, others))
    joined = "".join(other.ljust(width) for other in others)
    marks = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).reshape(len(others), width)
    known = np.minimum(marks, _PLAIN).astype(np.intp)
    costs = _costs()
    added = np.arange(width + 1, dtype=np.int32) * _DROPPED
    row = np.broadcast_to(added, (len(others), width + 1))
    for number, character in enumerate(text, 1):
        mark = ord(character)
        changed = costs[min(mark, _PLAIN)][known]
        changed[marks == mark] = 0
        now = row + _DROPPED
        now[:, 0] = number * _DROPPED
        now[:, 1:] = np.minimum(now[:, 1:], row[:, :-1] + changed)
        row = np.minimum.accumulate(now - added, axis=1) + added
    ends = [len(other) for other in others]
    return [int(found) for found in row[np.arange(len(others)), ends]]


_PLAIN = 127
"""Marks from here on, Chinese provinces say, look like nothing but themselves."""


@lru_cache(maxsize=1)
def _costs() -> NDArray[np.int32]:
    """What each confusion costs, over the cheapest chain of confusions (Floyd and Warshall)."""
    costs = np.full((_PLAIN + 1, _PLAIN + 1), _OTHER, dtype=np.int32)
    for cost, pairs in _FAMILIES:
        for pair_of in pairs:
            a, b = ord(pair_of[0]), ord(pair_of[1])
            costs[a, b] = costs[b, a] = min(cost, int(costs[a, b]))
    for via in range(_PLAIN):
        costs = np.minimum(costs, costs[:, via : via + 1] + costs[via : via + 1, :])
    return costs
