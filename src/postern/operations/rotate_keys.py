"""Rotate keys, with a journal entry before the first change and one when nothing remains to be done.

A run that was cut off has its first entry only; the next run, which finishes it, writes both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postern.ids import TenantId
from postern.journal.model import Act
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.providers import Provider
from postern.keystore.rotate_root import RootRotated, rotate_root
from postern.keystore.rotate_tenant import TenantRotated, rotate_tenant
from postern.operations.rotate_index import BATCH, IndexRotated, rotate_index_keys
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.settings import Settings
from postern.sites import store as sites

JOB = "job:keys"
_WHY = "rotate keys"

Progress = Callable[[str], None]


async def rotate_tenant_key(
    services: Services, keyring: PostgresKeyring, tenant: TenantId, *, progress: Progress
) -> TenantRotated:
    """A new key for the tenant; goes on with a rotation that was cut off. Raises as `rotate_tenant`."""
    await _note(services, [tenant], "tenant key: rotation begins")
    done = await rotate_tenant(keyring, tenant, progress=progress)
    await _note(services, [tenant], f"tenant key: version {done.version} holds, {_swept(done.swept)}")
    return done


async def rotate_index_key(
    services: Services,
    keyring: PostgresKeyring,
    tenant: TenantId,
    *,
    batch: int = BATCH,
    progress: Progress,
) -> IndexRotated:
    """New index keys; goes on with a rotation that was cut off. Raises as `rotate_index_keys`."""
    await _note(services, [tenant], "index keys: rotation begins; it opens every person, vehicle and holding")
    done = await rotate_index_keys(services, keyring, tenant, batch=batch, progress=progress)
    told = f"index keys: version {done.version} holds, {done.opened} opened, {_swept(done.swept)}"
    await _note(services, [tenant], told)
    return done


async def rotate_root_key(
    services: Services,
    keyring: PostgresKeyring,
    settings: Settings,
    passphrase: str | None,
    *,
    to: Provider | None = None,
    progress: Progress,
) -> RootRotated:
    """A new root key, in `to` if given; every tenant's journal tells of it. Raises as `rotate_root`."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    await _note(services, tenants, "root key: rotation begins")
    done = await rotate_root(keyring.database, settings, passphrase, to=to, progress=progress)
    await keyring.roots.look_again()
    await _note(services, tenants, f"root key: a new one in {done.holder.kind} holds, {_swept(done.swept)}")
    return done


def _swept(swept: bool) -> str:
    return "the old rows are swept" if swept else "the old rows are still to be swept"


async def _note(services: Services, tenants: Sequence[TenantId], detail: str) -> None:
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            await trace_as(services, tx, tenant, JOB, Act.CHANGED, purpose=_WHY, detail=detail)
