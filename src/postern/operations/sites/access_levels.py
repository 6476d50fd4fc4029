"""Say where: access levels, and who has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from postern.access import store
from postern.access.model import AccessLevel, Grant, Holding, Schedule, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import AccessLevelId, AccessPointId, ScheduleId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.names import named
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import AccessPoint

_SEEING = {
    SubjectKind.PERSON: Duty.SEE_PEOPLE,
    SubjectKind.VEHICLE: Duty.SEE_VEHICLES,
    SubjectKind.VISIT: Duty.SEE_VISITS,
}


async def access_levels(services: Services, actor: Actor) -> list[AccessLevel]:
    """The organisation's access levels, by name."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.rules(tx, services.keyring, actor.tenant, AccessLevel)


async def add_access_level(
    services: Services,
    actor: Actor,
    *,
    name: str,
    access_points: frozenset[AccessPointId] = frozenset(),
    schedule: ScheduleId | None = None,
) -> AccessLevel:
    """A new access level; without a schedule it opens at any time, without access points nothing."""
    require(actor, Duty.CHANGE_ACCESS)
    level = AccessLevel(
        id=AccessLevelId(new_id()),
        tenant=actor.tenant,
        name=named(name),
        access_points=access_points,
        schedule=schedule,
    )
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, level)
        await store.add(tx, services.keyring, level)
        await _traced(services, tx, actor, detail=f"access level {level.id} added")
    return level


async def change_access_level(services: Services, actor: Actor, level: AccessLevel) -> AccessLevel:
    """Change an access level. Conflict when `level.version` is stale."""
    require(actor, Duty.CHANGE_ACCESS)
    wanted = replace(level, name=named(level.name), tenant=actor.tenant)
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, wanted)
        changed = await store.change(tx, services.keyring, wanted)
        await _traced(services, tx, actor, detail=f"access level {level.id} changed")
    return changed


async def remove_access_level(services: Services, actor: Actor, id: AccessLevelId) -> None:
    """Remove an access level. Conflict while anybody has it."""
    require(actor, Duty.CHANGE_ACCESS)
    async with services.database.transaction(actor.tenant) as tx:
        holdings = await services.registry.holdings.all(tx, actor.tenant)
        if any(grant.level == id for one in holdings.values() for grant in one.grants):
            raise Conflict("somebody still has this access level; take it from them first")
        await store.remove(
            tx, services.keyring, await store.rule(tx, services.keyring, actor.tenant, id, AccessLevel)
        )
        await _traced(services, tx, actor, detail=f"access level {id} removed")


async def set_grants(
    services: Services, actor: Actor, *, holding: Holding, grants: Sequence[Grant]
) -> Holding:
    """Give a person or vehicle exactly these access levels. Conflict when `holding` is stale."""
    require(actor, Duty.CHANGE_ACCESS)
    async with services.database.transaction(actor.tenant) as tx:
        known = {one.id for one in await store.rules(tx, services.keyring, actor.tenant, AccessLevel)}
        if not {grant.level for grant in grants} <= known:
            raise BadInput("an access level in the list is not there any more; reload and choose again")
        wanted = replace(holding, grants=tuple(grants))
        changed = await store.put_holding(tx, services.keyring, actor.tenant, wanted)
        await _traced(services, tx, actor, detail="access levels set", subjects=[holding.subject])
    return changed


async def holding(services: Services, actor: Actor, *, subject: UUID, kind: SubjectKind) -> Holding:
    """What a person or vehicle may present, and where that lets them. Journalled before it is told."""
    require(actor, _SEEING[kind])
    opening = Opening(act=Act.LOOKED, purpose="set up access", subjects=[subject], detail="holding")
    async with looking(services, actor) as tx:
        held = await store.holding(tx, services.keyring, actor.tenant, subject, kind)
        await open_subjects(services, tx, actor, opening)
    return held


async def _check(services: Services, tx: Transaction, level: AccessLevel) -> None:
    """Its access points and its schedule are the organisation's own."""
    found: set[UUID] = set()
    for site in await sites.sites(tx, services.keyring, level.tenant):
        parts = await sites.parts(tx, services.keyring, level.tenant, site.id, AccessPoint)
        found |= {one.id for one in parts}
    if not level.access_points <= found:
        raise BadInput("an access point in the list is not there any more; reload and choose again")
    if level.schedule is not None:
        await store.rule(tx, services.keyring, level.tenant, level.schedule, Schedule)


async def _traced(
    services: Services, tx: Transaction, actor: Actor, *, detail: str, subjects: Sequence[UUID] = ()
) -> None:
    await mark_stale(services, tx, actor.tenant)
    await trace(services, tx, actor, Act.CHANGED, purpose="set up access", subjects=subjects, detail=detail)
