"""Kiosks in the console: which there are, a code for a tablet, and the attendant's end of a call."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, WebSocket
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import DoorId, KioskId, SiteId
from postern.operations.operators import sign_in
from postern.operations.parking.calls import Line, Side
from postern.operations.sites import kiosks
from postern.operations.sites import places as site_operations
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.sites.kiosks import KioskState
from postern.sites.store import SitePlan
from postern.web import calling
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn, cookie_name
from postern.web.pages import Caller, go, page
from postern.web.qr import qr_picture

router = APIRouter()
sockets = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class KioskLine:
    """A kiosk as the list shows it. `calls`: somebody there waits for help."""

    id: UUID
    site_id: int
    site: str
    name: str
    door: str
    opened: bool
    calls: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeView:
    """A one-time code, shown once: to type, and as a picture for the tablet's camera."""

    kiosk: str
    code: str
    address: str
    qr: str


@router.get("/garage/kiosks")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every kiosk of every site; those with somebody waiting first."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/garage/kiosks")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """A new kiosk, with the code for its tablet."""
    name, place = fields.needed("name"), fields.needed("door")
    site, _, door = place.partition("/")
    if fields.errors:
        return await _page(request, hub, caller, fields.result())
    try:
        made = await kiosks.add_kiosk(
            hub, caller.actor, site=SiteId(int(site)), name=name, door=DoorId(UUID(door))
        )
    except ValueError:
        return await _page(request, hub, caller, fields.result(door="form.not-in-list"))
    except PosternError as fault:
        return await _page(request, hub, caller, fields.result(fault))
    return await _coded(request, hub, caller, made.site, made.id, made.name)


@router.post("/garage/kiosks/{site}/{id}/code")
async def code(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """A new code for a kiosk; the tablet that had it before works on until it is spent."""
    found = await _one(hub, caller, site, id)
    return await _coded(request, hub, caller, SiteId(site), KioskId(id), found.kiosk.name)


@router.post("/garage/kiosks/{site}/{id}/remove")
async def remove(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """Shut the tablet out."""
    await kiosks.remove_kiosk(hub, caller.actor, site=SiteId(site), id=KioskId(id))
    return go("/garage/kiosks", "kiosk-removed")


@router.get("/garage/calls/{site}/{id}")
async def call(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """The page from which an attendant answers."""
    found = await _one(hub, caller, site, id)
    plan = await site_operations.plan(hub, caller.actor, SiteId(site))
    ice = calling.ice_servers(request.app.state.settings)
    line = line_of(found, plan)
    answer = page(request, "garage/call.html", kiosk=line, door=found.kiosk.door, ice=ice)
    answer.headers["Permissions-Policy"] = calling.MICROPHONE_POLICY
    return answer


@router.post("/garage/calls/{site}/{id}/end")
async def end(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """Whoever waited there was helped."""
    await kiosks.end_call(hub, caller.actor, site=SiteId(site), id=KioskId(id))
    return go("/garage/kiosks", "call-ended")


@sockets.websocket("/garage/calls/{site}/{id}/line")
async def attendant_line(socket: WebSocket, site: int, id: UUID) -> None:
    """The attendant's end of a call. It needs the login's cookie, the duty, and a page of ours."""
    hub = socket.app.state.services
    secret = socket.cookies.get(cookie_name(socket), "")

    async def still() -> Actor:
        actor = await sign_in.who(hub, secret)
        require(actor, Duty.ANSWER_CALLS)
        return actor

    try:
        actor = await still()
        if not calling.from_own_page(socket):
            raise NotFound("no page of this console opens this")
        await kiosks.answer(hub, actor, site=SiteId(site), id=KioskId(id))
    except PosternError:
        await socket.close(code=1008)
        return
    line = Line(tenant=actor.tenant, kiosk=KioskId(id))
    await calling.converse(socket, hub, line, Side.ATTENDANT, still)


async def _one(hub: Hub, caller: Caller, site: int, id: UUID) -> KioskState:
    for state in await kiosks.kiosks(hub, caller.actor, SiteId(site)):
        if state.kiosk.id == id:
            return state
    raise NotFound("there is no such kiosk; it may have been removed")


def line_of(state: KioskState, plan: SitePlan) -> KioskLine:
    """The kiosk as pages show it."""
    return KioskLine(
        id=state.kiosk.id,
        site_id=state.kiosk.site,
        site=plan.site.name,
        name=state.kiosk.name,
        door=next((door.name for door in plan.doors if door.id == state.kiosk.door), "–"),
        opened=state.opened,
        calls=state.call is not None,
    )


async def _coded(
    request: Request, hub: Hub, caller: Caller, site: SiteId, id: KioskId, name: str
) -> Response:
    letters = await kiosks.new_kiosk_code(hub, caller.actor, site=site, id=id)
    address = f"{hub.public_url.rstrip('/')}/kiosk"
    # Behind the #, the code is never sent as part of an address, so it is in no log.
    shown = CodeView(kiosk=name, code=letters, address=address, qr=qr_picture(f"{address}#{letters}"))
    return await _page(request, hub, caller, EMPTY, code=shown)


async def _page(
    request: Request, hub: Hub, caller: Caller, form: Form, code: CodeView | None = None
) -> Response:
    lines: list[KioskLine] = []
    doors: list[tuple[str, str]] = []
    for site in await site_operations.sites(hub, caller.actor):
        plan = await site_operations.plan(hub, caller.actor, site.id)
        doors += [(f"{site.id}/{door.id}", f"{site.name} · {door.name}") for door in plan.doors]
        lines += [line_of(one, plan) for one in await kiosks.kiosks(hub, caller.actor, site.id)]
    lines.sort(key=lambda one: not one.calls)
    return page(
        request,
        "garage/kiosks.html",
        status=422 if form.wrong else 200,
        kiosks=lines,
        doors=doors,
        form=form,
        code=code,
        may_change=caller.may("change-kiosks"),
        may_answer=caller.may("answer-calls"),
    )
