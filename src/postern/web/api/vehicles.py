"""Vehicles over the API."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from postern.access.model import SubjectKind
from postern.ids import PersonId, VehicleId
from postern.operations import look
from postern.operations.people import register, revoke
from postern.vehicles.model import VehicleDetails
from postern.web.api.models import GrantDocument, Stated, VehicleIn, VehicleOut, Vehicles, VehicleSummary
from postern.web.api.people import put_grants
from postern.web.login import Hub, SignedIn

router = APIRouter(prefix="/vehicles", tags=["vehicles"])
VEHICLE = SubjectKind.VEHICLE


@router.get("")
async def listed(hub: Hub, caller: SignedIn, text: str = "", first: int = 0, limit: int = 50) -> Vehicles:
    """Vehicles whose plate (O=0, I=1) or description contains `text`, or all."""
    found = await look.find_vehicles(hub, caller.actor, text=text, first=max(first, 0), limit=max(limit, 1))
    return Vehicles(total=found.total, vehicles=[VehicleSummary.of(row) for row in found.rows])


@router.post("", status_code=201)
async def add(hub: Hub, caller: SignedIn, wanted: VehicleIn) -> VehicleOut:
    """Add a vehicle; its plate is its credential."""
    vehicle = await register.add_vehicle(hub, caller.actor, _details(wanted))
    return VehicleOut.of(await look.vehicle_file(hub, caller.actor, vehicle.id))


@router.get("/{id}")
async def shown(hub: Hub, caller: SignedIn, id: UUID) -> VehicleOut:
    """One vehicle."""
    return VehicleOut.of(await look.vehicle_file(hub, caller.actor, VehicleId(id)))


@router.put("/{id}")
async def change(hub: Hub, caller: SignedIn, id: UUID, wanted: VehicleIn) -> VehicleOut:
    """Change a vehicle; 409 when `version` is stale."""
    vehicle = VehicleId(id)
    await register.change_vehicle(
        hub, caller.actor, id=vehicle, version=wanted.version, details=_details(wanted)
    )
    return VehicleOut.of(await look.vehicle_file(hub, caller.actor, vehicle))


@router.delete("/{id}", status_code=204)
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a vehicle for good, with its keys."""
    await register.remove_vehicle(hub, caller.actor, VehicleId(id))
    return Response(status_code=204)


@router.put("/{id}/grants", status_code=204)
async def set_grants(hub: Hub, caller: SignedIn, id: UUID, grants: list[GrantDocument]) -> Response:
    """Give exactly these access levels."""
    await put_grants(hub, caller, id, VEHICLE, grants)
    return Response(status_code=204)


@router.post("/{id}/revoke", status_code=204)
async def block(hub: Hub, caller: SignedIn, id: UUID, why: Stated) -> Response:
    """Refuse its plate from now on."""
    await revoke.revoke_holder(hub, caller.actor, subject=id, kind=VEHICLE, reason=why.reason)
    return Response(status_code=204)


@router.post("/{id}/restore", status_code=204)
async def unblock(hub: Hub, caller: SignedIn, id: UUID, why: Stated) -> Response:
    """Take that back."""
    await revoke.restore_holder(hub, caller.actor, subject=id, kind=VEHICLE, reason=why.reason)
    return Response(status_code=204)


def _details(wanted: VehicleIn) -> VehicleDetails:
    return VehicleDetails(
        plate=wanted.plate,
        country=wanted.country,
        keeper=None if wanted.keeper is None else PersonId(wanted.keeper),
        description=wanted.description,
    )
