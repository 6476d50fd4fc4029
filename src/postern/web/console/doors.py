"""Doors: how they stand, opening one from afar, and standing in for somebody at a simulated one."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.errors import BadInput, ControllerUnavailable, NotFound, PosternError, Refused
from postern.ids import DoorId, ReaderId, SiteId
from postern.operations import look
from postern.operations.archive import present
from postern.operations.sites import open_door
from postern.operations.sites import places as site_operations
from postern.operations.sites.commands import CommandOutcome
from postern.sites.model import Door, Reader
from postern.sites.store import SitePlan
from postern.web.console.door_states import DoorLine, door_lines
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
PRESENTED = ("card", "qr", "pin", "plate")
DECIDED = frozenset(Reason)
"""A refusal is an answer, too: what was presented was judged."""


@router.get("/doors")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every door of every site."""
    t = words_for(request)
    lines: list[DoorLine] = []
    for site in await site_operations.sites(hub, caller.actor):
        plan = await site_operations.plan(hub, caller.actor, site.id)
        watched = caller.may("watch") and await look.is_watched(hub, caller.actor, site.id)
        rows = (await look.wall(hub, caller.actor, site.id)).rows if watched else ()
        lines += door_lines(plan, rows, t)
    return page(request, "doors/doors.html", doors=lines)


@router.get("/doors/{site}/{door}/open")
async def ask(request: Request, hub: Hub, caller: SignedIn, site: int, door: UUID) -> Response:
    """The form that asks why."""
    plan, found = await _door(hub, caller, site, door)
    return page(request, "doors/open.html", door=found, site=plan.site, form=EMPTY)


@router.post("/doors/{site}/{door}/open")
async def release(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, door: UUID
) -> Response:
    """Have the door opened; the page tells when it was not."""
    plan, found = await _door(hub, caller, site, door)
    reason = fields.needed("reason")
    fault: PosternError | None = None
    if not fields.errors:
        try:
            outcome = await open_door.open_door(
                hub, caller.actor, site=SiteId(site), door=DoorId(door), reason=reason
            )
            if outcome.done:
                return go("/doors", "door-opened")
            fault = _not_done(outcome)
        except PosternError as caught:
            fault = caught
    form = fields.result(fault)
    return page(request, "doors/open.html", status=422, door=found, site=plan.site, form=form)


def _not_done(outcome: CommandOutcome) -> PosternError:
    if outcome.detail == "no-answer":
        return ControllerUnavailable(
            "No agent of this site answered, so the door was not opened. Check that its agent runs."
        )
    return ControllerUnavailable(outcome.detail or "The door did not open.")


@router.get("/doors/{site}/{door}/stand-in")
async def simulate(request: Request, hub: Hub, caller: SignedIn, site: int, door: UUID) -> Response:
    """The form for a simulated door."""
    return await _stand_in(request, hub, caller, site, door, EMPTY)


@router.post("/doors/{site}/{door}/stand-in")
async def stand_in(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, door: UUID
) -> Response:
    """Present a credential, or play a picture or video, at a simulated door."""
    reader = fields.id("reader")
    value = fields.needed("value")
    if reader is None:
        fields.errors.setdefault("reader", "form.needed")
    fault: PosternError | None = None
    if reader is not None and not fields.errors:
        try:
            outcome = await _present(hub, caller, fields, SiteId(site), ReaderId(reader), value)
            if outcome.done or outcome.detail in DECIDED:
                return go(f"/doors/{site}/{door}/stand-in", "presented")
            fault = _not_done(outcome)
        except PosternError as caught:
            fault = caught
    return await _stand_in(request, hub, caller, site, door, fields.result(fault))


@router.post("/doors/{site}/{door}/stage")
async def stage(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, door: UUID
) -> Response:
    """Play what happens at a simulated door: nobody goes through, it is held open, forced or shut."""
    await _door(hub, caller, site, door)
    act = fields.text("act")
    fault: PosternError
    try:
        outcome = await present.stage(hub, caller.actor, site=SiteId(site), door=DoorId(door), act=act)
        if outcome.done:
            return go(f"/doors/{site}/{door}/stand-in", "staged")
        fault = _not_done(outcome)
    except (BadInput, Refused) as caught:
        fault = caught
    return await _stand_in(request, hub, caller, site, door, fields.result(fault))


async def _present(
    hub: Hub, caller: Caller, fields: FormReader, site: SiteId, reader: ReaderId, value: str
) -> CommandOutcome:
    what = fields.text("what")
    if what in PRESENTED:
        kind = CredentialKind(what)
        return await present.present(hub, caller.actor, site=site, reader=reader, kind=kind, value=value)
    return await present.play(hub, caller.actor, site=site, reader=reader, source=value)


async def _stand_in(
    request: Request, hub: Hub, caller: Caller, site: int, door: UUID, form: Form
) -> Response:
    t = words_for(request)
    plan, found = await _door(hub, caller, site, door)
    return page(
        request,
        "doors/stand_in.html",
        status=422 if form.wrong else 200,
        site=plan.site,
        door=found,
        readers=[(one.id, one.name) for one in _readers(plan, door)],
        acts=present.ACTS,
        whats=[("file", t("stand-in.file")), *((one, t(f"credential.{one}")) for one in PRESENTED)],
        form=form,
    )


def _readers(plan: SitePlan, door: UUID) -> list[Reader]:
    points = {one.id for one in plan.access_points if one.door == door}
    return [one for one in plan.readers if one.access_point in points]


async def _door(hub: Hub, caller: Caller, site: int, door: UUID) -> tuple[SitePlan, Door]:
    plan = await site_operations.plan(hub, caller.actor, SiteId(site))
    for one in plan.doors:
        if one.id == door:
            return plan, one
    raise NotFound("there is no such door; it may have been removed")
