"""The resident identity number of the People's Republic of China, by GB 11643-1999.

Seventeen digits (region, birth date, serial) and a check character by ISO 7064 MOD 11-2.
"""

from __future__ import annotations

import re
from datetime import date

from postern.errors import BadInput

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_LOOKS_LIKE_ONE = re.compile(r"[0-9]{17}[0-9X]")


def looks_like_resident_id(number: str) -> bool:
    """Whether it has the form of a resident identity number; other countries' numbers have not."""
    return _LOOKS_LIKE_ONE.fullmatch(number) is not None


def check_resident_id(number: str) -> None:
    """Raises BadInput when `number` has the form of one, and its check character or birth date is wrong."""
    if not looks_like_resident_id(number):
        return
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    if _CHECKS[total % 11] != number[17]:
        raise BadInput("the resident ID number's last character does not fit the others; look for a slip")
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as fault:
        raise BadInput(
            "the resident ID number's digits 7 to 14 are no birth date; look for a slip"
        ) from fault
