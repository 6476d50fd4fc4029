"""A new key for a tenant: all that hangs on the old one is rewrapped in batches, then the old one goes.

At every moment each row is under a key that is held, so a job that is killed anywhere is just begun again;
an erasure meanwhile deletes its rows as ever. Rows of the archive and of the registry are never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from postern.errors import Conflict
from postern.ids import SiteId, TenantId
from postern.keystore import rotation_store, store, tenant_keys, wrapping
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rotation_store import SHELVES, Kind, Shelf
from postern.keystore.store import WrappedKey
from postern.keystore.tenant_keys import TenantKeys
from postern.sealing.envelope import Context, Key, new_key, seal
from postern.sealing.keyring import Purpose

BATCH = 1000
_SWEPT = ("subject_key", "site_day_key", "signing_key", "derivation_key", "tenant_key")
_BUSY_SECONDS = 0.05
_ATTEMPTS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantRotated:
    """What a run of the job did: how many keys it rewrapped, and the version that holds now.

    `swept`: no byte of the old rows remains. Otherwise something still looks at them; run the job again.
    """

    version: int
    rewrapped: int
    swept: bool


async def rotate_tenant(
    keyring: PostgresKeyring, tenant: TenantId, *, batch: int = BATCH, progress: Callable[[str], None]
) -> TenantRotated:
    """Rotate the tenant's key, or go on with a rotation that was cut off. Conflict while another runs."""
    database = keyring.database
    async with rotation_store.one_at_a_time(database):
        held = await _begin(keyring, tenant)
        progress(f"The tenant's key gets version {max(held.versions)}")
        rewrapped = await _rewrap_all(keyring, held, batch)
        keyring.forget_tenants()
        progress(f"{rewrapped} keys rewrapped; sweeping the old ones")
        swept = await rotation_store.sweep(database, Kind.TENANT, tenant, _SWEPT)
        return TenantRotated(version=max(held.versions), rewrapped=rewrapped, swept=swept)


async def _rewrap_all(keyring: PostgresKeyring, held: TenantKeys, batch: int) -> int:
    """Rewrap until nothing is left under the old key, and retire that; returns how many keys it rewrapped."""
    rewrapped = 0
    for _ in range(_ATTEMPTS):
        for shelf in SHELVES:
            rewrapped += await _rewrap(keyring, held, shelf, batch)
        async with keyring.database.transaction() as tx:
            if await rotation_store.retire_tenant_keys(tx, held.tenant, held.newest.id):
                await rotation_store.note_last_change(tx, Kind.TENANT, held.tenant)
                return rewrapped
        await asyncio.sleep(_BUSY_SECONDS)  # an erasure or a new key was in the way of a row
    raise Conflict("Another session holds keys that are to be rewrapped; run the rotation again.")


async def _begin(keyring: PostgresKeyring, tenant: TenantId) -> TenantKeys:
    """The tenant's keys with a new version among them; the one of the rotation under way, if one is."""
    database, roots = keyring.database, keyring.roots
    held = await tenant_keys.load_or_make(database, roots, tenant)
    async with database.transaction() as tx:
        if await rotation_store.is_under_way(tx, Kind.TENANT, tenant):
            return held
        version, key = max(held.versions) + 1, new_key()
        place = tenant_keys.label(tenant, version)
        wrapped = await tenant_keys.wrap_under_root(tx, roots, key.id + key.secret, place)
        if wrapped is None:
            raise tenant_keys.outdated()
        await store.put_tenant_key(tx, tenant, version, WrappedKey(id=key.id, wrapped=wrapped))
        for number, derivation in held.derivation.items():
            context = wrapping.of_derivation(tenant, number)
            moved = seal(key, derivation.id + derivation.secret, context)
            await store.put_derivation_key(tx, tenant, number, moved)
        await rotation_store.begin(tx, Kind.TENANT, tenant)
    keyring.forget_tenants()
    return await tenant_keys.load_or_make(database, roots, tenant)


async def _rewrap(keyring: PostgresKeyring, held: TenantKeys, shelf: Shelf, batch: int) -> int:
    """One walk through a table; returns how many rows it rewrapped."""
    done, after = 0, shelf.start
    while True:
        async with keyring.database.transaction() as tx:
            place = (held.tenant, held.newest.id)
            rows = await rotation_store.rows_under_others(tx, shelf, place, after=after, limit=batch)
            if not rows:
                return done
            moved = await asyncio.to_thread(_moved, held, shelf, rows)
            await rotation_store.put_rewrapped(tx, shelf, held.tenant, moved)
        done, after = done + len(rows), rows[-1][0]


def _moved(
    held: TenantKeys, shelf: Shelf, rows: Sequence[tuple[tuple[Any, ...], bytes]]
) -> list[tuple[tuple[Any, ...], bytes]]:
    by_id, newest = held.by_id, held.newest
    return [
        (place, _under(by_id, newest, wrapped, _CONTEXTS[shelf.name](held.tenant, *place)))
        for place, wrapped in rows
    ]


def _under(by_id: Mapping[bytes, Key], newest: Key, wrapped: bytes, context: Context) -> bytes:
    return seal(newest, wrapping.opened(by_id, wrapped, context), context)


def _subject(tenant: TenantId, subject: UUID, purpose: int) -> Context:
    return wrapping.of_subject(tenant, subject, Purpose(purpose))


def _site_day(tenant: TenantId, site: int, day: date) -> Context:
    return wrapping.of_site_day(tenant, SiteId(site), day)


_CONTEXTS: dict[str, Callable[..., Context]] = {
    "subject_key": _subject,
    "site_day_key": _site_day,
    "signing_key": wrapping.of_signing,
}
