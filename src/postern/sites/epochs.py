"""A tenant's epoch, which grows when something older was put back, and where its sites' policies stand."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ids import SiteId, TenantId
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyNow:
    """The policy last published for a site."""

    site: SiteId
    epoch: int
    version: int


async def open_epoch(tx: Transaction, tenant: TenantId, *, least: int = 0) -> None:
    """Count it up by one, and to `least`: agents take no policy of an earlier one any more."""
    await tx.execute("UPDATE tenant SET epoch = greatest(epoch + 1, %s::int) WHERE id = %s", (least, tenant))


async def policies(tx: Transaction, tenant: TenantId) -> list[PolicyNow]:
    """Each site's latest policy."""
    cursor = await tx.execute(
        "SELECT s.id, t.epoch, s.policy_version FROM site s JOIN tenant t ON t.id = s.tenant_id"
        " WHERE s.tenant_id = %s ORDER BY s.id",
        (tenant,),
    )
    return [
        PolicyNow(site=SiteId(site), epoch=epoch, version=version)
        for site, epoch, version in await cursor.fetchall()
    ]
