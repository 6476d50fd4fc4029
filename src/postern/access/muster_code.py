"""The muster code: what a warden types at an agent to see names while the hub is away.

The roll of names lies at the agent sealed under a key that only this code makes (argon2id): whoever takes the
box has no names. The hub keeps the key to seal newer rolls, and never the code.
"""

from __future__ import annotations

import os
import secrets

from argon2.low_level import Type, hash_secret_raw

from postern.errors import BadInput
from postern.sealing.envelope import KEY_ID_BYTES, Key

SALT_BYTES = 16
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""None that is taken for another on a wet card. Ten of them make 49 bits."""
_LENGTH = 10
_PASSES, _MEMORY_KIB, _LANES = 3, 65536, 4


def new_code() -> str:
    """A fresh code, in two halves: ABCDE-23456."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[: _LENGTH // 2]}-{letters[_LENGTH // 2 :]}"


def new_salt() -> bytes:
    """Random: two sites with one code have two keys."""
    return os.urandom(SALT_BYTES)


def key_of(code: str, salt: bytes) -> Key:
    """The key that the code makes: a quarter of a second and 64 MiB. BadInput for what can be no code."""
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    if len(typed) != _LENGTH or not typed.isascii():
        raise BadInput(f"a muster code has {_LENGTH} letters and digits; look at the card again")
    secret = hash_secret_raw(
        typed.encode(),
        salt,
        time_cost=_PASSES,
        memory_cost=_MEMORY_KIB,
        parallelism=_LANES,
        hash_len=32,
        type=Type.ID,
    )
    return Key(id=salt[:KEY_ID_BYTES], secret=secret)
