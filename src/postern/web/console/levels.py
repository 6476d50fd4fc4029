"""Access levels: which access points, in which schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import AccessLevel
from postern.errors import NotFound, PosternError
from postern.ids import AccessLevelId, AccessPointId, ScheduleId
from postern.operations.sites import access_levels as operations
from postern.operations.sites import places as site_operations
from postern.operations.sites import schedules as schedule_operations
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelRow:
    """An access level as the list shows it."""

    id: UUID
    name: str
    schedule: str | None
    access_points: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PointChoice:
    """An access point to tick."""

    id: UUID
    name: str
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteChoice:
    """A site's access points."""

    name: str
    access_points: tuple[PointChoice, ...]


async def site_choices(hub: Hub, caller: Caller, way_out: str = "") -> tuple[SiteChoice, ...]:
    """Every site's access points, those that lead out marked with the words `way_out`."""
    plans = [
        await site_operations.plan(hub, caller.actor, site.id)
        for site in await site_operations.sites(hub, caller.actor)
    ]
    return tuple(
        SiteChoice(
            name=plan.site.name,
            access_points=tuple(
                PointChoice(id=one.id, name=one.name, hint=way_out if one.way_out else "")
                for one in plan.access_points
            ),
        )
        for plan in plans
    )


@router.get("/access-levels")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every access level."""
    names = {one.id: one.name for site in await site_choices(hub, caller) for one in site.access_points}
    schedules = {one.id: one.name for one in await schedule_operations.schedules(hub, caller.actor)}
    rows = tuple(
        LevelRow(
            id=one.id,
            name=one.name,
            schedule=schedules.get(one.schedule) if one.schedule else None,
            access_points=tuple(sorted(names[point] for point in one.access_points if point in names)),
        )
        for one in await operations.access_levels(hub, caller.actor)
    )
    return page(request, "access/levels.html", levels=rows)


@router.get("/access-levels/new")
async def new(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """An empty form."""
    return await _form(request, hub, caller, EMPTY)


@router.post("/access-levels/new")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add one."""
    name, points, schedule = _read(fields)
    if fields.errors:
        return await _form(request, hub, caller, fields.result())
    try:
        await operations.add_access_level(
            hub, caller.actor, name=name, access_points=points, schedule=schedule
        )
    except PosternError as fault:
        return await _form(request, hub, caller, fields.result(fault))
    return go("/access-levels", "added")


@router.get("/access-levels/{id}")
async def edit(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The form, filled in."""
    level = await _level(hub, caller, id)
    form = Form(
        values={"name": level.name, "schedule": str(level.schedule or ""), "version": str(level.version)},
        chosen={"access_points": tuple(str(one) for one in level.access_points)},
    )
    return await _form(request, hub, caller, form, level)


@router.post("/access-levels/{id}")
async def change(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Change one."""
    level = await _level(hub, caller, id)
    name, points, schedule = _read(fields)
    if fields.errors:
        return await _form(request, hub, caller, fields.result(), level)
    wanted = replace(
        level, name=name, access_points=points, schedule=schedule, version=int(fields.number("version"))
    )
    try:
        await operations.change_access_level(hub, caller.actor, wanted)
    except PosternError as fault:
        return await _form(request, hub, caller, fields.result(fault), level)
    return go("/access-levels", "saved")


@router.post("/access-levels/{id}/remove")
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove one that nobody has."""
    await operations.remove_access_level(hub, caller.actor, AccessLevelId(id))
    return go("/access-levels", "removed")


def _read(fields: FormReader) -> tuple[str, frozenset[AccessPointId], ScheduleId | None]:
    schedule = fields.id("schedule")
    points = frozenset(AccessPointId(one) for one in fields.ids("access_points"))
    return fields.needed("name"), points, None if schedule is None else ScheduleId(schedule)


async def _level(hub: Hub, caller: Caller, id: UUID) -> AccessLevel:
    for one in await operations.access_levels(hub, caller.actor):
        if one.id == id:
            return one
    raise NotFound("there is no such access level; it may have been removed")


async def _form(
    request: Request, hub: Hub, caller: Caller, form: Form, level: AccessLevel | None = None
) -> Response:
    t = words_for(request)
    schedules = await schedule_operations.schedules(hub, caller.actor)
    return page(
        request,
        "access/level.html",
        status=422 if form.wrong else 200,
        form=form,
        level=level,
        schedules=[(one.id, one.name) for one in schedules],
        sites=await site_choices(hub, caller, t("part.way-out")),
    )
