"""The journal's table: append and read. There is no way here to change or remove an entry."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from postern.errors import CannotOpen, Unavailable
from postern.ids import TenantId
from postern.journal import leaves, tags
from postern.journal.leaves import JournalKeys, Row
from postern.journal.model import Entry, NumberedEntry
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Key
from postern.sealing.keyring import Keyring

_LOCK = 0x6A6F7572  # "jour"; its second half is the tenant
_PATIENCE = "10s"
"""How long an appender waits for those before it. Without an entry nothing is opened, so it must not hang."""

_PAGE = 5000

ROW = 'idx AS index, at, actor, act, purpose, case_reference AS "case", tags, sealed, leaf'
"""The columns of a `Row`, for queries."""


async def append(tx: Transaction, keyring: Keyring, tenant: TenantId, entries: Sequence[Entry]) -> int:
    """Append within `tx` and return the last entry's index; -1 when the journal and `entries` are both empty.

    It is durable once `tx` commits: commit before anything that an entry allows is shown or done. Other
    appenders of this tenant wait until then, so append last in the transaction and commit at once.
    Raises Unavailable when they waited for 10 s.
    """
    keys = JournalKeys(
        entries=await keyring.purpose_key(tenant, "journal"),
        tags=await keyring.purpose_key(tenant, tags.PURPOSE),
    )
    await _take_turn(tx, tenant)
    last = await _last(tx, tenant)
    rows = [leaves.write(keys, tenant, last + 1 + n, entry) for n, entry in enumerate(entries)]
    async with tx.cursor() as writer:
        await writer.executemany(
            "INSERT INTO journal_entry"
            " (tenant_id, idx, at, actor, act, purpose, case_reference, tags, sealed, leaf)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(tenant, *_values(row)) for row in rows],
        )
    return last + len(rows)


async def _last(tx: Transaction, tenant: TenantId) -> int:
    """The last entry's index; -1 of an empty journal."""
    cursor = await tx.execute("SELECT max(idx) FROM journal_entry WHERE tenant_id = %s", (tenant,))
    found = await cursor.fetchone()
    return -1 if found is None or found[0] is None else int(found[0])


async def _take_turn(tx: Transaction, tenant: TenantId) -> None:
    """Held until the transaction ends: whoever comes next sees our last index, or that we rolled back."""
    try:
        await tx.execute(
            "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s, %s)",
            (_PATIENCE, _LOCK, tenant),
        )
    except psycopg.errors.LockNotAvailable as fault:
        raise Unavailable(
            "The journal did not take the entry in time, so nothing was opened or done; try again."
        ) from fault


def _values(row: Row) -> tuple[object, ...]:
    return row.index, row.at, row.actor, row.act, row.purpose, row.case, row.tags, row.sealed, row.leaf


async def read(
    tx: Transaction, keyring: Keyring, tenant: TenantId, *, before: int | None, limit: int
) -> list[NumberedEntry]:
    """Up to `limit` entries with an index below `before` (None or beyond it: from the end), the latest first.

    Raises CannotOpen when one was changed, and when one is missing in between.
    """
    key = await keyring.purpose_key(tenant, "journal")
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(
            f"SELECT {ROW} FROM journal_entry"  # noqa: S608 - our own columns
            " WHERE tenant_id = %s AND idx < coalesce(%s, 9223372036854775807)"
            " ORDER BY idx DESC LIMIT %s",
            (tenant, before, limit),
        )
        rows = await cursor.fetchall()
    last = await _last(tx, tenant)
    start = last if before is None else min(before - 1, last)
    if any(row.index != start - n for n, row in enumerate(rows)) or _ends_early(rows, start, limit):
        raise _tampered("An entry is missing from")
    return _opened(key, tenant, rows)


async def read_about(
    tx: Transaction, keyring: Keyring, tenant: TenantId, subject: UUID
) -> list[NumberedEntry]:
    """Every entry that concerns `subject`, the earliest first. Only those are opened; all are looked at.

    Raises CannotOpen when one of those was changed, and when any entry is missing.
    """
    key = await keyring.purpose_key(tenant, "journal")
    tag_key = await keyring.purpose_key(tenant, tags.PURPOSE)
    found: list[int] = []
    done = -1
    while page := await _tagged(tx, tenant, done):
        if [index for index, _ in page] != list(range(done + 1, done + 1 + len(page))):
            raise _tampered("An entry is missing from")
        # Some microseconds an entry, and there may be millions: the hub goes on meanwhile.
        found += await asyncio.to_thread(_about, tag_key, subject, page)
        done = page[-1][0]
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(
            f"SELECT {ROW} FROM journal_entry WHERE tenant_id = %s AND idx = ANY(%s) ORDER BY idx",  # noqa: S608
            (tenant, found),
        )
        opened = _opened(key, tenant, await cursor.fetchall())
    return [one for one in opened if subject in one.entry.subjects]


async def _tagged(tx: Transaction, tenant: TenantId, after: int) -> list[tuple[int, bytes | None]]:
    cursor = await tx.execute(
        "SELECT idx, tags FROM journal_entry WHERE tenant_id = %s AND idx > %s ORDER BY idx LIMIT %s",
        (tenant, after, _PAGE),
    )
    return [(int(index), None if tag is None else bytes(tag)) for index, tag in await cursor.fetchall()]


def _about(key: Key, subject: UUID, page: Sequence[tuple[int, bytes | None]]) -> list[int]:
    """The entries that may concern the subject; those without tags, of the first schema, all may."""
    return [index for index, tagged in page if tagged is None or tags.is_about(key, index, subject, tagged)]


def _opened(key: Key, tenant: TenantId, rows: Sequence[Row]) -> list[NumberedEntry]:
    try:
        return [
            NumberedEntry(index=row.index, entry=leaves.read(key, tenant, row), leaf=row.leaf) for row in rows
        ]
    except CannotOpen as fault:
        raise _tampered("An entry was changed in") from fault


def _ends_early(rows: Sequence[Row], start: int, limit: int) -> bool:
    """Fewer rows than asked for are right only where the journal begins."""
    return len(rows) < limit and len(rows) < start + 1


def _tampered(what: str) -> CannotOpen:
    return CannotOpen(
        f"{what} the journal after it was written. Keep a copy of the database as evidence, find out who "
        "could write to it, and restore the journal from a backup."
    )
