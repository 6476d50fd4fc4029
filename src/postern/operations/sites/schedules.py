"""Say when: schedules with their weekly spans and special days."""

from __future__ import annotations

from dataclasses import replace

from postern.access import store
from postern.access.model import AccessLevel, Schedule, SpecialDay, WeeklySpan
from postern.errors import Conflict
from postern.ids import ScheduleId, new_id
from postern.journal.model import Act
from postern.operations.names import named
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction


async def schedules(services: Services, actor: Actor) -> list[Schedule]:
    """The organisation's schedules, by name."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.rules(tx, services.keyring, actor.tenant, Schedule)


async def add_schedule(
    services: Services,
    actor: Actor,
    *,
    name: str,
    weekly: tuple[WeeklySpan, ...] = (),
    special_days: tuple[SpecialDay, ...] = (),
) -> Schedule:
    """A new schedule. Without spans it is never open."""
    require(actor, Duty.CHANGE_ACCESS)
    schedule = Schedule(
        id=ScheduleId(new_id()),
        tenant=actor.tenant,
        name=named(name),
        weekly=weekly,
        special_days=special_days,
    )
    async with services.database.transaction(actor.tenant) as tx:
        await store.add(tx, services.keyring, schedule)
        await _traced(services, tx, actor, f"schedule {schedule.id} added")
    return schedule


async def change_schedule(services: Services, actor: Actor, schedule: Schedule) -> Schedule:
    """Change a schedule. Conflict when `schedule.version` is stale."""
    require(actor, Duty.CHANGE_ACCESS)
    async with services.database.transaction(actor.tenant) as tx:
        wanted = replace(schedule, name=named(schedule.name), tenant=actor.tenant)
        changed = await store.change(tx, services.keyring, wanted)
        await _traced(services, tx, actor, f"schedule {schedule.id} changed")
    return changed


async def remove_schedule(services: Services, actor: Actor, id: ScheduleId) -> None:
    """Remove a schedule. Conflict while an access level uses it: without one, that would never close."""
    require(actor, Duty.CHANGE_ACCESS)
    async with services.database.transaction(actor.tenant) as tx:
        levels = await store.rules(tx, services.keyring, actor.tenant, AccessLevel)
        if any(level.schedule == id for level in levels):
            raise Conflict("an access level still uses this schedule; give it another one first")
        await store.remove(
            tx, services.keyring, await store.rule(tx, services.keyring, actor.tenant, id, Schedule)
        )
        await _traced(services, tx, actor, f"schedule {id} removed")


async def _traced(services: Services, tx: Transaction, actor: Actor, detail: str) -> None:
    await mark_stale(services, tx, actor.tenant)
    await trace(services, tx, actor, Act.CHANGED, purpose="set up access", detail=detail)
