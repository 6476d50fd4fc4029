"""Lock a site or an area down, and release it: in force at the agents at once, and with the next policy.

Ways out are never refused (`access.lockdown`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from postern import documents
from postern.access import presence_store as store
from postern.access.lockdown import Lockdown, Lockdowns
from postern.errors import Conflict, NotFound
from postern.ids import AreaId, SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.reasons import LONGEST
from postern.operations.services import Services
from postern.operations.sites.publish_policy import agent_channel, mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.model import Area, Site

TOLD = "lockdown"
"""What the agents of a site are told on their channels."""
NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLockdowns:
    """What is locked down at a site, and the areas that can be."""

    site: Site
    areas: tuple[Area, ...]
    lockdowns: Lockdowns


async def lock_down(
    services: Services, actor: Actor, site: SiteId, *, area: AreaId | None, drill: bool, reason: str = ""
) -> Lockdown:
    """Let nobody further into the site (`area` None) or the area. Without a reason, for there may be no time.

    Raises Conflict when it is locked down already.
    """
    require(actor, Duty.LOCK_DOWN)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        if area is not None:
            found = await sites.part(tx, services.keyring, actor.tenant, Area, site=site, id=area)
            if found.outside:
                raise NotFound("nobody can be kept from the outside; choose an area of the site")
        now = await store.lockdowns(tx, services.keyring, actor.tenant, site)
        if any((one.area, one.drill) == (area, drill) for one in now.every):
            raise Conflict("it is locked down already")
        made = Lockdown(
            id=new_id(),
            since=services.clock.now(),
            by=actor.name,
            reason=" ".join(reason.split())[:LONGEST] or NOT_STATED,
            area=area,
            drill=drill,
        )
        await _put(services, tx, actor, site, replace(now, every=(*now.every, made)))
        # A reason may name somebody: it is in the sealed part.
        detail = f"{_words(site, made)}: {made.reason}"
        await trace(services, tx, actor, Act.LOCKED_DOWN, purpose="lockdown", detail=detail)
    return made


async def release(services: Services, actor: Actor, site: SiteId, id: UUID) -> None:
    """End one lockdown. Raises NotFound for one that is not (any more)."""
    require(actor, Duty.LOCK_DOWN)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        now = await store.lockdowns(tx, services.keyring, actor.tenant, site)
        over = next((one for one in now.every if one.id == id), None)
        if over is None:
            raise NotFound("this lockdown was released already")
        await _put(
            services, tx, actor, site, replace(now, every=tuple(one for one in now.every if one != over))
        )
        await trace(services, tx, actor, Act.RELEASED, purpose="released", detail=_words(site, over))


async def locked_down(services: Services, actor: Actor) -> list[SiteLockdowns]:
    """Every site with what is locked down there."""
    require(actor, Duty.SEE_OCCUPANCY)
    async with services.database.transaction(actor.tenant) as tx:
        return [
            SiteLockdowns(
                site=one,
                areas=tuple(await sites.parts(tx, services.keyring, actor.tenant, one.id, Area)),
                lockdowns=await current(services, tx, actor.tenant, one.id),
            )
            for one in await sites.sites(tx, services.keyring, actor.tenant)
        ]


async def current(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> Lockdowns:
    """What agents of the site go by, in the hub's present epoch."""
    found = await store.lockdowns(tx, services.keyring, tenant, site)
    return replace(found, epoch=await sites.epoch_of(tx, tenant))


async def told(services: Services, tenant: TenantId, site: SiteId) -> str:
    """The same as an agent's channel carries it."""
    async with services.database.transaction(tenant) as tx:
        return documents.to_bytes(await current(services, tx, tenant, site)).decode()


async def _put(services: Services, tx: Transaction, actor: Actor, site: SiteId, wanted: Lockdowns) -> None:
    await store.put_lockdowns(tx, services.keyring, actor.tenant, site, wanted)
    await mark_stale(services, tx, actor.tenant)
    for agent in await agents.of_site(tx, site):
        if agent.active:
            await services.database.notify(tx, agent_channel(agent), TOLD)


def _words(site: SiteId, one: Lockdown) -> str:
    where = f"area {one.area}" if one.area is not None else "the whole site"
    return f"site {site}, {where}{', drill' if one.drill else ''}"
