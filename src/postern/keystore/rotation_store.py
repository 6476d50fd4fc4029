"""The SQL of rotations: what is under way, rows still under an old key, and the sweep that ends one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from postern.errors import Conflict
from postern.ids import TenantId
from postern.postgres.pool import Database, Transaction

NO_TENANT = TenantId(0)
"""What stands for the tenant where the root key is rotated."""

LOCK = 0x726F7461  # "rota"
"""Held by the process that rotates: one rotation at a time per keystore."""
_SWEEP_ATTEMPTS = 10
_SWEEP_PAUSE_SECONDS = 0.2


class Kind(StrEnum):
    """What can be rotated."""

    ROOT = "root"
    TENANT = "tenant"
    INDEX = "index"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """The last rotation of a key; one without an end is under way."""

    kind: Kind
    tenant: TenantId
    began: date
    ended: date | None


@asynccontextmanager
async def one_at_a_time(database: Database) -> AsyncIterator[None]:
    """Hold the keystore for one rotation; a process that dies lets go of it. Conflict when another has it."""
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as connection:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            raise Conflict("A key is being rotated by another process; wait until that is done.")
        try:
            yield
        finally:
            # A closed connection lets go only when the server has noticed; the next rotation may be quicker.
            if not connection.broken:
                await connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


async def rotations(tx: Transaction) -> list[Rotation]:
    """The last rotation of every key that was ever rotated."""
    cursor = await tx.execute("SELECT kind, tenant_id, began, ended FROM rotation ORDER BY kind, tenant_id")
    return [
        Rotation(kind=Kind(kind), tenant=TenantId(tenant), began=began, ended=ended)
        for kind, tenant, began, ended in await cursor.fetchall()
    ]


async def is_under_way(tx: Transaction, kind: Kind, tenant: TenantId) -> bool:
    """Whether it was begun and has not ended, whatever became of the process that began it."""
    return any((one.kind, one.tenant, one.ended) == (kind, tenant, None) for one in await rotations(tx))


async def begin(tx: Transaction, kind: Kind, tenant: TenantId) -> None:
    """Note that it has begun, in the transaction of its first change."""
    await tx.execute(
        "INSERT INTO rotation (kind, tenant_id) VALUES (%s, %s) ON CONFLICT (kind, tenant_id)"
        " DO UPDATE SET began = current_date, ended = NULL, xid = NULL",
        (kind, tenant),
    )


async def note_last_change(tx: Transaction, kind: Kind, tenant: TenantId) -> None:
    """Note this transaction as the one whose old rows are to be swept."""
    await tx.execute(
        "UPDATE rotation SET xid = pg_current_xact_id()::xid WHERE kind = %s AND tenant_id = %s",
        (kind, tenant),
    )


async def end(tx: Transaction, kind: Kind, tenant: TenantId) -> None:
    """Note that nothing of it remains to be done."""
    await tx.execute(
        "UPDATE rotation SET ended = current_date WHERE kind = %s AND tenant_id = %s", (kind, tenant)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """A table of keys that are wrapped under their tenant's key, and how to walk through it."""

    name: str
    read: LiteralString
    """Rows of a tenant after a place that are not under a key: the place's columns, then `wrapped`. Rows
    that another transaction is deleting are passed over instead of waited for."""
    write: LiteralString
    start: tuple[Any, ...]


SHELVES = (
    Shelf(
        name="subject_key",
        read="SELECT subject, purpose, wrapped FROM subject_key WHERE tenant_id = %s"
        " AND substring(wrapped FROM 2 FOR 8) <> %s AND (subject, purpose) > (%s::uuid, %s::smallint)"
        " ORDER BY subject, purpose LIMIT %s FOR UPDATE SKIP LOCKED",
        write="UPDATE subject_key SET wrapped = %s WHERE tenant_id = %s AND subject = %s AND purpose = %s",
        start=("00000000-0000-0000-0000-000000000000", -1),
    ),
    Shelf(
        name="site_day_key",
        read="SELECT k.site_id, k.day, k.wrapped FROM site_day_key AS k JOIN site AS s USING (site_id)"
        " WHERE s.tenant_id = %s AND substring(k.wrapped FROM 2 FOR 8) <> %s"
        " AND (k.site_id, k.day) > (%s::int, %s::date)"
        " ORDER BY k.site_id, k.day LIMIT %s FOR UPDATE OF k SKIP LOCKED",
        write="UPDATE site_day_key AS k SET wrapped = %s FROM site AS s"
        " WHERE s.site_id = k.site_id AND s.tenant_id = %s AND k.site_id = %s AND k.day = %s",
        start=(-1, date.min),
    ),
    Shelf(
        name="signing_key",
        read="SELECT name, wrapped FROM signing_key WHERE tenant_id = %s"
        " AND substring(wrapped FROM 2 FOR 8) <> %s AND (name) > (%s)"
        " ORDER BY name LIMIT %s FOR UPDATE SKIP LOCKED",
        write="UPDATE signing_key SET wrapped = %s WHERE tenant_id = %s AND name = %s",
        start=("",),
    ),
)


async def rows_under_others(
    tx: Transaction, shelf: Shelf, held_by: tuple[TenantId, bytes], *, after: tuple[Any, ...], limit: int
) -> list[tuple[tuple[Any, ...], bytes]]:
    """Up to `limit` rows of a tenant not under the key of that id, locked: each one's place, and what is
    wrapped."""
    cursor = await tx.execute(shelf.read, (*held_by, *after, limit))
    return [(tuple(row[:-1]), bytes(row[-1])) for row in await cursor.fetchall()]


