"""Waiting longer after every failure, with jitter, so that a returning server is not met by all at once."""

from __future__ import annotations

import random
from collections.abc import Iterator


def delays(
    *, first: float = 0.5, longest: float = 30.0, chance: random.Random | None = None
) -> Iterator[float]:
    """Seconds to wait before each next try, without end: doubling, each between half of it and all of it.

    Make a new iterator after a success. `chance` is for tests that want the same delays again.
    """
    chance = chance or random.Random()  # noqa: S311 - spreads load, protects nothing
    ceiling = first
    while True:
        yield ceiling * chance.uniform(0.5, 1.0)
        ceiling = min(longest, ceiling * 2)
