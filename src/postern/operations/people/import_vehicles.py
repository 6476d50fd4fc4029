"""Vehicles from a CSV file. Columns: plate, country, description, keeper_employee_number, access_levels,
valid_from, valid_until. Only `plate` is needed; a plate that is registered already is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import CredentialId, PersonId, VehicleId, new_id
from postern.operations.people.import_lines import (
    LineReport,
    Outcome,
    Plan,
    Rows,
    Taken,
    first_only,
    first_zone,
    levels_of,
    new_keys,
    refused,
    text_of,
    validity_of,
)
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.spans import ALWAYS
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails, checked_vehicle
from postern.vehicles.plates import comparison_form


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A line that can be read."""

    line: int
    details: VehicleDetails
    grants: tuple[Grant, ...]
    keeper: str

    def vehicle(self, actor: Actor, keeper: PersonId | None) -> Vehicle:
        details = replace(self.details, keeper=keeper)
        return Vehicle(id=VehicleId(new_id()), tenant=actor.tenant, version=1, details=details)

    def holding(self, vehicle: Vehicle) -> Holding:
        plate = Credential(id=CredentialId(new_id()), kind=CredentialKind.PLATE, value=self.details.plate)
        return Holding(subject=vehicle.id, kind=SubjectKind.VEHICLE, credentials=(plate,), grants=self.grants)


async def plan_vehicles(services: Services, tx: Transaction, actor: Actor, rows: Rows) -> Plan:
    """What becomes of each line."""
    require(actor, Duty.CHANGE_VEHICLES)
    require(actor, Duty.CHANGE_ACCESS)
    keyring, tenant = services.keyring, actor.tenant
    read, problems = await _read(services, tx, actor, rows)
    plates = await vehicles.find_all_by_plate(tx, keyring, tenant, {one.details.plate for one in read})
    numbers = {one.keeper for one in read if one.keeper}
    keepers = await people.find_all(tx, keyring, tenant, field="employee_number", values=numbers)
    for one in read:
        if one.details.plate in plates:
            problems[one.line] = vehicles.PLATE_TAKEN
        elif one.keeper and one.keeper not in keepers:
            problems[one.line] = "nobody has the keeper's employee number; import the people first"
    good = [one for one in read if one.line not in problems]
    return Plan(
        lines=tuple(
            refused(number, problems[number])
            if number in problems
            else LineReport(line=number, outcome=Outcome.NEW)
            for number, _ in rows
        ),
        known={one: () for one in (*plates.values(), *keepers.values())},
        take=partial(_take, services, tx, actor, good, keepers),
    )


async def _read(
    services: Services, tx: Transaction, actor: Actor, rows: Rows
) -> tuple[list[_Line], dict[int, str]]:
    rules = await access.rules(tx, services.keyring, actor.tenant, AccessLevel)
    levels = {one.name.casefold(): one.id for one in rules}
    zone = first_zone(await sites.sites(tx, services.keyring, actor.tenant))
    found: list[_Line] = []
    problems: dict[int, str] = {}
    seen: dict[tuple[str, str], int] = {}
    for number, fields in rows:
        try:
            span = validity_of(fields, zone).over(ALWAYS)
            one = _line(
                number, fields, tuple(Grant(level=id, valid=span) for id in levels_of(fields, levels))
            )
            plate = comparison_form(one.details.plate)
            first_only(seen, number, {"plate (O and 0, I and 1 are read alike)": plate})
        except (BadInput, Conflict) as fault:
            problems[number] = str(fault)
        else:
            found.append(one)
    return found, problems


def _line(number: int, fields: Mapping[str, str], grants: tuple[Grant, ...]) -> _Line:
    details = VehicleDetails(
        plate=text_of(fields, "plate"),
        country=fields.get("country") or None,
        description=fields.get("description", ""),
    )
    keeper = fields.get("keeper_employee_number", "")
    return _Line(line=number, details=checked_vehicle(details), grants=grants, keeper=keeper)


async def _take(
    services: Services,
    tx: Transaction,
    actor: Actor,
    good: Sequence[_Line],
    keepers: Mapping[str, PersonId],
) -> Taken:
    pairs = [(one, one.vehicle(actor, keepers.get(one.keeper))) for one in good]
    fresh = [vehicle for _, vehicle in pairs]
    held = [one.holding(vehicle) for one, vehicle in pairs]
    await new_keys(services.keyring, actor.tenant, [one.id for one in fresh])
    await vehicles.add_all(tx, services.keyring, actor.tenant, fresh)
    await access.put_holdings(tx, services.keyring, actor.tenant, held)
    return Taken(added=[one.id for one in fresh])
