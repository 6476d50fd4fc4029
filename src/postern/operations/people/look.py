"""Look at the registry: lists of people and vehicles, and one of them in full. Journalled first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.access import store as access
from postern.access.model import Holding, SubjectKind
from postern.ids import PersonId, VehicleId
from postern.journal import store as journal
from postern.journal.model import Act, NumberedEntry
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.people import store as people
from postern.people.model import Person
from postern.privacy import store as privacy
from postern.privacy.model import Consent
from postern.sites import store as sites
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle
from postern.vehicles.plates import comparison_form

MOST_ROWS = 200
MOST_ROWS_ELSEWHERE = 10
"""Of a list, for those whose desk is not the registry: each row is a subject opened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonRow:
    """One line of a list of people."""

    person: Person
    references: int
    revoked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PeoplePage:
    """Those found, by name, cut at the limit; `total` is how many there were."""

    rows: tuple[PersonRow, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonFile:
    """Everything the registry holds of a person."""

    person: Person
    holding: Holding
    consents: tuple[Consent, ...]
    references: int
    photo_kept: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleRow:
    """One line of a list of vehicles."""

    vehicle: Vehicle
    revoked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VehiclesPage:
    """Those found, by plate, cut at the limit; `total` is how many there were."""

    rows: tuple[VehicleRow, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleFile:
    """Everything the registry holds of a vehicle."""

    vehicle: Vehicle
    holding: Holding
    keeper: str | None


async def warm(services: Services) -> None:
    """Open the registries in memory, which takes seconds for 50,000 people: done at the start, before
    somebody waits for it. Nothing is shown."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            await services.registry.people.by_name(tx, tenant)
            await services.registry.vehicles.all(tx, tenant)
            await services.registry.holdings.all(tx, tenant)
            await services.registry.employments.all(tx, tenant)


async def find_people(
    services: Services, actor: Actor, *, text: str = "", first: int = 0, limit: int = 50
) -> PeoplePage:
    """People whose name or employee number contains `text` (upper and lower case alike), or everyone.

    For those whose desk is the registry; for others short pages, whose rows count against their budget.
    """
    require(actor, Duty.SEE_PEOPLE)
    own_desk = may(actor, Duty.KEEP_PEOPLE)
    async with looking(services, actor) as tx:
        found = await services.registry.people.by_name(tx, actor.tenant, containing=text)
        page = found[first : first + min(limit, MOST_ROWS if own_desk else MOST_ROWS_ELSEWHERE)]
        counts = await people.reference_counts(tx, actor.tenant)
        holdings = await services.registry.holdings.all(tx, actor.tenant)
        revoked = {one.id for one in page if one.id in holdings and holdings[one.id].revoked}
        opening = _list(text, "list of people", [one.id for one in page], own_desk=own_desk)
        await open_subjects(services, tx, actor, opening)
    rows = [
        PersonRow(person=one, references=counts.get(one.id, 0), revoked=one.id in revoked) for one in page
    ]
    return PeoplePage(rows=tuple(rows), total=len(found))


def _list(text: str, purpose: str, shown: Sequence[UUID], *, own_desk: bool) -> Opening:
    searched = bool(text.strip())
    return Opening(
        act=Act.SEARCHED if searched else Act.LOOKED,
        purpose=purpose,
        subjects=shown,
        detail=text.strip(),
        own_desk=own_desk,
        on_purpose=searched,
    )


async def person_file(
    services: Services,
    actor: Actor,
    id: PersonId,
    *,
    purpose: str = "registry work",
    case: str | None = None,
) -> PersonFile:
    """Everything the registry holds of a person. Raises NotFound."""
    require(actor, Duty.SEE_PEOPLE)
    async with looking(services, actor) as tx:
        person = await people.get(tx, services.keyring, actor.tenant, id)
        held = await access.holding(tx, services.keyring, actor.tenant, id, SubjectKind.PERSON)
        consents = await privacy.consents(tx, services.keyring, actor.tenant, id)
        references = await people.references(tx, services.keyring, actor.tenant, [id])
        opening = Opening(act=Act.LOOKED, purpose=purpose, case=case, subjects=[id], detail="person")
        await open_subjects(services, tx, actor, opening)
    return PersonFile(
        person=person,
        holding=held,
        consents=tuple(consents),
        references=len(references),
        photo_kept=any(one.photo for one in references),
    )


async def find_vehicles(
    services: Services, actor: Actor, *, text: str = "", first: int = 0, limit: int = 50
) -> VehiclesPage:
    """Vehicles whose plate (O=0, I=1) or description contains `text`, or all; lists as those of people."""
    require(actor, Duty.SEE_VEHICLES)
    own_desk = may(actor, Duty.KEEP_VEHICLES)
    async with looking(services, actor) as tx:
        every = (await services.registry.vehicles.all(tx, actor.tenant)).values()
        found = sorted((one for one in every if _is_like(one, text)), key=lambda one: one.details.plate)
        page = found[first : first + min(limit, MOST_ROWS if own_desk else MOST_ROWS_ELSEWHERE)]
        holdings = await services.registry.holdings.all(tx, actor.tenant)
        revoked = {one.id for one in page if one.id in holdings and holdings[one.id].revoked}
        opening = _list(text, "list of vehicles", [one.id for one in page], own_desk=own_desk)
        await open_subjects(services, tx, actor, opening)
    rows = [VehicleRow(vehicle=one, revoked=one.id in revoked) for one in page]
    return VehiclesPage(rows=tuple(rows), total=len(found))


def _is_like(vehicle: Vehicle, text: str) -> bool:
    in_plate = comparison_form(text) in comparison_form(vehicle.details.plate)
    return not text.strip() or in_plate or text.strip().casefold() in vehicle.details.description.casefold()


async def vehicle_file(
    services: Services,
    actor: Actor,
    id: VehicleId,
    *,
    purpose: str = "registry work",
    case: str | None = None,
) -> VehicleFile:
    """Everything the registry holds of a vehicle, and its keeper's name. Raises NotFound."""
    require(actor, Duty.SEE_VEHICLES)
    async with looking(services, actor) as tx:
        vehicle = await vehicles.get(tx, services.keyring, actor.tenant, id)
        held = await access.holding(tx, services.keyring, actor.tenant, id, SubjectKind.VEHICLE)
        everyone = await services.registry.people.everyone(tx, actor.tenant)
        keeper = everyone.get(vehicle.details.keeper) if vehicle.details.keeper is not None else None
        subjects = [id, *([keeper.id] if keeper is not None else [])]
        opening = Opening(act=Act.LOOKED, purpose=purpose, case=case, subjects=subjects, detail="vehicle")
        await open_subjects(services, tx, actor, opening)
    return VehicleFile(
        vehicle=vehicle, holding=held, keeper=keeper.details.name if keeper is not None else None
    )


async def journal_page(
    services: Services, actor: Actor, *, before: int | None = None, limit: int = 50
) -> list[NumberedEntry]:
    """The journal, latest first. Reading it is in it, too."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        found = await journal.read(
            tx, services.keyring, actor.tenant, before=before, limit=min(limit, MOST_ROWS)
        )
        await trace(services, tx, actor, Act.LOOKED, purpose="journal")
    return found
