"""Judge each entry of an agent's batch by itself, so that one that cannot be read holds up no other."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.clock import utc_day
from postern.errors import BadInput, CannotOpen, CannotVerify
from postern.operations.archive.wire import SPOOL_INFO, SPOOL_PURPOSE, spool_aad, spool_message
from postern.operations.ports import SealedPicture
from postern.operations.sites.agents import KnownAgent
from postern.records.model import (
    AttendanceRecord,
    CorrectionRecord,
    DecisionRecord,
    Happening,
    Kind,
    PaymentRecord,
    PresenceRecord,
    kind_of,
)
from postern.records.sealed import decode, encode
from postern.sealing.hybrid import open_from
from postern.sealing.signing import verify
from postern.sites.model import MOST_ABOARD

LARGEST_ENTRY = 16 * 1024
LARGEST_PICTURE = 8 * 1024 * 1024
MOST_SEQ = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SpooledEntry:
    """An entry of an agent's spool as sent; `digest` is the SHA-256 of `entry`."""

    seq: int
    day: date
    kind: Kind
    entry: bytes
    digest: bytes
    signature: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Readable:
    """An entry that is whole, this agent's, and what it says it is."""

    entry: SpooledEntry
    happening: Happening


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The batch, sorted: what was read, with its pictures, and the seqs of what was not."""

    readable: tuple[Readable, ...]
    pictures: tuple[SealedPicture, ...]
    refused: frozenset[int]


def judge(
    known: KnownAgent, entries: Sequence[SpooledEntry], pictures: Sequence[SealedPicture], hub_key: bytes
) -> Judged:
    """Open what can be opened. Raises BadInput when a picture comes without its entry: nothing is lost so."""
    readable: list[Readable] = []
    refused: set[int] = set()
    too_large = {one.name for one in pictures if len(one.sealed) > LARGEST_PICTURE}
    for one in entries:
        try:
            happening = _opened(known, one, hub_key)
        except (CannotVerify, CannotOpen, BadInput):
            refused.add(one.seq)
            continue
        if picture_of(happening) in too_large:
            refused.add(one.seq)
            continue
        readable.append(Readable(entry=one, happening=happening))
    named = {picture_of(one.happening) for one in readable}
    kept = tuple(one for one in pictures if one.name in named)
    if len(kept) < len(pictures) and not refused:
        raise BadInput("a picture in the batch belongs to none of its entries; send them together")
    return Judged(readable=tuple(readable), pictures=kept, refused=frozenset(refused))


def picture_of(happening: Happening) -> str | None:
    """The name of its picture, if it has one."""
    if not isinstance(happening, DecisionRecord) or happening.picture is None:
        return None
    return happening.picture.name


def _opened(known: KnownAgent, one: SpooledEntry, hub_key: bytes) -> Happening:
    """The happening, if the entry is whole, this agent's, and what it says it is."""
    site, agent = known.agent.site, known.agent.id
    # 1. It has a number that a row can have, and a size that a happening can have.
    if not 1 <= one.seq <= MOST_SEQ or len(one.entry) > LARGEST_ENTRY:
        raise BadInput("no spool numbers or fills its entries like this")
    # 2. It is whole, and signed by this agent under this number.
    if hashlib.sha256(one.entry).digest() != one.digest:
        raise BadInput("the entry does not have the digest it states")
    message = spool_message(site=site, agent=agent, seq=one.seq, digest=one.digest)
    verify(known.agent.sign_public, message, one.signature, purpose=SPOOL_PURPOSE)
    # 3. It was sealed to this hub for this very place, and says of itself what it says outside.
    aad = spool_aad(site=site, agent=agent, seq=one.seq, day=one.day, kind=one.kind)
    happening = decode(open_from(hub_key, one.entry, info=SPOOL_INFO, aad=aad))
    if kind_of(happening) is not one.kind or utc_day(happening.at) != one.day:
        raise BadInput("the entry is of another kind or day than it states")
    if isinstance(happening, CorrectionRecord | PaymentRecord | AttendanceRecord):
        raise BadInput(
            "no agent corrects a session, takes a payment or states hours; the hub records these itself"
        )
    # 4. It can be sealed and shown again.
    if not is_understood(happening):
        raise BadInput("the entry says what this release does not know")
    return happening


def is_understood(happening: Happening) -> bool:
    """Whether this release can show it: its words are known, its numbers are numbers, its text is text."""
    if isinstance(happening, PresenceRecord):
        kinds = {None, *(str(one) for one in SubjectKind)}
        counted = 0 <= happening.more <= MOST_ABOARD
        placed = happening.place is None or 1 <= happening.place <= MOST_ABOARD
        if happening.subject_kind not in kinds or not counted or not placed:
            return False
    if isinstance(happening, DecisionRecord):
        score = happening.score
        known = (
            happening.reason in set(Reason)
            and happening.credential_kind in set(CredentialKind)
            and (happening.subject_kind is None or happening.subject_kind in set(SubjectKind))
            and (score is None or (math.isfinite(score) and 0 <= score <= 1))
        )
        if not known:
            return False
    try:
        encode(happening)
    except ValueError:
        return False
    return True
