"""The keystore's SQL. Everything secret in it is wrapped; see 0001_keystore.sql for what each table holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from postern.ids import SiteId, TenantId
from postern.postgres.pool import Database, Transaction
from postern.sealing.keyring import Purpose

_SWEEP_ATTEMPTS = 6
_SWEEP_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """A key's public id and its secret as stored, wrapped."""

    id: bytes
    wrapped: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteDay:
    """What is known of one site on one day: whose it is, whether its retention ended, its key if made."""

    tenant: TenantId
    ended: bool
    key: WrappedKey | None


async def is_empty(tx: Transaction) -> bool:
    """Whether no key was ever made here, so that a new root key loses nothing."""
    cursor = await tx.execute(
        "SELECT NOT EXISTS (SELECT FROM tenant_key) AND NOT EXISTS (SELECT FROM hub_key)"
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def root_in_force(tx: Transaction, first: bytes) -> bytes:
    """The id of the root key that wraps now, which stays so until `tx` ends; `first` if none was named."""
    await tx.execute("INSERT INTO root_key (id) VALUES (%s) ON CONFLICT DO NOTHING", (first,))
    cursor = await tx.execute("SELECT id FROM root_key FOR SHARE")
    row = await cursor.fetchone()
    return first if row is None else bytes(row[0])


async def note_holder(tx: Transaction, root: bytes, provider: str) -> None:
    """Note what holds the root key of that id, if it is in force."""
    await tx.execute(
        "UPDATE root_key SET provider = %s WHERE id = %s AND provider IS DISTINCT FROM %s",
        (provider, root, provider),
    )


async def hold_tenant_key(tx: Transaction, tenant: TenantId, key_id: bytes) -> bool:
    """Keep the tenant key of that id from being retired until `tx` ends. False when it is retired already."""
    cursor = await tx.execute(
        "SELECT FROM tenant_key WHERE tenant_id = %s AND key_id = %s FOR KEY SHARE", (tenant, key_id)
    )
    return await cursor.fetchone() is not None


async def tenant_keys(tx: Transaction, tenant: TenantId) -> dict[int, WrappedKey]:
    """The tenant's keys by version: one, or two while it is rotated."""
    cursor = await tx.execute(
        "SELECT version, key_id, wrapped FROM tenant_key WHERE tenant_id = %s ORDER BY version", (tenant,)
    )
    return {row[0]: WrappedKey(id=row[1], wrapped=row[2]) for row in await cursor.fetchall()}


async def put_tenant_key(tx: Transaction, tenant: TenantId, version: int, key: WrappedKey) -> None:
    """Keep the key unless another process was first; read it back to know which one holds."""
    await tx.execute(
        "INSERT INTO tenant_key (tenant_id, version, key_id, wrapped) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (tenant, version, key.id, key.wrapped),
    )


async def derivation_keys(tx: Transaction, tenant: TenantId) -> dict[int, bytes]:
    """What the tenant's purpose keys derive from, wrapped, by version."""
    cursor = await tx.execute("SELECT version, wrapped FROM derivation_key WHERE tenant_id = %s", (tenant,))
    return {version: bytes(wrapped) for version, wrapped in await cursor.fetchall()}


async def put_derivation_key(tx: Transaction, tenant: TenantId, version: int, wrapped: bytes) -> None:
    """Keep it, in the place of one of that version. Only a rotation does, and one runs at a time."""
    await tx.execute(
        "INSERT INTO derivation_key (tenant_id, version, wrapped, made) VALUES (%(tenant)s, %(version)s,"
        # The first version was the tenant's first key until now, and is as old.
        " %(wrapped)s, CASE WHEN %(version)s = 1 THEN"
        " (SELECT min(made) FROM tenant_key WHERE tenant_id = %(tenant)s) ELSE current_date END)"
        " ON CONFLICT (tenant_id, version) DO UPDATE SET wrapped = excluded.wrapped",
        {"tenant": tenant, "version": version, "wrapped": wrapped},
    )


async def hub_key(tx: Transaction) -> bytes | None:
    cursor = await tx.execute("SELECT wrapped FROM hub_key")
    row = await cursor.fetchone()
    return None if row is None else bytes(row[0])


async def put_hub_key(tx: Transaction, wrapped: bytes) -> None:
    """Keep it unless another process was first."""
    await tx.execute("INSERT INTO hub_key (wrapped) VALUES (%s) ON CONFLICT DO NOTHING", (wrapped,))


async def signing_key(tx: Transaction, tenant: TenantId, name: str) -> bytes | None:
    cursor = await tx.execute(
        "SELECT wrapped FROM signing_key WHERE tenant_id = %s AND name = %s", (tenant, name)
    )
    row = await cursor.fetchone()
    return None if row is None else bytes(row[0])


async def put_signing_key(tx: Transaction, tenant: TenantId, name: str, wrapped: bytes) -> None:
    """Keep it unless another process was first."""
    await tx.execute(
        "INSERT INTO signing_key (tenant_id, name, wrapped) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, name, wrapped),
    )


async def subject_keys(
    tx: Transaction, tenant: TenantId, subjects: Sequence[UUID], purpose: Purpose
) -> dict[UUID, WrappedKey]:
    """The keys held of these subjects for one purpose, thousands in one query."""
    cursor = await tx.execute(
        "SELECT subject, key_id, wrapped FROM subject_key"
        " WHERE tenant_id = %s AND subject = ANY(%s) AND purpose = %s",
        (tenant, list(subjects), int(purpose)),
    )
    return {row[0]: WrappedKey(id=row[1], wrapped=row[2]) for row in await cursor.fetchall()}


async def put_subject_keys(
    tx: Transaction, tenant: TenantId, keys: Mapping[tuple[UUID, Purpose], WrappedKey]
) -> None:
    """Keep those of `keys` whose subject has none of that purpose yet."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO subject_key (tenant_id, subject, purpose, key_id, wrapped)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (tenant, subject, int(purpose), key.id, key.wrapped)
                for (subject, purpose), key in keys.items()
            ],
        )


async def delete_subject_keys(
    tx: Transaction, tenant: TenantId, subject: UUID, purposes: Iterable[Purpose]
) -> tuple[bytes, ...]:
    """Delete keys and set tombstones; returns the deleted keys' ids. `sweep` once this is committed."""
    return await _ids(
        tx,
        "WITH gone AS (DELETE FROM subject_key AS k WHERE tenant_id = %(tenant)s AND subject = %(subject)s"
        " AND purpose = ANY(%(purposes)s)"
        " RETURNING key_id, (SELECT relname::text FROM pg_class WHERE oid = k.tableoid) AS part)"
        " INSERT INTO tombstone (tenant_id, key_id, part) SELECT %(tenant)s, key_id, part FROM gone"
        " RETURNING key_id",
        {"tenant": tenant, "subject": subject, "purposes": [int(purpose) for purpose in purposes]},
    )


async def put_site(tx: Transaction, tenant: TenantId, site: SiteId) -> TenantId:
    """State whose the site is; returns what holds.

    It stays whose it was once it has keys. Before, another tenant may have it: adding a site is rolled
    back in the data's database without this one, and its number is given again.
    """
    await tx.execute(
        "INSERT INTO site AS s (site_id, tenant_id) VALUES (%s, %s) ON CONFLICT (site_id) DO UPDATE"
        " SET tenant_id = excluded.tenant_id"
        " WHERE s.ended_before IS NULL AND NOT EXISTS (SELECT FROM site_day_key WHERE site_id = s.site_id)",
        (site, tenant),
    )
    cursor = await tx.execute("SELECT tenant_id FROM site WHERE site_id = %s", (site,))
    row = await cursor.fetchone()
    return tenant if row is None else TenantId(row[0])


async def site_day(tx: Transaction, site: SiteId, day: date) -> SiteDay | None:
    """None for a site that is not known."""
    cursor = await tx.execute(
        "SELECT s.tenant_id, coalesce(%(day)s < s.ended_before, false), k.key_id, k.wrapped FROM site AS s"
        " LEFT JOIN site_day_key AS k ON k.site_id = s.site_id AND k.day = %(day)s"
        " WHERE s.site_id = %(site)s",
        {"site": site, "day": day},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    key = WrappedKey(id=row[2], wrapped=row[3]) if row[2] is not None else None
    return SiteDay(tenant=TenantId(row[0]), ended=row[1], key=key)


async def put_site_day_key(
    tx: Transaction, tenant: TenantId, site: SiteId, day: date, key: WrappedKey
) -> None:
    """Keep the key unless there is one, or the day's retention ended meanwhile (the lock makes that sure)."""
    await tx.execute(
        "INSERT INTO site_day_key (site_id, day, key_id, wrapped)"
        " SELECT site_id, %(day)s, %(id)s, %(wrapped)s FROM site"
        " WHERE site_id = %(site)s AND tenant_id = %(tenant)s"
        " AND coalesce(ended_before <= %(day)s, true) FOR SHARE"
        " ON CONFLICT DO NOTHING",
        {"tenant": tenant, "site": site, "day": day, "id": key.id, "wrapped": key.wrapped},
    )


async def site_day_keys(
    tx: Transaction, sites: Sequence[SiteId], first: date, last: date
) -> list[tuple[TenantId, SiteId, date, WrappedKey]]:
    """All keys of these sites from `first` to `last` inclusive."""
    cursor = await tx.execute(
        "SELECT s.tenant_id, k.site_id, k.day, k.key_id, k.wrapped FROM site_day_key AS k"
        " JOIN site AS s ON s.site_id = k.site_id"
        " WHERE k.site_id = ANY(%s) AND k.day BETWEEN %s AND %s",
        (list(sites), first, last),
    )
    return [
        (TenantId(row[0]), SiteId(row[1]), row[2], WrappedKey(id=row[3], wrapped=row[4]))
        for row in await cursor.fetchall()
    ]


async def delete_site_day_keys(tx: Transaction, site: SiteId, before: date) -> tuple[bytes, ...]:
    """End the site's days before `before` and set tombstones; returns the deleted keys' ids."""
    await tx.execute(
        "UPDATE site SET ended_before = greatest(ended_before, %s) WHERE site_id = %s", (before, site)
    )
    return await _ids(
        tx,
        "WITH gone AS (DELETE FROM site_day_key AS k WHERE site_id = %(site)s AND day < %(before)s"
        " RETURNING key_id, (SELECT relname::text FROM pg_class WHERE oid = k.tableoid) AS part)"
        " INSERT INTO tombstone (tenant_id, key_id, part)"
        " SELECT s.tenant_id, key_id, part FROM gone, site AS s WHERE s.site_id = %(site)s"
        " RETURNING key_id",
        {"site": site, "before": before},
    )


async def sweep(database: Database) -> int:
    """Write every partition anew that still holds bytes of deleted keys; returns how many keys' bytes remain.

    They remain while another session (a dump, say) can still see the deleted rows; after a second of
    waiting for it, that is left to the next sweep. Blocks a partition's readers for milliseconds.
    """
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as connection:
        for _ in range(_SWEEP_ATTEMPTS):
            await _sweep_once(connection)
            cursor = await connection.execute("SELECT count(*) FROM tombstone WHERE NOT swept")
            row = await cursor.fetchone()
            remaining = 0 if row is None else int(row[0])
            if remaining == 0:
                break
            await asyncio.sleep(_SWEEP_PAUSE_SECONDS)
        return remaining


async def _sweep_once(connection: Transaction) -> None:
    # A row deleted by transaction x may go once every other transaction and snapshot here is younger than x.
    cursor = await connection.execute(
        "SELECT part, array_agg(key_id) FROM tombstone WHERE NOT swept AND age(xid) > ("
        " SELECT coalesce(max(greatest(age(backend_xmin), age(backend_xid))), -1) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND coalesce(datname = current_database(), true))"
        " GROUP BY part ORDER BY part"
    )
    for part, key_ids in await cursor.fetchall():
        await connection.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(part)))
        await connection.execute(
            "UPDATE tombstone SET swept = true WHERE part = %s AND key_id = ANY(%s)", (part, key_ids)
        )


async def _ids(tx: Transaction, statement: LiteralString, values: dict[str, object]) -> tuple[bytes, ...]:
    cursor = await tx.execute(statement, values)
    return tuple(row[0] for row in await cursor.fetchall())
