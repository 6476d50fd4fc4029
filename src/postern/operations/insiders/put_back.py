"""Look every minute whether the database's rows are as the hub wrote them, and tell of those that are not."""

from __future__ import annotations

import asyncio
import itertools

import structlog

from postern.errors import PosternError
from postern.ids import TenantId
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.keys.mark_rows import put_back
from postern.operations.services import Services
from postern.operators.concerns import Concern
from postern.sites import store as sites

EVERY_SECONDS = 60.0
REGISTRY_EVERY = 10
"""Of so many looks one is at the registry, too: it is large, and a policy looks at what it is made from."""
_PRINCIPAL = "database"
_log = structlog.get_logger(__name__)


async def run_watch(services: Services) -> None:
    """For ever."""
    for number in itertools.count():
        try:
            async with services.database.transaction() as tx:
                tenants = await sites.tenant_ids(tx)
            for tenant in tenants:
                await look(services, tenant, registry=number % REGISTRY_EVERY == 0)
        except PosternError as fault:
            _log.warning("rows", fault=str(fault))
        await asyncio.sleep(EVERY_SECONDS)


async def look(services: Services, tenant: TenantId, *, registry: bool = True) -> dict[str, int]:
    """Once, at the rows of one tenant; how many are not in force, by kind."""
    if not await put_back(services, tenant, registry=registry):
        return {}
    # Again: a row may have been written between the look at it and the look at its mark.
    found = await put_back(services, tenant, registry=registry)
    if found:
        detail = ", ".join(f"{kind}: {count}" for kind, count in sorted(found.items()))
        _log.error("rows put back", tenant=tenant, **{"of": detail})
        async with services.database.transaction(tenant) as tx:
            await raise_alarm(
                services,
                tx,
                tenant,
                Concern.ROWS_PUT_BACK,
                about=_PRINCIPAL,
                principal=_PRINCIPAL,
                detail=detail,
            )
    return found
