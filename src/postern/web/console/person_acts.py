"""What can be done to a person: consent, enrolment, credentials, access, revocation."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import SubjectKind
from postern.errors import PosternError
from postern.ids import CredentialId, PersonId
from postern.operations.operators import members
from postern.operations.people import credentials, enrol, register, revoke
from postern.operations.people.credentials import Issued
from postern.operations.people.enrol import PhotoReport
from postern.operations.privacy import consent
from postern.operations.privacy.texts import asked_of
from postern.operations.sites import access_levels
from postern.privacy.model import ConsentForm
from postern.privacy.profiles import ForbiddenHere
from postern.web.console import person_page
from postern.web.console.holders import read_grant, with_grant, without_grant, zone_for
from postern.web.console.person_page import Forms
from postern.web.forms import FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, words_for

router = APIRouter(prefix="/people/{id}")
PERSON = SubjectKind.PERSON


@router.post("/consent")
async def give_consent(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Record a consent that was given."""
    form = fields.parsed("form", ConsentForm, "form.not-in-list") or ConsentForm.ON_SCREEN
    if not fields.ticked("agreed"):
        fields.errors["agreed"] = "consent.not-agreed"
    fault: PosternError | None = None
    asked, movements = await asked_of(hub, caller.actor.tenant, PersonId(id)), fields.ticked("movements")
    wording = f"{asked.name(movements=movements)} ({words_for(request).language})"
    if not fields.errors:
        try:
            await consent.give_consent(
                hub,
                caller.actor,
                person=PersonId(id),
                keep_photo=fields.ticked("keep_photo"),
                movements=movements,
                form=form,
                wording=wording,
                guardian=fields.text("guardian"),
            )
        except ForbiddenHere as caught:
            fault = caught
    if fields.errors or fault is not None:
        forms = Forms(consent=fields.result(fault))
        return await person_page.render(request, hub, caller, PersonId(id), forms=forms)
    return go(f"/people/{id}", "consent-recorded")


@router.post("/consent/withdraw")
async def withdraw(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Withdraw it: the face's key is destroyed."""
    await consent.withdraw_consent(hub, caller.actor, person=PersonId(id))
    return go(f"/people/{id}", "consent-withdrawn")


@router.post("/own-page")
async def give_own_page(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """A one-time link with which the person signs in for themself: it is shown once, or mailed to them."""
    if fields.text("how") == "mail":
        await members.mail_member_link(hub, caller.actor, PersonId(id))
        return go(f"/people/{id}", "own-link-mailed")
    link = await members.new_member_link(hub, caller.actor, PersonId(id))
    return await person_page.render(request, hub, caller, PersonId(id), own_link=link)


@router.post("/photos")
async def enrol_photos(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Enrol from photos; the page comes back with a report on each."""
    fault: PosternError | None = None
    report: tuple[PhotoReport, ...] = ()
    try:
        photos = await fields.uploads("photos")
        if not photos:
            fields.errors["photos"] = "face.none-given"
        else:
            report = (await enrol.enrol(hub, caller.actor, person=PersonId(id), photos=photos)).photos
    except PosternError as caught:
        fault = caught
    forms = Forms(face=fields.result(fault))
    return await person_page.render(request, hub, caller, PersonId(id), forms=forms, report=report)


@router.post("/credentials")
async def issue(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Give a card, a PIN or a QR code; what must be told is shown once."""
    kind, number, pin = fields.text("kind"), fields.text("value"), fields.secret("pin")
    if kind == "card":
        fields.needed("value")
    if kind == "pin" and not pin:
        fields.errors["pin"] = "form.needed"
    fault: PosternError | None = None
    issued: Issued | None = None
    if not fields.errors:
        try:
            issued = await _issue(hub, caller, id, kind=kind, number=number, pin=pin)
        except PosternError as caught:
            fault = caught
    forms = Forms(credential=fields.result(fault))
    if forms.wrong or (issued is not None and issued.secret):
        return await person_page.render(request, hub, caller, PersonId(id), forms=forms, issued=issued)
    return go(f"/people/{id}", "credential-added")


def _issue(hub: Hub, caller: Caller, id: UUID, *, kind: str, number: str, pin: str) -> Awaitable[Issued]:
    if kind == "pin":
        return credentials.issue_pin(hub, caller.actor, person=id, pin=pin)
    if kind == "qr":
        return credentials.issue_qr(hub, caller.actor, person=id)
    return credentials.issue_card(hub, caller.actor, person=id, number=number)


@router.post("/credentials/{credential}/revoke")
async def revoke_credential(hub: Hub, caller: SignedIn, id: UUID, credential: UUID) -> Response:
    """Refuse one credential from now on."""
    await revoke.revoke_credential(
        hub, caller.actor, subject=id, kind=PERSON, credential=CredentialId(credential), reason="revoked"
    )
    return go(f"/people/{id}", "credential-revoked")


@router.post("/grants")
async def grant(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Give an access level."""
    fault = await give(hub, caller, fields, id, PERSON)
    if fault is not None or fields.errors:
        forms = Forms(grant=fields.result(fault))
        return await person_page.render(request, hub, caller, PersonId(id), forms=forms)
    return go(f"/people/{id}", "access-given")


async def give(
    hub: Hub, caller: Caller, fields: FormReader, subject: UUID, kind: SubjectKind
) -> PosternError | None:
    """Read a grant and give it; the fault that prevented it."""
    wanted = read_grant(fields, await zone_for(hub, caller))
    if wanted is None:
        return None
    try:
        held = await access_levels.holding(hub, caller.actor, subject=subject, kind=kind)
        await access_levels.set_grants(hub, caller.actor, holding=held, grants=with_grant(held, wanted))
    except PosternError as fault:
        return fault
    return None


@router.post("/grants/{level}/take")
async def take(hub: Hub, caller: SignedIn, id: UUID, level: UUID) -> Response:
    """Take an access level away."""
    held = await access_levels.holding(hub, caller.actor, subject=id, kind=PERSON)
    await access_levels.set_grants(hub, caller.actor, holding=held, grants=without_grant(held, level))
    return go(f"/people/{id}", "access-taken")


@router.post("/revoke")
async def block(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Refuse everything at once."""
    await revoke.revoke_holder(hub, caller.actor, subject=id, kind=PERSON, reason="blocked")
    return go(f"/people/{id}", "blocked")


@router.post("/remove")
async def remove(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove the person for good, with the keys."""
    await register.remove_person(hub, caller.actor, PersonId(id))
    return go("/people", "erased")


@router.post("/restore")
async def unblock(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Lift that."""
    await revoke.restore_holder(hub, caller.actor, subject=id, kind=PERSON, reason="block lifted")
    return go(f"/people/{id}", "unblocked")
