"""Access levels and schedules over the API."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.access.model import AccessLevel, Schedule, SpecialDay, WeeklySpan
from postern.ids import AccessLevelId, AccessPointId, ScheduleId
from postern.operations.sites import access_levels, schedules
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["access"])


class LevelDocument(BaseModel):
    """An access level: access points and the schedule in which they open (None: at any time)."""

    name: str = Field(max_length=120)
    access_points: set[UUID] = Field(default_factory=set)
    schedule: UUID | None = None
    version: int = 1


class LevelOut(LevelDocument):
    """An access level that is stored."""

    id: UUID

    @classmethod
    def of(cls, level: AccessLevel) -> LevelOut:
        """From the model."""
        return cls.model_validate(level, from_attributes=True)


class ScheduleDocument(BaseModel):
    """Weekly spans (Monday is 0; hours by the site's clock) and special days that replace them."""

    name: str = Field(max_length=120)
    weekly: list[WeeklySpan] = Field(default_factory=list)
    special_days: list[SpecialDay] = Field(default_factory=list)
    version: int = 1


class ScheduleOut(ScheduleDocument):
    """A schedule that is stored."""

    id: UUID

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """From the model."""
        return cls.model_validate(schedule, from_attributes=True)


@router.get("/access-levels")
async def levels(hub: Hub, caller: SignedIn) -> list[LevelOut]:
    """Every access level."""
    return [LevelOut.of(one) for one in await access_levels.access_levels(hub, caller.actor)]


@router.post("/access-levels", status_code=201)
async def add_level(hub: Hub, caller: SignedIn, wanted: LevelDocument) -> LevelOut:
    """Add one."""
    made = await access_levels.add_access_level(
        hub,
        caller.actor,
        name=wanted.name,
        access_points=frozenset(AccessPointId(one) for one in wanted.access_points),
        schedule=None if wanted.schedule is None else ScheduleId(wanted.schedule),
    )
    return LevelOut.of(made)


@router.put("/access-levels/{id}")
async def change_level(hub: Hub, caller: SignedIn, id: UUID, wanted: LevelDocument) -> LevelOut:
    """Change one; 409 when `version` is stale."""
    level = AccessLevel(
        id=AccessLevelId(id),
        tenant=caller.actor.tenant,
        name=wanted.name,
        access_points=frozenset(AccessPointId(one) for one in wanted.access_points),
        schedule=None if wanted.schedule is None else ScheduleId(wanted.schedule),
        version=wanted.version,
    )
    return LevelOut.of(await access_levels.change_access_level(hub, caller.actor, level))


@router.delete("/access-levels/{id}", status_code=204)
async def remove_level(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove one that nobody has."""
    await access_levels.remove_access_level(hub, caller.actor, AccessLevelId(id))
    return Response(status_code=204)


@router.get("/schedules")
async def listed(hub: Hub, caller: SignedIn) -> list[ScheduleOut]:
    """Every schedule."""
    return [ScheduleOut.of(one) for one in await schedules.schedules(hub, caller.actor)]


@router.post("/schedules", status_code=201)
async def add_schedule(hub: Hub, caller: SignedIn, wanted: ScheduleDocument) -> ScheduleOut:
    """Add one."""
    made = await schedules.add_schedule(
        hub,
        caller.actor,
        name=wanted.name,
        weekly=tuple(wanted.weekly),
        special_days=tuple(wanted.special_days),
    )
    return ScheduleOut.of(made)


@router.put("/schedules/{id}")
async def change_schedule(hub: Hub, caller: SignedIn, id: UUID, wanted: ScheduleDocument) -> ScheduleOut:
    """Change one; 409 when `version` is stale."""
    schedule = Schedule(
        id=ScheduleId(id),
        tenant=caller.actor.tenant,
        name=wanted.name,
        weekly=tuple(wanted.weekly),
        special_days=tuple(wanted.special_days),
        version=wanted.version,
    )
    return ScheduleOut.of(await schedules.change_schedule(hub, caller.actor, schedule))


@router.delete("/schedules/{id}", status_code=204)
async def remove_schedule(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove one that no access level uses."""
    await schedules.remove_schedule(hub, caller.actor, ScheduleId(id))
    return Response(status_code=204)
