"""What becomes of each line of people, as the register stands: new, changed, unchanged, or refused with why.

A line means the person of its `id` or else of its `employee_number`; whoever has neither is new and needs a
name. The judgement tells in which columns a line differs, and never what stands in the register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import AccessLevelId, CredentialId, EmploymentId, PersonId, TenantId, new_id
from postern.operations.people.import_lines import Change, LineReport, Outcome, first_only, refused
from postern.operations.people.import_person_line import Ground, PersonLine, TermsLine
from postern.people.employment import Employment, Employments, employment_of, with_employment
from postern.people.model import Person, PersonDetails
from postern.spans import Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the register has of a file: whom its numbers find, and the rows of whoever its lines mean."""

    tenant: TenantId
    at: datetime
    numbers: Mapping[str, PersonId]
    residents: Mapping[str, PersonId]
    cards: Mapping[str, UUID]
    people: Mapping[UUID, Person]
    holdings: Mapping[UUID, Holding]
    """Of those of whose cards or access levels a line says something."""
    employments: Mapping[UUID, Employments]
    """Of those of whose employment a line says something."""

    def versions(self, person: UUID) -> tuple[int, ...]:
        """The version of each of the person's rows; 0 where there is none."""
        rows: Sequence[Person | Holding | Employments | None] = (
            self.people.get(person),
            self.holdings.get(person),
            self.employments.get(person),
        )
        return tuple(0 if one is None else one.version for one in rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A line's report, whom it is about unless it is refused, and what is to be stored: None where nothing
    changes."""

    report: LineReport
    subject: UUID | None = None
    person: Person | None = None
    holding: Holding | None = None
    employments: Employments | None = None


def meant(line: PersonLine, numbers: Mapping[str, PersonId]) -> PersonId | None:
    """Whom of the register the line is about, if it is about somebody there."""
    return line.id or numbers.get(line.number)


def judge(held: Held, ground: Ground, lines: Sequence[PersonLine]) -> list[Judged]:
    """What becomes of the lines, in their order."""
    new = {one.line: PersonId(new_id()) for one in lines if meant(one, held.numbers) is None}
    managers = {one.number: new[one.line] for one in reversed(lines) if one.line in new and one.number}
    managers |= held.numbers
    seen: dict[tuple[str, str], int] = {}
    done: dict[int, Judged] = {}
    managed: dict[int, PersonId] = {}
    for one in lines:
        try:
            subject = meant(one, held.numbers)
            first_only(seen, one.line, _unique(one, subject))
            _check_taken(one, subject, held)
            manager = _manager(one, subject, managers)
            if manager is not None:
                managed[one.line] = manager
            done[one.line] = (
                _new(one, new[one.line], held, ground, manager)
                if subject is None
                else _known(one, subject, held, ground, manager)
            )
        except (BadInput, Conflict) as fault:
            done[one.line] = Judged(report=refused(one.line, str(fault)))
    _refuse_without_manager(managed, set(held.numbers.values()), done)
    return [done[one.line] for one in lines]


def _unique(one: PersonLine, subject: UUID | None) -> dict[str, str | None]:
    return {
        "employee number": one.number,
        "resident ID number": one.details.resident_id_number,
        "card": one.card,
        "person": None if subject is None else subject.hex,
    }


def _check_taken(one: PersonLine, subject: UUID | None, held: Held) -> None:
    """Raises Conflict for a number or card of somebody else."""
    if held.numbers.get(one.number, subject) != subject:
        raise Conflict("somebody has this employee number already")
    if held.residents.get(one.details.resident_id_number or "", subject) != subject:
        raise Conflict("somebody has this resident id number already")
    if held.cards.get(one.card or "", subject) != subject:
        raise Conflict("somebody holds this card already")


_NO_MANAGER = "nobody has the manager's employee number, here or in a good line of the file"


def _manager(one: PersonLine, subject: PersonId | None, managers: Mapping[str, PersonId]) -> PersonId | None:
    if not one.manager_number:
        return None
    found = managers.get(one.manager_number)
    if found is None or found == subject or one.manager_number == one.number:
        raise BadInput(_NO_MANAGER)
    return found


def _refuse_without_manager(
    managed: Mapping[int, PersonId], registered: Set[PersonId], done: dict[int, Judged]
) -> None:
    """Lines whose manager is neither in the registry nor in a good line; and so on down from those."""
    while True:
        good = registered | {one.subject for one in done.values()}
        fresh = [
            line
            for line, manager in managed.items()
            if done[line].subject is not None and manager not in good
        ]
        if not fresh:
            return
        done |= {line: Judged(report=refused(line, _NO_MANAGER)) for line in fresh}


def _new(one: PersonLine, id: PersonId, held: Held, ground: Ground, manager: PersonId | None) -> Judged:
    if not one.details.name:
        raise BadInput(
            "nobody has this employee number; correct it, or write the name of somebody new"
            if one.number
            else "a person needs a name"
        )
    holding = Holding(subject=id, kind=SubjectKind.PERSON)
    employments = Employments(person=id)
    return Judged(
        report=LineReport(line=one.line, outcome=Outcome.NEW),
        subject=id,
        person=Person(id=id, tenant=held.tenant, version=1, details=one.details),
        holding=_held_then(one, holding),
        employments=None
        if one.terms is None
        else _employed_then(one.terms, employments, held.at, ground, manager),
    )


def _known(one: PersonLine, id: PersonId, held: Held, ground: Ground, manager: PersonId | None) -> Judged:
    person = held.people.get(id)
    if person is None:
        raise BadInput("nobody has this id; leave it empty for somebody new")
    details = one.over(person.details)
    holding = held.holdings.get(id) or Holding(subject=id, kind=SubjectKind.PERSON)
    wanted = _held_then(one, holding)
    employments = held.employments.get(id) or Employments(person=id)
    employed = (
        employments if one.terms is None else _employed_then(one.terms, employments, held.at, ground, manager)
    )
    differing = (
        _differing_details(person.details, details)
        | _differing_holding(holding, wanted)
        | _differing_terms(employments, employed)
    )
    changes = tuple(
        Change(field=name, value=text) for name, text in one.fields.items() if text and name in differing
    )
    return Judged(
        report=LineReport(
            line=one.line, outcome=Outcome.CHANGED if differing else Outcome.UNCHANGED, changes=changes
        ),
        subject=id,
        person=replace(person, details=details) if details != person.details else None,
        holding=wanted if wanted != holding else None,
        employments=employed if employed != employments else None,
    )


_DETAILS = (
    *("name", "employee_number", "resident_id_number", "sex", "birth_date"),
    *("home_site", "mail", "notes"),
)
_TERMS = {
    "first_day": "first",
    "last_day": "last",
    "contractor": "contractor",
    "team": "team",
    "manager_employee_number": "manager",
    "site": "site",
    "occupation": "occupation",
    "pay_profile": "pay_profile",
}


def _differing_details(before: PersonDetails, after: PersonDetails) -> set[str]:
    return {name for name in _DETAILS if getattr(before, name) != getattr(after, name)}


def _differing_holding(before: Holding, after: Holding) -> set[str]:
    levels = {one.level for one in before.grants}
    was, kept = _spans(before, levels), _spans(after, levels)
    was = {one for one in was if one[0] in {level for level, _ in kept}}
    found = {"card"} if before.credentials != after.credentials else set()
    found |= {"access_levels"} if levels != {one.level for one in after.grants} else set()
    found |= {"valid_from"} if {(a, s.start) for a, s in was} != {(a, s.start) for a, s in kept} else set()
    return found | (
        {"valid_until"} if {(a, s.end) for a, s in was} != {(a, s.end) for a, s in kept} else set()
    )


def _spans(held: Holding, levels: Set[AccessLevelId]) -> set[tuple[AccessLevelId, Span]]:
    return {(one.level, one.valid) for one in held.grants if one.level in levels}


def _differing_terms(before: Employments, after: Employments) -> set[str]:
    known = {one.id: one.terms for one in before.every}
    return {
        column
        for one in after.every
        for column, name in _TERMS.items()
        if one.id not in known or getattr(known[one.id], name) != getattr(one.terms, name)
    }


def _held_then(one: PersonLine, before: Holding) -> Holding:
    """What they hold then: one more card, and exactly the access levels that the line names, if it does."""
    credentials, grants = before.credentials, before.grants
    cards = {held.value: held for held in credentials if held.kind is CredentialKind.CARD}
    if one.card is not None and one.card not in cards:
        card = Credential(id=CredentialId(new_id()), kind=CredentialKind.CARD, value=one.card)
        credentials = (*credentials, card)
    elif one.card is not None and cards[one.card].revoked:
        raise Conflict("this card of theirs was revoked; issue it on their page if it is in use again")
    if one.levels:
        known = {held.level for held in grants}
        kept = (held for held in grants if held.level in one.levels)
        grants = (*kept, *(Grant(level=level) for level in one.levels if level not in known))
    if one.validity.says:
        if not grants:
            raise BadInput("valid_from and valid_until are of access levels; name one beside them")
        grants = tuple(replace(held, valid=one.validity.over(held.valid)) for held in grants)
    return replace(before, credentials=credentials, grants=grants)


def _employed_then(
    said: TermsLine, before: Employments, at: datetime, ground: Ground, manager: PersonId | None
) -> Employments:
    """Their employments then: the one that the line means, changed, or one more."""
    known = _employment_meant(said, before, at)
    terms = said.over(None if known is None else known.terms, manager)
    if known is not None and terms == known.terms:
        return before
    zone = ground.zone if terms.site is None else ground.zones[terms.site]
    id = EmploymentId(new_id()) if known is None else known.id
    return with_employment(before, employment_of(id, terms, zone))


def _employment_meant(said: TermsLine, before: Employments, at: datetime) -> Employment | None:
    """The one that begins on the line's first day. Without that: the only one that is not over, or else the
    last one. None: a new one."""
    if said.first is not None:
        return next((one for one in before.every if one.terms.first == said.first), None)
    lasting = [one for one in before.every if one.ends_at is None or one.ends_at > at]
    if len(lasting) > 1:
        raise Conflict("this person has two employments; write the first_day of the one that is meant")
    return next(iter(lasting or before.every[-1:]), None)
