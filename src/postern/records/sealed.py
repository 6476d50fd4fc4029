"""A happening sealed twice: the place and time under the site's key of the day, and inside it, who it was,
under that subject's own movement key. So erasing a subject closes the inner part and leaves the rest.

The outer plaintext is `length of the outer JSON (2) ‖ outer JSON ‖ inner sealed field, if any`. What each
opens is bound to the record's key (site, day, agent, seq): neither part can be moved to another row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from postern.ids import TenantId
from postern.records.encoding import decode, encode, encode_anonymous, encode_subject, with_subject
from postern.records.model import (
    AttendanceRecord,
    CorrectionRecord,
    DecisionRecord,
    Happening,
    Personal,
    PresenceRecord,
    RecordKey,
    subject_of,
)
from postern.sealing.envelope import Context, Key, key_id, open_sealed, seal
from postern.sealing.tags import day_tag

__all__ = [
    "OpenedHappening",
    "anonymous",
    "decode",
    "encode",
    "open_happening",
    "seal_happening",
    "subjects_by_tag",
]

_LENGTH_BYTES = 2
_TABLE, _OUTER, _INNER = "record", "sealed", "subject"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedHappening:
    """What could be opened. `withheld`: the record tells who it was, but not with the key given."""

    happening: Happening
    withheld: bool


def seal_happening(
    happening: Happening,
    *,
    tenant: TenantId,
    key: RecordKey,
    site_day: Key,
    movement: Key | None,
    compared_plate: str | None = None,
) -> tuple[bytes, bytes | None]:
    """The sealed column and the tag. Pure but for the ciphers' random nonces.

    `movement` is the key of the happening's subject; only a happening without subject goes without it
    (ValueError otherwise: after an erasure, seal `anonymous(happening)`). `compared_plate` is the plate in
    its comparison form: it makes the tag by which a plate that belongs to nobody registered is found.
    """
    subject = subject_of(happening)
    if (subject is None) != (movement is None):
        raise ValueError("a subject's record is sealed under its movement key, and no other record is")
    inner, row = b"", key.to_bytes()
    if movement is not None and isinstance(happening, Personal):
        inner = seal(movement, encode_subject(happening), Context(tenant, _TABLE, _INNER, row))
    outer = encode_anonymous(happening) if subject is not None else encode(happening)
    plaintext = len(outer).to_bytes(_LENGTH_BYTES) + outer + inner
    sealed = seal(site_day, plaintext, Context(tenant, _TABLE, _OUTER, row))
    if subject is not None:
        return sealed, day_tag(site_day, subject.bytes)
    return sealed, day_tag(site_day, compared_plate.encode()) if compared_plate else None


def open_happening(
    sealed: bytes, *, tenant: TenantId, key: RecordKey, site_day: Key, movement: Key | None
) -> OpenedHappening:
    """Open the outer part, and the inner one when `movement` is its key.

    Raises CannotOpen for a wrong site-day key, another row or changed bytes. A movement key that is absent
    or another subject's withholds the subject, its plate and its picture.
    """
    row = key.to_bytes()
    plaintext = open_sealed(site_day, sealed, Context(tenant, _TABLE, _OUTER, row))
    length = int.from_bytes(plaintext[:_LENGTH_BYTES])
    outer, inner = plaintext[_LENGTH_BYTES:][:length], plaintext[_LENGTH_BYTES + length :]
    happening = decode(outer)
    if not isinstance(happening, Personal) or not inner:
        return OpenedHappening(happening=happening, withheld=False)
    if movement is None or key_id(inner) != movement.id:
        return OpenedHappening(happening=happening, withheld=True)
    who = open_sealed(movement, inner, Context(tenant, _TABLE, _INNER, row))
    return OpenedHappening(happening=with_subject(happening, who), withheld=False)


def anonymous(happening: Happening) -> Happening:
    """The happening without what tells who it was: no subject, no plate, no picture, no whereabouts."""
    if isinstance(happening, CorrectionRecord):
        return replace(happening, plate=None)
    if isinstance(happening, PresenceRecord):
        return replace(
            happening, subject=None, subject_kind=None, area=None, vehicle=None, more=0, place=None
        )
    if isinstance(happening, AttendanceRecord):
        return AttendanceRecord(at=happening.at, deed=happening.deed, person=None)
    if not isinstance(happening, DecisionRecord):
        return happening
    return replace(happening, subject=None, subject_kind=None, plate=None, picture=None)


def subjects_by_tag(site_day: Key, subjects: Iterable[UUID]) -> dict[bytes, UUID]:
    """Whose record a tag of that site and day is: how the reader of a record learns which key to ask for.

    About a microsecond a subject; keep the answer no longer than the site-day key.
    """
    return {day_tag(site_day, subject.bytes): subject for subject in subjects}
