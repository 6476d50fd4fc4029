"""What a line of people says. An empty field says nothing.

Columns: id (as our export writes it), name, employee_number, resident_id_number, sex, birth_date, home_site,
mail, notes, card, access_levels (separated by semicolons), valid_from, valid_until; of their employment:
first_day, last_day, contractor, team, manager_employee_number, site, occupation, pay_profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.errors import BadInput
from postern.ids import AccessLevelId, ContractorId, PersonId, SiteId, TeamId
from postern.operations.people.credentials import card_number
from postern.operations.people.import_lines import (
    EMPLOYMENT,
    WRITE_DAY,
    Validity,
    a_day,
    levels_of,
    named_field,
    read_field,
    text_of,
    validity_of,
)
from postern.people.employment import Terms
from postern.people.model import PersonDetails, Sex, checked_details


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a line is read against: names in lower case, and whose midnights count."""

    zone: ZoneInfo
    zones: Mapping[SiteId, ZoneInfo] = field(default_factory=dict)
    levels: Mapping[str, AccessLevelId] = field(default_factory=dict)
    teams: Mapping[str, TeamId] = field(default_factory=dict)
    contractors: Mapping[str, ContractorId] = field(default_factory=dict)
    sites: Mapping[str, SiteId] = field(default_factory=dict)
    """By name, and by the number that our export writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsLine:
    """What a line says of an employment."""

    first: date | None
    last: date | None
    contractor: ContractorId | None
    team: TeamId | None
    site: SiteId | None
    occupation: str
    pay_profile: str

    def over(self, before: Terms | None, manager: PersonId | None) -> Terms:
        """The terms before, with what the line says of them; those of a new employment without any."""
        if before is None:
            if self.first is None:
                raise BadInput("an employment needs its first_day")
            before = Terms(first=self.first)
        ends_elsewhere = self.last is not None and self.last != before.last
        return replace(
            before,
            last=self.last or before.last,
            until=None if ends_elsewhere else before.until,
            contractor=self.contractor or before.contractor,
            team=self.team or before.team,
            manager=manager or before.manager,
            site=self.site or before.site,
            occupation=self.occupation or before.occupation,
            pay_profile=self.pay_profile or before.pay_profile,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonLine:
    """A line that can be read; `fields` are its own words, for the report."""

    line: int
    fields: Mapping[str, str]
    id: PersonId | None
    details: PersonDetails
    """The name may be empty: then the line is of somebody who is known."""
    card: str | None
    levels: tuple[AccessLevelId, ...]
    validity: Validity
    terms: TermsLine | None
    manager_number: str

    @property
    def number(self) -> str:
        """The employee number, as numbers are compared."""
        return as_compared(self.details.employee_number)

    @property
    def says_of_holding(self) -> bool:
        """Whether it says anything of cards or access levels."""
        return self.card is not None or bool(self.levels) or self.validity.says

    def over(self, before: PersonDetails) -> PersonDetails:
        """The details before, with what the line says of them."""
        said = self.details
        kept_number = self.number in ("", as_compared(before.employee_number))
        return replace(
            before,
            name=said.name or before.name,
            employee_number=before.employee_number if kept_number else said.employee_number,
            resident_id_number=said.resident_id_number or before.resident_id_number,
            sex=said.sex or before.sex,
            birth_date=said.birth_date or before.birth_date,
            home_site=said.home_site or before.home_site,
            notes=said.notes or before.notes,
            mail=said.mail or before.mail,
        )


def as_compared(number: str | None) -> str:
    """An employee number as numbers are compared."""
    return (number or "").strip().upper()


def read_person(line: int, fields: Mapping[str, str], ground: Ground) -> PersonLine:
    """What the line says. Raises BadInput with what to correct."""
    name = text_of(fields, "name")
    details = PersonDetails(
        # Checked with a name in any case: whether it may be empty is known only with the register.
        name=name or "nobody",
        employee_number=fields.get("employee_number") or None,
        resident_id_number=fields.get("resident_id_number") or None,
        sex=read_field(fields, "sex", _sex, "write female, male or other"),
        birth_date=read_field(fields, "birth_date", date.fromisoformat, "write the birth date as 1990-12-31"),
        home_site=named_field(fields, "home_site", ground.sites),
        notes=fields.get("notes", ""),
        mail=fields.get("mail") or None,
    )
    checked = checked_details(details)
    return PersonLine(
        line=line,
        fields=fields,
        id=read_field(fields, "id", _person_id, "write it as the export does, or leave it empty"),
        details=checked if name else replace(checked, name=""),
        card=card_number(fields["card"]) if fields.get("card") else None,
        levels=levels_of(fields, ground.levels),
        validity=validity_of(fields, ground.zone),
        terms=_terms(fields, ground),
        manager_number=as_compared(fields.get("manager_employee_number")),
    )


def _person_id(text: str) -> PersonId:
    return PersonId(UUID(text))


def _sex(text: str) -> Sex:
    return {"女": Sex.FEMALE, "男": Sex.MALE}.get(text) or Sex(text.lower())


def _terms(fields: Mapping[str, str], ground: Ground) -> TermsLine | None:
    """What the line says of an employment, if it has any of its columns filled."""
    if not any(fields.get(name) for name in EMPLOYMENT):
        return None
    return TermsLine(
        first=read_field(fields, "first_day", a_day, WRITE_DAY),
        last=read_field(fields, "last_day", a_day, WRITE_DAY),
        contractor=named_field(fields, "contractor", ground.contractors),
        team=named_field(fields, "team", ground.teams),
        site=named_field(fields, "site", ground.sites),
        occupation=" ".join(fields.get("occupation", "").split()),
        pay_profile=fields.get("pay_profile", ""),
    )
