"""The root key, on which every other key hangs, and the two kinds of it that lie in a file.

A TPM (`tpm`), a PKCS#11 device (`hsm`) and Vault (`vault`) fit the same port.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Protocol, Self

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from postern.errors import BadInput, CannotOpen
from postern.keystore.rootfiles import Content, bytes_of, damaged, read, text_of, write_new
from postern.sealing.envelope import Context, Key, new_key, open_sealed, seal

SHORTEST_PASSPHRASE = 12
"""Characters; argon2id makes guessing slow, not impossible."""

_GUARDED = "postern-root-key/1"
_UNATTENDED = "postern-unattended-root-key/1"
# RFC 9106, section 4, second recommended option: 3 passes over 64 MiB with 4 lanes
_PASSES, _MEMORY_KIB, _LANES = 3, 64 * 1024, 4


class RootKey(Protocol):
    """Wraps and unwraps a few keys a minute. Async, because it may live in a device or on another server."""

    @property
    def id(self) -> bytes:
        """Eight random bytes, no secret, by which the keystore knows which root key is in force. All that it
        wraps bears them after a first byte."""

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        """`secret` sealed so that only this root key unwraps it, and only under the same `label`."""

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """The secret. CannotOpen when another root key wrapped it, for another label or a changed bit."""


class InMemory:
    """A root key held in this process's memory for as long as it runs."""

    def __init__(self, key: Key) -> None:
        self._key = key

    @property
    def id(self) -> bytes:
        return self._key.id

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        return seal(self._key, secret, _context(label))

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        return open_sealed(self._key, wrapped, _context(label))

    def copy_to(self, path: Path, passphrase: str) -> None:
        """Write this root key, locked, to a new file: it opens all that this one does, with `KeyFile`."""
        _write_locked(path, self._key, passphrase)


class KeyFile(InMemory):
    """A root key in a file that only a passphrase unlocks (argon2id). Copy the file to a safe place: without
    it, or without its passphrase, nothing sealed can ever be opened again."""

    @classmethod
    def create(cls, path: Path, passphrase: str) -> Self:
        """Make a root key and write it, locked, to `path`. FileExistsError when there is one already."""
        key = new_key()
        _write_locked(path, key, passphrase)
        return cls(key)

    @classmethod
    def unlock(cls, path: Path, passphrase: str) -> Self:
        """The root key in `path`. CannotOpen for a wrong passphrase, SettingsInvalid for a bad file."""
        content = read(path, _GUARDED)
        try:
            return cls(unlock(content, bytes_of(content, "sealed"), passphrase, path))
        except (KeyError, ValueError) as fault:
            raise damaged(path) from fault


class UnattendedKeyFile(InMemory):
    """A root key in a plain file: a machine starts by itself, and whoever takes its disk can open everything.

    For demonstrations; `open_keystore` refuses it in production.
    """

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a root key and write it to `path`. FileExistsError when there is one already."""
        key = new_key()
        write_new(path, {"format": _UNATTENDED, "key": text_of(key.id + key.secret)})
        return cls(key)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The root key in `path`. SettingsInvalid for a bad file."""
        content = read(path, _UNATTENDED)
        try:
            key = bytes_of(content, "key")
            return cls(Key(id=key[:8], secret=key[8:]))
        except (KeyError, ValueError) as fault:
            raise damaged(path) from fault


def lock(key: Key, passphrase: str) -> tuple[Content, bytes]:
    """How the passphrase is stretched, and the key sealed under it in 113 bytes."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BadInput(
            f"The passphrase is too short; take at least {SHORTEST_PASSPHRASE} characters, several words."
        )
    salt = os.urandom(16)
    stretched = _stretch(passphrase, salt, passes=_PASSES, memory_kib=_MEMORY_KIB, lanes=_LANES)
    numbers = {"passes": _PASSES, "memory_kib": _MEMORY_KIB, "lanes": _LANES}
    return {"salt": text_of(salt)} | numbers, seal(stretched, key.id + key.secret, _context(_GUARDED))


def unlock(content: Content, sealed: bytes, passphrase: str, path: Path) -> Key:
    """What `lock` made. CannotOpen for a wrong passphrase; KeyError or ValueError for a bad `content`."""
    salt = bytes_of(content, "salt")
    passes, memory_kib, lanes = (int(content[name]) for name in ("passes", "memory_kib", "lanes"))
    try:
        stretched = _stretch(passphrase, salt, passes=passes, memory_kib=memory_kib, lanes=lanes)
    except HashingError as fault:
        raise damaged(path) from fault
    try:
        opened = open_sealed(stretched, sealed, _context(_GUARDED))
    except CannotOpen:
        raise CannotOpen(
            f"The passphrase does not unlock the root key in {path}. Nothing was changed; try again."
        ) from None
    return Key(id=opened[:8], secret=opened[8:])


def _write_locked(path: Path, key: Key, passphrase: str) -> None:
    numbers, sealed = lock(key, passphrase)
    write_new(path, {"format": _GUARDED, "sealed": text_of(sealed)} | dict(numbers))


def _context(label: str) -> Context:
    return Context(tenant=0, table="root-key", column=label, row=b"")


def _stretch(passphrase: str, salt: bytes, *, passes: int, memory_kib: int, lanes: int) -> Key:
    # Composed, because keyboards and systems differ in how they write the same accented letter
    typed = unicodedata.normalize("NFC", passphrase).encode()
    secret = hash_secret_raw(
        typed, salt, time_cost=passes, memory_cost=memory_kib, parallelism=lanes, hash_len=32, type=Type.ID
    )
    return Key(id=salt[:8], secret=secret)
