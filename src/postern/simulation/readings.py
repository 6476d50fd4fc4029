"""What a camera makes of a plate: read right, misread as what looks alike, or not read at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from postern.vehicles.grammars_data import Shape, shapes

_LOOK_ALIKE = (
    "0OQD",
    "1IL",
    "2Z7",
    "5S",
    "6G",
    "8B3",
    "4A",
    "7T1",
    "UV",
    "VY",
    "MHN",
    "CG",
    "EF",
    "PR",
    "KX",
    "WV",
)
"""What optical readers mix up most; drawn up by itself, so that it is no copy of what pairing assumes."""
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ALIKE_SHARE, _DROPPED_SHARE, _ADDED_SHARE = 0.90, 0.03, 0.02
"""Of misreadings; the rest is any other character."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """How often a reading goes wrong: each one by itself, a further look no less than the first."""

    misread: float = 0.035
    missed: float = 0.01
    unsure_right: float = 0.004
    """Read right, and yet with a low score: dirt, glare."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A plate as read, empty when it was not, and its score from 0 to 1."""

    text: str
    score: float


NOTHING = Reading(text="", score=0.0)


def plate(draw: Random, country: str) -> str:
    """A plate that the country's grammars allow; nobody's in particular."""
    known = _shapes_of(country)
    shape = draw.choices([one for one, _ in known], [weight for _, weight in known])[0]
    return "".join(draw.choice(sorted(place.allowed & _PLAIN)) for place in shape.places)


@lru_cache(maxsize=16)
def _shapes_of(country: str) -> list[tuple[Shape, float]]:
    """The country's one-line plates of Latin letters and digits, and how common each is."""
    return [
        (shape, math.exp(-cost))
        for shape in shapes()
        for code, cost in shape.countries
        if code == country
        and shape.lines == 1
        and len(shape.places) >= 6
        and all(one.allowed & _PLAIN for one in shape.places)
    ]


def read(draw: Random, text: str, rates: Rates) -> Reading:
    """What a camera makes of the plate `text`."""
    chance = draw.random()
    if chance < rates.missed:
        return NOTHING
    if chance < rates.missed + rates.misread:
        # A wrong mark lowers the score, though not always below what counts as sure.
        return Reading(text=misread(draw, text), score=round(draw.triangular(0.45, 0.97, 0.8), 3))
    if chance < rates.missed + rates.misread + rates.unsure_right:
        return Reading(text=text, score=round(draw.uniform(0.3, 0.6), 3))
    return Reading(text=text, score=round(draw.triangular(0.7, 0.995, 0.95), 3))


def misread(draw: Random, text: str) -> str:
    """The plate with one mark wrong; every tenth time with a second one."""
    wrong = _one_wrong(draw, text)
    return _one_wrong(draw, wrong) if draw.random() < 0.1 else wrong


def _one_wrong(draw: Random, text: str) -> str:
    place, how = draw.randrange(len(text)), draw.random()
    character = text[place]
    alike = sorted({other for family in _LOOK_ALIKE if character in family for other in family} - {character})
    if how < _ALIKE_SHARE and alike:
        return text[:place] + draw.choice(alike) + text[place + 1 :]
    if how < _ALIKE_SHARE + _DROPPED_SHARE:
        return text[:place] + text[place + 1 :]
    if how < _ALIKE_SHARE + _DROPPED_SHARE + _ADDED_SHARE:
        return text[:place] + draw.choice("1I") + text[place:]
    return text[:place] + draw.choice(sorted(_PLAIN - {character})) + text[place + 1 :]
