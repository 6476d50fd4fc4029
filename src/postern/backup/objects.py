"""One object of a backup: sealed to its chain's recipient, signed by the hub together with its own name.

A name is `life/chain/kind/…`. A life is one unbroken run of a hub's backups: it begins with a base of each
database, and a restored hub begins its own. Nobody need be trusted with the place where objects lie: what is
changed, renamed, exchanged or cut short is refused.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

from postern import documents
from postern.age_file import open_with_identity, seal_to_recipient
from postern.backup.keys import HubKeys, RestoreKeys
from postern.errors import BadInput, CannotOpen, CannotVerify
from postern.sealing import signing

MAGIC = b"postern-backup/1\n"
PURPOSE = "backup"
_SIGNATURE = 64
_MOST_BYTES = 256 * 2**20
"""No object opens to more than this."""

NAME = re.compile(
    r"(?P<life>[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8})/(?P<chain>data|keystore)/(?P<kind>base|wal|pictures|files|"
    r"tombstones)/(?P<rest>[0-9A-Za-z.-]{1,80}(/[0-9a-z-]{1,40})?)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What an object says of itself, inside its seal. `at`: everything until then is in it or before it."""

    at: datetime
    start: int = 0
    end: int = 0
    timeline: int = 0
    parts: tuple[str, ...] = ()
    major: int = 0
    segment_bytes: int = 0
    passwords: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """An object that was verified and opened."""

    name: str
    head: Head
    content: bytes


def chain_of(name: str) -> str:
    """The chain of an object. Raises BadInput for what is no object's name."""
    found = NAME.fullmatch(name)
    if found is None:
        raise BadInput("this is no name of a backup's object")
    return found["chain"]


def stamp(at: datetime) -> str:
    """A moment as it stands in names."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def unique(stem: str) -> str:
    """A name that nobody can have taken before."""
    return f"{stem}-{secrets.token_hex(4)}"


def seal_object(name: str, head: Head, content: bytes, keys: HubKeys) -> bytes:
    """The object as it is put under `name`."""
    plain = documents.to_bytes(head) + b"\n" + zlib.compress(content, 1)
    sealed = seal_to_recipient(plain, keys.recipient(chain_of(name)))
    return MAGIC + _signature(name, sealed, keys.signing) + sealed


def check_object(name: str, data: bytes, hub: bytes) -> bytes:
    """What is sealed in it, once its signature is found to be the hub's. Raises CannotVerify in words."""
    if not data.startswith(MAGIC) or len(data) <= len(MAGIC) + _SIGNATURE:
        raise CannotVerify(f"{name} is no whole object of a backup: it was cut short, or is something else")
    signature, sealed = data[len(MAGIC) : len(MAGIC) + _SIGNATURE], data[len(MAGIC) + _SIGNATURE :]
    try:
        signing.verify(hub, _message(name, sealed), signature, purpose=PURPOSE)
    except CannotVerify:
        raise CannotVerify(
            f"{name} was not written by this hub under this name: it was changed, renamed or comes from "
            "another hub; nothing of it is used"
        ) from None
    return sealed


def open_object(name: str, data: bytes, keys: RestoreKeys) -> Opened:
    """Verify and open it. Raises CannotVerify or CannotOpen, in words."""
    sealed = check_object(name, data, keys.hub)
    try:
        plain = open_with_identity(sealed, keys.identity(chain_of(name)))
    except CannotOpen:
        raise CannotOpen(
            f"{name} is sealed to another key than the one given; look for the backup-restore.key that "
            "was made with this hub's"
        ) from None
    head, _, packed = plain.partition(b"\n")
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, _MOST_BYTES)
    if not unpacking.eof:
        raise CannotOpen(f"{name} opens to more than a backup's object ever holds; it is not used")
    return Opened(name=name, head=documents.from_bytes(Head, head), content=content)


def _message(name: str, sealed: bytes) -> bytes:
    return name.encode() + b"\0" + hashlib.sha256(sealed).digest()


def _signature(name: str, sealed: bytes, private: bytes) -> bytes:
    return signing.sign(private, _message(name, sealed), purpose=PURPOSE)
