"""The keyring that hands out the keys of the keystore's database, unwrapped, to this process's memory only.

root key ─ tenant key ─┬ purpose keys (derived)     ┬ subject keys   ┬ signing keys
root key ─ hub key     └ wrapped under it:          └ site-day keys  ┘
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

from postern.errors import Conflict, DatabaseUnavailable, KeyDestroyed, NotFound
from postern.ids import SiteId, TenantId
from postern.keystore import store, wrapping
from postern.keystore.cache import KeyCache
from postern.keystore.rootkey import RootKey
from postern.keystore.store import WrappedKey
from postern.postgres.pool import Database
from postern.sealing import derive, hybrid, signing
from postern.sealing.envelope import Key, new_key, open_sealed, seal
from postern.sealing.keyring import ALL_PURPOSES, Purpose

FORGET_SECONDS = 30.0
"""A key that another process destroyed is used here no longer than this; our own destructions act at once."""
CACHED_KEYS = 50_000

Held = TypeVar("Held")

_GONE = (
    "The key was destroyed by an erasure, a withdrawal or the end of retention, or was never made: "
    "what it sealed cannot be opened by anyone."
)


class PostgresKeyring:
    """`postern.sealing.keyring.Keyring` over the keystore's own database. Make it with `open_keystore`."""

    def __init__(
        self, database: Database, root: RootKey, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._root = root
        self._keys: KeyCache[Key] = KeyCache(size=CACHED_KEYS, seconds=FORGET_SECONDS, now=now)
        self._privates: KeyCache[bytes] = KeyCache(size=1000, seconds=FORGET_SECONDS, now=now)

    async def purpose_key(self, tenant: TenantId, name: str) -> Key:
        return derive.purpose_key(await self._tenant_key(tenant), purpose=name, tenant=tenant)

    async def subject_key(self, tenant: TenantId, subject: UUID, purpose: Purpose) -> Key:
        found = await self.subject_keys(tenant, [subject], purpose)
        if subject not in found:
            raise KeyDestroyed(_GONE)
        return found[subject]

    async def subject_keys(
        self, tenant: TenantId, subjects: Sequence[UUID], purpose: Purpose
    ) -> dict[UUID, Key]:
        names = {subject: ("subject", tenant, subject, purpose) for subject in subjects}
        found = {subject: key for subject, name in names.items() if (key := self._keys.get(name)) is not None}
        missing = [subject for subject in names if subject not in found]
        if not missing:
            return found
        tenant_key, generation = await self._tenant_key(tenant), self._keys.generation
        async with self._database.transaction() as tx:
            wrapped = await store.subject_keys(tx, tenant, missing, purpose)
        opened = await wrapping.unwrap_all(
            tenant_key,
            {
                subject: (wrapping.of_subject(tenant, subject, purpose), key)
                for subject, key in wrapped.items()
            },
        )
        for subject, key in opened.items():
            self._keys.keep(names[subject], key, read_in=generation)
        return found | opened

    async def new_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose] = ALL_PURPOSES
    ) -> None:
        tenant_key = await self._tenant_key(tenant)
        made = {
            purpose: wrapping.wrap(tenant_key, new_key(), wrapping.of_subject(tenant, subject, purpose))
            for purpose in purposes
        }
        async with self._database.transaction() as tx:
            await store.put_subject_keys(tx, tenant, subject, made)

    async def destroy_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose]
    ) -> tuple[bytes, ...]:
        names = {("subject", tenant, subject, purpose) for purpose in purposes}
        async with self._database.transaction() as tx:
            destroyed = await store.delete_subject_keys(tx, tenant, subject, purposes)
        self._keys.drop(names.__contains__)
        await store.sweep(self._database)
        return destroyed

    async def add_site(self, tenant: TenantId, site: SiteId) -> None:
        async with self._database.transaction() as tx:
            holds = await store.put_site(tx, tenant, site)
        if holds != tenant:
            raise Conflict(
                f"Site {site} belongs to another tenant; a site with keys never changes its tenant."
            )

    async def site_day_key(self, site: SiteId, day: date) -> Key:
        name = ("site-day", site, day)
        if (kept := self._keys.get(name)) is not None:
            return kept
        generation = self._keys.generation
        found = await self._site_day(site, day)
        tenant_key = await self._tenant_key(found.tenant)
        if found.key is None:
            made = wrapping.wrap(tenant_key, new_key(), wrapping.of_site_day(found.tenant, site, day))
            async with self._database.transaction() as tx:
                await store.put_site_day_key(tx, found.tenant, site, day, made)
            found = await self._site_day(site, day)
        if found.key is None:
            raise KeyDestroyed(_GONE)
        key = wrapping.unwrap(tenant_key, found.key, wrapping.of_site_day(found.tenant, site, day))
        self._keys.keep(name, key, read_in=generation)
        return key

    async def _site_day(self, site: SiteId, day: date) -> store.SiteDay:
        async with self._database.transaction() as tx:
            found = await store.site_day(tx, site, day)
        if found is None:
            raise NotFound(f"The keystore does not know site {site}; add it with its tenant first.")
        if found.ended:
            raise KeyDestroyed(_GONE)
        return found

    async def site_day_keys(
        self, sites: Sequence[SiteId], *, first: date, last: date
    ) -> dict[tuple[SiteId, date], Key]:
        generation = self._keys.generation
        async with self._database.transaction() as tx:
            rows = await store.site_day_keys(tx, sites, first, last)
        opened: dict[tuple[SiteId, date], Key] = {}
        for tenant in {tenant for tenant, *_ in rows}:
            places = {
                (site, day): (wrapping.of_site_day(tenant, site, day), key)
                for owner, site, day, key in rows
                if owner == tenant
            }
            opened |= await wrapping.unwrap_all(await self._tenant_key(tenant), places)
        for (site, day), key in opened.items():
            self._keys.keep(("site-day", site, day), key, read_in=generation)
        return opened

    async def destroy_site_day_keys(self, site: SiteId, *, before: date) -> tuple[bytes, ...]:
        async with self._database.transaction() as tx:
            destroyed = await store.delete_site_day_keys(tx, site, before)
        self._keys.drop(
            lambda name: isinstance(name, tuple) and name[:2] == ("site-day", site) and name[2] < before
        )
        await store.sweep(self._database)
        return destroyed

    async def signing_key(self, tenant: TenantId, name: str) -> bytes:
        cached = ("signing", tenant, name)
        if (kept := self._privates.get(cached)) is not None:
            return kept
        tenant_key, context = await self._tenant_key(tenant), wrapping.of_signing(tenant, name)
        async with self._database.transaction() as tx:
            wrapped = await store.signing_key(tx, tenant, name)
            if wrapped is None:
                await store.put_signing_key(tx, tenant, name, seal(tenant_key, signing.generate(), context))
                wrapped = await store.signing_key(tx, tenant, name)
        return self._keep_private(cached, open_sealed(tenant_key, _there(wrapped), context))

    async def hub_key(self) -> bytes:
        if (kept := self._privates.get("hub")) is not None:
            return kept
        async with self._database.transaction() as tx:
            wrapped = await store.hub_key(tx)
            if wrapped is None:
                await store.put_hub_key(tx, await self._root.wrap(hybrid.generate(), label="hub"))
                wrapped = await store.hub_key(tx)
        return self._keep_private("hub", await self._root.unwrap(_there(wrapped), label="hub"))

    def _keep_private(self, name: Hashable, private: bytes) -> bytes:
        self._privates.keep(name, private, read_in=self._privates.generation)
        return private

    async def _tenant_key(self, tenant: TenantId) -> Key:
        """The tenant's key, made on first use: two processes that make it at once get the same one."""
        if (kept := self._keys.get(("tenant", tenant))) is not None:
            return kept
        generation = self._keys.generation
        label = f"tenant|{tenant}"
        async with self._database.transaction() as tx:
            found = await store.tenant_key(tx, tenant)
            if found is None:
                made = new_key()
                wrapped = await self._root.wrap(made.id + made.secret, label=label)
                await store.put_tenant_key(tx, tenant, WrappedKey(id=made.id, wrapped=wrapped))
                found = await store.tenant_key(tx, tenant)
        key = wrapping.key_of(await self._root.unwrap(_there(found).wrapped, label=label))
        self._keys.keep(("tenant", tenant), key, read_in=generation)
        return key


def _there(held: Held | None) -> Held:
    """What was just read back after it was put there; a keystore that loses it cannot be worked with."""
    if held is None:
        raise DatabaseUnavailable("The keystore did not keep a key that it confirmed; check its disk.")
    return held
