"""The kiosk itself: the page on the tablet at a lane. It can call for help, and little else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from postern.errors import NotSignedIn, PosternError
from postern.operations.parking.calls import Line, Side
from postern.operations.parking.ticket_at_exit import takes_tickets
from postern.operations.presence.aboard import asks_here
from postern.operations.sites import kiosks
from postern.operations.sites.kiosks import KnownKiosk
from postern.operations.visitors.walk_up import takes_walk_ups
from postern.web import calling, cookies
from postern.web.cookies import host_bound
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub
from postern.web.pages import go, page
from postern.web.ports import ConsolePorts
from postern.web.qr import qr_picture

router = APIRouter()
sockets = APIRouter()
KEPT_FOR = 400 * 24 * 3600
"""Seconds that the tablet keeps its cookie: the longest that browsers allow."""


def cookie_name(connection: HTTPConnection) -> str:
    """The kiosk's own cookie; it is no login."""
    return host_bound(connection, "postern-kiosk")


async def known(request: Request, hub: Hub) -> KnownKiosk:
    """The kiosk that asks. Raises NotSignedIn."""
    return await kiosks.known_kiosk(hub, request.cookies.get(cookie_name(request), ""))


Kiosk = Annotated[KnownKiosk, Depends(known)]


@router.get("/kiosk")
async def shown(request: Request, hub: Hub) -> Response:
    """The help button; on a tablet that is no kiosk yet, the field for its code."""
    try:
        here = await known(request, hub)
    except NotSignedIn:
        return page(request, "kiosk/begin.html", form=EMPTY)
    ice = calling.ice_servers(request.app.state.settings)
    answer = page(
        request,
        "kiosk/kiosk.html",
        kiosk=here.kiosk,
        waits=here.call is not None,
        ice=ice,
        pay=await _pay_picture(request, hub, here),
        visits=await takes_walk_ups(hub, here),
        leaves=await takes_tickets(hub, here),
        asks=await asks_here(hub, here),
    )
    answer.headers["Permissions-Policy"] = calling.MICROPHONE_POLICY
    return answer


async def _pay_picture(request: Request, hub: Hub, here: KnownKiosk) -> str:
    """The address to pay at as a QR code; empty where drivers pay nowhere."""
    ports: ConsolePorts = request.app.state.ports
    code = await kiosks.pay_code(hub, here) if ports.pay_url else None
    return "" if code is None else qr_picture(f"{ports.pay_url.rstrip('/')}/pay?g={code}")


@router.get("/kiosk/ticket")
async def ticket(request: Request, hub: Hub, here: Kiosk) -> Response:
    """The code to pay with, for whoever waits at the entry unread; empty when nobody does. Asked every few
    seconds."""
    ports: ConsolePorts = request.app.state.ports
    found = await kiosks.ticket(hub, here) if ports.pay_url else None
    if found is None:
        return Response(status_code=204)
    address = f"{ports.pay_url.rstrip('/')}/pay?g={found.garage}&t={found.code}"
    code = f"{found.code[:4]}-{found.code[4:]}"
    return page(request, "kiosk/ticket.html", qr=qr_picture(address), code=code)


@router.post("/kiosk")
async def begin(request: Request, hub: Hub, fields: Fields) -> Response:
    """Spend a code, and make this tablet the kiosk that it is for."""
    code = fields.needed("code")
    try:
        secret = await kiosks.open_kiosk(hub, code)
    except PosternError as fault:
        form = Form(values={"code": code}, fault=fault)
        return page(request, "kiosk/begin.html", status=422, form=form)
    answer = go("/kiosk")
    cookies.keep(request, answer, cookie_name(request), secret, seconds=KEPT_FOR, samesite="strict")
    return answer


@router.post("/kiosk/help")
async def help_me(request: Request, hub: Hub, here: Kiosk) -> Response:
    """Somebody at the lane asks for help."""
    await kiosks.ask_for_help(hub, here)
    if request.headers.get("accept") == "application/json":
        return JSONResponse({"asked": True})
    return go("/kiosk")


@sockets.websocket("/kiosk/call")
async def call(socket: WebSocket) -> None:
    """The kiosk's end of a call."""
    hub = socket.app.state.services
    cookie = socket.cookies.get(cookie_name(socket), "")
    try:
        here = await kiosks.known_kiosk(hub, cookie)
    except PosternError:
        await socket.close(code=1008)
        return
    if not calling.from_own_page(socket):
        await socket.close(code=1008)
        return
    line = Line(tenant=here.tenant, kiosk=here.kiosk.id)
    await calling.converse(socket, hub, line, Side.KIOSK, lambda: kiosks.known_kiosk(hub, cookie))
