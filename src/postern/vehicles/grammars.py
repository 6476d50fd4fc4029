"""Which text is a plate, and of which country? What was seen is laid against each country's grammar.

Recognition does not hand over a text but slots: for each mark it saw, how likely each character is. A grammar
says which class of character belongs at each place, so a mark that is a zero or an O is settled by where it
stands, and a mark that fits nowhere (a coat of arms read as an 8, a country band read as an H) can be left
out at a price. The best fit is found by dynamic programming over slots × places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from postern.vehicles.grammars_data import Place, Shape, countries_of, known_codes, shapes
from postern.vehicles.plates import normalise

_ALIKE = ("0OQD", "1IL", "2Z", "5S", "6G", "8B", "4A", "7T", "UV", "VY", "MH", "0CG", "EF")
_ALIKE_SHARE = 0.02
"""Of a character's likelihood, what each one that looks like it gets at least."""
_SAME_SHARE = 0.45
"""The same for pairs that many countries stamp from one die."""
_SAME = (frozenset("0O"), frozenset("1I"))

_NO_DIGIT_SEEN = 2.0
"""Cost of a text whose digits are all letters that were taken for digits: most likely a word."""
_CHINESE_LEFT_OUT = 3.0
"""Added for leaving out a Chinese character: nothing else looks like one."""
_LEAST_RIVAL = 0.1
"""Likelihood from which a mark's second character makes a reading of its own."""
_LEAST = 1e-3
_OTHER_COUNTRY = 1.5
"""Cost of a country other than the one expected, about 1 in 5: foreign vehicles come and are let in."""
_MOST_LEFT_OUT = 4
_HIGHEST_COST = 14.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One mark seen: how likely each character is, how likely it is none at all, and on which line."""

    characters: Mapping[str, float]
    nothing: float = 0.0
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class GrammarMatch:
    """A text that a country's grammar allows. `cost` is a negative log likelihood: 0 is certain and usual."""

    text: str
    country: str
    cost: float
    read: float
    """Geometric mean of the likelihoods of the characters kept, 0 to 1."""
    used: tuple[int, ...]
    """Which slots the characters came from."""


@dataclass(frozen=True, slots=True)
class _Fit:
    text: str
    cost: float
    read: float
    used: tuple[int, ...]


def match(text: str, country: str | None = None) -> list[GrammarMatch]:
    """What a plain text may be as a plate, cheapest first; characters that look alike count as each other."""
    return resolve([Slot(characters={c: 1.0}) for c in normalise(text)], country)


def resolve(slots: Sequence[Slot], country: str | None = None, limit: int = 12) -> list[GrammarMatch]:
    """The `limit` cheapest readings of `slots`, one for each text and country.

    `country` is an ISO 3166-1 alpha-2 code or a region of the data file ("EU"); others then cost more.
    """
    expected = countries_of(country)
    lines = 1 + max((slot.line for slot in slots), default=0)
    laid = _Laid(slots)
    found: dict[tuple[str, str], GrammarMatch] = {}
    for shape in shapes():
        fits = _fits(shape, laid) if shape.lines == lines else ()
        for fit, (code, cost) in product(fits, shape.countries):
            whole = fit.cost + cost + (0.0 if code in expected else _OTHER_COUNTRY)
            if (fit.text, code) not in found or whole < found[fit.text, code].cost:
                found[fit.text, code] = GrammarMatch(
                    text=fit.text, country=code, cost=whole, read=fit.read, used=fit.used
                )
    return sorted(found.values(), key=lambda m: m.cost)[:limit]


def is_known(country: str) -> bool:
    """Whether a country code or region has grammars here."""
    return bool(countries_of(country) & frozenset(known_codes()))


