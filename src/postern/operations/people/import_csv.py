"""Import people, vehicles or visits (import_visits.py) from CSV: each line is judged before any is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, Holding, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import CredentialId, EmploymentId, PersonId, VehicleId, new_id
from postern.journal.model import Act
from postern.operations.people.import_lines import (
    EMPLOYMENT,
    Ground,
    ImportKind,
    ImportReport,
    LineReport,
    Parsed,
    read_line,
    read_rows,
)
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operations.visitors import import_visits
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import employment_store
from postern.people import store as people
from postern.people.employment import Contractor, Employments, Team, employment_of
from postern.people.model import Person, PersonDetails
from postern.postgres.pool import Transaction
from postern.sealing.keyring import ALL_PURPOSES, Purpose
from postern.sites import store as sites
from postern.sites.model import zone_of
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails

__all__ = ["ImportKind", "ImportReport", "LineReport", "apply_import", "check_import"]


async def check_import(services: Services, actor: Actor, *, kind: ImportKind, data: bytes) -> ImportReport:
    """A dry run: what is wrong with which line. Nothing is changed."""
    if kind is ImportKind.VISITS:
        return await import_visits.check_visits(services, actor, data)
    _require(actor, kind)
    async with services.database.transaction(actor.tenant) as tx:
        report, _ = await _checked(services, tx, actor, kind, data)
    return report


async def apply_import(
    services: Services, actor: Actor, *, kind: ImportKind, data: bytes, skip_bad: bool = False
) -> ImportReport:
    """Take in the file's lines in one transaction. Raises BadInput while a line is bad, unless `skip_bad`."""
    if kind is ImportKind.VISITS:
        return await import_visits.take_visits(services, actor, data, skip_bad=skip_bad)
    _require(actor, kind)
    async with services.database.transaction(actor.tenant) as tx:
        report, good = await _checked(services, tx, actor, kind, data)
        if report.bad and not skip_bad:
            raise BadInput(
                f"{len(report.bad)} of {len(report.lines)} lines are refused; "
                "correct them, or skip them on purpose"
            )
        subjects = await _store(services, tx, actor, kind, good)
        await mark_stale(services, tx, actor.tenant)
        await trace(services, tx, actor, Act.ADDED, purpose=f"import of {kind.value}", subjects=subjects)
    return ImportReport(lines=report.lines, applied=len(good))


def _require(actor: Actor, kind: ImportKind) -> None:
    require(actor, Duty.CHANGE_PEOPLE if kind is ImportKind.PEOPLE else Duty.CHANGE_VEHICLES)
    require(actor, Duty.CHANGE_ACCESS)


async def _checked(
    services: Services, tx: Transaction, actor: Actor, kind: ImportKind, data: bytes
) -> tuple[ImportReport, list[Parsed]]:
    ground = await _ground(services, tx, actor)
    problems: dict[int, str] = {}
    parsed: list[Parsed] = []
    seen: dict[tuple[str, str], int] = {}
    rows = read_rows(data, kind)
    if any(fields.get(name) for _, fields in rows for name in EMPLOYMENT):
        require(actor, Duty.CHANGE_EMPLOYMENTS)
    for number, fields in rows:
        try:
            one = read_line(kind, number, fields, ground)
            _check_unique(one, seen)
        except (BadInput, Conflict) as fault:
            problems[number] = str(fault)
        else:
            parsed.append(one)
    known = await _known(services, tx, actor, parsed)
    problems |= {one.line: why for one in parsed if (why := _taken(one, known))}
    problems |= _without_manager(parsed, known, problems)
    reports = tuple(LineReport(line=number, problem=problems.get(number, "")) for number, _ in rows)
    return ImportReport(lines=reports), [
        replace(one, keeper=known.employees.get(one.keeper_number or ""))
        for one in parsed
        if one.line not in problems
    ]


async def _ground(services: Services, tx: Transaction, actor: Actor) -> Ground:
    levels = await access.rules(tx, services.keyring, actor.tenant, AccessLevel)
    places = await sites.sites(tx, services.keyring, actor.tenant)
    teams = await employment_store.units(tx, services.keyring, actor.tenant, Team)
    contractors = await employment_store.units(tx, services.keyring, actor.tenant, Contractor)
    return Ground(
        levels={one.name.casefold(): one.id for one in levels},
        zone=zone_of(places[0].time_zone if places else "UTC"),
        teams={one.name.casefold(): one.id for one in teams},
        contractors={one.name.casefold(): one.id for one in contractors},
        sites={one.name.casefold(): one.id for one in places},
    )


