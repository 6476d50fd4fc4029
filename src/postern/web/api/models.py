"""What the API's documents look like. Passwords, PINs and sealed bytes have no place in any of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from postern.access.model import CredentialKind
from postern.operations.look import (
    DoorNews,
    PersonFile,
    PersonRow,
    Row,
    Unopenable,
    VehicleFile,
    VehicleRow,
)
from postern.people.model import PersonDetails, Sex
from postern.privacy.model import ConsentForm
from postern.vehicles.model import VehicleDetails


class Problem(BaseModel):
    """RFC 9457. `code` is stable."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] | None = None


_AS_PROBLEM = {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, **_AS_PROBLEM}
    for status, words in (
        (400, "No readable document"),
        (401, "Not signed in"),
        (403, "Refused"),
        (404, "Not found"),
        (409, "Conflict"),
        (410, "Gone: its key was destroyed"),
        (411, "No length"),
        (413, "Too large"),
        (422, "Bad input"),
        (429, "Too many"),
        (503, "Not at the moment"),
        (507, "No room to store it"),
    )
}


class PersonIn(BaseModel):
    """A person to add or change; `version` is the one that was read."""

    name: str = Field(max_length=200)
    employee_number: str | None = None
    resident_id_number: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    home_site: int | None = None
    notes: str = ""
    mail: str | None = None
    version: int = 1


class PersonSummary(BaseModel):
    """A person in a list."""

    id: UUID
    name: str
    employee_number: str | None
    references: int
    revoked: bool

    @classmethod
    def of(cls, row: PersonRow) -> PersonSummary:
        """From what `look` gives."""
        details = row.person.details
        return cls(
            id=row.person.id,
            name=details.name,
            employee_number=details.employee_number,
            references=row.references,
            revoked=row.revoked,
        )


class People(BaseModel):
    """A page of people; `total` is how many there are."""

    total: int
    people: list[PersonSummary]


class CredentialOut(BaseModel):
    """A credential; a card's and a QR code's value only by its last four characters."""

    id: UUID
    kind: CredentialKind
    value: str
    revoked: bool


class GrantDocument(BaseModel):
    """An access level that is held, from `start` until just before `end`."""

    level: UUID
    start: datetime | None = None
    end: datetime | None = None


class PersonOut(BaseModel):
    """Everything about a person."""

    id: UUID
    version: int
    details: PersonDetails
    consent: bool
    references: int
    revoked: bool
    credentials: list[CredentialOut]
    grants: list[GrantDocument]

    @classmethod
    def of(cls, file: PersonFile) -> PersonOut:
        """From what `look` gives."""
        return cls(
            id=file.person.id,
            version=file.person.version,
            details=file.person.details,
            consent=any(one.withdrawn_at is None for one in file.consents),
            references=file.references,
            revoked=file.holding.revoked,
            credentials=credentials_of(file),
            grants=grants_of(file),
        )


def credentials_of(file: PersonFile | VehicleFile) -> list[CredentialOut]:
    """What the holder may present."""
    return [
        CredentialOut(
            id=one.id,
            kind=one.kind,
            value=f"…{one.value[-4:]}" if one.kind in (CredentialKind.CARD, CredentialKind.QR) else one.value,
            revoked=one.revoked,
        )
        for one in file.holding.credentials
    ]


def grants_of(file: PersonFile | VehicleFile) -> list[GrantDocument]:
    """Where that lets them."""
    return [
        GrantDocument(level=one.level, start=one.valid.start, end=one.valid.end)
        for one in file.holding.grants
    ]


class ConsentIn(BaseModel):
    """A consent that the person gave; `wording` names the text shown, `guardian` who gave it for a child.

    `movements`: to records of who passed where as well, which the law of some places wants by itself.
    """

    form: ConsentForm
    wording: str = Field(max_length=200)
    keep_photo: bool = False
    movements: bool = False
    guardian: str = Field(default="", max_length=200)


class PhotoOut(BaseModel):
    """What became of a photo; `problems` is empty when it serves."""

    index: int
    serves: bool
    score: float
    problems: list[str]
    fault: str


class EnrolmentOut(BaseModel):
    """A report on every photo, and how many references were kept."""

    references: int
    photos: list[PhotoOut]


class CredentialIn(BaseModel):
    """A card by its number, a PIN by its digits, or a QR code, which needs nothing."""

    kind: CredentialKind
    number: str = ""
    pin: str = ""


class IssuedOut(BaseModel):
    """A new credential; `secret` (a QR code's text, a PIN's keypad number) is told only now."""

    id: UUID
    kind: CredentialKind
    secret: str


class VehicleIn(BaseModel):
    """A vehicle to add or change."""

    plate: str = Field(max_length=30)
    country: str | None = None
    keeper: UUID | None = None
    description: str = ""
    version: int = 1


class VehicleSummary(BaseModel):
    """A vehicle in a list."""

    id: UUID
    plate: str
    country: str | None
    description: str
    revoked: bool

    @classmethod
    def of(cls, row: VehicleRow) -> VehicleSummary:
        """From what `look` gives."""
        details = row.vehicle.details
        return cls(
            id=row.vehicle.id,
            plate=details.plate,
            country=details.country,
            description=details.description,
            revoked=row.revoked,
        )


class Vehicles(BaseModel):
    """A page of vehicles."""

    total: int
    vehicles: list[VehicleSummary]


class VehicleOut(BaseModel):
    """Everything about a vehicle."""

    id: UUID
    version: int
    details: VehicleDetails
    keeper: str | None
    revoked: bool
    grants: list[GrantDocument]

    @classmethod
    def of(cls, file: VehicleFile) -> VehicleOut:
        """From what `look` gives."""
        return cls(
            id=file.vehicle.id,
            version=file.vehicle.version,
            details=file.vehicle.details,
            keeper=file.keeper,
            revoked=file.holding.revoked,
            grants=grants_of(file),
        )


class Stated(BaseModel):
    """Why something is done; kept in the journal."""

    reason: str = Field(min_length=3, max_length=200)


class Done(BaseModel):
    """What came of a command."""

    done: bool
    detail: str


class HappeningOut(BaseModel):
    """A row of the wall. `key` opens its evidence; `kind`: passage, door, command or cannot-open.

    What cannot be opened was changed in the database; its `at` is only about when.
    """

    key: str
    kind: str
    at: datetime
    door: str | None = None
    access_point: str | None = None
    who: str | None = None
    subject: UUID | None = None
    credential_kind: str | None = None
    granted: bool | None = None
    reason: str | None = None
    outcome: str | None = None
    score: float | None = None
    condition: str | None = None
    operator: str | None = None
    has_picture: bool = False

    @classmethod
    def of(cls, row: Row, key: str) -> HappeningOut:
        """From what `look` gives."""
        if isinstance(row, Unopenable):
            return cls(key=key, kind="cannot-open", at=row.at)
        if isinstance(row, DoorNews):
            return cls(
                key=key,
                kind="door" if row.condition else "command",
                at=row.at,
                door=row.door,
                condition=row.condition.value if row.condition else None,
                operator=row.operator or None,
                reason=row.reason or None,
                granted=None if row.condition else row.done,
            )
        return cls(
            key=key,
            kind="passage",
            at=row.at,
            door=row.door,
            access_point=row.access_point,
            who=row.who,
            subject=row.subject,
            credential_kind=row.credential_kind,
            granted=row.granted,
            reason=row.reason.value,
            outcome=row.outcome.value if row.outcome else None,
            score=row.score,
            has_picture=row.has_picture,
        )
