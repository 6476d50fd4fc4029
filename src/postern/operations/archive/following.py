"""Follow the records of every site of a kind, for ever: settle each whenever something arrives there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog

from postern.errors import PosternError
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.arrivals import wall_channel
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.postgres.pool import Transaction
from postern.sites import store as sites

_LOOK_FOR_SITES_SECONDS = 60.0
_AFTER_A_FAULT_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Follower:
    """A job: its principal in the journal, what it is for, which sites of a tenant it follows, and what it
    does there. `name` is what its tasks and its log call it."""

    name: str
    job: str
    purpose: str
    sites: Callable[[Transaction], Awaitable[Sequence[SiteId]]]
    settle: Callable[[Services, TenantId, SiteId], Awaitable[object]]


async def follow_sites(services: Services, follower: Follower) -> None:
    """For ever, new sites within a minute."""
    running: dict[SiteId, asyncio.Task[None]] = {}
    try:
        while True:
            try:
                found = await _sites(services, follower)
            except (PosternError, psycopg.Error) as fault:
                _log.error("sites not looked for", job=follower.name, fault=str(fault))
                found = []
            for tenant, site in found:
                if site not in running or running[site].done():
                    task = _follow(services, follower, tenant, site)
                    running[site] = asyncio.create_task(task, name=follower.name)
            await asyncio.sleep(_LOOK_FOR_SITES_SECONDS)
    finally:
        for one in running.values():
            one.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def _sites(services: Services, follower: Follower) -> list[tuple[TenantId, SiteId]]:
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    found = []
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            found += [(tenant, site) for site in await follower.sites(tx)]
    return found


async def _follow(services: Services, follower: Follower, tenant: TenantId, site: SiteId) -> None:
    """Settle one site at once, and then whenever it is told of something new. One journal entry a run."""
    async with services.database.transaction(tenant) as tx:
        detail = f"site {site}"
        await trace_as(
            services, tx, tenant, follower.job, Act.STARTED, purpose=follower.purpose, detail=detail
        )
    async for _ in services.database.listen(wall_channel(site)):
        try:
            await follower.settle(services, tenant, site)
        except (PosternError, psycopg.Error) as fault:
            _log.error("not settled", job=follower.name, site=site, fault=str(fault))
            await asyncio.sleep(_AFTER_A_FAULT_SECONDS)
