"""Tracks: from sightings in single frames to one observation for each person or vehicle. Pure.

A camera gives many frames of one approach. A track gathers what belongs together, votes over it, and tells an
observation once it is safe: `votes` frames that name the same person, or agree on the same plate. Somebody
unknown is told once too, after `patience` frames, and may still be recognised on coming nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.access.decision import CodePresented, FacePresented, PlatePresented
from postern.biometrics.model import Box


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackRules:
    """How tracks are voted and forgotten.

    `votes`: frames that must agree. `patience`: good frames after which somebody unknown is told.
    `absence`: seconds out of sight after which the same one is a new passage.
    `lost`: seconds without a sighting that end a track of somebody not told or unknown.
    """

    votes: int = 2
    patience: int = 6
    absence: float = 10.0
    lost: float = 2.0

    def __post_init__(self) -> None:
        if self.votes < 1 or self.patience < self.votes or self.absence < self.lost or self.lost <= 0:
            raise ValueError("need 1 <= votes <= patience and 0 < lost <= absence")


STILL = TrackRules(votes=1, patience=1)
"""A picture that stands alone decides on its one frame."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What a camera saw of one person or vehicle. `frame` is the index of the frame that shows it best."""

    presented: FacePresented | PlatePresented | CodePresented
    frame: int
    frames: int
    """How many frames it was voted over."""
    again: bool = False
    """Told before, less surely: it says something new only of a vehicle that still stands at its lane."""


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)


def paired(affinities: list[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Pairs (left, right), the strongest affinity first, each left and each right at most once."""
    lefts: set[int] = set()
    rights: set[int] = set()
    pairs = []
    for _, left, right in sorted(affinities, reverse=True):
        if left not in lefts and right not in rights:
            lefts.add(left)
            rights.add(right)
            pairs.append((left, right))
    return pairs
