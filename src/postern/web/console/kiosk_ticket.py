"""At the exit's kiosk: who came in unread gives the entry's ticket."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.operations.parking import ticket_at_exit
from postern.operations.sites import kiosks
from postern.web.console.kiosk import Kiosk
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub
from postern.web.pages import page, words_for
from postern.web.ports import ConsolePorts
from postern.web.qr import qr_picture

router = APIRouter()
LONGEST = 20


@router.get("/kiosk/leave")
async def ask(request: Request, here: Kiosk) -> Response:
    """The field for the code."""
    return page(request, "kiosk/leave.html", kiosk=here.kiosk, form=EMPTY, done=False)


@router.post("/kiosk/leave")
async def given(request: Request, hub: Hub, here: Kiosk, fields: Fields) -> Response:
    """A ticket is given: the barrier opens, or what is owed is said."""
    code = fields.needed("code")[:LONGEST]
    if fields.errors:
        return _again(request, here, fields.result())
    try:
        found = await ticket_at_exit.give_ticket(hub, here, code)
    except PosternError as fault:
        return _again(request, here, fields.result(fault))
    owed = found.owed.text(words_for(request).language) if found.owed.amount > 0 else ""
    return page(
        request,
        "kiosk/leave.html",
        kiosk=here.kiosk,
        form=EMPTY,
        done=True,
        owed=owed,
        pay=await _pay_picture(request, hub, here, code) if owed else "",
    )


def _again(request: Request, here: Kiosk, form: Form) -> Response:
    return page(request, "kiosk/leave.html", status=422, kiosk=here.kiosk, form=form, done=False)


async def _pay_picture(request: Request, hub: Hub, here: Kiosk, code: str) -> str:
    """The address to pay at with this ticket; empty where drivers pay nowhere."""
    ports: ConsolePorts = request.app.state.ports
    garage = await kiosks.pay_code(hub, here) if ports.pay_url else None
    plain = "".join(one for one in code.upper() if one.isalnum())
    return "" if garage is None else qr_picture(f"{ports.pay_url.rstrip('/')}/pay?g={garage}&t={plain}")
