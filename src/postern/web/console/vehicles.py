"""Vehicles: list, add, look, change."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import SubjectKind
from postern.errors import PosternError
from postern.ids import PersonId, VehicleId
from postern.operations import look
from postern.operations.people import register, revoke
from postern.operations.people.look import MOST_ROWS
from postern.operations.sites import access_levels
from postern.vehicles.model import VehicleDetails
from postern.web.console.holders import level_choices, view_of, without_grant, zone_for
from postern.web.console.person_acts import give
from postern.web.forms import EMPTY, Form, FormReader, filled
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter()
VEHICLE = SubjectKind.VEHICLE


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleLine:
    """A vehicle as list and page show it."""

    id: UUID
    plate: str
    country: str | None
    description: str
    revoked: bool
    keeper: str | None = None
    keeper_id: UUID | None = None


@router.get("/vehicles")
async def listed(request: Request, hub: Hub, caller: SignedIn, q: str = "") -> Response:
    """Those found by plate or description, or all."""
    found = await look.find_vehicles(hub, caller.actor, text=q)
    lines = tuple(
        VehicleLine(
            id=row.vehicle.id,
            plate=row.vehicle.details.plate,
            country=row.vehicle.details.country,
            description=row.vehicle.details.description,
            revoked=row.revoked,
        )
        for row in found.rows
    )
    return page(request, "vehicles/list.html", vehicles=lines, total=found.total, query=q)


@router.get("/vehicles/new")
async def new(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """An empty form."""
    return await _form(request, hub, caller, EMPTY)


@router.post("/vehicles/new")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add a vehicle; its plate is its credential."""
    details = _read(fields)
    if fields.errors:
        return await _form(request, hub, caller, fields.result())
    try:
        vehicle = await register.add_vehicle(hub, caller.actor, details)
    except PosternError as fault:
        return await _form(request, hub, caller, fields.result(fault))
    return go(f"/vehicles/{vehicle.id}", "added")


@router.get("/vehicles/{id}")
async def shown(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """One vehicle."""
    return await _page(request, hub, caller, id, EMPTY)


async def _page(request: Request, hub: Hub, caller: Caller, id: UUID, grant_form: Form) -> Response:
    file = await look.vehicle_file(hub, caller.actor, VehicleId(id))
    details, levels = file.vehicle.details, await level_choices(hub, caller)
    return page(
        request,
        "vehicles/vehicle.html",
        status=422 if grant_form.wrong else 200,
        vehicle=VehicleLine(
            id=id,
            plate=details.plate,
            country=details.country,
            description=details.description,
            revoked=file.holding.revoked,
            keeper=file.keeper,
            keeper_id=details.keeper,
        ),
        holder=view_of(file.holding, levels),
        levels=levels,
        may_change=caller.may("change-vehicles"),
        may_give=caller.may("change-access"),
        base=f"/vehicles/{id}",
        zone=await zone_for(hub, caller),
        grant_form=grant_form,
    )


@router.get("/vehicles/{id}/change")
async def edit(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The form, filled in."""
    file = await look.vehicle_file(hub, caller.actor, VehicleId(id), purpose="change details")
    details = file.vehicle.details
    form = filled(
        plate=details.plate,
        country=details.country,
        description=details.description,
        keeper=details.keeper,
        version=file.vehicle.version,
    )
    return await _form(request, hub, caller, form, vehicle=(id, details.plate), keeper=_keeper_of(file))


def _keeper_of(file: look.VehicleFile) -> tuple[UUID, str] | None:
    keeper = file.vehicle.details.keeper
    return None if keeper is None else (keeper, file.keeper or "–")


@router.post("/vehicles/{id}/change")
async def change(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Change a vehicle's details."""
    details = _read(fields)
    if fields.errors:
        return await _again(request, hub, caller, fields.result(), id)
    with fields.refusals():
        await register.change_vehicle(
            hub, caller.actor, id=VehicleId(id), version=int(fields.number("version")), details=details
        )
        return go(f"/vehicles/{id}", "saved")
    return await _again(request, hub, caller, fields.result(), id)


async def _again(request: Request, hub: Hub, caller: Caller, form: Form, id: UUID) -> Response:
    """The form as it came back, with what is wrong."""
    file = await look.vehicle_file(hub, caller.actor, VehicleId(id), purpose="change details")
    vehicle = (id, file.vehicle.details.plate)
    return await _form(request, hub, caller, form, vehicle=vehicle, keeper=_keeper_of(file))


@router.post("/vehicles/{id}/grants")
async def grant(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Give an access level."""
    fault = await give(hub, caller, fields, id, VEHICLE)
    if fault is not None or fields.errors:
        return await _page(request, hub, caller, id, fields.result(fault))
    return go(f"/vehicles/{id}", "access-given")


@router.post("/vehicles/{id}/grants/{level}/take")
async def take(hub: Hub, caller: SignedIn, id: UUID, level: UUID) -> Response:
    """Take an access level away."""
    held = await access_levels.holding(hub, caller.actor, subject=id, kind=VEHICLE)
    await access_levels.set_grants(hub, caller.actor, holding=held, grants=without_grant(held, level))
    return go(f"/vehicles/{id}", "access-taken")


@router.post("/vehicles/{id}/revoke")
async def block(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Refuse its plate at once."""
    await revoke.revoke_holder(hub, caller.actor, subject=id, kind=VEHICLE, reason="blocked")
    return go(f"/vehicles/{id}", "blocked")


@router.post("/vehicles/{id}/remove")
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove the vehicle for good, with its keys."""
    await register.remove_vehicle(hub, caller.actor, VehicleId(id))
    return go("/vehicles", "erased")


@router.post("/vehicles/{id}/restore")
async def unblock(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Lift that."""
    await revoke.restore_holder(hub, caller.actor, subject=id, kind=VEHICLE, reason="block lifted")
    return go(f"/vehicles/{id}", "unblocked")


def _read(fields: FormReader) -> VehicleDetails:
    keeper = fields.id("keeper")
    return VehicleDetails(
        plate=fields.needed("plate"),
        country=fields.parsed("country", _country, "vehicles.country-wrong"),
        keeper=None if keeper is None else PersonId(keeper),
        description=fields.text("description"),
    )


def _country(text: str) -> str:
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise ValueError(text)
    return text.upper()


async def _form(
    request: Request,
    hub: Hub,
    caller: Caller,
    form: Form,
    vehicle: tuple[UUID, str] | None = None,
    keeper: tuple[UUID, str] | None = None,
) -> Response:
    keepers: list[tuple[UUID, str]] = []
    if caller.may("keep-people"):
        found = await look.find_people(hub, caller.actor, limit=MOST_ROWS)
        keepers = [(row.person.id, row.person.details.name) for row in found.rows]
    if keeper is not None and keeper not in keepers:
        keepers.append(keeper)  # whom the form must not lose, though the list has an end
    return page(
        request,
        "vehicles/form.html",
        status=422 if form.wrong else 200,
        form=form,
        vehicle=vehicle,
        keepers=keepers,
    )