async def put_rewrapped(
    tx: Transaction, shelf: Shelf, tenant: TenantId, rows: Sequence[tuple[tuple[Any, ...], bytes]]
) -> None:
    """Replace what is wrapped in these rows, which `tx` has locked."""
    async with tx.cursor() as cursor:
        await cursor.executemany(shelf.write, [(wrapped, tenant, *place) for place, wrapped in rows])


async def retire_tenant_keys(tx: Transaction, tenant: TenantId, newest: bytes) -> bool:
    """Delete the tenant's keys but `newest`, if nothing is under them any more; nobody can wrap under them
    meanwhile. False when something still is."""
    await tx.execute(
        "SELECT FROM tenant_key WHERE tenant_id = %s AND key_id <> %s FOR UPDATE", (tenant, newest)
    )
    cursor = await tx.execute(
        "SELECT EXISTS (SELECT FROM ("
        " SELECT wrapped FROM subject_key WHERE tenant_id = %(t)s"
        " UNION ALL SELECT wrapped FROM signing_key WHERE tenant_id = %(t)s"
        " UNION ALL SELECT wrapped FROM derivation_key WHERE tenant_id = %(t)s"
        " UNION ALL SELECT wrapped FROM site_day_key JOIN site USING (site_id) WHERE tenant_id = %(t)s"
        ") AS held WHERE substring(wrapped FROM 2 FOR 8) <> %(k)s)",
        {"t": tenant, "k": newest},
    )
    row = await cursor.fetchone()
    if row is None or row[0]:
        return False
    await tx.execute("DELETE FROM tenant_key WHERE tenant_id = %s AND key_id <> %s", (tenant, newest))
    return True


async def delete_derivation_keys(tx: Transaction, tenant: TenantId, *, after: int, below: int) -> None:
    """Delete what the versions between those two derive from."""
    await tx.execute(
        "DELETE FROM derivation_key WHERE tenant_id = %s AND version > %s AND version < %s",
        (tenant, after, below),
    )


async def put_root(tx: Transaction, id: bytes, provider: str) -> None:
    """Make this the root key that wraps, once every process that wraps under the old one has committed."""
    await tx.execute(
        "INSERT INTO root_key AS r (id, provider) VALUES (%s, %s) ON CONFLICT (one) DO UPDATE"
        " SET id = excluded.id, provider = excluded.provider, since = current_date WHERE r.id <> excluded.id",
        (id, provider),
    )


async def tenant_keys_under_others(
    tx: Transaction, root: bytes, limit: int
) -> list[tuple[TenantId, int, bytes]]:
    """Up to `limit` tenant keys that another root key has wrapped, locked: tenant, version, wrapped."""
    cursor = await tx.execute(
        "SELECT tenant_id, version, wrapped FROM tenant_key WHERE substring(wrapped FROM 2 FOR 8) <> %s"
        " ORDER BY tenant_id, version LIMIT %s FOR NO KEY UPDATE",
        (root, limit),
    )
    return [
        (TenantId(tenant), version, bytes(wrapped)) for tenant, version, wrapped in await cursor.fetchall()
    ]


async def put_tenant_rewrapped(tx: Transaction, tenant: TenantId, version: int, wrapped: bytes) -> None:
    await tx.execute(
        "UPDATE tenant_key SET wrapped = %s WHERE tenant_id = %s AND version = %s", (wrapped, tenant, version)
    )


async def put_hub_rewrapped(tx: Transaction, wrapped: bytes) -> None:
    await tx.execute("UPDATE hub_key SET wrapped = %s", (wrapped,))


async def all_tenant_keys(tx: Transaction) -> list[tuple[TenantId, int, bytes]]:
    """Every tenant key: tenant, version, wrapped."""
    cursor = await tx.execute(
        "SELECT tenant_id, version, wrapped FROM tenant_key ORDER BY tenant_id, version"
    )
    return [
        (TenantId(tenant), version, bytes(wrapped)) for tenant, version, wrapped in await cursor.fetchall()
    ]


async def sweep(database: Database, kind: Kind, tenant: TenantId, tables: Sequence[str]) -> bool:
    """Write `tables` anew, with no byte of the rows that the rotation replaced, and note its end.

    False while another session (a dump, say) can still see them: the next run of the job sweeps then.
    Blocks each table's readers for milliseconds, or for a second per million keys.
    """
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as connection:
        for _ in range(_SWEEP_ATTEMPTS):
            cursor = await connection.execute(
                "SELECT age(xid) > (SELECT coalesce(max(greatest(age(backend_xmin), age(backend_xid))), -1)"
                " FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND coalesce(datname = current_database(), true))"
                " FROM rotation WHERE kind = %s AND tenant_id = %s",
                (kind, tenant),
            )
            row = await cursor.fetchone()
            if row is not None and row[0] is not False:
                break
            await asyncio.sleep(_SWEEP_PAUSE_SECONDS)
        else:
            return False
        for name in await _leaves(connection, tables):
            await connection.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(name)))
        await end(connection, kind, tenant)
        return True


async def _leaves(connection: Transaction, tables: Sequence[str]) -> list[str]:
    """The tables, and of partitioned ones their partitions."""
    cursor = await connection.execute(
        # pg_partition_tree knows nothing of a table that has no partitions
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND (oid = ANY(%(names)s::regclass[])"
        " OR oid IN (SELECT relid FROM unnest(%(names)s::regclass[]) AS t(id), pg_partition_tree(t.id)))"
        " ORDER BY relname",
        {"names": list(tables)},
    )
    return [row[0] for row in await cursor.fetchall()]
