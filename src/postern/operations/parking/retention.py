"""What retention means for a garage's books: they stand on their own before a day's records go, and what was
sealed with a day's key goes with it. The ledger and the receipts stay: the law keeps them."""

from __future__ import annotations

from postern.errors import NotFound
from postern.ids import SiteId, TenantId
from postern.operations.parking.rows import BEGINNINGS, CASES, ERASED, SESSIONS, Desk
from postern.operations.parking.settle import settled
from postern.operations.services import Services


async def take_in_before(services: Services, tenant: TenantId, site: SiteId) -> None:
    """Settle, so that the beginning of today is kept: from then on no earlier day's records are needed."""
    try:
        await settled(services, tenant, site)
    except NotFound:
        return  # no garage


async def end_rows(services: Services, tenant: TenantId, site: SiteId) -> int:
    """Delete rows of the projection whose day's key is destroyed; how many there were."""
    try:
        _, rules = await settled(services, tenant, site)
    except NotFound:
        return 0
    async with services.database.transaction(tenant) as tx:
        desk = Desk(services=services, tx=tx, tenant=tenant, site=site, rules=rules)
        alive = list(await desk.day_keys())
        # A sealed field begins with its version, and then names its key.
        gone = await tx.execute(
            "DELETE FROM projection WHERE site_id = %s AND kind = ANY(%s)"
            " AND NOT (substring(sealed from 2 for 8) = ANY(%s::bytea[]))",
            (site, [SESSIONS, CASES, BEGINNINGS, ERASED], alive),
        )
    return gone.rowcount
