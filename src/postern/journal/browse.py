"""Entries by what stands in clear: who, what, when and why. What lies between them is passed over, so whether
the journal is whole is for checkpoints and proofs to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from psycopg.rows import class_row

from postern.ids import TenantId
from postern.journal import leaves
from postern.journal.leaves import Row
from postern.journal.model import Act, NumberedEntry
from postern.journal.store import ROW
from postern.postgres.pool import Transaction
from postern.sealing.keyring import Keyring

_WANTED = """
 WHERE tenant_id = %(tenant)s AND idx < coalesce(%(before)s, 9223372036854775807)
 AND (%(actor)s::text IS NULL OR actor = %(actor)s)
 AND (%(act)s::text IS NULL OR act = %(act)s)
 AND (%(since)s::timestamptz IS NULL OR at >= %(since)s AND at < %(until)s)
 AND (%(purpose)s::text IS NULL
      OR strpos(lower(purpose || ' ' || coalesce(case_reference, '')), %(purpose)s) > 0)
 ORDER BY idx DESC LIMIT %(limit)s"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What entries must be like; None: any. `day` is a UTC day; `purpose` is part of purpose or case."""

    actor: str | None = None
    act: Act | None = None
    day: date | None = None
    purpose: str | None = None


async def find(
    tx: Transaction, keyring: Keyring, tenant: TenantId, wanted: Wanted, *, before: int | None, limit: int
) -> list[NumberedEntry]:
    """Up to `limit` such entries below index `before`, the latest first. CannotOpen when one was changed."""
    key = await keyring.purpose_key(tenant, "journal")
    since = datetime.combine(wanted.day, time.min, UTC) if wanted.day else None
    values = {
        "tenant": tenant,
        "before": before,
        "actor": wanted.actor,
        "act": wanted.act.value if wanted.act else None,
        "since": since,
        "until": since + timedelta(days=1) if since else None,
        "purpose": wanted.purpose.lower() if wanted.purpose else None,
        "limit": limit,
    }
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(
            f"SELECT {ROW} FROM journal_entry{_WANTED}",  # noqa: S608 - our own columns
            values,
        )
        rows = await cursor.fetchall()
    return [
        NumberedEntry(index=row.index, entry=leaves.read(key, tenant, row), leaf=row.leaf) for row in rows
    ]