def _check_unique(parsed: Parsed, seen: dict[tuple[str, str], int]) -> None:
    for what in parsed.unique():
        if what in seen:
            raise Conflict(f"the {what[0]} is in line {seen[what]} already")
    seen |= dict.fromkeys(parsed.unique(), parsed.line)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What of the file is in the registry already, looked up at once."""

    employees: Mapping[str, PersonId]
    residents: Mapping[str, PersonId]
    cards: Mapping[str, UUID]
    plates: Mapping[str, VehicleId]


async def _known(services: Services, tx: Transaction, actor: Actor, parsed: Sequence[Parsed]) -> _Known:
    keyring, tenant = services.keyring, actor.tenant
    listed = [one.details for one in parsed if isinstance(one.details, PersonDetails)]
    numbers = {one.employee_number for one in listed} | {
        number for one in parsed for number in (one.keeper_number, one.manager_number)
    }
    return _Known(
        employees=await people.find_all(
            tx, keyring, tenant, field="employee_number", values={one for one in numbers if one}
        ),
        residents=await people.find_all(
            tx,
            keyring,
            tenant,
            field="resident_id_number",
            values={one.resident_id_number for one in listed if one.resident_id_number},
        ),
        cards=await access.find_all_by_card(tx, keyring, tenant, {one.card for one in parsed if one.card}),
        plates=await vehicles.find_all_by_plate(
            tx,
            keyring,
            tenant,
            {one.details.plate for one in parsed if isinstance(one.details, VehicleDetails)},
        ),
    )


def _taken(parsed: Parsed, known: _Known) -> str:
    """Why the line cannot be taken as the registry stands; empty when it can."""
    if isinstance(parsed.details, VehicleDetails):
        if parsed.details.plate in known.plates:
            return vehicles.PLATE_TAKEN
        if parsed.keeper_number and parsed.keeper_number not in known.employees:
            return "nobody has the keeper's employee number; import the people first"
        return ""
    if parsed.details.employee_number in known.employees:
        return "somebody has this employee number already"
    if parsed.details.resident_id_number in known.residents:
        return "somebody has this resident id number already"
    return "somebody holds this card already" if parsed.card in known.cards else ""


def _without_manager(parsed: Sequence[Parsed], known: _Known, problems: Mapping[int, str]) -> dict[int, str]:
    """Lines whose manager is neither in the registry nor in a good line; and so on down from those."""
    found: dict[int, str] = {}
    while True:
        good = {
            _number(one)
            for one in parsed
            if one.line not in problems and one.line not in found and _number(one)
        }
        fresh = {
            one.line: "nobody has the manager's employee number, here or in a good line of the file"
            for one in parsed
            if one.manager_number
            and one.line not in problems
            and one.line not in found
            and one.manager_number not in known.employees
            and (one.manager_number.upper() not in good or one.manager_number.upper() == _number(one))
        }
        if not fresh:
            return found
        found |= fresh


def _number(one: Parsed) -> str:
    """The employee number of a line of people, as numbers are compared."""
    number = one.details.employee_number if isinstance(one.details, PersonDetails) else None
    return (number or "").strip().upper()


async def _store(
    services: Services, tx: Transaction, actor: Actor, kind: ImportKind, good: Sequence[Parsed]
) -> list[UUID]:
    """Keys, rows and holdings of all at once: one by one, 20,000 lines would take minutes."""
    subjects = [new_id() for _ in good]
    purposes = [one for one in ALL_PURPOSES if one is not Purpose.FACE]
    await services.keyring.new_keys_of_all(actor.tenant, subjects, purposes)
    pairs = list(zip(subjects, good, strict=True))
    if kind is ImportKind.PEOPLE:
        await people.add_all(tx, services.keyring, actor.tenant, [_person(actor, *pair) for pair in pairs])
        await _employ(services, tx, actor, pairs)
    else:
        await vehicles.add_all(tx, services.keyring, actor.tenant, [_vehicle(actor, *pair) for pair in pairs])
    await access.add_holdings(tx, services.keyring, actor.tenant, [_holding(*pair) for pair in pairs])
    return subjects


async def _employ(
    services: Services, tx: Transaction, actor: Actor, pairs: Sequence[tuple[UUID, Parsed]]
) -> None:
    """Their employments; a manager is looked for in the file itself first."""
    tenant = actor.tenant
    here = {_number(one): PersonId(subject) for subject, one in pairs if _number(one)}
    wanted = {one.manager_number for _, one in pairs if one.manager_number}
    before = await people.find_all(tx, services.keyring, tenant, field="employee_number", values=wanted)
    places = await sites.sites(tx, services.keyring, tenant)
    zones = {one.id: zone_of(one.time_zone) for one in places}
    first = zone_of(places[0].time_zone if places else "UTC")
    fresh = []
    for subject, one in pairs:
        if one.terms is None:
            continue
        number = one.manager_number or ""
        manager = here.get(number.upper()) or before.get(number)
        zone = first if one.terms.site is None else zones[one.terms.site]
        terms = replace(one.terms, manager=manager)
        employment = employment_of(EmploymentId(new_id()), terms, zone)
        fresh.append(Employments(person=PersonId(subject), every=(employment,)))
    await employment_store.add_all(tx, services.keyring, tenant, fresh)


def _person(actor: Actor, subject: UUID, one: Parsed) -> Person:
    if not isinstance(one.details, PersonDetails):
        raise TypeError("a line of people is expected")
    return Person(id=PersonId(subject), tenant=actor.tenant, version=1, details=one.details)


def _vehicle(actor: Actor, subject: UUID, one: Parsed) -> Vehicle:
    if not isinstance(one.details, VehicleDetails):
        raise TypeError("a line of vehicles is expected")
    details = replace(one.details, keeper=one.keeper)
    return Vehicle(id=VehicleId(subject), tenant=actor.tenant, version=1, details=details)


def _holding(subject: UUID, one: Parsed) -> Holding:
    if isinstance(one.details, VehicleDetails):
        kind, presented = SubjectKind.VEHICLE, [(CredentialKind.PLATE, one.details.plate)]
    else:
        kind, presented = SubjectKind.PERSON, [(CredentialKind.CARD, one.card)] if one.card else []
    credentials = tuple(
        Credential(id=CredentialId(new_id()), kind=credential, value=value) for credential, value in presented
    )
    return Holding(subject=subject, kind=kind, credentials=credentials, grants=one.grants)
