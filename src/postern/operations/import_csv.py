"""Import people with cards, or vehicles with plates, from CSV: every line is reported on before any is taken.

Columns of people: name, employee_number, resident_id_number, sex, birth_date, card, access_levels,
valid_from, valid_until. Columns of vehicles: plate, country, description, keeper_employee_number,
access_levels, valid_from, valid_until. Only `name` or `plate` is needed. Access levels are separated by
semicolons, dates are YYYY-MM-DD (UTC). Text is UTF-8 or GB 18030; the separator a comma, semicolon or tab.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import AccessLevelId, CredentialId, PersonId, VehicleId, new_id
from postern.journal.model import Act
from postern.operations.credentials import card_number
from postern.operations.publish_policy import mark_stale
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.people.model import Person, PersonDetails, Sex, checked_details
from postern.postgres.pool import Transaction
from postern.sealing.keyring import ALL_PURPOSES, Purpose
from postern.spans import Span
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails, checked_vehicle
from postern.vehicles.plates import comparison_form

MOST_LINES = 20_000
_KEYS_AT_ONCE = 50
T = TypeVar("T")


class ImportKind(StrEnum):
    """What the file lists."""

    PEOPLE = "people"
    VEHICLES = "vehicles"


@dataclass(frozen=True, kw_only=True, slots=True)
class LineReport:
    """A line of the file (the heading is line 1); `problem` says why it is refused, empty when it is good."""

    line: int
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """Every line with its problem, if it has one; `applied`: how many were taken in (0 in a dry run)."""

    lines: tuple[LineReport, ...]
    applied: int = 0

    @property
    def bad(self) -> tuple[LineReport, ...]:
        """The refused lines."""
        return tuple(one for one in self.lines if one.problem)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parsed:
    """A good line, ready to be stored."""

    line: int
    details: PersonDetails | VehicleDetails
    grants: tuple[Grant, ...]
    card: str | None = None
    keeper_number: str | None = None
    keeper: PersonId | None = None

    def unique(self) -> list[tuple[str, str]]:
        """What no two lines may share."""
        if isinstance(self.details, VehicleDetails):
            return [("plate (O and 0, I and 1 are read alike)", comparison_form(self.details.plate))]
        values = {
            "employee number": self.details.employee_number,
            "resident ID number": self.details.resident_id_number,
            "card": self.card,
        }
        return [(name, value.upper()) for name, value in values.items() if value]


async def check_import(services: Services, actor: Actor, *, kind: ImportKind, data: bytes) -> ImportReport:
    """A dry run: what is wrong with which line. Nothing is changed."""
    _require(actor, kind)
    async with services.database.transaction(actor.tenant) as tx:
        report, _ = await _checked(services, tx, actor, kind, data)
    return report


async def apply_import(
    services: Services, actor: Actor, *, kind: ImportKind, data: bytes, skip_bad: bool = False
) -> ImportReport:
    """Take in the file's lines in one transaction. Raises BadInput while a line is bad, unless `skip_bad`."""
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
) -> tuple[ImportReport, list[_Parsed]]:
    levels = {
        one.name.casefold(): one.id
        for one in await access.rules(tx, services.keyring, actor.tenant, AccessLevel)
    }
    parse = _person_line if kind is ImportKind.PEOPLE else _vehicle_line
    problems: dict[int, str] = {}
    parsed: list[_Parsed] = []
    seen: dict[tuple[str, str], int] = {}
    rows = _rows(data, kind)
    for number, fields in rows:
        try:
            one = parse(number, fields, levels)
            _check_unique(one, seen)
        except (BadInput, Conflict) as fault:
            problems[number] = str(fault)
        else:
            parsed.append(one)
    known = await _known(services, tx, actor, parsed)
    problems |= {one.line: why for one in parsed if (why := _taken(one, known))}
    reports = tuple(LineReport(line=number, problem=problems.get(number, "")) for number, _ in rows)
    return ImportReport(lines=reports), [
        replace(one, keeper=known.employees.get(one.keeper_number or ""))
        for one in parsed
        if one.line not in problems
    ]


_SHARED = ("access_levels", "valid_from", "valid_until")
_COLUMNS: dict[ImportKind, frozenset[str]] = {
    ImportKind.PEOPLE: frozenset(
        {"name", "employee_number", "resident_id_number", "sex", "birth_date", "card", *_SHARED}
    ),
    ImportKind.VEHICLES: frozenset({"plate", "country", "description", "keeper_employee_number", *_SHARED}),
}


