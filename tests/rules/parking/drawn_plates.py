"""Plates as they are issued and as they are misread, drawn. The errors are not the ones that pairing's
costs are made of."""

from __future__ import annotations

import random

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ANY = LETTERS + DIGITS
CONFUSED = {
    "O": "0QD", "0": "OQD", "Q": "O0", "D": "0O", "I": "1L", "1": "IL7", "L": "1I", "8": "B", "B": "8",
    "S": "5", "5": "S", "Z": "2", "2": "Z7", "G": "6", "6": "G", "7": "21", "V": "Y", "Y": "V", "M": "N",
    "N": "M",
}  # fmt: skip


def long_plate(chance: random.Random) -> str:
    """One of a city's: its letter, two letters, four digits."""
    return "B" + "".join(chance.choices(LETTERS, k=2)) + "".join(chance.choices(DIGITS, k=4))


def plate(chance: random.Random) -> str:
    """The same with the short ones, so that many are alike: one or two letters, three or four digits."""
    letters = "".join(chance.choices(LETTERS, k=chance.choice((1, 2))))
    return "B" + letters + "".join(chance.choices(DIGITS, k=chance.choice((3, 4))))


def confused(text: str, chance: random.Random) -> str:
    """The same with one character taken for one that looks alike; unchanged if it has none."""
    places = [place for place, character in enumerate(text) if character in CONFUSED]
    if not places:
        return text
    place = chance.choice(places)
    return text[:place] + chance.choice(CONFUSED[text[place]]) + text[place + 1 :]


def misread(text: str, chance: random.Random) -> str:
    """One error: mostly a lookalike, at times a character too few or too many, rarely any other."""
    kind, place = chance.random(), chance.randrange(len(text))
    if kind < 0.90:
        return confused(text, chance)
    if kind < 0.95:
        return text[:place] + text[place + 1 :]
    if kind < 0.99:
        return text[:place] + chance.choice("1I" + text[place]) + text[place:]
    return text[:place] + chance.choice(ANY) + text[place + 1 :]
