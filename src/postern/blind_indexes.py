"""Blind indexes: what finds a row by an exact value, without telling the value to whoever lacks the key.

A tenant's index keys have versions. While they are rotated, rows lie under two of them: new ones are written
under the coming version, look-ups try both, and no value ever finds two rows. A transaction that uses an
index holds off the beginning and the end of a rotation until it is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import UniqueViolation

from postern.errors import Conflict, NotFound, Unavailable
from postern.ids import TenantId
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Key
from postern.sealing.keyring import Keyring
from postern.sealing.tags import blind_index

_LOCK = 0x696E6478  # "indx"; its second half is the tenant
_PATIENCE = "2s"
"""How long a change of versions waits for those who use an index, and whoever comes then for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexTable:
    """A table's index; `thing` is what a row of that is, `owner` the column with the id of the one found."""

    name: str
    thing: str
    owner: str

    def purpose(self, field: str) -> str:
        """What the key of a field is for."""
        return f"index/{self.thing}.{field}"

    @property
    def _names(self) -> dict[str, sql.Identifier]:
        return {"table": sql.Identifier(self.name), "owner": sql.Identifier(self.owner)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A field's value, normalised: two that are to be taken for the same one are equal."""

    field: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Versions:
    """Under which version of its index keys a tenant's rows are written, and where some may still lie."""

    current: int
    formers: tuple[int, ...] = ()


async def versions(tx: Transaction, tenant: TenantId) -> Versions:
    """The versions in force, which stay so until `tx` ends."""
    # On its own: a statement sees what was committed before it began, not before it got the lock.
    await tx.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", (_LOCK, tenant))
    return await _read_versions(tx, tenant)


async def _read_versions(tx: Transaction, tenant: TenantId) -> Versions:
    cursor = await tx.execute("SELECT version, formers FROM index_version WHERE tenant_id = %s", (tenant,))
    row = await cursor.fetchone()
    return Versions(current=1) if row is None else Versions(current=row[0], formers=tuple(row[1]))


async def put(
    tx: Transaction,
    keyring: Keyring,
    table: IndexTable,
    tenant: TenantId,
    *,
    owner: UUID,
    values: Sequence[Value],
) -> None:
    """Make `values` all that finds `owner`. Conflict names the field that finds another one already."""
    await drop(tx, table, tenant, owner)
    for value in values:
        try:
            await add(tx, keyring, table, tenant, [(owner, value)])
        except Conflict as fault:
            raise Conflict(
                f"this {value.field.replace('_', ' ')} belongs to another one already; look that one up first"
            ) from fault


async def put_all(
    tx: Transaction,
    keyring: Keyring,
    table: IndexTable,
    tenant: TenantId,
    values: Mapping[UUID, Sequence[Value]],
) -> None:
    """Make `values` all that finds each of the owners. Conflict when one finds somebody else already, and
    then `tx` is to be undone."""
    await _drop_all(tx, table, tenant, list(values))
    await add(
        tx, keyring, table, tenant, [(owner, value) for owner, found in values.items() for value in found]
    )


async def add(
    tx: Transaction,
    keyring: Keyring,
    table: IndexTable,
    tenant: TenantId,
    entries: Sequence[tuple[UUID, Value]],
) -> None:
    """Let more rows be found. Conflict when a value finds another one already, and then none is added."""
    held = await versions(tx, tenant)
    tags = await _tags(keyring, table, tenant, [value for _, value in entries], held.current)
    written = [(owner, value.field, tag) for (owner, value), tag in zip(entries, tags, strict=True)]
    try:
        async with tx.transaction():
            await _insert(tx, table, tenant, held.current, written)
            # After the insert: whatever is moved meanwhile is met either here or there.
            for former in held.formers:
                if await _find(tx, keyring, table, tenant, [value for _, value in entries], version=former):
                    raise _taken()
    except UniqueViolation as fault:
        raise _taken() from fault


def _taken() -> Conflict:
    return Conflict("a number or plate of these belongs to another one already; check them again")


async def drop(tx: Transaction, table: IndexTable, tenant: TenantId, owner: UUID) -> None:
    """Nothing finds `owner` any more."""
    await _drop_all(tx, table, tenant, [owner])


async def _drop_all(tx: Transaction, table: IndexTable, tenant: TenantId, owners: Sequence[UUID]) -> None:
    query = sql.SQL("DELETE FROM {table} WHERE tenant_id = %s AND {owner} = ANY(%s)")
    await tx.execute(query.format(**table._names), (tenant, list(owners)))


async def find(
    tx: Transaction, keyring: Keyring, table: IndexTable, tenant: TenantId, value: Value
) -> UUID | None:
    """Whom the value finds, or None."""
    return (await find_all(tx, keyring, table, tenant, [value])).get(value)


async def find_all(
    tx: Transaction, keyring: Keyring, table: IndexTable, tenant: TenantId, values: Sequence[Value]
) -> dict[Value, UUID]:
    """Whom each of the values finds; a value that finds nobody is absent."""
    held, found = await versions(tx, tenant), dict[Value, UUID]()
    # The former versions first: what is moved between the two looks is met by the second.
    for version in (*held.formers, held.current):
        found |= await _find(tx, keyring, table, tenant, values, version=version)
    return found


async def _find(
    tx: Transaction,
    keyring: Keyring,
    table: IndexTable,
    tenant: TenantId,
    values: Sequence[Value],
    *,
    version: int,
) -> dict[Value, UUID]:
    tags = await _tags(keyring, table, tenant, values, version)
    by_place = {(value.field, tag): value for value, tag in zip(values, tags, strict=True)}
    query = sql.SQL(
        "SELECT field, tag, {owner} FROM {table} WHERE tenant_id = %s"
        " AND (field, tag) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))"
    )
    fields = [field for field, _ in by_place]
    cursor = await tx.execute(query.format(**table._names), (tenant, fields, [tag for _, tag in by_place]))
    return {by_place[field, bytes(tag)]: owner for field, tag, owner in await cursor.fetchall()}


async def _insert(
    tx: Transaction,
    table: IndexTable,
    tenant: TenantId,
    version: int,
    rows: Sequence[tuple[UUID, str, bytes]],
) -> None:
    query = sql.SQL(
        "INSERT INTO {table} (tenant_id, field, tag, {owner}, version) VALUES (%s, %s, %s, %s, %s)"
    )
    async with tx.cursor() as cursor:
        await cursor.executemany(
            query.format(**table._names), [(tenant, field, tag, owner, version) for owner, field, tag in rows]
        )


async def _tags(
    keyring: Keyring, table: IndexTable, tenant: TenantId, values: Sequence[Value], version: int
) -> list[bytes]:
    keys: dict[str, Key] = {}
    for field in {value.field for value in values}:
        try:
            keys[field] = await keyring.purpose_key(tenant, table.purpose(field), version=version)
        except NotFound as fault:
            raise Unavailable(
                "The indexes are being made anew after a restore; try again in a minute. If this lasts, run "
                "'postern keys rotate index'."
            ) from fault
    return [blind_index(keys[value.field], value.text) for value in values]


async def begin(tx: Transaction, tenant: TenantId, version: int) -> None:
    """From here on rows are written under that version; the one before becomes a former one."""
    await _take_turn(tx, tenant)
    held = await _read_versions(tx, tenant)
    if held.current == version:
        return
    await tx.execute(
        "INSERT INTO index_version (tenant_id, version, formers) VALUES (%s, %s, %s)"
        " ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, formers = excluded.formers",
        (tenant, version, [*held.formers, held.current]),
    )


async def lagging(
    tx: Transaction, table: IndexTable, tenant: TenantId, version: int, *, after: UUID, limit: int
) -> list[UUID]:
    """Up to `limit` owners of rows under other versions, after that one, by id."""
    query = sql.SQL(
        "SELECT DISTINCT {owner} FROM {table} WHERE tenant_id = %s AND version <> %s AND {owner} > %s"
        " ORDER BY {owner} LIMIT %s"
    )
    cursor = await tx.execute(query.format(**table._names), (tenant, version, after, limit))
    return [owner for (owner,) in await cursor.fetchall()]


async def move(
    tx: Transaction,
    keyring: Keyring,
    table: IndexTable,
    tenant: TenantId,
    values: Mapping[UUID, Sequence[Value]],
    *,
    version: int,
) -> None:
    """Make `values` what finds each of the owners, under `version`. `tx` holds the owners' rows, and whoever
    changes an index takes hold of those first."""
    await _drop_all(tx, table, tenant, list(values))
    pairs = [(owner, value) for owner, found in values.items() for value in found]
    tags = await _tags(keyring, table, tenant, [value for _, value in pairs], version)
    rows = [(owner, value.field, tag) for (owner, value), tag in zip(pairs, tags, strict=True)]
    await _insert(tx, table, tenant, version, rows)


async def finish(tx: Transaction, tables: Sequence[IndexTable], tenant: TenantId, version: int) -> bool:
    """Look under `version` only from here on, if no row of these tables lies under another one."""
    await _take_turn(tx, tenant)
    for table in tables:
        if await lagging(tx, table, tenant, version, after=UUID(int=0), limit=1):
            return False
    await tx.execute("UPDATE index_version SET formers = '{}' WHERE tenant_id = %s", (tenant,))
    return True


async def moved(tx: Transaction, tables: Sequence[IndexTable], tenant: TenantId) -> tuple[int, int]:
    """How many rows lie under the version in force, of how many."""
    current, done, total = (await _read_versions(tx, tenant)).current, 0, 0
    for table in tables:
        query = sql.SQL(
            "SELECT count(*) FILTER (WHERE version = %s), count(*) FROM {table} WHERE tenant_id = %s"
        )
        cursor = await tx.execute(query.format(**table._names), (current, tenant))
        row = await cursor.fetchone()
        if row is not None:
            done, total = done + row[0], total + row[1]
    return done, total


async def _take_turn(tx: Transaction, tenant: TenantId) -> None:
    """Wait until nobody uses an index of the tenant. Raises Unavailable when that takes too long."""
    try:
        await tx.execute(
            "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s, %s)",
            (_PATIENCE, _LOCK, tenant),
        )
    except psycopg.errors.LockNotAvailable as fault:
        raise Unavailable("The indexes are in use by something that takes long; try again.") from fault
