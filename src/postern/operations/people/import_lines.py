"""Read the lines of a CSV file of people or vehicles; what each column may hold, and what is wrong with it.

Columns of people: name, employee_number, resident_id_number, sex, birth_date, card, access_levels,
valid_from, valid_until; of their employment: first_day, last_day, contractor, team, manager_employee_number,
site, occupation, pay_profile, where `first_day` is needed for any of the others. Columns of vehicles: plate,
country, description, keeper_employee_number, access_levels, valid_from, valid_until. Only `name` or `plate`
is needed. Access levels are separated by semicolons. Dates are YYYY-MM-DD, and a validity begins and ends at
midnight by the clock on the wall of the organisation's first site. Text is UTF-8 or GB 18030; the separator a
comma, semicolon or tab.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from postern.access.model import Grant
from postern.errors import BadInput
from postern.ids import AccessLevelId, ContractorId, PersonId, SiteId, TeamId
from postern.operations.people.credentials import card_number
from postern.people.employment import Terms, checked_terms
from postern.people.model import PersonDetails, Sex, checked_details
from postern.spans import Span
from postern.vehicles.model import VehicleDetails, checked_vehicle
from postern.vehicles.plates import comparison_form

MOST_LINES = 20_000
T = TypeVar("T")


class ImportKind(StrEnum):
    """What the file lists."""

    PEOPLE = "people"
    VEHICLES = "vehicles"
    VISITS = "visits"


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
class Ground:
    """What a line is read against: access levels, teams, contractors and sites by their names in lower case,
    and whose midnights count."""

    levels: Mapping[str, AccessLevelId]
    zone: ZoneInfo
    teams: Mapping[str, TeamId] = field(default_factory=dict)
    contractors: Mapping[str, ContractorId] = field(default_factory=dict)
    sites: Mapping[str, SiteId] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A line that can be read. `keeper` and the terms' manager are found later, by their numbers."""

    line: int
    details: PersonDetails | VehicleDetails
    grants: tuple[Grant, ...]
    card: str | None = None
    keeper_number: str | None = None
    keeper: PersonId | None = None
    terms: Terms | None = None
    manager_number: str | None = None

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


_SHARED = ("access_levels", "valid_from", "valid_until")
EMPLOYMENT = (
    "first_day",
    "last_day",
    "contractor",
    "team",
    "manager_employee_number",
    "site",
    "occupation",
    "pay_profile",
)
"""Columns that only those may fill who keep employments."""
_COLUMNS: dict[ImportKind, frozenset[str]] = {
    ImportKind.PEOPLE: frozenset(
        {"name", "employee_number", "resident_id_number", "sex", "birth_date", "card", *_SHARED, *EMPLOYMENT}
    ),
    ImportKind.VEHICLES: frozenset({"plate", "country", "description", "keeper_employee_number", *_SHARED}),
    ImportKind.VISITS: frozenset(
        {"name", "company", "mail", "purpose", "language"}
        | {"host_employee_number", "site", "start", "end", "access_level"}
    ),
}


def read_rows(data: bytes, kind: ImportKind) -> list[tuple[int, Mapping[str, str]]]:
    """The file's lines as fields by column. Raises BadInput when the file as a whole cannot be used."""
    text = _text(data)
    heading = text.split("\n", 1)[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
    needed = "plate" if kind is ImportKind.VEHICLES else "name"
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


def read_line(kind: ImportKind, line: int, fields: Mapping[str, str], ground: Ground) -> Parsed:
    """What a line says. Raises BadInput with what to correct."""
    return (
        _person_line(line, fields, ground)
        if kind is ImportKind.PEOPLE
        else _vehicle_line(line, fields, ground)
    )


def _person_line(line: int, fields: Mapping[str, str], ground: Ground) -> Parsed:
    details = checked_details(
        PersonDetails(
            name=text_of(fields, "name"),
            employee_number=fields.get("employee_number") or None,
            resident_id_number=fields.get("resident_id_number") or None,
            sex=read_field(fields, "sex", _sex, "write female, male or other"),
            birth_date=read_field(
                fields, "birth_date", date.fromisoformat, "write the birth date as 1990-12-31"
            ),
        )
    )
    card = card_number(fields["card"]) if fields.get("card") else None
    return Parsed(
        line=line,
        details=details,
        grants=_grants(fields, ground),
        card=card,
        terms=_terms(fields, ground),
        manager_number=fields.get("manager_employee_number") or None,
    )


def _terms(fields: Mapping[str, str], ground: Ground) -> Terms | None:
    """The employment in a line, if it has any of its columns filled."""
    if not any(fields.get(name) for name in EMPLOYMENT):
        return None
    first = read_field(fields, "first_day", _day, "write the date as 2026-12-31")
    if first is None:
        raise BadInput("an employment needs its first_day")
    return checked_terms(
        Terms(
            first=first,
            last=read_field(fields, "last_day", _day, "write the date as 2026-12-31"),
            contractor=named_field(fields, "contractor", ground.contractors),
            team=named_field(fields, "team", ground.teams),
            site=named_field(fields, "site", ground.sites),
            occupation=fields.get("occupation", ""),
            pay_profile=fields.get("pay_profile", ""),
        )
    )


def named_field(fields: Mapping[str, str], name: str, known: Mapping[str, T]) -> T | None:
    text = " ".join(fields.get(name, "").split())
    if not text:
        return None
    if text.casefold() not in known:
        raise BadInput(f"there is no {name} {text!r}; add it first, or correct its name")
    return known[text.casefold()]


def _vehicle_line(line: int, fields: Mapping[str, str], ground: Ground) -> Parsed:
    details = checked_vehicle(
        VehicleDetails(
            plate=text_of(fields, "plate"),
            country=fields.get("country") or None,
            description=fields.get("description", ""),
        )
    )
    keeper = fields.get("keeper_employee_number") or None
    return Parsed(line=line, details=details, grants=_grants(fields, ground), keeper_number=keeper)


def text_of(fields: Mapping[str, str], name: str) -> str:
    if "" in fields:
        raise BadInput(
            "the line has more fields than the heading; put quotation marks around text with commas"
        )
    return fields.get(name, "")


def _sex(text: str) -> Sex:
    return {"女": Sex.FEMALE, "男": Sex.MALE}.get(text) or Sex(text.lower())


def read_field(fields: Mapping[str, str], name: str, parse: Callable[[str], T], advice: str) -> T | None:
    text = fields.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as fault:
        raise BadInput(f"{name}: {advice}") from fault


def _grants(fields: Mapping[str, str], ground: Ground) -> tuple[Grant, ...]:
    names = [one.strip() for one in fields.get("access_levels", "").split(";") if one.strip()]
    unknown = [name for name in names if name.casefold() not in ground.levels]
    if unknown:
        raise BadInput(f"there is no access level {unknown[0]!r}; add it first, or correct its name")
    first = read_field(fields, "valid_from", _day, "write the date as 2026-12-31")
    last = read_field(fields, "valid_until", _day, "write the date as 2026-12-31")
    if first and last and last < first:
        raise BadInput("valid_until lies before valid_from")
    valid = Span(
        start=datetime.combine(first, time(), ground.zone) if first else None,
        end=_end_of(last, ground.zone) if last else None,
    )
    return tuple(Grant(level=ground.levels[name.casefold()], valid=valid) for name in names)


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.year < 1900:
        raise ValueError("a slip")
    return day


def _end_of(day: date, zone: ZoneInfo) -> datetime | None:
    """The midnight that ends it. The year 9999 is how many programs write "for ever"."""
    return None if day.year == date.max.year else datetime.combine(day + timedelta(days=1), time(), zone)
