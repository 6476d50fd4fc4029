"""People as a file, for payroll or another registry: sealed to a named recipient before it leaves.

The operator who exports never holds the file in the open. More than 20 people are a bulk export, which needs
a second person; fewer count against the budget like any other look.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from postern.age_file import check_recipient, seal_to_recipient
from postern.clock import utc_day
from postern.errors import NotFound, Refused
from postern.journal.model import Act
from postern.nature import Nature
from postern.operations.insiders.approvals import Approval, Asked, Kind, ask, digest_of, spend
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.names import named
from postern.operations.people.formulas import no_formula
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people.model import Person
from postern.postgres.pool import Transaction

BULK = 20
"""More people than this need a second person."""


class FileKind(StrEnum):
    """How the people are written."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What is exported to whom. `people` None: everyone. `recipient` names who holds the age key."""

    recipient: str
    recipient_key: str
    kind: FileKind = FileKind.CSV
    people: tuple[UUID, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """A file in the age format, with how many people are in it."""

    name: str
    sealed: bytes
    people: int


async def ask_to_export(
    services: Services, actor: Actor, wanted: Export, *, purpose: str, case: str
) -> Approval:
    """Ask for a second person's consent to exactly this export."""
    require(actor, Duty.EXPORT)
    count = "everyone" if wanted.people is None else f"{len(wanted.people)} people"
    asked = Asked(
        kind=Kind.EXPORT,
        exactly=digest_of(_checked(wanted)),
        words=f"{count} as {wanted.kind.value} to {wanted.recipient} ({wanted.recipient_key[:16]}…)",
        subjects=wanted.people or (),
    )
    return await ask(services, actor, asked, purpose=purpose, case=case)


async def export_people(
    services: Services,
    actor: Actor,
    wanted: Export,
    *,
    purpose: str,
    case: str,
    approval: UUID | None = None,
) -> ExportedFile:
    """The file. Raises Refused for a bulk export without its approval, NotFound for somebody who is gone,
    BudgetSpent for a small one that is one too many."""
    require(actor, Duty.EXPORT)
    wanted, purpose, case = _checked(wanted), stated(purpose), stated(case)
    is_bulk = wanted.people is None or len(wanted.people) > BULK
    if is_bulk and approval is None:
        raise Refused(f"exporting more than {BULK} people needs a second person: ask for an approval first")
    async with looking(services, actor) as tx:
        found = await _people(services, tx, actor, wanted)
        agreed = None
        if is_bulk and approval is not None:
            exactly = digest_of(wanted)
            agreed = await spend(services, tx, actor, approval, kind=Kind.EXPORT, exactly=exactly)
        opening = Opening(
            act=Act.EXPORTED,
            purpose=purpose,
            case=case,
            subjects=[one.id for one in found],
            detail=f"{wanted.kind.value} to {wanted.recipient} ({wanted.recipient_key})"
            + (f", approved by {agreed.decided_by}" if agreed is not None else ""),
            # What a second person agreed to is not counted: nobody here opens it.
            own_desk=agreed is not None,
            on_purpose=wanted.people is not None,
        )
        await open_subjects(services, tx, actor, opening)
    written = written_csv(found) if wanted.kind is FileKind.CSV else _json(found)
    day = utc_day(services.clock.now())
    return ExportedFile(
        name=f"people-{day}.{wanted.kind.value}.age",
        sealed=seal_to_recipient(written, wanted.recipient_key),
        people=len(found),
    )


def _checked(wanted: Export) -> Export:
    people = None if wanted.people is None else tuple(sorted(set(wanted.people)))
    key = check_recipient(wanted.recipient_key)
    return Export(recipient=named(wanted.recipient), recipient_key=key, kind=wanted.kind, people=people)


async def _people(services: Services, tx: Transaction, actor: Actor, wanted: Export) -> list[Person]:
    """Who is to be in the file. Bait is left out of what goes to everyone's payroll."""
    everyone = await services.registry.people.everyone(tx, actor.tenant)
    if wanted.people is None:
        real = [one for one in everyone.values() if one.details.nature is Nature.REAL]
        return sorted(real, key=lambda one: (one.details.name.casefold(), one.id))
    if any(one not in everyone for one in wanted.people):
        raise NotFound("somebody of this export is not in the registry any more; choose again")
    return [everyone[one] for one in wanted.people]


_COLUMNS = (
    "id",
    "name",
    "employee_number",
    "resident_id_number",
    "sex",
    "birth_date",
    "home_site",
    "mail",
    "notes",
)


def _cells(person: Person) -> dict[str, str]:
    details = person.details
    values: Sequence[object] = (
        person.id,
        details.name,
        details.employee_number,
        details.resident_id_number,
        details.sex.value if details.sex else None,
        details.birth_date,
        details.home_site,
        details.mail,
        details.notes,
    )
    return {name: "" if value is None else str(value) for name, value in zip(_COLUMNS, values, strict=True)}


def written_csv(found: Sequence[Person]) -> bytes:
    """The people as a CSV file, which an import reads as saying nothing new."""
    written = io.StringIO()
    writer = csv.DictWriter(written, _COLUMNS)
    writer.writeheader()
    writer.writerows({name: no_formula(value) for name, value in _cells(person).items()} for person in found)
    return written.getvalue().encode()


def _json(found: Sequence[Person]) -> bytes:
    return json.dumps([_cells(person) for person in found], ensure_ascii=False, indent=2).encode()
