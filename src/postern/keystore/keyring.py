"""The keyring that hands out the keys of the keystore's database, unwrapped, to this process's memory only.

root key ─ tenant key ─┬ purpose keys (derived)     ┬ subject keys   ┬ signing keys
root key ─ hub key     └ wrapped under it:          └ site-day keys  ┘
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

from postern.errors import Conflict, KeyDestroyed, NotFound
from postern.ids import SiteId, TenantId
from postern.keystore import store, tenant_keys, tombstones, wrapping
from postern.keystore.cache import KeyCache
from postern.keystore.rootkey import RootKey
from postern.keystore.roots import Roots
from postern.keystore.row_marks import PostgresRowMarks
from postern.keystore.tenant_keys import TenantKeys
from postern.postgres.pool import Database, Transaction
from postern.sealing import hybrid, signing
from postern.sealing.envelope import Key, new_key, seal
from postern.sealing.keyring import ALL_PURPOSES, Purpose

FORGET_SECONDS = 30.0
"""A key that another process destroyed is used here no longer than this; our own destructions act at once."""
CACHED_KEYS = 50_000

Result = TypeVar("Result")

_ATTEMPTS = 3
_GONE = (
    "The key was destroyed by an erasure, a withdrawal or the end of retention, or was never made: "
    "what it sealed cannot be opened by anyone."
)


class PostgresKeyring:
    """`postern.sealing.keyring.Keyring` over the keystore's own database. Make it with `open_keystore`."""

    def __init__(
        self, database: Database, root: RootKey | Roots, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.database = database
        self.marks = PostgresRowMarks(database)
        self.roots = root if isinstance(root, Roots) else Roots([root])
        self._tenants: KeyCache[TenantKeys] = KeyCache(size=10_000, seconds=FORGET_SECONDS, now=now)
        self._keys: KeyCache[Key] = KeyCache(size=CACHED_KEYS, seconds=FORGET_SECONDS, now=now)
        self._privates: KeyCache[bytes] = KeyCache(size=1000, seconds=FORGET_SECONDS, now=now)

    async def purpose_key(self, tenant: TenantId, name: str, *, version: int = 1) -> Key:
        try:
            return (await self._tenant_keys(tenant)).purpose_key(name, version)
        except NotFound:
            self.forget_tenants()  # another process may have begun that version
            return (await self._tenant_keys(tenant)).purpose_key(name, version)

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

        async def read() -> dict[UUID, Key]:
            held, generation = await self._tenant_keys(tenant), self._keys.generation
            async with self.database.transaction() as tx:
                wrapped = await store.subject_keys(tx, tenant, missing, purpose)
            places = {
                subject: (wrapping.of_subject(tenant, subject, purpose), key)
                for subject, key in wrapped.items()
            }
            opened = await wrapping.unwrap_all(held.by_id, places)
            for subject, key in opened.items():
                self._keys.keep(names[subject], key, read_in=generation)
            return opened

        return found | await self._settled(read)

    async def new_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose] = ALL_PURPOSES
    ) -> None:
        await self.new_keys_of_all(tenant, [subject], purposes)

    async def new_keys_of_all(
        self, tenant: TenantId, subjects: Sequence[UUID], purposes: Sequence[Purpose] = ALL_PURPOSES
    ) -> None:
        keys = {
            (subject, purpose): (wrapping.of_subject(tenant, subject, purpose), new_key())
            for subject in subjects
            for purpose in purposes
        }

        async def write(tx: Transaction, under: Key) -> None:
            await store.put_subject_keys(tx, tenant, await wrapping.wrap_all(under, keys))

        await self._write(tenant, write)

    async def destroy_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose]
    ) -> tuple[bytes, ...]:
        names = {("subject", tenant, subject, purpose) for purpose in purposes}
        async with self.database.transaction() as tx:
            destroyed = await store.delete_subject_keys(tx, tenant, subject, purposes)
        self._keys.drop(names.__contains__)
        await store.sweep(self.database)
        return destroyed

    async def add_site(self, tenant: TenantId, site: SiteId) -> None:
        async with self.database.transaction() as tx:
            holds = await store.put_site(tx, tenant, site)
        if holds != tenant:
            raise Conflict(
                f"Site {site} belongs to another tenant; a site with keys never changes its tenant."
            )

    async def site_day_key(self, site: SiteId, day: date) -> Key:
        name = ("site-day", site, day)
        if (kept := self._keys.get(name)) is not None:
            return kept

        async def read() -> Key:
            generation = self._keys.generation
            found = await self._site_day(site, day)
            if found.key is None:
                await self._make_site_day_key(found.tenant, site, day)
                found = await self._site_day(site, day)
            if found.key is None:
                raise KeyDestroyed(_GONE)
            held = await self._tenant_keys(found.tenant)
            key = wrapping.unwrap(held.by_id, found.key, wrapping.of_site_day(found.tenant, site, day))
            self._keys.keep(name, key, read_in=generation)
            return key

        return await self._settled(read)

    async def _make_site_day_key(self, tenant: TenantId, site: SiteId, day: date) -> None:
        key = new_key()

        async def write(tx: Transaction, under: Key) -> None:
            made = wrapping.wrap(under, key, wrapping.of_site_day(tenant, site, day))
            await store.put_site_day_key(tx, tenant, site, day, made)

        await self._write(tenant, write)

    async def _site_day(self, site: SiteId, day: date) -> store.SiteDay:
        async with self.database.transaction() as tx:
            found = await store.site_day(tx, site, day)
        if found is None:
            raise NotFound(f"The keystore does not know site {site}; add it with its tenant first.")
        if found.ended:
            raise KeyDestroyed(_GONE)
        return found

    async def site_day_keys(
        self, sites: Sequence[SiteId], *, first: date, last: date
    ) -> dict[tuple[SiteId, date], Key]:
        async def read() -> dict[tuple[SiteId, date], Key]:
            generation = self._keys.generation
            async with self.database.transaction() as tx:
                rows = await store.site_day_keys(tx, sites, first, last)
            opened: dict[tuple[SiteId, date], Key] = {}
            for tenant in {tenant for tenant, *_ in rows}:
                places = {
                    (site, day): (wrapping.of_site_day(tenant, site, day), key)
                    for owner, site, day, key in rows
                    if owner == tenant
                }
                opened |= await wrapping.unwrap_all((await self._tenant_keys(tenant)).by_id, places)
            for (site, day), key in opened.items():
                self._keys.keep(("site-day", site, day), key, read_in=generation)
            return opened

        return await self._settled(read)

    async def destroy_site_day_keys(self, site: SiteId, *, before: date) -> tuple[bytes, ...]:
        async with self.database.transaction() as tx:
            destroyed = await store.delete_site_day_keys(tx, site, before)
        self._keys.drop(
            lambda name: isinstance(name, tuple) and name[:2] == ("site-day", site) and name[2] < before
        )
        await store.sweep(self.database)
        return destroyed

    async def destroyed_keys(self, tenant: TenantId) -> frozenset[bytes]:
        return frozenset(await tombstones.listed(self.database, tenant))

    async def destroy_again(self, tenant: TenantId, keys: Collection[bytes]) -> tuple[bytes, ...]:
        async with self.database.transaction() as tx:
            destroyed = await tombstones.apply(tx, tenant, keys)
        self._keys.drop(lambda _: True)
        await store.sweep(self.database)
        return destroyed

    async def signing_key(self, tenant: TenantId, name: str) -> bytes:
        cached, context = ("signing", tenant, name), wrapping.of_signing(tenant, name)
        if (kept := self._privates.get(cached)) is not None:
            return kept
        made = signing.generate()

        async def write(tx: Transaction, under: Key) -> None:
            await store.put_signing_key(tx, tenant, name, seal(under, made, context))

        async def read() -> bytes:
            held = await self._tenant_keys(tenant)
            if (wrapped := await self._signing(tenant, name)) is None:
                await self._write(tenant, write)
                wrapped = await self._signing(tenant, name)
            if wrapped is None:
                raise tenant_keys.lost()
            return wrapping.opened(held.by_id, wrapped, context)

        return self._keep_private(cached, await self._settled(read))

    async def _signing(self, tenant: TenantId, name: str) -> bytes | None:
        async with self.database.transaction() as tx:
            return await store.signing_key(tx, tenant, name)

    async def hub_key(self) -> bytes:
        if (kept := self._privates.get("hub")) is not None:
            return kept
        for _ in range(2):
            async with self.database.transaction() as tx:
                wrapped = await store.hub_key(tx)
            if wrapped is not None:
                return self._keep_private("hub", await self.roots.unwrap(wrapped, label="hub"))
            async with self.database.transaction() as tx:
                made = await tenant_keys.wrap_under_root(tx, self.roots, hybrid.generate(), "hub")
                if made is None:
                    raise tenant_keys.outdated()
                await store.put_hub_key(tx, made)
        raise tenant_keys.lost()

    def forget_tenants(self) -> None:
        """Read the tenants' keys anew when next asked: a rotation has changed them."""
        self._tenants.drop(lambda _: True)

    def _keep_private(self, name: Hashable, private: bytes) -> bytes:
        self._privates.keep(name, private, read_in=self._privates.generation)
        return private

    async def _write(self, tenant: TenantId, write: Callable[[Transaction, Key], Awaitable[None]]) -> None:
        """Have `write` put new keys under the tenant's newest key, which is not retired before that is
        committed; again under a newer one where a rotation was faster."""

        async def attempt() -> None:
            under = (await self._tenant_keys(tenant)).newest
            async with self.database.transaction() as tx:
                if not await store.hold_tenant_key(tx, tenant, under.id):
                    raise wrapping.Unknown("The tenant's key is being rotated; try again.")
                await write(tx, under)

        await self._settled(attempt)

    async def _settled(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do `work`; again with fresh tenant keys where a rotation has just changed them."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await work()
            except wrapping.Unknown:
                self.forget_tenants()
        return await work()

    async def _tenant_keys(self, tenant: TenantId) -> TenantKeys:
        if (kept := self._tenants.get(tenant)) is not None:
            return kept
        generation = self._tenants.generation
        found = await tenant_keys.load_or_make(self.database, self.roots, tenant)
        self._tenants.keep(tenant, found, read_in=generation)
        return found
