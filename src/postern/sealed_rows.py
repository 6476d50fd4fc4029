"""Rows of one shape: a scope, a random id, a version, and a sealed document. Registries are made of them.

The version guards against lost changes: whoever writes states the version they read, and a stale one is a
Conflict. What may be looked up exactly has a blind index beside it (`blind_indexes.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from psycopg import sql
from psycopg.errors import ForeignKeyViolation, UniqueViolation

from postern import documents
from postern.errors import Conflict, NotFound
from postern.ids import TenantId
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring, form, require
from postern.sealing.envelope import Context, Key, open_sealed, seal

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_MANY = 100
"""Rows from which sealing or opening them is worth a thread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of sealed rows. `thing` is what a message calls one of its rows."""

    name: str
    thing: str
    scope: str = "tenant_id"
    id: str = "id"

    @property
    def _names(self) -> dict[str, sql.Identifier]:
        return {
            "table": sql.Identifier(self.name),
            "scope": sql.Identifier(self.scope),
            "id": sql.Identifier(self.id),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row as stored."""

    scope: int
    id: UUID
    version: int
    sealed: bytes


def seal_document(key: Key, tenant: int, table: Table, id: UUID, document: object) -> bytes:
    """The document sealed for its own row of its own tenant."""
    return seal(key, documents.to_bytes(document), _context(tenant, table, id))


def open_document(key: Key, tenant: int, table: Table, row: Row, kind: type[T]) -> T:
    """What `seal_document` sealed. CannotOpen under another key or in another row."""
    return documents.from_bytes(kind, open_sealed(key, row.sealed, _context(tenant, table, row.id)))


def _context(tenant: int, table: Table, id: UUID) -> Context:
    return Context(tenant=tenant, table=table.name, column="sealed", row=id.bytes)


async def note(keyring: MarkingKeyring, tenant: TenantId, table: Table, rows: Sequence[Row]) -> None:
    """These rows were written just now, and are in force once they are committed (`row_marks.py`)."""
    await keyring.marks.note(tenant, table.name, forms(rows))


async def in_force(keyring: MarkingKeyring, tenant: TenantId, table: Table, rows: Sequence[Row]) -> list[Row]:
    """Those of the rows that are as they were written here last."""
    standing = await keyring.marks.standing(tenant, table.name, forms(rows))
    return [row for row in rows if row.id in standing]


async def require_in_force(
    keyring: MarkingKeyring, tenant: TenantId, table: Table, rows: Sequence[Row]
) -> None:
    """Raises NotInForce unless each of the rows is as it was written here last."""
    await require(keyring, tenant, table.name, forms(rows))


def forms(rows: Sequence[Row]) -> dict[UUID, bytes]:
    """What is marked of each of the rows."""
    return {row.id: form(row.sealed) for row in rows}


async def insert(tx: Transaction, table: Table, row: Row) -> None:
    """Add a row. Conflict when its id is there already or what it belongs to is not."""
    query = sql.SQL("INSERT INTO {table} ({scope}, {id}, version, sealed) VALUES (%s, %s, %s, %s)")
    try:
        async with tx.transaction():
            await tx.execute(query.format(**table._names), (row.scope, row.id, row.version, row.sealed))
    except (UniqueViolation, ForeignKeyViolation) as fault:
        raise Conflict(
            f"this {table.thing} is there already, or its place is not; reload and look"
        ) from fault


