"""How much does a line of text look like a plate? What it says, its shape and its place in the picture."""

from __future__ import annotations

import math
import re

from postern.devices.recognition.plate_regions import Region

_NOT_PLATES: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"(19|20)\d\d\W?[01]?\d\W?[0-3]\d"), 0.03),  # a date
    (re.compile(r"(19|20)\d\d[-=./:][01]"), 0.05),  # the beginning of one
    (re.compile(r"\d\d[:.]\d\d[:.]\d\d"), 0.03),  # a time
    (re.compile(r"^\D?\d\d:\d+\D?$"), 0.05),  # part of one
    (re.compile(r"www|http|[.,:](com|net|org|de|cn|br|co|pl|sk|cz|fr)\b|@|/{1,2}\w|©", re.IGNORECASE), 0.03),
    (re.compile(r"^\W*(\+?1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}"), 0.03),  # a telephone number
    (re.compile(r"^\d{3}-\d{4}$|^1?-?8\d\d-"), 0.1),
    (re.compile(r"\$|€|£|¥|%|\d,\d"), 0.1),  # a price
)
_SMALL_LETTERS = re.compile(r"[a-z]")


def plausibility_of_text(text: str) -> float:
    """1 for what a plate could say; less for dates, times, addresses, telephone numbers, prices and words."""
    factor = min((f for pattern, f in _NOT_PLATES if pattern.search(text)), default=1.0)
    marks = sum(c.isalnum() for c in text)
    if marks:
        small = len(_SMALL_LETTERS.findall(text)) / marks
        factor *= 1.0 - 0.8 * min(1.0, 1.5 * small)
    return factor


def plausibility_of_shape(region: Region, marks: int, lines: int) -> float:
    """1 where `marks` characters fill the region as on a plate; falls off when cramped or spaced out."""
    each = region.width / max(region.height / lines, 1.0) / max(marks / lines, 1)
    if 0.3 <= each <= 0.95:
        return 1.0
    off = math.log(0.3 / each) if each < 0.3 else math.log(each / 0.95)
    return math.exp(-1.5 * off)


def plausibility_of_place(region: Region, width: int, height: int) -> float:
    """Less at the upper and lower edge of large pictures, where cameras write; less when much slanted."""
    factor = 1.0
    y = float(region.centre[1]) / height
    if region.height < 0.15 * height and not 0.06 < y < 0.96:
        factor = 0.5
    slant = abs(math.degrees(math.atan2(float(region.along[1]), float(region.along[0]))))
    del width
    return factor * math.exp(-max(0.0, slant - 20) / 25)
