"""Whether a plate is another country's: what is owed by its driver cannot be followed up at home."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from postern.vehicles.grammars import lookalikes
from postern.vehicles.grammars_data import Shape, countries_of, shapes
from postern.vehicles.plates import normalise

_TWINS = {"0": "0O", "O": "0O", "1": "1I", "I": "1I"}
"""Stamped from one die in many countries."""


@lru_cache(maxsize=8192)
def is_from_abroad(text: str, country: str) -> bool:
    """Whether only other countries have such a plate.

    In doubt it is one of `country`'s: one of its characters may be misread for that, none for another's.
    Shapes are compared as they stand, nothing is left out: that takes microseconds where reading a plate
    takes milliseconds.
    """
    plate = normalise(text)
    own = countries_of(country)
    near = _by_length().get(len(plate), ())
    if any(_fits(one, plate, misread=1) for one in near if not own.isdisjoint(_countries(one))):
        return False
    return any(_fits(one, plate, misread=0) for one in near if not own.issuperset(_countries(one)))


def _fits(shape: Shape, plate: str, *, misread: int) -> bool:
    if shape.mixed and (plate.isdigit() or plate.isalpha()):
        return False
    for place, seen in zip(shape.places, plate, strict=True):
        if place.allowed.isdisjoint(_TWINS.get(seen, seen)):
            misread -= 1
            if misread < 0 or place.allowed.isdisjoint(lookalikes().get(seen, "")):
                return False
    return True


def _countries(shape: Shape) -> list[str]:
    return [country for country, _ in shape.countries]


@lru_cache(maxsize=1)
def _by_length() -> dict[int, tuple[Shape, ...]]:
    found: dict[int, list[Shape]] = defaultdict(list)
    for one in shapes():
        found[len(one.places)].append(one)
    return {length: tuple(those) for length, those in found.items()}
