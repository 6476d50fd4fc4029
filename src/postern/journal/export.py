"""The journal as a file for an auditor: one JSON object a line, opened by no key and checked without one.

First the `journal` line, then every entry in order, clear parts and sealed bytes as they are stored, and each
signed checkpoint right after the last entry that it covers. Checkpoints over more entries than there are,
which only a tampered journal has, come last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from postern import documents
from postern.ids import TenantId
from postern.journal.leaves import Row
from postern.journal.store import ROW
from postern.postgres.pool import Transaction

FORMAT = 1
_PAGE = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedJournal:
    """Whose journal it is. The key is said here for convenience: an auditor trusts the one given apart."""

    format: int
    tenant: int
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedEntry:
    """An entry; `tags` is absent in entries of the first schema."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    case: str | None
    tags: bytes | None
    sealed: bytes
    leaf: bytes

    @property
    def row(self) -> Row:
        """As it was stored."""
        return Row(
            index=self.index,
            at=self.at,
            actor=self.actor,
            act=self.act,
            purpose=self.purpose,
            case=self.case,
            tags=self.tags,
            sealed=self.sealed,
            leaf=self.leaf,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedCheckpoint:
    """A checkpoint with its witnesses' signatures; `at` is the hub's word for when, and not signed."""

    at: datetime
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the file: exactly one of the three."""

    journal: ExportedJournal | None = None
    entry: ExportedEntry | None = None
    checkpoint: ExportedCheckpoint | None = None


async def export(tx: Transaction, tenant: TenantId, public: str) -> AsyncIterator[bytes]:
    """The file's lines. Use a repeatable-read transaction, or a journal that grows may end in mid-page."""
    head = ExportedJournal(format=FORMAT, tenant=tenant, key=public)
    yield _written(Line(journal=head))
    done = -1
    while rows := await _page(tx, tenant, done):
        checkpoints = await _checkpoints(tx, tenant, after=done + 1, until=rows[-1].index + 1)
        for row in rows:
            yield _written(Line(entry=_exported(row)))
            # Those over entries that are missing here come with the next one that is there.
            for size in sorted(size for size in checkpoints if size <= row.index + 1):
                yield _written(Line(checkpoint=checkpoints.pop(size)))
        done = rows[-1].index
    for _, one in sorted((await _checkpoints(tx, tenant, after=done + 1, until=None)).items()):
        yield _written(Line(checkpoint=one))


async def _page(tx: Transaction, tenant: TenantId, after: int) -> list[Row]:
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(
            f"SELECT {ROW} FROM journal_entry WHERE tenant_id = %s AND idx > %s"  # noqa: S608 - our own columns
            " ORDER BY idx LIMIT %s",
            (tenant, after, _PAGE),
        )
        return await cursor.fetchall()


async def _checkpoints(
    tx: Transaction, tenant: TenantId, *, after: int, until: int | None
) -> dict[int, ExportedCheckpoint]:
    cursor = await tx.execute(
        "SELECT signed.size, signed.at, signed.note || coalesce(string_agg(seen.line || chr(10), ''"
        " ORDER BY seen.witness), '')"
        " FROM journal_checkpoint signed LEFT JOIN journal_cosignature seen USING (tenant_id, size)"
        " WHERE tenant_id = %s AND signed.size > %s AND signed.size <= coalesce(%s, 9223372036854775807)"
        " GROUP BY tenant_id, signed.size, signed.at, signed.note",
        (tenant, after, until),
    )
    return {size: ExportedCheckpoint(at=at, note=note) for size, at, note in await cursor.fetchall()}


def _exported(row: Row) -> ExportedEntry:
    return ExportedEntry(
        index=row.index,
        at=row.at,
        actor=row.actor,
        act=row.act,
        purpose=row.purpose,
        case=row.case,
        tags=row.tags,
        sealed=row.sealed,
        leaf=row.leaf,
    )


def _written(line: Line) -> bytes:
    return documents.to_bytes(line) + b"\n"
