"""People over the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response

from postern.access.model import CredentialKind, Grant, SubjectKind
from postern.errors import BadInput
from postern.ids import AccessLevelId, CredentialId, PersonId, SiteId
from postern.operations import look
from postern.operations.people import credentials, enrol, register, revoke
from postern.operations.privacy import consent
from postern.operations.sites import access_levels
from postern.people.model import PersonDetails
from postern.spans import Span
from postern.web.api.models import (
    ConsentIn,
    CredentialIn,
    EnrolmentOut,
    GrantDocument,
    IssuedOut,
    People,
    PersonIn,
    PersonOut,
    PersonSummary,
    PhotoOut,
    Stated,
)
from postern.web.login import Hub, SignedIn

router = APIRouter(prefix="/people", tags=["people"])
PERSON = SubjectKind.PERSON


@router.get("")
async def listed(hub: Hub, caller: SignedIn, text: str = "", first: int = 0, limit: int = 50) -> People:
    """People whose name or employee number contains `text`, or everyone."""
    found = await look.find_people(hub, caller.actor, text=text, first=max(first, 0), limit=max(limit, 1))
    return People(total=found.total, people=[PersonSummary.of(row) for row in found.rows])


@router.post("", status_code=201)
async def add(hub: Hub, caller: SignedIn, wanted: PersonIn) -> PersonOut:
    """Add a person."""
    person = await register.add_person(hub, caller.actor, _details(wanted))
    return PersonOut.of(await look.person_file(hub, caller.actor, person.id))


@router.get("/{id}")
async def shown(hub: Hub, caller: SignedIn, id: UUID) -> PersonOut:
    """One person."""
    return PersonOut.of(await look.person_file(hub, caller.actor, PersonId(id)))


@router.put("/{id}")
async def change(hub: Hub, caller: SignedIn, id: UUID, wanted: PersonIn) -> PersonOut:
    """Change a person's details; 409 when `version` is stale."""
    person = PersonId(id)
    await register.change_person(
        hub, caller.actor, id=person, version=wanted.version, details=_details(wanted)
    )
    return PersonOut.of(await look.person_file(hub, caller.actor, person))


@router.delete("/{id}", status_code=204)
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a person for good, with the keys."""
    await register.remove_person(hub, caller.actor, PersonId(id))
    return Response(status_code=204)


@router.post("/{id}/consent", status_code=204)
async def give_consent(hub: Hub, caller: SignedIn, id: UUID, given: ConsentIn) -> Response:
    """Record a consent to face recognition."""
    await consent.give_consent(
        hub,
        caller.actor,
        person=PersonId(id),
        keep_photo=given.keep_photo,
        movements=given.movements,
        form=given.form,
        wording=given.wording,
        guardian=given.guardian,
    )
    return Response(status_code=204)


@router.delete("/{id}/consent", status_code=204)
async def withdraw_consent(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Withdraw it: the face's key is destroyed, and only that."""
    await consent.withdraw_consent(hub, caller.actor, person=PersonId(id))
    return Response(status_code=204)


@router.post("/{id}/photos")
async def enrol_photos(
    hub: Hub, caller: SignedIn, id: UUID, photos: Annotated[list[bytes], File()]
) -> EnrolmentOut:
    """Enrol from photos; the report says what is wrong with each that does not serve."""
    done = await enrol.enrol(hub, caller.actor, person=PersonId(id), photos=photos)
    reports = [
        PhotoOut(
            index=one.index,
            serves=one.serves,
            score=one.score,
            problems=[problem.value for problem in one.problems],
            fault=one.fault,
        )
        for one in done.photos
    ]
    return EnrolmentOut(references=done.references, photos=reports)


@router.post("/{id}/credentials", status_code=201)
async def issue(hub: Hub, caller: SignedIn, id: UUID, wanted: CredentialIn) -> IssuedOut:
    """Give a card, a PIN or a QR code."""
    match wanted.kind:
        case CredentialKind.CARD:
            issued = await credentials.issue_card(hub, caller.actor, person=id, number=wanted.number)
        case CredentialKind.PIN:
            issued = await credentials.issue_pin(hub, caller.actor, person=id, pin=wanted.pin)
        case CredentialKind.QR:
            issued = await credentials.issue_qr(hub, caller.actor, person=id)
        case _:
            raise BadInput("a face is enrolled by its photos, and a plate belongs to a vehicle")
    return IssuedOut(id=issued.credential.id, kind=issued.credential.kind, secret=issued.secret)


@router.post("/{id}/credentials/{credential}/revoke", status_code=204)
async def revoke_credential(hub: Hub, caller: SignedIn, id: UUID, credential: UUID, why: Stated) -> Response:
    """Refuse one credential from now on."""
    await revoke.revoke_credential(
        hub,
        caller.actor,
        subject=id,
        kind=PERSON,
        credential=CredentialId(credential),
        reason=why.reason,
    )
    return Response(status_code=204)


@router.put("/{id}/grants", status_code=204)
async def set_grants(hub: Hub, caller: SignedIn, id: UUID, grants: list[GrantDocument]) -> Response:
    """Give exactly these access levels."""
    await put_grants(hub, caller, id, PERSON, grants)
    return Response(status_code=204)


async def put_grants(
    hub: Hub, caller: SignedIn, subject: UUID, kind: SubjectKind, grants: list[GrantDocument]
) -> None:
    """Give a person or a vehicle exactly these access levels."""
    held = await access_levels.holding(hub, caller.actor, subject=subject, kind=kind)
    try:
        wanted = [
            Grant(level=AccessLevelId(one.level), valid=Span(start=one.start, end=one.end)) for one in grants
        ]
    except ValueError as fault:
        raise BadInput(f"a grant's times cannot be used: {fault}") from fault
    await access_levels.set_grants(hub, caller.actor, holding=held, grants=wanted)


@router.post("/{id}/revoke", status_code=204)
async def block(hub: Hub, caller: SignedIn, id: UUID, why: Stated) -> Response:
    """Refuse everything that this person presents."""
    await revoke.revoke_holder(hub, caller.actor, subject=id, kind=PERSON, reason=why.reason)
    return Response(status_code=204)


@router.post("/{id}/restore", status_code=204)
async def unblock(hub: Hub, caller: SignedIn, id: UUID, why: Stated) -> Response:
    """Take that back."""
    await revoke.restore_holder(hub, caller.actor, subject=id, kind=PERSON, reason=why.reason)
    return Response(status_code=204)


def _details(wanted: PersonIn) -> PersonDetails:
    return PersonDetails(
        name=wanted.name,
        employee_number=wanted.employee_number,
        resident_id_number=wanted.resident_id_number,
        sex=wanted.sex,
        birth_date=wanted.birth_date,
        home_site=None if wanted.home_site is None else SiteId(wanted.home_site),
        notes=wanted.notes,
        mail=wanted.mail,
    )