class _Laid:
    """The slots with what each would cost in each class of character, worked out once for all grammars."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots
        self._widened = [_widened(slot) for slot in slots]
        self._best: list[dict[frozenset[str], tuple[str, float]]] = [{} for _ in slots]
        self._seen = [max(slot.characters.values(), default=0.0) for slot in slots]

    def likeliest(self, index: int) -> str:
        """The character that slot `index` most looks like by itself."""
        characters = self.slots[index].characters
        return max(characters, key=lambda c: characters[c], default="")

    def best(self, index: int, allowed: frozenset[str]) -> tuple[str, float]:
        """The likeliest allowed character at slot `index` and its cost, infinite where none is likely."""
        known = self._best[index].get(allowed)
        if known is None:
            likely = ((p, c) for c, p in self._widened[index].items() if c in allowed)
            most, character = max(likely, default=(0.0, ""))
            known = (character, -math.log(most) if most >= _LEAST else math.inf)
            self._best[index][allowed] = known
        return known

    def runner_up(self, index: int, allowed: frozenset[str]) -> tuple[str, float]:
        """The second likeliest allowed character that was itself seen at slot `index`, and its cost."""
        first = self.best(index, allowed)[0]
        seen = self.slots[index].characters
        likely = ((p, c) for c, p in seen.items() if c in allowed and c != first)
        most, character = max(likely, default=(0.0, ""))
        return character, -math.log(most) if most >= _LEAST_RIVAL else math.inf

    def cost_of_leaving_out(self, index: int, placed: int, places: Sequence[Place]) -> float:
        """Weak marks cost little; so do marks at either end and where an emblem belongs."""
        if placed == len(places):
            price = 3.2
        elif placed == 0:
            price = 2.8
        else:
            price = 2.6 if places[placed].emblem_before else 4.5
        if not self.likeliest(index).isascii():
            price += _CHINESE_LEFT_OUT
        seen, nothing = self._seen[index], self.slots[index].nothing
        by_sight = -math.log(nothing) if nothing > _LEAST else math.inf
        return min(price * (0.15 + 0.85 * seen**3), by_sight)


def _fits(shape: Shape, laid: _Laid) -> list[_Fit]:
    """The cheapest fit of a shape, and those that differ in one mark that could as well be another."""
    fit = _fit(shape, laid)
    if fit is None:
        return []
    fits = [fit]
    for place, index in enumerate(fit.used):
        allowed = shape.places[place].allowed
        rival, cost = laid.runner_up(index, allowed)
        if cost < math.inf:
            more = max(0.0, cost - laid.best(index, allowed)[1])
            text = fit.text[:place] + rival + fit.text[place + 1 :]
            fits.append(_Fit(text, fit.cost + more, fit.read * math.exp(-more / len(text)), fit.used))
    return [one for one in fits if not shape.mixed or not (one.text.isdigit() or one.text.isalpha())]


def _fit(shape: Shape, laid: _Laid) -> _Fit | None:
    """Cheapest way to lay the slots on the places in order, leaving some slots out; None where none fits."""
    places = shape.places
    count, total = len(places), len(laid.slots)
    if not count <= total <= count + _MOST_LEFT_OUT:
        return None
    cost = [[math.inf] * (count + 1) for _ in range(total + 1)]
    kept = [[False] * (count + 1) for _ in range(total + 1)]
    cost[0][0] = 0.0
    for i in range(1, total + 1):
        before, now = cost[i - 1], cost[i]
        line = laid.slots[i - 1].line
        for j in range(max(0, count - total + i), min(i, count) + 1):
            if before[j] < _HIGHEST_COST:
                now[j] = before[j] + laid.cost_of_leaving_out(i - 1, j, places)
            if j and before[j - 1] < _HIGHEST_COST and places[j - 1].line == line:
                placed = before[j - 1] + laid.best(i - 1, places[j - 1].allowed)[1]
                if placed <= now[j]:
                    now[j], kept[i][j] = placed, True
    return _trace(shape, laid, kept, cost[total][count]) if cost[total][count] < _HIGHEST_COST else None


def _trace(shape: Shape, laid: _Laid, kept: Sequence[Sequence[bool]], cost: float) -> _Fit:
    j = len(shape.places)
    characters: list[str] = []
    used: list[int] = []
    spent = 0.0
    for i in range(len(laid.slots), 0, -1):
        if kept[i][j]:
            j -= 1
            character, price = laid.best(i - 1, shape.places[j].allowed)
            characters.append(character)
            used.append(i - 1)
            spent += price
    text = "".join(reversed(characters))
    if any(c.isdigit() for c in text) and not any(laid.likeliest(i).isdigit() for i in used):
        cost += _NO_DIGIT_SEEN
    return _Fit(text, cost, math.exp(-spent / len(characters)), tuple(reversed(used)))


def _widened(slot: Slot) -> dict[str, float]:
    """The slot's likelihoods, with a share for characters that look like those seen."""
    wide = dict(slot.characters)
    for character, likelihood in slot.characters.items():
        if likelihood >= 0.05:
            for other in lookalikes().get(character, ""):
                share = _SAME_SHARE if frozenset((character, other)) in _SAME else _ALIKE_SHARE
                wide[other] = max(wide.get(other, 0.0), likelihood * share)
    return wide


@lru_cache(maxsize=1)
def lookalikes() -> dict[str, str]:
    """For each character, those that cameras take it for."""
    alike: dict[str, str] = {}
    for group in _ALIKE:
        for character in group:
            alike[character] = alike.get(character, "") + group.replace(character, "")
    return alike
