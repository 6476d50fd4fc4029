"""Try a picture: what recognition sees in it, and what the decision would be. Nothing is kept."""

from __future__ import annotations

import base64
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.ids import AccessPointId, SiteId
from postern.operations.archive import try_picture as operation
from postern.operations.sites import places as site_operations
from postern.operators.roles import Duty, require
from postern.web.console.seen import SeenView, seen_of
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, page, words_for
from postern.web.ports import ConsolePorts

router = APIRouter()


@router.get("/try")
async def ask(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The form."""
    require(caller.actor, Duty.TRY_PICTURE)
    return await _page(request, hub, caller, EMPTY)


@router.post("/try")
async def judge(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Judge the picture that was given."""
    try:
        seen = await _seen(request, hub, caller, fields)
    except PosternError as fault:
        return await _page(request, hub, caller, fields.result(fault))
    return await _page(request, hub, caller, fields.result(), seen)


async def _seen(request: Request, hub: Hub, caller: Caller, fields: FormReader) -> SeenView | None:
    pictures = await fields.uploads("picture")
    chosen = fields.parsed("access_point", _place, "form.not-in-list")
    if not pictures:
        fields.errors["picture"] = "try.no-picture"
    if chosen is None:
        fields.errors.setdefault("access_point", "form.needed")
    if fields.errors or chosen is None:
        return None
    site, point = chosen
    tried = await operation.try_picture(hub, caller.actor, pictures[0], site=site, access_point=point)
    return seen_of(tried, words_for(request), await _jpeg(request, hub, pictures[0]))


def _place(text: str) -> tuple[SiteId, AccessPointId]:
    site, _, point = text.partition("/")
    return SiteId(int(site)), AccessPointId(UUID(point))


async def _jpeg(request: Request, hub: Hub, picture: bytes) -> str:
    """The picture as it was judged: upright, as recognition turned it, so that the boxes fit."""
    ports: ConsolePorts = request.app.state.ports
    if hub.recognition is None or ports.encode_jpeg is None:
        return ""
    rgb = await hub.recognition.load_picture(picture)
    return base64.b64encode(ports.encode_jpeg(rgb)).decode()


async def _page(
    request: Request, hub: Hub, caller: Caller, form: Form, seen: SeenView | None = None
) -> Response:
    points = []
    for site in await site_operations.sites(hub, caller.actor):
        plan = await site_operations.plan(hub, caller.actor, site.id)
        points += [(f"{site.id}/{one.id}", f"{site.name}: {one.name}") for one in plan.access_points]
    return page(
        request,
        "look/try.html",
        status=422 if form.wrong else 200,
        form=form,
        access_points=points,
        seen=seen,
    )
