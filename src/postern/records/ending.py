"""Records whose time is over: which days hold any, what they are, and their end.

Read and deleted a site and a day at a time, so that no statement grows with the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from postern.ids import SiteId
from postern.postgres.pool import Transaction
from postern.records.model import Kind, SealedRecord
from postern.records.store import COLUMNS, record_of


async def days_with(tx: Transaction, site: SiteId, kind: Kind, *, since: date, before: date) -> list[date]:
    """The days from `since` up to, not including, `before` on which the site has records of that kind."""
    cursor = await tx.execute(
        "SELECT DISTINCT day FROM record WHERE site_id = %s AND day >= %s AND day < %s AND kind = %s"
        " ORDER BY day",
        (site, since, before, int(kind)),
    )
    return [day for (day,) in await cursor.fetchall()]


async def of_day(
    tx: Transaction,
    site: SiteId,
    day: date,
    kind: Kind,
    *,
    after: tuple[int, int] = (0, 0),
    limit: int,
    quarantined: bool = False,
) -> list[SealedRecord]:
    """Records of that kind of the site's day, in order of agent and seq, from those `after` on."""
    table = "record_quarantine" if quarantined else "record"
    cursor = await tx.execute(
        f"SELECT {COLUMNS} FROM {table} WHERE site_id = %s AND day = %s AND kind = %s"  # noqa: S608 - ours
        " AND (agent_id, seq) > (%s, %s) ORDER BY agent_id, seq LIMIT %s",
        (site, day, int(kind), *after, limit),
    )
    return [record_of(row) for row in await cursor.fetchall()]


async def delete_day(tx: Transaction, site: SiteId, day: date, kind: Kind) -> int:
    """Delete that kind's records of the site's day; how many there were."""
    cursor = await tx.execute(
        "DELETE FROM record WHERE site_id = %s AND day = %s AND kind = %s", (site, day, int(kind))
    )
    return cursor.rowcount


async def delete_quarantined(tx: Transaction, site: SiteId, kind: Kind, *, before: date) -> int:
    """Delete what is kept aside of that kind from before that day; how many there were."""
    cursor = await tx.execute(
        "DELETE FROM record_quarantine WHERE site_id = %s AND day < %s AND kind = %s",
        (site, before, int(kind)),
    )
    return cursor.rowcount


async def quarantined_days(
    tx: Transaction, site: SiteId, kind: Kind, *, since: date, before: date
) -> list[date]:
    """The days in that span from which the site has records of that kind in the quarantine."""
    cursor = await tx.execute(
        "SELECT DISTINCT day FROM record_quarantine WHERE site_id = %s AND day >= %s AND day < %s"
        " AND kind = %s ORDER BY day",
        (site, since, before, int(kind)),
    )
    return [day for (day,) in await cursor.fetchall()]


async def delete_alarms(tx: Transaction, site: SiteId, *, before: date) -> int:
    """Delete alarms of days before that one: what they point to is gone."""
    cursor = await tx.execute("DELETE FROM alarm WHERE site_id = %s AND day < %s", (site, before))
    return cursor.rowcount


async def carrying(
    tx: Transaction, site: SiteId, tags: Sequence[tuple[date, bytes]], *, quarantined: bool = False
) -> list[SealedRecord]:
    """Every record, however many, that carries one of the tags on its day."""
    if not tags:
        return []
    table = "record_quarantine" if quarantined else "record"
    days = [day for day, _ in tags]
    cursor = await tx.execute(
        f"SELECT {COLUMNS} FROM {table} WHERE site_id = %s AND day BETWEEN %s AND %s"  # noqa: S608 - ours
        " AND tag IS NOT NULL AND (day, tag) IN (SELECT * FROM unnest(%s::date[], %s::bytea[]))",
        (site, min(days), max(days), days, [tag for _, tag in tags]),
    )
    return [record_of(row) for row in await cursor.fetchall()]


async def find(tx: Transaction, wanted: SealedRecord, *, quarantined: bool = False) -> SealedRecord | None:
    """The record as it is now."""
    table = "record_quarantine" if quarantined else "record"
    cursor = await tx.execute(
        f"SELECT {COLUMNS} FROM {table}"  # noqa: S608 - ours
        " WHERE site_id = %s AND day = %s AND agent_id = %s AND seq = %s AND digest = %s",
        (wanted.site, wanted.day, wanted.agent, wanted.seq, wanted.digest),
    )
    row = await cursor.fetchone()
    return record_of(row) if row is not None else None


async def replace(tx: Transaction, changed: SealedRecord, *, quarantined: bool = False) -> None:
    """Put another tag and another content in place of a record's; who erases needs it, and nobody else."""
    table = "record_quarantine" if quarantined else "record"
    await tx.execute(
        f"UPDATE {table} SET tag = %s, sealed = %s"  # noqa: S608 - ours
        " WHERE site_id = %s AND day = %s AND agent_id = %s AND seq = %s AND digest = %s",
        (
            changed.tag,
            changed.sealed,
            changed.site,
            changed.day,
            changed.agent,
            changed.seq,
            changed.digest,
        ),
    )
