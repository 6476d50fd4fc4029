"""At a kiosk without invitation: say who you are and whom you visit, sign, wait for the answer."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import VisitId
from postern.operations.sites.kiosks import KnownKiosk
from postern.operations.visitors import walk_up as visit_walk_up
from postern.operations.visitors.walk_up import WalkUp
from postern.visitors.model import VisitState
from postern.web.console.kiosk import Kiosk
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub
from postern.web.pages import go, page, words_for
from postern.web.qr import qr_picture

router = APIRouter()


@router.get("/kiosk/visit")
async def ask(request: Request, hub: Hub, here: Kiosk) -> Response:
    """The form."""
    return await _form(request, hub, here, EMPTY)


@router.post("/kiosk/visit")
async def asked(request: Request, hub: Hub, here: Kiosk, fields: Fields) -> Response:
    """Somebody asks to come in."""
    number = fields.number("terms")
    wanted = WalkUp(
        name=fields.needed("name"),
        company=fields.text("company"),
        mail=fields.maybe("mail"),
        host=fields.needed("host"),
        purpose=fields.text("purpose"),
        language=words_for(request).language,
        terms=int(number),
        signature=fields.text("signature") if fields.ticked("agreed") else "",
    )
    if fields.errors:
        return await _form(request, hub, here, fields.result())
    try:
        id = await visit_walk_up.ask_to_come_in(hub, here, wanted)
    except PosternError as fault:
        return await _form(request, hub, here, fields.result(fault))
    return go(f"/kiosk/visit/{id}")


@router.get("/kiosk/visit/{id}")
async def standing(request: Request, hub: Hub, here: Kiosk, id: UUID) -> Response:
    """How it stands; back at the beginning once it took too long."""
    try:
        found = await visit_walk_up.standing(hub, here, VisitId(id))
    except NotFound:
        return go("/kiosk")
    return page(
        request,
        "kiosk/standing.html",
        site=here.kiosk.name,
        standing=found,
        waits=found.state is VisitState.ASKED,
        picture=qr_picture(found.code) if found.code else "",
    )


async def _form(request: Request, hub: Hub, here: KnownKiosk, form: Form) -> Response:
    welcome = await visit_walk_up.welcome(hub, here)
    language = words_for(request).language
    return page(
        request,
        "kiosk/visit.html",
        status=422 if form.wrong else 200,
        form=form,
        site=welcome.site,
        terms=welcome.terms,
        terms_text=welcome.terms.text(language) if welcome.terms is not None else "",
    )
