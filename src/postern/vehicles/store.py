"""Vehicles in the database: one sealed document a row, found by a blind index on the plate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from postern import blind_indexes as indexes
from postern import sealed_rows as rows
from postern.blind_indexes import IndexTable, Value
from postern.errors import Conflict
from postern.ids import TenantId, VehicleId
from postern.postgres.pool import Transaction
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.envelope import Key
from postern.sealing.keyring import Keyring, Purpose
from postern.vehicles.model import Vehicle, VehicleDetails
from postern.vehicles.plates import comparison_form

VEHICLE = Table(name="vehicle", thing="vehicle")
INDEX = IndexTable(name="vehicle_index", thing="vehicle", owner="vehicle_id")
PLATE_TAKEN = (
    "a vehicle is registered with this plate, or with one that cameras cannot tell from it "
    "(O and 0, I and 1 are read alike)"
)


async def add(tx: Transaction, keyring: Keyring, vehicle: Vehicle) -> None:
    """Store a new vehicle, whose keys exist. Conflict when the plate is another's (O=0, I=1) already."""
    await rows.insert(tx, VEHICLE, await _row(keyring, vehicle))
    await _index(tx, keyring, vehicle)


async def add_all(tx: Transaction, keyring: Keyring, tenant: TenantId, every: Sequence[Vehicle]) -> None:
    """Store many new vehicles of one tenant, whose keys exist. Conflict as in `add`; then none is."""
    keys = await keyring.subject_keys(tenant, [vehicle.id for vehicle in every], Purpose.IDENTITY)

    def sealed(every: Sequence[Vehicle]) -> list[Row]:
        return [_sealed_row(keys[vehicle.id], vehicle) for vehicle in every]

    await rows.insert_all(tx, VEHICLE, await rows.off_the_loop(sealed, every))
    found_by = [(vehicle.id, _value(vehicle.details.plate)) for vehicle in every]
    await indexes.add(tx, keyring, INDEX, tenant, found_by)


async def change(tx: Transaction, keyring: Keyring, vehicle: Vehicle) -> Vehicle:
    """Replace the vehicle of that version; returns it with the next. Conflict when stale."""
    changed = replace(vehicle, version=vehicle.version + 1)
    await rows.update(tx, VEHICLE, await _row(keyring, changed))
    await _index(tx, keyring, changed)
    return changed


async def remove(tx: Transaction, tenant: TenantId, id: VehicleId) -> None:
    """Remove the vehicle's row and index. The keys are destroyed by the caller."""
    await rows.take_hold(tx, VEHICLE, tenant, id)
    await indexes.drop(tx, INDEX, tenant, id)
    await rows.delete(tx, VEHICLE, tenant, id)


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, id: VehicleId) -> Vehicle:
    """The vehicle. Raises NotFound, or KeyDestroyed after an erasure."""
    row = await rows.one(tx, VEHICLE, tenant, id)
    key = await keyring.subject_key(tenant, id, Purpose.IDENTITY)
    details = rows.open_document(key, tenant, VEHICLE, row, VehicleDetails)
    return Vehicle(id=id, tenant=tenant, version=row.version, details=details)


class OpenVehicles:
    """The tenant's vehicles, open in memory, so that part of a plate can be found."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Vehicle] = OpenedRows(VEHICLE)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Vehicle]:
        """Every vehicle whose key is not destroyed, by id."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Vehicle]:
            return await _opened(self._keyring, tenant, changed)

        return await self._rows.current(tx, tenant, opener)


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Vehicle]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Vehicle]:
        return {
            row.id: Vehicle(
                id=VehicleId(row.id),
                tenant=tenant,
                version=row.version,
                details=rows.open_document(keys[row.id], tenant, VEHICLE, row, VehicleDetails),
            )
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def find_by_plate(tx: Transaction, keyring: Keyring, tenant: TenantId, plate: str) -> VehicleId | None:
    """The vehicle with that plate (O=0, I=1), or None."""
    found = await indexes.find(tx, keyring, INDEX, tenant, _value(plate))
    return None if found is None else VehicleId(found)


async def find_all_by_plate(
    tx: Transaction, keyring: Keyring, tenant: TenantId, plates: Iterable[str]
) -> dict[str, VehicleId]:
    """The vehicle with each of the plates (O=0, I=1); one that no vehicle has is absent."""
    normalised = {plate: _value(plate) for plate in plates}
    found = await indexes.find_all(tx, keyring, INDEX, tenant, list(normalised.values()))
    return {plate: VehicleId(found[one]) for plate, one in normalised.items() if one in found}


async def found_by(
    tx: Transaction, keyring: Keyring, tenant: TenantId, vehicles: Sequence[UUID]
) -> dict[UUID, list[Value]]:
    """What finds each of `vehicles`, from their opened rows, which stay so until `tx` ends; nothing finds one
    whose key is destroyed. LockNotAvailable when one is being changed."""
    held = await rows.held(tx, VEHICLE, tenant, vehicles)
    opened = await _opened(keyring, tenant, held)
    return {row.id: [_value(opened[row.id].details.plate)] if row.id in opened else [] for row in held}


async def _row(keyring: Keyring, vehicle: Vehicle) -> Row:
    return _sealed_row(await keyring.subject_key(vehicle.tenant, vehicle.id, Purpose.IDENTITY), vehicle)


def _sealed_row(key: Key, vehicle: Vehicle) -> Row:
    sealed = rows.seal_document(key, vehicle.tenant, VEHICLE, vehicle.id, vehicle.details)
    return Row(scope=vehicle.tenant, id=vehicle.id, version=vehicle.version, sealed=sealed)


async def _index(tx: Transaction, keyring: Keyring, vehicle: Vehicle) -> None:
    value = _value(vehicle.details.plate)
    try:
        await indexes.put(tx, keyring, INDEX, vehicle.tenant, owner=vehicle.id, values=[value])
    except Conflict as fault:
        raise Conflict(f"{PLATE_TAKEN}; look that vehicle up first") from fault


def _value(plate: str) -> Value:
    return Value(field="plate", text=comparison_form(plate))
