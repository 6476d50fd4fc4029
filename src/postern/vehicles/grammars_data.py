"""Loads `grammars.yaml` into typed patterns, each expanded to fixed lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product

import yaml

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
SPECIAL = "警学挂港澳领使试超应急民航"
ALPHABET = LETTERS + DIGITS + PROVINCES + SPECIAL


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: str
    common: float = 1.0
    letters: str = LETTERS
    shortest: int = 1
    longest: int = 12
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    regions: dict[str, tuple[str, ...]]
    countries: dict[str, tuple[_Entry, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a plate: which characters may stand here, on which line, whether an emblem precedes it."""

    allowed: frozenset[str]
    emblem_before: bool
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A pattern of fixed length, and the countries that issue it with the cost (-log commonness) there."""

    places: tuple[Place, ...]
    lines: int
    mixed: bool
    """Only texts of letters and digits both count."""
    countries: tuple[tuple[str, float], ...]


@lru_cache(maxsize=1)
def shapes() -> tuple[Shape, ...]:
    """All patterns of all countries; countries that share one are listed together."""
    costs: dict[tuple[tuple[Place, ...], bool], dict[str, float]] = {}
    for country, entries in _file().countries.items():
        for one in entries:
            for places in _expand(one):
                here = costs.setdefault((places, one.mixed), {})
                here[country] = min(here.get(country, math.inf), -math.log(one.common))
    return tuple(
        Shape(places=places, lines=1 + places[-1].line, mixed=mixed, countries=tuple(here.items()))
        for (places, mixed), here in costs.items()
    )


def countries_of(code: str | None) -> frozenset[str]:
    """The countries that a country code or region of the file means; all of them for None."""
    data = _file()
    if code is None:
        return frozenset(data.countries)
    code = {"UK": "GB"}.get(code.upper(), code.upper())
    return frozenset(data.regions.get(code, (code,)))


def known_codes() -> tuple[str, ...]:
    """Every country and region whose grammars are known."""
    return (*_file().countries, *_file().regions)


_ATOM = re.compile(r"([*/]|.)(?:\{(\d+),(\d+)\}|\{(\d+)\})?")


def _expand(entry: _Entry) -> Iterator[tuple[Place, ...]]:
    atoms = [(m[1], int(m[2] or m[4] or 1), int(m[3] or m[4] or 1)) for m in _ATOM.finditer(entry.pattern)]
    for counts in product(*(range(least, most + 1) for _, least, most in atoms)):
        spelled = "".join(mark * count for (mark, _, _), count in zip(atoms, counts, strict=True))
        places = tuple(_places(spelled, entry.letters))
        if entry.shortest <= len(places) <= entry.longest:
            yield places


def _places(spelled: str, letters: str) -> Iterator[Place]:
    classes = {"L": letters, "D": DIGITS, "X": letters + DIGITS, "P": PROVINCES}
    line, emblem = 0, False
    for mark in spelled:
        if mark == "/":
            line += 1
        elif mark == "*":
            emblem = True
        else:
            yield Place(frozenset(classes.get(mark, mark)), emblem, line)
            emblem = False


@lru_cache(maxsize=1)
def _file() -> _File:
    text = files("postern.vehicles").joinpath("grammars.yaml").read_text("utf-8")
    loaded = yaml.safe_load(text)
    return _File(
        regions={name: tuple(codes) for name, codes in loaded["regions"].items()},
        countries={
            code: tuple(_Entry(**one) for one in country["grammars"])
            for code, country in loaded["countries"].items()
        },
    )
