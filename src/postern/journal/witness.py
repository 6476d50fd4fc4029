"""What a witness does: remember the last checkpoint it saw, and accept only what that one leads to.

A signature proves who wrote a journal, not that there is only one of it, nor that its end is still there:
whoever holds the signing key can sign a shorter or another one. A witness outside their reach notices.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postern import documents
from postern.errors import BadInput, CannotVerify, PosternError
from postern.journal.checkpoint import Checkpoint, trusted
from postern.journal.findings import Finding, What
from postern.journal.notes import NoteKey
from postern.journal.tree import is_consistent

_LONGEST_PROOF = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A line of a witness's file: which checkpoint it accepted, when, and whose signature it trusts."""

    at: datetime
    key: str
    checkpoint: str

    @property
    def head(self) -> Checkpoint:
        """The checkpoint. Raises CannotVerify or BadInput when the file is not what a witness wrote."""
        return trusted(self.checkpoint, NoteKey.parse(self.key))


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A newer checkpoint, and the proof that it continues the one that the witness saw."""

    checkpoint: str
    proof: tuple[bytes, ...]


def written(seen: int, offer: Offer) -> str:
    """The offer as C2SP tlog-witness has it: what to add to a witness that saw `seen` entries."""
    proof = "".join(base64.b64encode(one).decode() + "\n" for one in offer.proof)
    return f"old {seen}\n{proof}\n{offer.checkpoint}"


def read_offer(text: str) -> Offer:
    """An offer as `written`. Raises BadInput."""
    lines, gap, checkpoint = text.partition("\n\n")
    old, *proof = lines.split("\n")
    try:
        if not gap or not old.startswith("old ") or len(proof) > _LONGEST_PROOF:
            raise ValueError("not the format")
        return Offer(
            checkpoint=checkpoint, proof=tuple(base64.b64decode(one, validate=True) for one in proof)
        )
    except ValueError:
        raise BadInput("what answered does not speak for a journal; check the hub's address") from None


def judge(seen: Checkpoint | None, offer: Offer, key: NoteKey) -> Finding | None:
    """What is wrong with the offer, for a witness that has `seen` this much; None: nothing, accept it."""
    try:
        offered = trusted(offer.checkpoint, key)
    except PosternError as fault:
        return Finding(what=What.NOT_SIGNED, words=f"The checkpoint offered cannot be trusted: {fault}.")
    if seen is None:
        return None
    if offered.size < seen.size:
        return Finding(
            what=What.ROLLED_BACK,
            words=f"The journal shows {offered.size} entries where {seen.size} were signed before: its end "
            "was cut off, or an older copy was put back.",
        )
    if not is_consistent(seen.size, seen.root, offered.size, offered.root, offer.proof):
        return Finding(
            what=What.FORKED,
            words=f"The journal's first {seen.size} entries are not shown to be those that were signed "
            "before: entries were changed or removed, or there are two histories.",
        )
    return None


def read_seen(data: bytes) -> tuple[Seen, ...]:
    """The lines of a witness's file, every signature checked. Raises CannotVerify or BadInput."""
    found = tuple(documents.from_bytes(Seen, line) for line in data.splitlines() if line.strip())
    if len({one.key for one in found}) > 1:
        raise CannotVerify("the witness's file mixes several journals; keep one file for each journal's key")
    for one in found:
        _ = one.head
    return found


def line_of(seen: Seen) -> bytes:
    """The line to append."""
    return documents.to_bytes(seen) + b"\n"


def newest(seen: Sequence[Seen]) -> Checkpoint | None:
    """What the witness compares with next."""
    return seen[-1].head if seen else None
