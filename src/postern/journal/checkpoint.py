"""A checkpoint (C2SP tlog-checkpoint v1): the number of entries, and the root of their Merkle tree."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from postern.errors import BadInput
from postern.journal.notes import Note, NoteKey, Signer, sign, verify
from postern.journal.tree import HASH_BYTES
from postern.sealing import signing

SIGNING_KEY = "journal"
"""The name of the tenant's signing key in the keyring."""
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """`origin` names the journal; whoever signs two checkpoints that contradict each other is found out."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises BadInput. Extension lines, which we never write, are let through and say nothing."""
        lines = text.split("\n")
        try:
            origin, size, root = lines[:3]
            decoded = base64.b64decode(root, validate=True)
        except ValueError:
            origin, size, decoded = "", "", b""
        if not origin or not _SIZE.fullmatch(size) or len(decoded) != HASH_BYTES:
            raise BadInput("this is no checkpoint of a journal: a name, a count and a root hash, each a line")
        return cls(origin=origin, size=int(size), root=decoded)


def key_of(public: bytes) -> NoteKey:
    """The journal's public key under its name, which is made from it: no two journals share one."""
    return NoteKey(
        name=f"postern-journal/{hashlib.sha256(public).hexdigest()[:32]}", signer=Signer.LOG, public=public
    )


def witness_key(public: bytes) -> NoteKey:
    """The same for an agent as a witness; it stays the same when the agent takes a new number."""
    return NoteKey(
        name=f"postern-agent/{hashlib.sha256(public).hexdigest()[:32]}", signer=Signer.WITNESS, public=public
    )


def signed(size: int, root: bytes, private: bytes) -> Note:
    """The journal's checkpoint of that size and root."""
    name = key_of(signing.public_of(private)).name
    text = Checkpoint(origin=name, size=size, root=root).text
    return Note(text=text, signatures=(sign(text, private, name),))


def trusted(note: str, key: NoteKey) -> Checkpoint:
    """The checkpoint in a note, if `key` signed it. Raises CannotVerify, or BadInput when it is none."""
    parsed = Note.parse(note)
    verify(parsed.text, parsed.signatures, key)
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != key.name:
        raise BadInput(f"this is a checkpoint of {checkpoint.origin}, signed by {key.name}")
    return checkpoint
