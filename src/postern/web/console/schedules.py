"""Schedules: the week and the special days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import Schedule, SpecialDay, WeeklySpan
from postern.errors import NotFound, PosternError
from postern.ids import ScheduleId
from postern.operations.sites import schedules as operations
from postern.web.console.weeks import DayView, days_of, spans_from, text_from, weekly_from
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter()
MOST_SPECIAL_DAYS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleCard:
    """A schedule as the list shows it."""

    id: UUID
    name: str
    days: tuple[DayView, ...]
    special: int


@router.get("/schedules")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every schedule with a picture of its week."""
    cards = tuple(
        ScheduleCard(id=one.id, name=one.name, days=days_of(one), special=len(one.special_days))
        for one in await operations.schedules(hub, caller.actor)
    )
    return page(request, "access/schedules.html", schedules=cards)


@router.get("/schedules/new")
async def new(request: Request, caller: SignedIn) -> Response:
    """An empty form."""
    del caller
    return _form(request, EMPTY, rows=1)


@router.post("/schedules/new")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add one; or, with the button for it, show the form with more special days."""
    name, weekly, special = fields.needed("name"), _weekly(fields), _special_days(fields)
    if fields.errors or fields.ticked("more"):
        return _again(request, fields)
    try:
        await operations.add_schedule(hub, caller.actor, name=name, weekly=weekly, special_days=special)
    except PosternError as fault:
        return _again(request, fields, fault)
    return go("/schedules", "added")


@router.get("/schedules/{id}")
async def edit(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The form, filled in."""
    schedule = await _schedule(hub, caller, id)
    values = {"name": schedule.name, "version": str(schedule.version)}
    values |= {f"day{weekday}": day.text for weekday, day in enumerate(days_of(schedule))}
    for row, special in enumerate(sorted(schedule.special_days, key=lambda one: one.day)):
        values[f"special_day{row}"] = special.day.isoformat()
        values[f"special_name{row}"] = special.name
        values[f"special_spans{row}"] = text_from(special.spans)
    return _form(request, Form(values=values), rows=len(schedule.special_days) + 1, schedule=schedule)


@router.post("/schedules/{id}")
async def change(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Change one."""
    schedule = await _schedule(hub, caller, id)
    name, weekly, special = fields.needed("name"), _weekly(fields), _special_days(fields)
    if fields.errors or fields.ticked("more"):
        return _again(request, fields, schedule=schedule)
    wanted = replace(
        schedule, name=name, weekly=weekly, special_days=special, version=int(fields.number("version"))
    )
    try:
        await operations.change_schedule(hub, caller.actor, wanted)
    except PosternError as fault:
        return _again(request, fields, fault, schedule)
    return go("/schedules", "saved")


@router.post("/schedules/{id}/remove")
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove one that no access level uses."""
    await operations.remove_schedule(hub, caller.actor, ScheduleId(id))
    return go("/schedules", "removed")


def _weekly(fields: FormReader) -> tuple[WeeklySpan, ...]:
    days = (fields.parsed(f"day{weekday}", spans_from, "schedules.hours-wrong") for weekday in range(7))
    return weekly_from(tuple(spans or () for spans in days))


def _special_days(fields: FormReader) -> tuple[SpecialDay, ...]:
    special = []
    for row in range(_rows(fields)):
        day = fields.day(f"special_day{row}")
        spans = fields.parsed(f"special_spans{row}", spans_from, "schedules.hours-wrong")
        if day is not None:
            special.append(SpecialDay(day=day, name=fields.text(f"special_name{row}"), spans=spans or ()))
        elif spans or fields.text(f"special_name{row}"):
            fields.needed(f"special_day{row}")
    return tuple(special)


def _rows(fields: FormReader) -> int:
    """How many rows of special days the form had."""
    return sum(f"special_day{row}" in fields.values for row in range(MOST_SPECIAL_DAYS))


async def _schedule(hub: Hub, caller: Caller, id: UUID) -> Schedule:
    for one in await operations.schedules(hub, caller.actor):
        if one.id == id:
            return one
    raise NotFound("there is no such schedule; it may have been removed")


def _again(
    request: Request, fields: FormReader, fault: PosternError | None = None, schedule: Schedule | None = None
) -> Response:
    more = 3 if fields.ticked("more") else 0
    return _form(request, fields.result(fault), rows=_rows(fields) + more, schedule=schedule)


def _form(request: Request, form: Form, *, rows: int, schedule: Schedule | None = None) -> Response:
    return page(
        request,
        "access/schedule.html",
        status=422 if form.wrong else 200,
        form=form,
        schedule=schedule,
        special_rows=range(min(rows, MOST_SPECIAL_DAYS)),
    )
