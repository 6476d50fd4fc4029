"""A new version of a tenant's index keys: what finds people, vehicles and credentials is computed anew.

1. make the version in the keystore            4. look under it alone, once nothing lies elsewhere
2. write under it; look under the old one too  5. destroy the old version, sweep its rows
3. open the registry in batches, move its      6. note the end
   indexes

It may be killed anywhere and is begun again. It also mends indexes whose key is no longer held, because one
of the two databases was restored from an older backup: it needs the registry, not the old key. The journal's
tags (`journal/tags.py`) keep their key, because they are part of what was signed; so does what finds payments
by a session's random id, which nobody can guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from postern import blind_indexes as indexes
from postern.access import store as access
from postern.blind_indexes import IndexTable, Value
from postern.errors import Conflict, Unavailable
from postern.ids import TenantId
from postern.keystore import rotate_index, rotation_store
from postern.keystore.keyring import PostgresKeyring
from postern.operations.services import Services
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring
from postern.vehicles import store as vehicles

BATCH = 500
_BUSY_SECONDS = 0.1
_ATTEMPTS = 100

FoundBy = Callable[
    [Transaction, MarkingKeyring, TenantId, Sequence[UUID]], Awaitable[Mapping[UUID, Sequence[Value]]]
]

INDEXES: tuple[tuple[IndexTable, FoundBy], ...] = (
    (people.INDEX, people.found_by),
    (vehicles.INDEX, vehicles.found_by),
    (access.HOLDING_INDEX, access.found_by),
)
"""Every index of the registry, and what tells its values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexRotated:
    """What a run did: the version in force, how many people, vehicles and holdings it opened, and whether no
    byte of the old version remains (otherwise run it again)."""

    version: int
    opened: int
    swept: bool


Progress = Callable[[str], None]


async def rotate_index_keys(
    services: Services,
    keyring: PostgresKeyring,
    tenant: TenantId,
    *,
    progress: Progress,
    batch: int = BATCH,
) -> IndexRotated:
    """Rotate the tenant's index keys, or go on with a rotation that was cut off.

    The journal's entry comes first (`rotate_keys.py`). Raises Conflict while another rotation runs, or when
    something holds rows for too long; nothing is lost by that.
    """
    async with rotation_store.one_at_a_time(keyring.database):
        version = await _begin(services, keyring, tenant)
        progress(f"The index keys get version {version}")
        opened = await _move_all(services, tenant, version, batch)
        progress(f"{opened} indexes computed anew; destroying the old keys")
        swept = await rotate_index.retire(keyring, tenant, below=version)
    return IndexRotated(version=version, opened=opened, swept=swept)


async def must_rotate(services: Services, keyring: PostgresKeyring, tenant: TenantId) -> bool:
    """Whether a rotation was cut off, or the two databases disagree since one of them was restored."""
    async with services.database.transaction(tenant) as tx:
        held = await indexes.versions(tx, tenant)
    if held.formers or held.current != await rotate_index.newest(keyring, tenant):
        return True
    return await rotate_index.is_under_way(keyring, tenant)


async def _begin(services: Services, keyring: PostgresKeyring, tenant: TenantId) -> int:
    async with services.database.transaction(tenant) as tx:
        held = await indexes.versions(tx, tenant)
    version = await rotate_index.begin(keyring, tenant, above=held.current)
    for _ in range(_ATTEMPTS):
        try:
            async with services.database.transaction(tenant) as tx:
                await indexes.begin(tx, tenant, version)
                return version
        except Unavailable:
            await asyncio.sleep(_BUSY_SECONDS)
    raise _busy()


async def _move_all(services: Services, tenant: TenantId, version: int, batch: int) -> int:
    """Move until nothing lies under another version; returns how many it opened."""
    opened, tables = 0, [table for table, _ in INDEXES]
    for _ in range(_ATTEMPTS):
        for table, found_by in INDEXES:
            opened += await _walk(services, tenant, table, found_by, version=version, batch=batch)
        try:
            async with services.database.transaction(tenant) as tx:
                if await indexes.finish(tx, tables, tenant, version):
                    return opened
        except Unavailable:
            await asyncio.sleep(_BUSY_SECONDS)
    raise _busy()


async def _walk(
    services: Services,
    tenant: TenantId,
    table: IndexTable,
    found_by: FoundBy,
    *,
    version: int,
    batch: int,
) -> int:
    """One walk through an index; returns how many rows of the registry it opened."""
    opened, after, failures = 0, UUID(int=0), 0
    while True:
        try:
            async with services.database.transaction(tenant) as tx:
                owners = await indexes.lagging(tx, table, tenant, version, after=after, limit=batch)
                values = await found_by(tx, services.keyring, tenant, owners)
                await indexes.move(tx, services.keyring, table, tenant, values, version=version)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as fault:
            if (failures := failures + 1) == _ATTEMPTS:
                raise _busy() from fault
            await asyncio.sleep(_BUSY_SECONDS)
            continue
        if not owners:
            return opened
        opened, after, failures = opened + len(values), owners[-1], 0


def _busy() -> Conflict:
    return Conflict("Another session holds rows of the registry; run the rotation again.")
