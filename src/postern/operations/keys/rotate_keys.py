"""Rotate keys, with a journal entry before the first change and one when nothing remains to be done.

A run that was cut off has its first entry only; the next run, which finishes it, writes both.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence

import structlog

from postern.errors import PosternError, Unavailable
from postern.ids import TenantId
from postern.journal.model import Act
from postern.keystore import rotation_store
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.providers import Provider, chosen
from postern.keystore.roots import read_plan
from postern.keystore.rotate_root import RootRotated, rotate_root
from postern.keystore.rotate_tenant import TenantRotated, rotate_tenant
from postern.keystore.rotation_store import Kind, Rotation
from postern.operations.keys.rotate_index import BATCH, IndexRotated, must_rotate, rotate_index_keys
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.settings import Settings
from postern.sites import store as sites

JOB = "job:keys"
_WHY = "rotate keys"

_log = structlog.get_logger(__name__)

Progress = Callable[[str], None]


def keyring_of(services: Services) -> PostgresKeyring:
    """The keyring whose keys can be rotated: the keystore's own."""
    if not isinstance(services.keyring, PostgresKeyring):
        raise Unavailable("The keys of this hub are not in a keystore of its own, so it cannot rotate them.")
    return services.keyring


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


async def resume(services: Services, settings: Settings, passphrase: str | None) -> int:
    """Go on with every rotation that was cut off; how many came to their end. What cannot be gone on with is
    in the log, and waits for the next start."""
    keyring, finished = keyring_of(services), 0
    async with keyring.database.transaction() as tx:
        unfinished = [one for one in await rotation_store.rotations(tx) if one.ended is None]
    for one in unfinished:
        if one.kind is not Kind.INDEX:
            finished += await _resumed(services, keyring, settings, passphrase, one)
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        if await must_rotate(services, keyring, tenant):
            finished += await _attempt(
                "index", rotate_index_key(services, keyring, tenant, progress=_log.info)
            )
    return finished


async def _resumed(
    services: Services,
    keyring: PostgresKeyring,
    settings: Settings,
    passphrase: str | None,
    rotation: Rotation,
) -> bool:
    if rotation.kind is Kind.TENANT:
        work = rotate_tenant_key(services, keyring, rotation.tenant, progress=_log.info)
        return await _attempt("tenant", work)
    plan = read_plan(settings.folder("keys"))
    if plan is not None and plan.new.text != chosen(settings).text:
        # Finished here, the next start would look for the root key where it no longer is.
        _log.warning("rotation-waits", key="root", cure="stop Postern and run 'postern keys rotate root'")
        return False
    return await _attempt(
        "root", rotate_root_key(services, keyring, settings, passphrase, progress=_log.info)
    )


async def _attempt(
    key: str, work: Coroutine[object, object, RootRotated | TenantRotated | IndexRotated]
) -> bool:
    try:
        return (await work).swept
    except PosternError as fault:
        _log.warning("rotation-unfinished", key=key, fault=str(fault))
        return False


def _swept(swept: bool) -> str:
    return "the old rows are swept" if swept else "the old rows are still to be swept"


async def _note(services: Services, tenants: Sequence[TenantId], detail: str) -> None:
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            await trace_as(services, tx, tenant, JOB, Act.CHANGED, purpose=_WHY, detail=detail)
