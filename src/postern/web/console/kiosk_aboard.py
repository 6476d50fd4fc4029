"""At the kiosk beside a way in: whoever came in says how many are aboard."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.aboard import Passage
from postern.errors import PosternError
from postern.operations.presence import aboard
from postern.web.console.kiosk import Kiosk
from postern.web.login import Fields, Hub
from postern.web.pages import page

router = APIRouter()


@router.get("/kiosk/aboard")
async def asked(request: Request, hub: Hub, here: Kiosk) -> Response:
    """The question, for whoever just came in; empty when nothing is asked. Asked every few seconds."""
    found = await aboard.asked_at_kiosk(hub, here)
    if found is None:
        return Response(status_code=204)
    return page(request, "kiosk/aboard.html", asked=found, fault=None)


@router.post("/kiosk/aboard")
async def said(request: Request, hub: Hub, here: Kiosk, fields: Fields) -> Response:
    """An answer; what came of it, in words."""
    people = int(fields.number("people"))
    try:
        await aboard.say_at_kiosk(hub, here, Passage.read(fields.text("passage")), people)
    except PosternError as fault:
        return page(request, "kiosk/aboard.html", status=422, asked=None, fault=fault)
    return page(request, "kiosk/aboard.html", asked=None, fault=None, people=people)
