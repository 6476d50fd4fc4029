"""A tenant's key, in one version or in two, and what its purpose keys derive from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postern.errors import NotFound, RootKeyUnavailable
from postern.ids import TenantId
from postern.keystore import store, wrapping
from postern.keystore.roots import Roots
from postern.keystore.store import WrappedKey
from postern.postgres.pool import Database, Transaction
from postern.sealing import derive
from postern.sealing.envelope import Key, new_key


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantKeys:
    """What unwraps and derives all of a tenant's keys. `versions` holds two while the key is rotated."""

    tenant: TenantId
    versions: Mapping[int, Key]
    derivation: Mapping[int, Key]

    @property
    def newest(self) -> Key:
        """The key under which new ones are wrapped."""
        return self.versions[max(self.versions)]

    @property
    def by_id(self) -> dict[bytes, Key]:
        return {key.id: key for key in self.versions.values()}

    def purpose_key(self, name: str, version: int) -> Key:
        """The tenant's key for one use. NotFound for a version that was never begun or is retired."""
        if version not in self.derivation:
            raise NotFound(f"There is no version {version} of this tenant's purpose keys.")
        return derive.purpose_key(self.derivation[version], purpose=name, tenant=self.tenant, version=version)


def label(tenant: TenantId, version: int) -> str:
    """What the root key binds a tenant key to."""
    return f"tenant|{tenant}" if version == 1 else f"tenant|{tenant}|{version}"


async def load(tx: Transaction, roots: Roots, tenant: TenantId) -> TenantKeys | None:
    """The tenant's keys; None when it has none yet. CannotOpen or RootKeyUnavailable from the root key."""
    wrapped = await store.tenant_keys(tx, tenant)
    if not wrapped:
        return None
    versions = {
        version: wrapping.key_of(await roots.unwrap(one.wrapped, label=label(tenant, version)))
        for version, one in wrapped.items()
    }
    by_id = {key.id: key for key in versions.values()}
    derivation = {
        version: wrapping.key_of(wrapping.opened(by_id, one, wrapping.of_derivation(tenant, version)))
        for version, one in (await store.derivation_keys(tx, tenant)).items()
    }
    derivation.setdefault(1, versions[min(versions)])
    return TenantKeys(tenant=tenant, versions=versions, derivation=derivation)


async def load_or_make(database: Database, roots: Roots, tenant: TenantId) -> TenantKeys:
    """The tenant's keys, made on first use: two processes that make them at once get the same ones."""
    async with database.transaction() as tx:
        found = await load(tx, roots, tenant)
    if found is not None:
        return found
    await make(database, roots, tenant, version=1)
    async with database.transaction() as tx:
        found = await load(tx, roots, tenant)
    if found is None:
        raise lost()
    return found


async def make(database: Database, roots: Roots, tenant: TenantId, *, version: int) -> None:
    """Make the tenant's key of that version, unless it is there."""
    key, place = new_key(), label(tenant, version)
    for _ in range(2):
        async with database.transaction() as tx:
            wrapped = await wrap_under_root(tx, roots, key.id + key.secret, place)
            if wrapped is not None:
                await store.put_tenant_key(tx, tenant, version, WrappedKey(id=key.id, wrapped=wrapped))
                return
        await roots.look_again()
    raise outdated()


async def wrap_under_root(tx: Transaction, roots: Roots, secret: bytes, place: str) -> bytes | None:
    """`secret` under the root key that is in force until `tx` ends; None when that is not held here."""
    root = roots.by_id(await store.root_in_force(tx, roots.newest.id))
    return None if root is None else await root.wrap(secret, label=place)


def outdated() -> RootKeyUnavailable:
    return RootKeyUnavailable(
        "The root key was moved or rotated while this program ran. Start Postern anew, with the new "
        "POSTERN_ROOT_KEY where that has changed."
    )


def lost() -> RootKeyUnavailable:
    """What was just put there is not read back; a keystore that loses it cannot be worked with."""
    return RootKeyUnavailable("The keystore did not keep a key that it confirmed; check its disk.")
