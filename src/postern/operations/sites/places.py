"""Set up places: organisations, sites, areas, doors, access points, readers."""

from __future__ import annotations

from dataclasses import replace

from postern.access.controller import checked_seconds
from postern.errors import BadInput
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.names import named
from postern.operations.privacy.jurisdiction import hold_to_rules
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace, trace_as
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction, confine
from postern.sites import store
from postern.sites.model import AccessPoint, Area, Door, Reader, Site, Tenant, zone_of
from postern.sites.store import P, Part, SitePlan


async def create_tenant(services: Services, name: str) -> Tenant:
    """A new organisation with its own keys; done by `postern up` at the first start."""
    async with services.database.transaction() as tx:
        taken = await store.tenant_ids(tx)
        tenant = Tenant(id=TenantId(max(taken, default=0) + 1), name=named(name))
        await store.add_tenant(tx, services.keyring, tenant)
        await confine(tx, tenant.id)
        await trace_as(
            services, tx, tenant.id, "job:setup", Act.CHANGED, purpose="set up", detail="organisation"
        )
    return tenant


async def create_site(
    services: Services, actor: Actor, *, name: str, time_zone: str, country: str | None = None
) -> Site:
    """A new site. `time_zone` is an IANA name (BadInput otherwise), `country` two letters."""
    require(actor, Duty.CHANGE_SITES)
    zone_of(time_zone)
    async with services.database.transaction(actor.tenant) as tx:
        site = Site(
            id=await store.next_site_id(tx),
            tenant=actor.tenant,
            name=named(name),
            time_zone=time_zone,
            country=country.strip().upper() if country and country.strip() else None,
        )
        await services.keyring.add_site(actor.tenant, site.id)
        await store.add_site(tx, services.keyring, site)
        await _traced(services, tx, actor, f"site {site.id} added")
    return site


async def change_site(services: Services, actor: Actor, site: Site) -> Site:
    """Change a site's name, time zone or country. Conflict when `site.version` is stale."""
    require(actor, Duty.CHANGE_SITES)
    _own(actor, site.tenant)
    async with services.database.transaction(actor.tenant) as tx:
        changed = await store.change_site(tx, services.keyring, replace(site, name=named(site.name)))
        await hold_to_rules(services, tx, changed)
        await _traced(services, tx, actor, f"site {site.id} changed")
    return changed


async def sites(services: Services, actor: Actor) -> list[Site]:
    """The organisation's sites."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.sites(tx, services.keyring, actor.tenant)


async def plan(services: Services, actor: Actor, site: SiteId) -> SitePlan:
    """A site with everything in it. Raises NotFound. Controllers' and readers' passwords are inside."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.plan(tx, services.keyring, actor.tenant, site)


async def add(services: Services, actor: Actor, part: P) -> P:
    """Add an area, door, access point or reader to its site."""
    require(actor, Duty.CHANGE_SITES)
    wanted = replace(part, name=named(part.name))
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, actor, wanted)
        await store.add(tx, services.keyring, actor.tenant, wanted)
        await _traced(services, tx, actor, f"{type(part).__name__} {part.id} added to site {part.site}")
    return wanted


async def change(services: Services, actor: Actor, part: P) -> P:
    """Change one. Conflict when `part.version` is stale."""
    require(actor, Duty.CHANGE_SITES)
    wanted = replace(part, name=named(part.name))
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, actor, wanted)
        changed = await store.change(tx, services.keyring, actor.tenant, wanted)
        await _traced(services, tx, actor, f"{type(part).__name__} {part.id} changed")
    return changed


async def remove(services: Services, actor: Actor, part: Part) -> None:
    """Remove one. Conflict while another part still refers to it."""
    require(actor, Duty.CHANGE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        found = await store.plan(tx, services.keyring, actor.tenant, part.site)
        if any(part.id in _refers_to(other) for other in _parts(found)):
            raise BadInput("something still refers to it; remove the access points and readers there first")
        await store.remove(tx, services.keyring, actor.tenant, part)
        await _traced(services, tx, actor, f"{type(part).__name__} {part.id} removed")


async def _check(services: Services, tx: Transaction, actor: Actor, part: Part) -> None:
    """The part's site is the actor's, what it refers to is in that site, and its seconds are possible."""
    found = await store.plan(tx, services.keyring, actor.tenant, part.site)
    if not set(_refers_to(part)) <= {other.id for other in _parts(found)}:
        raise BadInput("choose doors, areas and access points of the same site")
    if isinstance(part, Door):
        checked_seconds(part.release_seconds)
        if part.held_open_seconds <= 0:
            raise BadInput("a door may stay open for more than 0 seconds before it counts as held open")


def _parts(found: SitePlan) -> tuple[Part, ...]:
    return (*found.areas, *found.doors, *found.access_points, *found.readers)


def _refers_to(part: Part) -> tuple[object, ...]:
    match part:
        case AccessPoint():
            return part.door, part.from_area, part.to_area
        case Reader():
            return (part.access_point,)
        case Area() | Door():
            return ()


def _own(actor: Actor, tenant: TenantId) -> None:
    if actor.tenant != tenant:
        raise BadInput("this belongs to another organisation")


async def _traced(services: Services, tx: Transaction, actor: Actor, detail: str) -> None:
    await mark_stale(services, tx, actor.tenant)
    await trace(services, tx, actor, Act.CHANGED, purpose="set up places", detail=detail)
