"""The root key, on which every other key hangs. Here in a file; an HSM, a TPM or Vault fits the same port."""

from __future__ import annotations

import base64
import json
import os
import stat
import unicodedata
from pathlib import Path
from typing import Protocol, Self

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from postern.errors import BadInput, CannotOpen, SettingsInvalid
from postern.sealing.envelope import Context, Key, new_key, open_sealed, seal

SHORTEST_PASSPHRASE = 12
"""Characters; argon2id makes guessing slow, not impossible."""

_GUARDED = "postern-root-key/1"
_UNATTENDED = "postern-unattended-root-key/1"
# RFC 9106, section 4, second recommended option: 3 passes over 64 MiB with 4 lanes
_PASSES, _MEMORY_KIB, _LANES = 3, 64 * 1024, 4


class RootKey(Protocol):
    """Wraps and unwraps a few keys a minute. Async, because it may live in a device or on another server."""

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        """`secret` sealed so that only this root key unwraps it, and only under the same `label`."""

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        """The secret. CannotOpen when another root key wrapped it, or for another label."""


class _InMemory:
    """A root key held in this process's memory for as long as it runs."""

    def __init__(self, key: Key) -> None:
        self._key = key

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        return seal(self._key, secret, _context(label))

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        return open_sealed(self._key, wrapped, _context(label))


class KeyFile(_InMemory):
    """A root key in a file that only a passphrase unlocks (argon2id). Copy the file to a safe place: without
    it, or without its passphrase, nothing sealed can ever be opened again."""

    @classmethod
    def create(cls, path: Path, passphrase: str) -> Self:
        """Make a root key and write it, locked, to `path`. FileExistsError when there is one already."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise BadInput(
                f"The passphrase is too short; take at least {SHORTEST_PASSPHRASE} characters, several words."
            )
        key, salt = new_key(), os.urandom(16)
        lock = _stretch(passphrase, salt, passes=_PASSES, memory_kib=_MEMORY_KIB, lanes=_LANES)
        sealed = seal(lock, key.id + key.secret, _context(_GUARDED))
        content: dict[str, str | int] = {"format": _GUARDED, "salt": _text(salt), "sealed": _text(sealed)}
        _write_new(path, content | {"passes": _PASSES, "memory_kib": _MEMORY_KIB, "lanes": _LANES})
        return cls(key)

    @classmethod
    def unlock(cls, path: Path, passphrase: str) -> Self:
        """The root key in `path`. CannotOpen for a wrong passphrase, SettingsInvalid for a bad file."""
        content = _read(path, _GUARDED)
        try:
            salt, sealed = base64.b64decode(str(content["salt"])), base64.b64decode(str(content["sealed"]))
            passes, memory_kib, lanes = (int(content[name]) for name in ("passes", "memory_kib", "lanes"))
            lock = _stretch(passphrase, salt, passes=passes, memory_kib=memory_kib, lanes=lanes)
        except (KeyError, ValueError, HashingError) as fault:
            raise _damaged(path) from fault
        try:
            opened = open_sealed(lock, sealed, _context(_GUARDED))
        except CannotOpen:
            raise CannotOpen(
                f"The passphrase does not unlock the root key in {path}. Nothing was changed; try again."
            ) from None
        return cls(Key(id=opened[:8], secret=opened[8:]))


class UnattendedKeyFile(_InMemory):
    """A root key in a plain file: a machine starts by itself, and whoever takes its disk can open everything.

    For demonstrations; `open_keystore` refuses it in production.
    """

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a root key and write it to `path`. FileExistsError when there is one already."""
        key = new_key()
        _write_new(path, {"format": _UNATTENDED, "key": _text(key.id + key.secret)})
        return cls(key)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The root key in `path`. SettingsInvalid for a bad file."""
        content = _read(path, _UNATTENDED)
        try:
            key = base64.b64decode(str(content["key"]))
            return cls(Key(id=key[:8], secret=key[8:]))
        except (KeyError, ValueError) as fault:
            raise _damaged(path) from fault


def _context(label: str) -> Context:
    return Context(tenant=0, table="root-key", column=label, row=b"")


def _stretch(passphrase: str, salt: bytes, *, passes: int, memory_kib: int, lanes: int) -> Key:
    # Composed, because keyboards and systems differ in how they write the same accented letter
    typed = unicodedata.normalize("NFC", passphrase).encode()
    secret = hash_secret_raw(
        typed, salt, time_cost=passes, memory_cost=memory_kib, parallelism=lanes, hash_len=32, type=Type.ID
    )
    return Key(id=salt[:8], secret=secret)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _write_new(path: Path, content: dict[str, str | int]) -> None:
    """Write the whole file, readable by its owner only, or nothing: a half-written root key is a lost one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(content, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never replaces
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()


def _read(path: Path, wanted: str) -> dict[str, str | int]:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsInvalid(f"Others on this machine may read the root key in {path}: run chmod 600 on it.")
    try:
        content = json.loads(path.read_text())
    except ValueError as fault:
        raise _damaged(path) from fault
    if not isinstance(content, dict) or content.get("format") != wanted:
        raise _damaged(path)
    return content


def _damaged(path: Path) -> SettingsInvalid:
    return SettingsInvalid(f"{path} is damaged or no root key of this kind; restore it from its safe copy.")
