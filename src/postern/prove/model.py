"""What an attack is, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from postern.prove.world import World


class Size(StrEnum):
    """How much is tried: `quick` for every change, `full` for a release, `soak` for a night."""

    QUICK = "quick"
    FULL = "full"
    SOAK = "soak"

    def of(self, quick: int, full: int, soak: int) -> int:
        """The number for this size."""
        return {Size.QUICK: quick, Size.FULL: full, Size.SOAK: soak}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How often it was tried, and how often something came out that must not, or went missing.

    `mutant_caught`: the same attack on a program with a fault of just this kind did find it. Without that a
    zero would say nothing. `notes`: what was tried, and the first of what was found.
    """

    tries: int
    leaks: int = 0
    losses: int = 0
    mutant_caught: bool
    notes: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """The promise held, and the attack would have noticed if it had not."""
        return self.tries > 0 and not self.leaks and not self.losses and self.mutant_caught


Run = Callable[[World, Size, random.Random], Awaitable[Outcome]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """One attack. `promises`: the sections of the threat model whose promises it attacks. `mutant`: which
    faults it must catch, or its zero says nothing.
    """

    name: str
    promises: tuple[str, ...]
    words: str
    mutant: str
    run: Run