async def insert_all(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    """Add many rows at a time. Conflict as in `insert`, and then none is added."""
    query = sql.SQL("INSERT INTO {table} ({scope}, {id}, version, sealed) VALUES (%s, %s, %s, %s)")
    values = [(row.scope, row.id, row.version, row.sealed) for row in rows]
    try:
        async with tx.transaction(), tx.cursor() as cursor:
            await cursor.executemany(query.format(**table._names), values)
    except (UniqueViolation, ForeignKeyViolation) as fault:
        raise Conflict(
            f"one {table.thing} of these is there already, or its place is not; reload and look"
        ) from fault


async def update(tx: Transaction, table: Table, row: Row) -> None:
    """Replace the row of the version before `row.version`. Conflict when somebody else was faster, NotFound
    when it is gone."""
    query = sql.SQL(
        "UPDATE {table} SET version = %s, sealed = %s WHERE {scope} = %s AND {id} = %s AND version = %s"
    )
    cursor = await tx.execute(
        query.format(**table._names), (row.version, row.sealed, row.scope, row.id, row.version - 1)
    )
    if cursor.rowcount != 1:
        await one(tx, table, row.scope, row.id)
        raise Conflict(f"this {table.thing} was changed meanwhile; reload it and try again")


async def update_all(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    """Replace many rows of one scope, each as `update` does. Conflict when one was changed or is gone, and
    then `tx` is to be undone."""
    if not rows:
        return
    # By id, so that two who change the same rows wait for each other and never both.
    await tx.execute(
        sql.SQL(
            "SELECT FROM {table} WHERE {scope} = %s AND {id} = ANY(%s) ORDER BY {id} FOR NO KEY UPDATE"
        ).format(**table._names),
        (rows[0].scope, [row.id for row in rows]),
    )
    query = sql.SQL(
        "UPDATE {table} AS held SET version = fresh.version, sealed = fresh.sealed"
        " FROM unnest(%s::int[], %s::uuid[], %s::bigint[], %s::bytea[]) AS fresh (scope, id, version, sealed)"
        " WHERE held.{scope} = fresh.scope AND held.{id} = fresh.id AND held.version = fresh.version - 1"
    )
    values = (
        [row.scope for row in rows],
        [row.id for row in rows],
        [row.version for row in rows],
        [row.sealed for row in rows],
    )
    cursor = await tx.execute(query.format(**table._names), values)
    if cursor.rowcount != len(rows):
        raise Conflict(f"one {table.thing} of these was changed or removed meanwhile; reload and try again")


async def put_all(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    """Add those of the first version, and replace the others."""
    await insert_all(tx, table, [row for row in rows if row.version == 1])
    await update_all(tx, table, [row for row in rows if row.version > 1])


async def one(tx: Transaction, table: Table, scope: int, id: UUID) -> Row:
    """The row. Raises NotFound."""
    query = sql.SQL("SELECT version, sealed FROM {table} WHERE {scope} = %s AND {id} = %s")
    cursor = await tx.execute(query.format(**table._names), (scope, id))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no such {table.thing}; it may have been removed")
    return Row(scope=scope, id=id, version=found[0], sealed=bytes(found[1]))


async def many(tx: Transaction, table: Table, scope: int, ids: Sequence[UUID] | None = None) -> list[Row]:
    """Every row of the scope, or those of `ids` that are there; by id."""
    query = sql.SQL(
        "SELECT {id}, version, sealed FROM {table}"
        " WHERE {scope} = %s AND (%s::uuid[] IS NULL OR {id} = ANY(%s)) ORDER BY {id}"
    )
    chosen = None if ids is None else list(ids)
    cursor = await tx.execute(query.format(**table._names), (scope, chosen, chosen))
    return [Row(scope=scope, id=i, version=v, sealed=bytes(s)) for i, v, s in await cursor.fetchall()]


async def take_hold(tx: Transaction, table: Table, scope: int, id: UUID) -> None:
    """Wait for whoever is changing the row, if it is there; nobody does from then on until `tx` ends."""
    query = sql.SQL("SELECT FROM {table} WHERE {scope} = %s AND {id} = %s FOR UPDATE")
    await tx.execute(query.format(**table._names), (scope, id))


async def held(tx: Transaction, table: Table, scope: int, ids: Sequence[UUID]) -> list[Row]:
    """Those of `ids` that are there, which nobody changes until `tx` ends. LockNotAvailable, without waiting,
    when somebody is changing one."""
    query = sql.SQL(
        "SELECT {id}, version, sealed FROM {table} WHERE {scope} = %s AND {id} = ANY(%s)"
        " ORDER BY {id} FOR NO KEY UPDATE NOWAIT"
    )
    cursor = await tx.execute(query.format(**table._names), (scope, list(ids)))
    return [Row(scope=scope, id=i, version=v, sealed=bytes(s)) for i, v, s in await cursor.fetchall()]


async def versions(tx: Transaction, table: Table, scope: int) -> dict[UUID, int]:
    """The version of every row of the scope."""
    query = sql.SQL("SELECT {id}, version FROM {table} WHERE {scope} = %s")
    cursor = await tx.execute(query.format(**table._names), (scope,))
    return {id: version for id, version in await cursor.fetchall()}


async def delete(tx: Transaction, table: Table, scope: int, id: UUID) -> None:
    """Remove the row. NotFound when it is not there, Conflict while something else refers to it."""
    query = sql.SQL("DELETE FROM {table} WHERE {scope} = %s AND {id} = %s")
    try:
        async with tx.transaction():
            cursor = await tx.execute(query.format(**table._names), (scope, id))
    except ForeignKeyViolation as fault:
        raise Conflict(f"this {table.thing} is still in use; remove what refers to it first") from fault
    if cursor.rowcount != 1:
        raise NotFound(f"there is no such {table.thing}; it may have been removed")


async def fingerprint(tx: Transaction, table: Table, scope: int) -> tuple[int, int]:
    """How many rows the scope has, and a sum over each one's id and version: another one after any change."""
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(uuid_hash_extended({id}, version)), 0) FROM {table} WHERE {scope} = %s"
    )
    cursor = await tx.execute(query.format(**table._names), (scope,))
    count, total = await cursor.fetchone() or (0, 0)
    return int(count), int(total)


async def off_the_loop(work: Callable[[Sequence[A]], B], things: Sequence[A]) -> B:
    """What `work` makes of these: in a thread where they are many, so that they delay nobody's door."""
    return work(things) if len(things) < _MANY else await asyncio.to_thread(work, things)


@dataclass(slots=True)
class _Kept(Generic[T]):
    """What is open of one scope, as of a fingerprint."""

    print: tuple[int, int] = (-1, 0)
    versions: dict[UUID, int] = field(default_factory=dict)
    documents: dict[UUID, T] = field(default_factory=dict)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class OpenedRows(Generic[T]):
    """A table's rows kept open in this process's memory, as current as the transaction that asks.

    Every look compares the fingerprint (about 10 ms for 50,000 rows) and opens only what changed since, so
    nothing stale is ever shown and a removed row is forgotten. Meant for up to some 50,000 rows in a scope.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._kept: dict[int, _Kept[T]] = {}

    async def current(
        self, tx: Transaction, scope: int, opener: Callable[[Sequence[Row]], Awaitable[Mapping[UUID, T]]]
    ) -> Mapping[UUID, T]:
        """Every row of the scope that `opener` can open: the same mapping again while nothing changed."""
        kept = self._kept.setdefault(scope, _Kept())
        async with kept.reading:
            # Before the rows themselves: what is added meanwhile is looked at once more next time.
            now = await fingerprint(tx, self._table, scope)
            if now != kept.print:
                await self._catch_up(tx, scope, kept, opener)
                kept.print = now
            return kept.documents

    async def _catch_up(
        self,
        tx: Transaction,
        scope: int,
        kept: _Kept[T],
        opener: Callable[[Sequence[Row]], Awaitable[Mapping[UUID, T]]],
    ) -> None:
        present = await versions(tx, self._table, scope)
        changed = [id for id, version in present.items() if kept.versions.get(id) != version]
        opened = await opener(await many(tx, self._table, scope, changed)) if changed else {}
        # A new mapping: whoever still works with the one before is not disturbed.
        old = kept.documents
        kept.documents = {
            id: opened[id] if id in opened else old[id]
            for id, version in present.items()
            if id in opened or kept.versions.get(id) == version
        }
        kept.versions = {id: present[id] for id in kept.documents}
