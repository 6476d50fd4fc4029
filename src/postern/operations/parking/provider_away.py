"""Payments cannot be made: the provider was asked not long ago, and could not be reached.

Then a driver who owes is not kept at the exit: the barrier goes by the lane's rule for what is not clear, and
the price is followed up. It is on record in the database, so that a hub that starts anew knows it too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postern.clock import utc_day
from postern.ids import SiteId, TenantId
from postern.operations.services import Services
from postern.parking import store
from postern.sealing.tags import blind_index

KNOWN_FOR = timedelta(minutes=5)
"""At least so long, and at most twice as long, after the last failure."""
_PURPOSE = "parking/provider-away"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def note_away(services: Services, tenant: TenantId, site: SiteId) -> None:
    """The provider could not be reached for this garage just now."""
    now = services.clock.now()
    (tag, *_) = await _tags(services, tenant, now)
    async with services.database.transaction(tenant) as tx:
        await store.note_once(tx, site, tag, utc_day(now))


async def is_away(services: Services, tenant: TenantId, site: SiteId) -> bool:
    """Whether it could not be reached in the last minutes."""
    tags = await _tags(services, tenant, services.clock.now())
    async with services.database.transaction(tenant) as tx:
        return await store.was_noted(tx, site, tags)


async def _tags(services: Services, tenant: TenantId, now: datetime) -> list[bytes]:
    key = await services.keyring.purpose_key(tenant, _PURPOSE)
    slot = (now - _EPOCH) // KNOWN_FOR
    return [blind_index(key, f"away|{one}") for one in (slot, slot - 1)]
