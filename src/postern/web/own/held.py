"""What is held about me and who looked: the page, the file, and everything that one may ask for there."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern import documents
from postern.errors import PosternError
from postern.operations.operators import members
from postern.operations.privacy import held as operations
from postern.operations.privacy import own_consent, own_requests
from postern.operations.privacy.held import Held
from postern.operations.privacy.texts import asked_of
from postern.privacy.model import ConsentPurpose
from postern.privacy.requests import RequestKind
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub
from postern.web.own.held_words import sections
from postern.web.own.login import Own, SignedInMember, own_page
from postern.web.pages import go, words_for
from postern.web.papers import paper

router = APIRouter(prefix="/me/held")
SHOWN_AT_FIRST = 8
"""Lines of a section before it is unfolded."""


@router.get("")
async def shown(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """Everything that is held."""
    return await _page(request, hub, own, EMPTY)


async def _page(request: Request, hub: Hub, own: Own, form: Form) -> Response:
    held = await operations.held(hub, own.member)
    zone = await members.own_zone(hub, own.member)
    return await own_page(
        request,
        own,
        "own/held.html",
        status=422 if form.wrong else 200,
        form=form,
        held=held,
        sections=sections(held, words_for(request), zone),
        at_first=SHOWN_AT_FIRST,
        face=_live(held, ConsentPurpose.FACE_RECOGNITION),
        photo=_live(held, ConsentPurpose.ENROLMENT_PHOTO),
        asked=await asked_of(hub, own.member.tenant, own.member.person),
    )


def _live(held: Held, purpose: ConsentPurpose) -> bool:
    return any(one.covers(purpose) for one in held.consents)


@router.get("/file.json")
async def as_json(hub: Hub, own: SignedInMember) -> Response:
    """All of it for another program."""
    held = await operations.held(hub, own.member, exported=True)
    text = json.dumps(json.loads(documents.to_bytes(held)), ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="held-{held.made_at:%Y-%m-%d}.json"'}
    return Response(text, media_type="application/json", headers=headers)


@router.get("/file.pdf")
async def as_pdf(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """All of it to read and to hand on."""
    held = await operations.held(hub, own.member, exported=True)
    t, zone = words_for(request), await members.own_zone(hub, own.member)
    below = f"{held.organisation} · {held.details.name} · {t.moment(held.made_at, zone)}"
    printed = paper(t("held.title"), below, sections(held, t, zone), t)
    headers = {"Content-Disposition": f'attachment; filename="held-{held.made_at:%Y-%m-%d}.pdf"'}
    return Response(printed, media_type="application/pdf", headers=headers)


@router.post("/consent")
async def consent(request: Request, hub: Hub, own: SignedInMember, fields: Fields) -> Response:
    """Consent to face recognition, signed in as oneself."""
    if not fields.ticked("agreed"):
        fields.errors["agreed"] = "held.not-agreed"
        return await _page(request, hub, own, fields.result())
    try:
        asked = await asked_of(hub, own.member.tenant, own.member.person)
        photo, movements = fields.ticked("keep_photo"), fields.ticked("movements")
        wording = f"{asked.name(movements=movements)} ({words_for(request).language})"
        await own_consent.give(hub, own.member, keep_photo=photo, movements=movements, wording=wording)
    except PosternError as fault:
        return await _page(request, hub, own, fields.result(fault))
    return go("/me/held", "own-consented")


@router.post("/withdraw")
async def withdraw(hub: Hub, own: SignedInMember) -> Response:
    """Take the consent back: the face's key is destroyed."""
    await own_consent.withdraw(hub, own.member)
    return go("/me/held", "own-withdrawn")


@router.post("/withdraw-photo")
async def withdraw_photo(hub: Hub, own: SignedInMember) -> Response:
    """Take back only the consent to keep the photo."""
    await own_consent.withdraw_photo(hub, own.member)
    return go("/me/held", "own-photo-withdrawn")


@router.post("/rectify")
async def rectify(request: Request, hub: Hub, own: SignedInMember, fields: Fields) -> Response:
    """Ask to have something put right."""
    return await _ask(request, hub, own, fields, RequestKind.RECTIFY)


@router.post("/erase")
async def erase(request: Request, hub: Hub, own: SignedInMember, fields: Fields) -> Response:
    """Ask to be erased."""
    return await _ask(request, hub, own, fields, RequestKind.ERASE)


async def _ask(request: Request, hub: Hub, own: Own, fields: Fields, kind: RequestKind) -> Response:
    try:
        await own_requests.ask(hub, own.member, kind, fields.text(kind.value))
    except PosternError as fault:
        return await _page(request, hub, own, fields.result(fault))
    return go("/me/held", "own-asked")
