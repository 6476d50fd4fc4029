"""People and vehicles of the registry: add, change, remove."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from postern.access import store as access
from postern.access.model import Credential, CredentialKind, Holding, SubjectKind
from postern.errors import BadInput
from postern.ids import CredentialId, PersonId, SiteId, TenantId, VehicleId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import bring_in
from postern.operations.privacy import erase
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.people.model import Person, PersonDetails, checked_details
from postern.postgres.pool import Transaction
from postern.privacy.receipt import Receipt
from postern.sealing.keyring import ALL_PURPOSES, Purpose
from postern.sites import store as sites
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails, checked_vehicle

_WHY = "keep the registry"


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """What a removal destroyed: how many keys no longer exist, and the number of the receipt that says so."""

    destroyed_keys: int
    receipt: UUID


async def add_person(services: Services, actor: Actor, details: PersonDetails) -> Person:
    """A new person with keys of their own. Conflict when a number is another's already."""
    require(actor, Duty.CHANGE_PEOPLE)
    person = Person(id=PersonId(new_id()), tenant=actor.tenant, version=1, details=checked_details(details))
    await services.keyring.new_subject_keys(
        actor.tenant, person.id, [Purpose.IDENTITY, Purpose.MOVEMENT, Purpose.STATUTORY]
    )
    async with services.database.transaction(actor.tenant) as tx:
        await _check_site(services, tx, actor.tenant, details.home_site)
        await people.add(tx, services.keyring, person)
        await bring_in(services, tx, actor, person.id)
        await trace(services, tx, actor, Act.ADDED, purpose=_WHY, subjects=[person.id], detail="person")
    return person


async def change_person(
    services: Services, actor: Actor, *, id: PersonId, version: int, details: PersonDetails
) -> Person:
    """Change a person's details. Conflict when `version` is stale."""
    require(actor, Duty.CHANGE_PEOPLE)
    async with services.database.transaction(actor.tenant) as tx:
        await _check_site(services, tx, actor.tenant, details.home_site)
        nature = (await people.get(tx, services.keyring, actor.tenant, id)).details.nature
        kept = replace(checked_details(details), nature=nature)
        wanted = Person(id=id, tenant=actor.tenant, version=version, details=kept)
        changed = await people.change(tx, services.keyring, wanted)
        await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, subjects=[id], detail="person")
    return changed


async def remove_person(services: Services, actor: Actor, id: PersonId) -> Removed:
    """Erase a person for good (`erase.py`): rows, credentials, references, pictures, and the keys.

    What the archive holds of them stays, but nobody can tell any more whose it was.
    """
    return _removed(await erase.erase_person(services, actor, id))


def _removed(receipt: Receipt) -> Removed:
    return Removed(destroyed_keys=len(receipt.destroyed), receipt=receipt.id)


async def add_vehicle(services: Services, actor: Actor, details: VehicleDetails) -> Vehicle:
    """A new vehicle, whose plate is its credential. Conflict when the plate is another's already."""
    require(actor, Duty.CHANGE_VEHICLES)
    vehicle = Vehicle(
        id=VehicleId(new_id()), tenant=actor.tenant, version=1, details=checked_vehicle(details)
    )
    await services.keyring.new_subject_keys(
        actor.tenant, vehicle.id, [one for one in ALL_PURPOSES if one is not Purpose.FACE]
    )
    async with services.database.transaction(actor.tenant) as tx:
        await _check_references(services, tx, vehicle)
        await vehicles.add(tx, services.keyring, vehicle)
        await bring_in(services, tx, actor, vehicle.id)
        await _put_plate(services, tx, vehicle)
        await mark_stale(services, tx, actor.tenant)
        await trace(services, tx, actor, Act.ADDED, purpose=_WHY, subjects=[vehicle.id], detail="vehicle")
    return vehicle


async def change_vehicle(
    services: Services, actor: Actor, *, id: VehicleId, version: int, details: VehicleDetails
) -> Vehicle:
    """Change a vehicle's details; a changed plate is its credential from now on. Conflict when stale."""
    require(actor, Duty.CHANGE_VEHICLES)
    async with services.database.transaction(actor.tenant) as tx:
        nature = (await vehicles.get(tx, services.keyring, actor.tenant, id)).details.nature
        kept = replace(checked_vehicle(details), nature=nature)
        wanted = Vehicle(id=id, tenant=actor.tenant, version=version, details=kept)
        await _check_references(services, tx, wanted)
        changed = await vehicles.change(tx, services.keyring, wanted)
        await _put_plate(services, tx, changed)
        await mark_stale(services, tx, actor.tenant)
        await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, subjects=[id], detail="vehicle")
    return changed


async def remove_vehicle(services: Services, actor: Actor, id: VehicleId) -> Removed:
    """Erase a vehicle for good, with its keys."""
    return _removed(await erase.erase_vehicle(services, actor, id))


async def _put_plate(services: Services, tx: Transaction, vehicle: Vehicle) -> Holding:
    """Make the vehicle's plate its one credential of that kind, keeping its validity and revocation."""
    held = await access.holding(tx, services.keyring, vehicle.tenant, vehicle.id, SubjectKind.VEHICLE)
    old = [one for one in held.credentials if one.kind is CredentialKind.PLATE]
    others = tuple(one for one in held.credentials if one.kind is not CredentialKind.PLATE)
    fresh = Credential(id=CredentialId(new_id()), kind=CredentialKind.PLATE)
    plate = replace(old[0] if old else fresh, value=vehicle.details.plate)
    if old and old[0] == plate:
        return held
    wanted = replace(held, credentials=(*others, plate))
    return await access.put_holding(tx, services.keyring, vehicle.tenant, wanted)


async def _check_references(services: Services, tx: Transaction, vehicle: Vehicle) -> None:
    await _check_site(services, tx, vehicle.tenant, vehicle.details.home_site)
    if vehicle.details.keeper is not None:
        await people.get(tx, services.keyring, vehicle.tenant, vehicle.details.keeper)


async def _check_site(services: Services, tx: Transaction, tenant: TenantId, site: SiteId | None) -> None:
    if site is not None and site not in {one.id for one in await sites.sites(tx, services.keyring, tenant)}:
        raise BadInput("the home site is not there any more; reload and choose again")
