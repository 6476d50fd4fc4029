"""Person: what the registry knows of somebody. All of it is sealed under that person's identity key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from postern.errors import BadInput
from postern.ids import PersonId, SiteId, TenantId
from postern.nature import Nature
from postern.people.mail import checked_mail
from postern.people.resident_id import check_resident_id

LONGEST_TEXT = 200


class Sex(StrEnum):
    """As written in the person's papers."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonDetails:
    """What an operator fills in. Only the name is needed; whatever is not needed is better left out."""

    name: str
    employee_number: str | None = None
    resident_id_number: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    home_site: SiteId | None = None
    notes: str = ""
    mail: str | None = None
    """Where letters to this person go: that a visitor is there, for one."""
    nature: Nature = Nature.REAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody in the registry; `version` grows by one with every change."""

    id: PersonId
    tenant: TenantId
    version: int
    details: PersonDetails


def checked_details(details: PersonDetails) -> PersonDetails:
    """Trimmed and checked. Raises BadInput on an empty name, an overlong text, or what can be no number."""
    if not details.name.strip():
        raise BadInput("a person needs a name")
    texts = (details.name, details.employee_number or "", details.resident_id_number or "")
    if any(len(text) > LONGEST_TEXT for text in texts) or len(details.notes) > 10 * LONGEST_TEXT:
        raise BadInput(f"a text is too long; {LONGEST_TEXT} characters are the most (notes: ten times that)")
    number = (details.resident_id_number or "").strip().upper() or None
    if number is not None:
        check_resident_id(number)
    return PersonDetails(
        name=" ".join(details.name.split()),
        employee_number=(details.employee_number or "").strip() or None,
        resident_id_number=number,
        sex=details.sex,
        birth_date=details.birth_date,
        home_site=details.home_site,
        notes=details.notes.strip(),
        mail=checked_mail(details.mail),
        nature=details.nature,
    )
