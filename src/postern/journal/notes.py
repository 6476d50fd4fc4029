"""Signed notes (C2SP signed-note v1) and the cosignatures of witnesses (C2SP tlog-cosignature v1).

A note is a text, an empty line, and lines of signatures, each by a named key:

    — name base64(key id ‖ signature)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from postern.errors import BadInput, CannotVerify
from postern.sealing import signing

_DASH = "\N{EM DASH}"
_KEY_ID_BYTES = 4
_KEY_BYTES = 32
_TIME_BYTES = 8
_MOST_SIGNATURES = 64
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


class Signer(IntEnum):
    """What a key's signature says; the number is the signature type of the formats."""

    LOG = 1
    """The journal itself: this is my text."""
    WITNESS = 4
    """Somebody else: I saw this at a stated time, and it contradicts nothing that I saw before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteKey:
    """Whose signature to look for: a name, the kind of signature, and the Ed25519 public key."""

    name: str
    signer: Signer
    public: bytes

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(one.isspace() for one in self.name):
            raise BadInput("a note key's name has no spaces and no plus sign")
        if len(self.public) != _KEY_BYTES:
            raise BadInput("a note key's public key has 32 bytes")

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
        named = self.name.encode() + b"\n" + bytes([self.signer]) + self.public
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """As a verifier key, `name+id+base64(type ‖ public key)`: how it is handed out."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.signer]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Raises BadInput unless `text` is a verifier key of one of our two kinds."""
        try:
            name, id_, encoded = text.strip().split("+", 2)
            data = base64.b64decode(encoded, validate=True)
            key = cls(name=name, signer=Signer(data[0]), public=data[1:])
            if key.id.hex() != id_:
                raise ValueError("another key id")
        except (ValueError, IndexError):
            raise BadInput(
                "this is no public key of a journal or a witness; it looks like name+0123abcd+AbC... and is "
                "printed by `postern journal key`"
            ) from None
        return key


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """As it stands in a note, without the newline."""
        return f"{_DASH} {self.name} {_base64(self.key_id + self.value)}"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Raises BadInput when it is no signature line."""
        try:
            dash, name, encoded = line.split(" ")
            data = base64.b64decode(encoded, validate=True)
        except ValueError:
            dash, name, data = "", "", b""
        if dash != _DASH or not name or len(data) <= _KEY_ID_BYTES:
            raise BadInput("this is no signature line of a signed note")
        return cls(name=name, key_id=data[:_KEY_ID_BYTES], value=data[_KEY_ID_BYTES:])

    def is_by(self, key: NoteKey) -> bool:
        """Whether it claims to be by `key`; only `verify` says whether that is true."""
        return (self.name, self.key_id) == (key.name, key.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A text, which ends with a newline, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(one.line + "\n" for one in self.signatures)

    @classmethod
    def parse(cls, whole: str) -> Note:
        """Raises BadInput when it is no signed note."""
        text, gap, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        is_note = bool(gap and text) and lines[-1] == "" and not _CONTROL.search(whole)
        if not is_note or not 1 <= len(lines) - 1 <= _MOST_SIGNATURES:
            raise BadInput("this is no signed note: a text, an empty line, and signature lines")
        return cls(text=text + "\n", signatures=tuple(Signature.parse(line) for line in lines[:-1]))


def sign(text: str, private: bytes, name: str) -> Signature:
    """The log's own signature of a note's text."""
    key = NoteKey(name=name, signer=Signer.LOG, public=signing.public_of(private))
    value = signing.sign(private, text.encode(), purpose=signing.NOTE)
    return Signature(name=name, key_id=key.id, value=value)


def cosign(text: str, private: bytes, name: str, at: datetime) -> Signature:
    """A witness's signature: that it saw this checkpoint at that time, in whole seconds."""
    key = NoteKey(name=name, signer=Signer.WITNESS, public=signing.public_of(private))
    seconds = int(at.timestamp())
    value = signing.sign(private, _cosigned(text, seconds), purpose=signing.NOTE)
    return Signature(name=name, key_id=key.id, value=seconds.to_bytes(_TIME_BYTES) + value)


def verify(text: str, signatures: Sequence[Signature], key: NoteKey) -> Signature:
    """The signature by `key` among them, checked. Raises CannotVerify when there is none, or a wrong one."""
    found = next((one for one in signatures if one.is_by(key)), None)
    if found is None:
        raise CannotVerify(f"it does not bear the signature of {key.name}")
    value, message = found.value, text.encode()
    if key.signer is Signer.WITNESS:
        value, message = value[_TIME_BYTES:], _cosigned(text, _seconds(found))
    signing.verify(key.public, message, value, purpose=signing.NOTE)
    return found


def seen_at(cosignature: Signature) -> datetime:
    """When the witness saw it. Ask only of a cosignature that `verify` returned."""
    return datetime.fromtimestamp(_seconds(cosignature), UTC)


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _seconds(cosignature: Signature) -> int:
    return int.from_bytes(cosignature.value[:_TIME_BYTES])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
