"""Vehicle: what the registry knows of one. All of it is sealed under the vehicle's identity key."""

from __future__ import annotations

from dataclasses import dataclass

from postern.errors import BadInput
from postern.ids import PersonId, SiteId, TenantId, VehicleId
from postern.nature import Nature
from postern.vehicles.plates import normalise

LONGEST_PLATE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleDetails:
    """What an operator fills in. `plate` is stored normalised; `keeper` is a person of the registry."""

    plate: str
    country: str | None = None
    keeper: PersonId | None = None
    home_site: SiteId | None = None
    description: str = ""
    nature: Nature = Nature.REAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """A vehicle in the registry; `version` grows by one with every change."""

    id: VehicleId
    tenant: TenantId
    version: int
    details: VehicleDetails


def checked_vehicle(details: VehicleDetails) -> VehicleDetails:
    """With the plate normalised. Raises BadInput when that leaves none, or too long a one."""
    plate = normalise(details.plate)
    if not 2 <= len(plate) <= LONGEST_PLATE:
        raise BadInput(f"a plate has 2 to {LONGEST_PLATE} letters and digits; check what was typed")
    country = (details.country or "").strip().upper() or None
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadInput("give the country as two letters, for example DE or CN")
    return VehicleDetails(
        plate=plate,
        country=country,
        keeper=details.keeper,
        home_site=details.home_site,
        description=details.description.strip()[:200],
        nature=details.nature,
    )
