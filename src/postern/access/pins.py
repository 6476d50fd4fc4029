"""PINs: kept as argon2id hashes, compared one at a time for the keypad number typed before them.

Four digits are few: whoever may try as often as they like finds them. So wrong tries are counted, for each
keypad number and for each reader, and after some free ones each doubles the time for which no more is tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from postern.errors import BadInput

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's second argon2id setting
_PIN = re.compile(r"[0-9]{4,10}")

T = TypeVar("T")


def hash_pin(pin: str) -> str:
    """The argon2id hash of a PIN of 4 to 10 digits. Raises BadInput on another."""
    if not _PIN.fullmatch(pin) or len(set(pin)) == 1:
        raise BadInput("a PIN has 4 to 10 digits that are not all the same")
    return _HASHER.hash(pin)


def pin_matches(secret: str | None, pin: str) -> bool:
    """Whether `pin` is the one that was hashed to `secret`; about 20 ms on one core.

    It takes as long without a secret, so that nobody learns by trying which keypad numbers there are.
    """
    try:
        right = _HASHER.verify(secret or _nobodys(), pin)
    except (VerificationError, InvalidHashError):
        return False
    return right and secret is not None


@cache
def _nobodys() -> str:
    return _HASHER.hash("no PIN at all")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """`free` wrong tries, then waits of 2, 4, 8 … seconds up to `longest`; one is forgiven every so often."""

    free: int
    longest: timedelta
    forgiven_every: timedelta


OF_NUMBER = Limit(free=3, longest=timedelta(minutes=15), forgiven_every=timedelta(hours=1))
"""A keypad number, wherever it is typed. About 100 tries a day are left to whoever does not give up."""
OF_READER = Limit(free=10, longest=timedelta(minutes=1), forgiven_every=timedelta(minutes=1))
"""A reader, whatever is typed there: against one PIN tried with many numbers. A rush hour's slips pass."""

_MOST_KEPT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wrong:
    """How many wrong tries counted at `last_at`, the last of them included."""

    count: float
    last_at: datetime

    def left(self, limit: Limit, at: datetime) -> float:
        """What is not forgiven yet."""
        return max(0.0, self.count - abs(at - self.last_at) / limit.forgiven_every)

    def waits(self, limit: Limit, at: datetime) -> bool:
        """Whether it is too early for another."""
        over = round(self.count) - limit.free
        wait = min(limit.longest, timedelta(seconds=2 ** min(over, 20))) if over > 0 else timedelta(0)
        return abs(at - self.last_at) < wait  # abs: a clock that was set back must not lock for longer


@dataclass(frozen=True, kw_only=True, slots=True)
class PinAttempts:
    """The wrong tries of one agent. They live in its memory: a restart forgives them."""

    numbers: Mapping[str, _Wrong] = field(default_factory=dict)
    readers: Mapping[UUID, _Wrong] = field(default_factory=dict)

    def waits(self, number: str, reader: UUID, at: datetime) -> bool:
        """Whether a PIN for that keypad number at that reader comes too early, and is not even compared."""
        one, other = self.numbers.get(number), self.readers.get(reader)
        early_there = other is not None and other.waits(OF_READER, at)
        return early_there or (one is not None and one.waits(OF_NUMBER, at))

    def wrong(self, number: str, reader: UUID, at: datetime) -> PinAttempts:
        """After one more wrong try."""
        return PinAttempts(
            numbers=_counted(self.numbers, number, OF_NUMBER, at),
            readers=_counted(self.readers, reader, OF_READER, at),
        )

    def right(self, number: str) -> PinAttempts:
        """After a right PIN its number starts anew. The reader does not, or one PIN would free all others."""
        return replace(self, numbers={key: one for key, one in self.numbers.items() if key != number})


NO_ATTEMPTS = PinAttempts()


def _counted(tries: Mapping[T, _Wrong], key: T, limit: Limit, at: datetime) -> dict[T, _Wrong]:
    """With one more for `key`; what is forgiven goes, and of too many the oldest."""
    before = tries.get(key)
    kept = {other: one for other, one in tries.items() if other != key and one.left(limit, at) > 0}
    while len(kept) >= _MOST_KEPT:
        del kept[next(iter(kept))]
    count = 1.0 + (before.left(limit, at) if before is not None else 0.0)
    return {**kept, key: _Wrong(count=count, last_at=at)}
