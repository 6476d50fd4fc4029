"""Free bays, for everybody to see: numbers, of a moment, and nothing of anybody."""

from __future__ import annotations

from postern.ids import SiteId, TenantId
from postern.operations.parking.settle import settled
from postern.operations.public.counter_wire import FreeBays
from postern.operations.services import Services


async def free_now(services: Services, tenant: TenantId, site: SiteId) -> FreeBays:
    """How many bays the garage has, and how many are free by its sessions. Raises NotFound."""
    garage, rules = await settled(services, tenant, site)
    bays = rules.settings.bays
    return FreeBays(bays=bays, free=max(0, bays - garage.count_inside()), at=services.clock.now())
