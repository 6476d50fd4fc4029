"""Tombstones outside the keystore's backups: written with every destruction, applied before the hub serves.

Whoever puts back an older keystore gets destroyed keys back with it. The file beside the databases and every
agent still know them, and the hub destroys them again: from the file before it serves anybody, from an agent
as soon as that one says hello.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Collection, Sequence

from postern.clock import utc_day
from postern.errors import CannotVerify
from postern.ids import TenantId
from postern.journal.model import Act
from postern.keystore.tombstones import Tombstone
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace_as
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.sealing.keyring import Keyring
from postern.sealing.tags import blind_index
from postern.sites import store as sites
from postern.sites.epochs import open_epoch

JOB = "job:tombstones"
_PURPOSE = "tombstones"


async def made(keyring: Keyring, tenant: TenantId, keys: Collection[bytes]) -> list[Tombstone]:
    """The tombstones of destroyed keys, as they are told to whoever keeps them."""
    proving = await keyring.purpose_key(tenant, _PURPOSE)
    return [Tombstone(tenant=tenant, key=key, proof=blind_index(proving, key.hex())) for key in keys]


async def set_up(services: Services, tenant: TenantId, keys: Collection[bytes]) -> None:
    """Write the tombstones of keys just destroyed to the file; durable on return."""
    if services.tombstones is not None and keys:
        await asyncio.to_thread(services.tombstones.append, await made(services.keyring, tenant, keys))


async def settle(services: Services) -> int:
    """Bring keystore and file into agreement, before anything is served; how many keys had come back."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    file = services.tombstones
    kept = await asyncio.to_thread(file.read) if file is not None else []
    came_back = 0
    for tenant in tenants:
        own = [one for one in kept if one.tenant == tenant]
        came_back += await take(services, tenant, own, by=JOB)
        known = await services.keyring.destroyed_keys(tenant)
        await set_up(services, tenant, known - {one.key for one in own})
    return came_back


async def take(services: Services, tenant: TenantId, kept: Sequence[Tombstone], *, by: str) -> int:
    """Destroy again what these tombstones name and the keystore has; how many keys that were.

    Raises CannotVerify when one is not proved to be this hub's own word: then nothing is destroyed.
    """
    proving = await services.keyring.purpose_key(tenant, _PURPOSE)
    for one in kept:
        if one.tenant != tenant or not hmac.compare_digest(one.proof, blind_index(proving, one.key.hex())):
            raise CannotVerify(
                "a tombstone is not one that this hub made; find out who changed the list it came from"
            )
    known = await services.keyring.destroyed_keys(tenant)
    lacking = {one.key for one in kept} - known
    if not lacking:
        return 0
    await _say_restored(services, tenant, by, len(lacking))
    destroyed = await services.keyring.destroy_again(tenant, lacking)
    await set_up(services, tenant, lacking)
    return len(destroyed)


async def _say_restored(services: Services, tenant: TenantId, by: str, lacking: int) -> None:
    """An older keystore was put back: alarm, and a new epoch, so that no agent takes an older policy."""
    detail = f"{lacking} tombstones were missing in the keystore; what they name is destroyed again"
    async with services.database.transaction(tenant) as tx:
        await open_epoch(tx, tenant)
        await mark_stale(services, tx, tenant)
        for site in await sites.sites(tx, services.keyring, tenant):
            day = utc_day(services.clock.now())
            await put_alarm_of_day(tx, site.id, AlarmKind.KEYSTORE_RESTORED, day=day)
        await trace_as(
            services, tx, tenant, by, Act.ALARMED, purpose="an older keystore was put back", detail=detail
        )
