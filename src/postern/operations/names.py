"""Names of things (never of people), as operators type them."""

from __future__ import annotations

from postern.errors import BadInput

LONGEST = 120


def named(name: str) -> str:
    """The name with single spaces. Raises BadInput when nothing is left, or too much."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST:
        raise BadInput(f"give it a name of 1 to {LONGEST} characters")
    return name
