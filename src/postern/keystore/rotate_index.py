"""A new version of a tenant's index keys: a new secret beside the one before, which goes when nothing lies
under it any more.

The first version derives from what also seals the tenant's registers and journal, so that secret stays; later
ones are random secrets of their own and are destroyed. What is found by an index is written anew by the
caller (`operations/keys/rotate_index.py`), because only the opened registry tells the values.
"""

from __future__ import annotations

from postern.ids import TenantId
from postern.keystore import rotation_store, store, tenant_keys, wrapping
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rotation_store import Kind
from postern.sealing.envelope import new_key, seal

FIRST = 1
"""The version that is never destroyed."""


async def newest(keyring: PostgresKeyring, tenant: TenantId) -> int:
    """The newest version of the tenant's index keys."""
    return max((await tenant_keys.load_or_make(keyring.database, keyring.roots, tenant)).derivation)


async def is_under_way(keyring: PostgresKeyring, tenant: TenantId) -> bool:
    """Whether a rotation was begun and has not ended."""
    async with keyring.database.transaction() as tx:
        return await rotation_store.is_under_way(tx, Kind.INDEX, tenant)


async def begin(keyring: PostgresKeyring, tenant: TenantId, *, above: int) -> int:
    """Make the next version, later than `above`, or take that of a rotation under way; returns its number.

    Call it while holding `rotation_store.one_at_a_time`.
    """
    held = await tenant_keys.load_or_make(keyring.database, keyring.roots, tenant)
    async with keyring.database.transaction() as tx:
        last = max(held.derivation)
        if last >= above and await rotation_store.is_under_way(tx, Kind.INDEX, tenant):
            return last
        version, key = max(last, above) + 1, new_key()
        for number, secret in {**held.derivation, version: key}.items():
            wrapped = seal(held.newest, secret.id + secret.secret, wrapping.of_derivation(tenant, number))
            await store.put_derivation_key(tx, tenant, number, wrapped)
        await rotation_store.begin(tx, Kind.INDEX, tenant)
    keyring.forget_tenants()
    return version


async def retire(keyring: PostgresKeyring, tenant: TenantId, *, below: int) -> bool:
    """Destroy the secrets of the versions below, but the first, and sweep their rows. False when another
    session still sees those: call it again."""
    async with keyring.database.transaction() as tx:
        await rotation_store.delete_derivation_keys(tx, tenant, after=FIRST, below=below)
        await rotation_store.note_last_change(tx, Kind.INDEX, tenant)
    keyring.forget_tenants()
    return await rotation_store.sweep(keyring.database, Kind.INDEX, tenant, ("derivation_key",))
