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
from postern.journal.tags import tags_for
from postern.journal.tree import leaf_hash
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.framing import frame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An entry as it is stored. `tags`: None in entries of the first schema, which had none."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    case: str | None
    tags: bytes | None = None
    sealed: bytes = b""
    leaf: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalKeys:
    """The tenant's purpose keys "journal", which seals entries, and the one that tags them (`tags.py`)."""

    entries: Key
    tags: Key


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hidden:
    subjects: tuple[UUID, ...]
    detail: str


def write(keys: JournalKeys, tenant: TenantId, index: int, entry: Entry) -> Row:
    """The row that holds `entry` at `index` of the tenant's journal."""
    row = Row(
        index=index,
        at=entry.at,
        actor=entry.actor,
        act=entry.act,
        purpose=entry.purpose,
        case=entry.case,
        tags=tags_for(keys.tags, index, entry.subjects),
    )
    clear = _clear(tenant, row)
    hidden = documents.to_bytes(_Hidden(subjects=entry.subjects, detail=entry.detail))
    sealed = seal(keys.entries, hidden, _context(tenant, clear))
    return replace(row, sealed=sealed, leaf=leaf_of(tenant, replace(row, sealed=sealed)))


def read(key: Key, tenant: TenantId, row: Row) -> Entry:
    """The entry. CannotOpen when anything in the row, clear or sealed, is not as it was written."""
    if row.leaf != leaf_of(tenant, row):
        raise CannotOpen("Its leaf hash is not that of its content.")
    opened = open_sealed(key, row.sealed, _context(tenant, _clear(tenant, row)))
    hidden = documents.from_bytes(_Hidden, opened)
    return Entry(
        at=row.at,
        actor=row.actor,
        act=Act(row.act),
        purpose=row.purpose,
        case=row.case,
        subjects=hidden.subjects,
        detail=hidden.detail,
    )


def leaf_of(tenant: TenantId, row: Row) -> bytes:
    """The leaf hash of the row's content. Over the sealed bytes, so that checking it needs no key."""
    return leaf_hash(frame(_clear(tenant, row), row.sealed))


def _clear(tenant: TenantId, row: Row) -> bytes:
    elapsed = row.at - _EPOCH  # in whole microseconds, the precision of both sides
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    texts = (row.actor, row.act, row.purpose, "none" if row.case is None else f"case {row.case}")
    numbers = (tenant.to_bytes(8), row.index.to_bytes(8), microseconds.to_bytes(8, signed=True))
    parts = (*numbers, *(text.encode() for text in texts))
    if row.tags is None:
        return frame(b"postern/v1/journal", *parts)
    return frame(b"postern/v2/journal", *parts, row.tags)


def _context(tenant: TenantId, clear: bytes) -> Context:
    """The clear columns are bound as the row's id: change one, and the sealed part no longer opens."""
    row = hashlib.sha256(clear).digest()
    return Context(tenant=tenant, table="journal_entry", column="sealed", row=row)
