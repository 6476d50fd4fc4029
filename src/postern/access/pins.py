"""PINs: kept as argon2id hashes, compared one at a time for the keypad number typed before them."""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from postern.errors import BadInput

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's second argon2id setting
_PIN = re.compile(r"[0-9]{4,10}")


def hash_pin(pin: str) -> str:
    """The argon2id hash of a PIN of 4 to 10 digits. Raises BadInput on another."""
    if not _PIN.fullmatch(pin) or len(set(pin)) == 1:
        raise BadInput("a PIN has 4 to 10 digits that are not all the same")
    return _HASHER.hash(pin)


def pin_matches(secret: str | None, pin: str) -> bool:
    """Whether `pin` is the one that was hashed to `secret`; about 20 ms on one core."""
    try:
        return secret is not None and _HASHER.verify(secret, pin)
    except (VerificationError, InvalidHashError):
        return False