def _rows(data: bytes, kind: ImportKind) -> list[tuple[int, Mapping[str, str]]]:
    """The file's lines as fields by column. Raises BadInput when the file as a whole cannot be used."""
    text = _text(data)
    heading = text.split("\n", 1)[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
    needed = "name" if kind is ImportKind.PEOPLE else "plate"
    unknown = [name for name in columns if name not in _COLUMNS[kind]]
    if needed not in columns or unknown:
        wrong = f"unknown: {', '.join(unknown)[:100]}" if unknown else f"missing: {needed}"
        raise BadInput(
            f"the first line must name the columns ({wrong}); known: {', '.join(sorted(_COLUMNS[kind]))}"
        )
    reader.fieldnames = columns
    try:
        rows = [(reader.line_num, _fields(row)) for row in reader]
    except csv.Error as fault:
        raise BadInput(
            f"line {reader.line_num} is no CSV; look for a quotation mark without its partner"
        ) from fault
    if len(rows) > MOST_LINES:
        raise BadInput(f"the file has more than {MOST_LINES} lines; split it")
    return rows


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    raise BadInput("the file is neither UTF-8 nor GB 18030; save it as UTF-8")


def _fields(row: Mapping[str | None, str | list[str] | None]) -> Mapping[str, str]:
    if None in row:
        return {"": "too many"}
    return {name: value.strip() for name, value in row.items() if name and isinstance(value, str)}


def _person_line(line: int, fields: Mapping[str, str], levels: Mapping[str, AccessLevelId]) -> _Parsed:
    details = checked_details(
        PersonDetails(
            name=_of(fields, "name"),
            employee_number=fields.get("employee_number") or None,
            resident_id_number=fields.get("resident_id_number") or None,
            sex=_read(fields, "sex", _sex, "write female, male or other"),
            birth_date=_read(fields, "birth_date", date.fromisoformat, "write the birth date as 1990-12-31"),
        )
    )
    card = card_number(fields["card"]) if fields.get("card") else None
    return _Parsed(line=line, details=details, grants=_grants(fields, levels), card=card)


def _vehicle_line(line: int, fields: Mapping[str, str], levels: Mapping[str, AccessLevelId]) -> _Parsed:
    details = checked_vehicle(
        VehicleDetails(
            plate=_of(fields, "plate"),
            country=fields.get("country") or None,
            description=fields.get("description", ""),
        )
    )
    keeper = fields.get("keeper_employee_number") or None
    return _Parsed(line=line, details=details, grants=_grants(fields, levels), keeper_number=keeper)


def _of(fields: Mapping[str, str], name: str) -> str:
    if "" in fields:
        raise BadInput(
            "the line has more fields than the heading; put quotation marks around text with commas"
        )
    return fields.get(name, "")


def _sex(text: str) -> Sex:
    return {"女": Sex.FEMALE, "男": Sex.MALE}.get(text) or Sex(text.lower())


def _read(fields: Mapping[str, str], name: str, parse: Callable[[str], T], advice: str) -> T | None:
    text = fields.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as fault:
        raise BadInput(f"{name}: {advice}") from fault


def _grants(fields: Mapping[str, str], levels: Mapping[str, AccessLevelId]) -> tuple[Grant, ...]:
    names = [one.strip() for one in fields.get("access_levels", "").split(";") if one.strip()]
    unknown = [name for name in names if name.casefold() not in levels]
    if unknown:
        raise BadInput(f"there is no access level {unknown[0]!r}; add it first, or correct its name")
    first = _read(fields, "valid_from", date.fromisoformat, "write the date as 2026-12-31")
    last = _read(fields, "valid_until", date.fromisoformat, "write the date as 2026-12-31")
    if first and last and last < first:
        raise BadInput("valid_until lies before valid_from")
    valid = Span(
        start=datetime.combine(first, time(), UTC) if first else None,
        end=datetime.combine(last + timedelta(days=1), time(), UTC) if last else None,
    )
    return tuple(Grant(level=levels[name.casefold()], valid=valid) for name in names)


def _check_unique(parsed: _Parsed, seen: dict[tuple[str, str], int]) -> None:
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


async def _known(services: Services, tx: Transaction, actor: Actor, parsed: Sequence[_Parsed]) -> _Known:
    keyring, tenant = services.keyring, actor.tenant
    listed = [one.details for one in parsed if isinstance(one.details, PersonDetails)]
    numbers = {one.employee_number for one in listed} | {one.keeper_number for one in parsed}
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


def _taken(parsed: _Parsed, known: _Known) -> str:
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


async def _store(
    services: Services, tx: Transaction, actor: Actor, kind: ImportKind, good: Sequence[_Parsed]
) -> list[UUID]:
    """Keys, rows and holdings of all at once: one by one, 20,000 lines would take minutes."""
    subjects = [new_id() for _ in good]
    await _new_keys(services, actor, subjects)
    pairs = list(zip(subjects, good, strict=True))
    if kind is ImportKind.PEOPLE:
        await people.add_all(tx, services.keyring, actor.tenant, [_person(actor, *pair) for pair in pairs])
    else:
        await vehicles.add_all(tx, services.keyring, actor.tenant, [_vehicle(actor, *pair) for pair in pairs])
    await access.add_holdings(tx, services.keyring, actor.tenant, [_holding(*pair) for pair in pairs])
    return subjects


def _person(actor: Actor, subject: UUID, one: _Parsed) -> Person:
    if not isinstance(one.details, PersonDetails):
        raise TypeError("a line of people is expected")
    return Person(id=PersonId(subject), tenant=actor.tenant, version=1, details=one.details)


def _vehicle(actor: Actor, subject: UUID, one: _Parsed) -> Vehicle:
    if not isinstance(one.details, VehicleDetails):
        raise TypeError("a line of vehicles is expected")
    details = replace(one.details, keeper=one.keeper)
    return Vehicle(id=VehicleId(subject), tenant=actor.tenant, version=1, details=details)


def _holding(subject: UUID, one: _Parsed) -> Holding:
    if isinstance(one.details, VehicleDetails):
        kind, presented = SubjectKind.VEHICLE, [(CredentialKind.PLATE, one.details.plate)]
    else:
        kind, presented = SubjectKind.PERSON, [(CredentialKind.CARD, one.card)] if one.card else []
    credentials = tuple(
        Credential(id=CredentialId(new_id()), kind=credential, value=value) for credential, value in presented
    )
    return Holding(subject=subject, kind=kind, credentials=credentials, grants=one.grants)


async def _new_keys(services: Services, actor: Actor, subjects: Sequence[UUID]) -> None:
    purposes: Sequence[Purpose] = [one for one in ALL_PURPOSES if one is not Purpose.FACE]
    for first in range(0, len(subjects), _KEYS_AT_ONCE):
        await asyncio.gather(
            *(
                services.keyring.new_subject_keys(actor.tenant, subject, purposes)
                for subject in subjects[first : first + _KEYS_AT_ONCE]
            )
        )
