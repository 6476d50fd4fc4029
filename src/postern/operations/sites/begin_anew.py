"""A hub that was restored begins anew: what it gave out in the minutes that were lost must not come again.

Agents obey only newer policies, by (epoch, version), and a restored hub does not know how far it had counted.
So its epoch is taken from the clock: two restores from the same backup get different ones, in order.
"""

from __future__ import annotations

from postern.journal.model import Act
from postern.operations.keys.mark_rows import mark_rows
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace_as
from postern.restored import Restored
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.epochs import open_epoch

JOB = "job:restore"
SKIPPED_IDS = 1000
"""More agents than are enrolled in the minutes that a backup may lack."""


async def begin_anew(services: Services, mark: Restored) -> None:
    """Open a new epoch for every tenant, and leave out numbers that lost agents may have. Safe to repeat."""
    minutes = int(services.clock.now().timestamp()) // 60
    async with services.database.transaction() as tx:
        await agents.skip_agent_ids(tx, SKIPPED_IDS)
        tenants = await sites.tenant_ids(tx)
    # The two databases were put back as of moments that are not quite the same.
    await mark_rows(services, why="the hub was restored from a backup")
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            await open_epoch(tx, tenant, least=minutes)
            await mark_stale(services, tx, tenant)
            await trace_as(
                services,
                tx,
                tenant,
                JOB,
                Act.ALARMED,
                purpose="the hub was restored from a backup",
                detail=f"as it was at {mark.point:%Y-%m-%d %H:%M:%S} UTC; restored {mark.at:%Y-%m-%d %H:%M}",
            )
