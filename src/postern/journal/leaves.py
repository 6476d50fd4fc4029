"""An entry as bytes: what is sealed of it, and the leaf that a Merkle tree (RFC 6962) is built over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from postern import documents
from postern.errors import CannotOpen
from postern.ids import TenantId
from postern.journal.model import Act, Entry
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.framing import frame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An entry as it is stored."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    case: str | None
    sealed: bytes = b""
    leaf: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hidden:
    subjects: tuple[UUID, ...]
    detail: str


def write(key: Key, tenant: TenantId, index: int, entry: Entry) -> Row:
    """The row that holds `entry` at `index` of the tenant's journal; `key` is its purpose key "journal"."""
    row = Row(
        index=index,
        at=entry.at,
        actor=entry.actor,
        act=entry.act,
        purpose=entry.purpose,
        case=entry.case,
    )
    clear = _clear(tenant, row)
    hidden = documents.to_bytes(_Hidden(subjects=entry.subjects, detail=entry.detail))
    sealed = seal(key, hidden, _context(tenant, clear))
    return replace(row, sealed=sealed, leaf=_leaf(clear, sealed))


def read(key: Key, tenant: TenantId, row: Row) -> Entry:
    """The entry. CannotOpen when anything in the row, clear or sealed, is not as it was written."""
    clear = _clear(tenant, row)
    if row.leaf != _leaf(clear, row.sealed):
        raise CannotOpen("Its leaf hash is not that of its content.")
    hidden = documents.from_bytes(_Hidden, open_sealed(key, row.sealed, _context(tenant, clear)))
    return Entry(
        at=row.at,
        actor=row.actor,
        act=Act(row.act),
        purpose=row.purpose,
        case=row.case,
        subjects=hidden.subjects,
        detail=hidden.detail,
    )


def _leaf(clear: bytes, sealed: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf), RFC 6962, section 2.1. Over the sealed bytes, so that checking needs no key."""
    return hashlib.sha256(b"\x00" + frame(clear, sealed)).digest()


def _clear(tenant: TenantId, row: Row) -> bytes:
    elapsed = row.at - _EPOCH  # in whole microseconds, the precision of both sides
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    texts = (row.actor, row.act, row.purpose, "none" if row.case is None else f"case {row.case}")
    numbers = (tenant.to_bytes(8), row.index.to_bytes(8), microseconds.to_bytes(8, signed=True))
    return frame(b"postern/v1/journal", *numbers, *(text.encode() for text in texts))


def _context(tenant: TenantId, clear: bytes) -> Context:
    """The clear columns are bound as the row's id: change one, and the sealed part no longer opens."""
    row = hashlib.sha256(clear).digest()
    return Context(tenant=tenant, table="journal_entry", column="sealed", row=row)
