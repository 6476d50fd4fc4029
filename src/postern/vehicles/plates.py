"""Plates as text: how they are normalised, compared, and what a reading of one says."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Four corners (x, y) in pixels: upper left, upper right, lower right, lower left of the text as read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateReading:
    """What was read from a picture: `text` normalised, `country` as ISO 3166-1 alpha-2 where it is known.

    `score`, 0 to 1, grows with how sure it is that this is a plate and that it is read right.
    """

    text: str
    country: str | None
    score: float
    quad: Quad


def normalise(text: str) -> str:
    """Upper case, without separators or accents: the form that is stored and shown. O and 0 stay apart."""
    wide = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in unicodedata.normalize("NFC", wide) if c.isalnum())


def comparison_form(text: str) -> str:
    """The form in which two plates are compared: normalised, with O as 0 and I as 1."""
    return normalise(text).translate(_ALIKE)


_ALIKE = str.maketrans({"O": "0", "I": "1"})
