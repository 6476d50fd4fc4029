"""A sealed field: bytes that open only with their key, at the very place that they were sealed for.

    version(1) ‖ key id(8) ‖ nonce(24) ‖ ciphertext ‖ tag(16)

The associated data names tenant, table, column, row, key and schema version, each length-prefixed: a
ciphertext moved to another row, column, table or tenant does not open. The plaintext is padded to
64-byte steps (ISO/IEC 7816-4: one 0x80, then zeros), so that a length tells little and no padding can
be taken for content.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from postern.errors import CannotOpen
from postern.sealing import xaes
from postern.sealing.framing import frame

VERSION = b"\x01"
KEY_ID_BYTES = 8
STEP = 64  # Plaintext lengths are hidden within steps of so many bytes.

_KEY_ID_END, _NONCE_END = 1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + xaes.NONCE_BYTES
_LENGTH_OF_ID, _LENGTH_OF_SCHEMA = KEY_ID_BYTES.to_bytes(4), (4).to_bytes(4)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A 256-bit secret, never printed, and the public 8-byte id by which a sealed field names it."""

    id: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.id) != KEY_ID_BYTES or len(self.secret) != xaes.KEY_BYTES:
            raise ValueError(f"a key has an id of {KEY_ID_BYTES} bytes and a secret of {xaes.KEY_BYTES}")

    @cached_property
    def cipher(self) -> xaes.Xaes:
        """Made once, since a key often seals many fields; it goes when the key goes."""
        return xaes.Xaes(self.secret)

    @cached_property
    def code(self) -> HMAC:
        """HMAC-SHA256 under the secret, to be copied for each message."""
        return HMAC(self.secret, SHA256())


class Context(NamedTuple):
    """Where a sealed field lives. `row` is its row's id as bytes; `schema` the version of what is inside."""

    tenant: int
    table: str
    column: str
    row: bytes
    schema: int = 1


def new_key() -> Key:
    """A random key with a random id."""
    return Key(id=os.urandom(KEY_ID_BYTES), secret=os.urandom(xaes.KEY_BYTES))


def seal(key: Key, plaintext: bytes, context: Context) -> bytes:
    """Seal `plaintext` under `key` for `context`. Its length shows only in steps of 64 bytes."""
    nonce = os.urandom(xaes.NONCE_BYTES)
    padded = plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % STEP)
    return VERSION + key.id + nonce + key.cipher.encrypt(nonce, padded, _associated(key, context))


def open_sealed(key: Key, sealed: bytes, context: Context) -> bytes:
    """The plaintext. CannotOpen for another key or place, any changed byte, or a version not known here."""
    if key_id(sealed) != key.id:
        raise CannotOpen("It is sealed under another key than the one given.")
    nonce = sealed[_KEY_ID_END:_NONCE_END]
    padded = key.cipher.decrypt(nonce, sealed[_NONCE_END:], _associated(key, context))
    plaintext, mark, zeros = padded.rpartition(b"\x80")
    if not mark or zeros.count(0) != len(zeros):
        raise CannotOpen("Its padding is wrong: it was not sealed by this program.")
    return plaintext


def key_id(sealed: bytes) -> bytes:
    """The id of the key that `sealed` names; not authentic until it opens."""
    if len(sealed) < _NONCE_END + STEP + xaes.TAG_BYTES:
        raise CannotOpen("It is too short to be a sealed field.")
    if sealed[:1] != VERSION:
        raise CannotOpen("Its version is not known here; use the release that wrote it, or a later one.")
    return sealed[1:_KEY_ID_END]


def _associated(key: Key, context: Context) -> bytes:
    row, end = context.row, key.id + _LENGTH_OF_SCHEMA + context.schema.to_bytes(4)  # As `frame`, sooner.
    return b"".join((_place(*context[:3]), len(row).to_bytes(4), row, _LENGTH_OF_ID, end))


@lru_cache(maxsize=1024)
def _place(tenant: int, table: str, column: str) -> bytes:
    return VERSION + frame(tenant.to_bytes(8), table.encode(), column.encode())
