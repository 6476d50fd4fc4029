"""Sites with their areas, doors, access points and readers; testing a camera before trusting it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError, Unavailable
from postern.ids import SiteId
from postern.operations.sites import places as operations
from postern.operators.roles import Duty, require
from postern.sites.model import (
    AccessPoint,
    Area,
    ControllerKind,
    Door,
    DoorKind,
    LaneKind,
    LaneRule,
    Reader,
    ReaderKind,
    zone_of,
)
from postern.sites.store import Part, SitePlan
from postern.web.console.site_parts import NEW, READERS, form_of
from postern.web.console.site_rows import KindRows, kinds_of, parts_of
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for
from postern.web.ports import ConsolePorts

router = APIRouter()
Choices = list[tuple[object, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteCard:
    """A site as the list shows it."""

    id: int
    name: str
    time_zone: str
    doors: int
    readers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a part's form lets one choose from."""

    kinds: Choices
    controllers: Choices
    areas: Choices
    doors: Choices
    access_points: Choices
    lanes: Choices
    lane_rules: Choices


@router.get("/sites")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site."""
    return await _sites(request, hub, caller, EMPTY)


@router.post("/sites")
async def add_site(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add a site."""
    name = fields.needed("name")
    zone = fields.parsed("time_zone", lambda text: zone_of(text).key, "sites.time-zone-wrong")
    if zone is None:
        fields.needed("time_zone")
    if fields.errors or zone is None:
        return await _sites(request, hub, caller, fields.result())
    try:
        site = await operations.create_site(
            hub, caller.actor, name=name, time_zone=zone, country=fields.maybe("country")
        )
    except PosternError as fault:
        return await _sites(request, hub, caller, fields.result(fault))
    return go(f"/sites/{site.id}", "added")


async def _sites(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    cards = []
    for site in await operations.sites(hub, caller.actor):
        plan = await operations.plan(hub, caller.actor, site.id)
        cards.append(
            SiteCard(
                id=site.id,
                name=site.name,
                time_zone=site.time_zone,
                doors=len(plan.doors),
                readers=len(plan.readers),
            )
        )
    return page(request, "sites/sites.html", status=422 if form.wrong else 200, sites=cards, form=form)


@router.get("/sites/{site}")
async def shown(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """A site with everything in it."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    may_change = caller.may("change-sites")
    kinds: tuple[KindRows, ...] = kinds_of(plan, words_for(request), may_test=may_change)
    return page(request, "sites/site.html", site=plan.site, kinds=kinds, may_change=may_change)


@router.get("/sites/{site}/{kind}/new")
async def new_part(request: Request, hub: Hub, caller: SignedIn, site: int, kind: str) -> Response:
    """An empty form for an area, door, access point or reader."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    parts_of(plan, kind)
    return _form(request, plan, kind, NEW[kind])


@router.post("/sites/{site}/{kind}/new")
async def add_part(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, kind: str
) -> Response:
    """Add one."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    parts_of(plan, kind)
    part = READERS[kind](fields, SiteId(site), None)
    if fields.errors:
        return _form(request, plan, kind, fields.result())
    try:
        await _add(hub, caller, part)
    except PosternError as fault:
        return _form(request, plan, kind, fields.result(fault))
    return go(f"/sites/{site}", "added")


@router.get("/sites/{site}/{kind}/{id}")
async def edit_part(request: Request, hub: Hub, caller: SignedIn, site: int, kind: str, id: UUID) -> Response:
    """The form, filled in."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    part = _part(plan, kind, id)
    return _form(request, plan, kind, form_of(part), part)


@router.post("/sites/{site}/{kind}/{id}")
async def change_part(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, kind: str, id: UUID
) -> Response:
    """Change one."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    part = _part(plan, kind, id)
    wanted = READERS[kind](fields, SiteId(site), part)
    if fields.errors:
        return _form(request, plan, kind, fields.result(), part)
    try:
        await _change(hub, caller, wanted)
    except PosternError as fault:
        return _form(request, plan, kind, fields.result(fault), part)
    return go(f"/sites/{site}", "saved")


@router.post("/sites/{site}/{kind}/{id}/remove")
async def remove_part(
    request: Request, hub: Hub, caller: SignedIn, site: int, kind: str, id: UUID
) -> Response:
    """Remove one to which nothing refers."""
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    part = _part(plan, kind, id)
    try:
        await operations.remove(hub, caller.actor, part)
    except PosternError as fault:
        return _form(request, plan, kind, Form(values=form_of(part).values, fault=fault), part)
    return go(f"/sites/{site}", "removed")


@router.post("/sites/{site}/readers/{id}/test")
async def test_reader(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """One frame from the camera as the hub reaches it, or the words why there is none."""
    require(caller.actor, Duty.CHANGE_SITES)
    plan = await operations.plan(hub, caller.actor, SiteId(site))
    source = next((one.source for one in plan.readers if one.id == id), "")
    ports: ConsolePorts = request.app.state.ports
    try:
        if ports.grab_frame is None or ports.encode_jpeg is None:
            raise Unavailable("this hub has no camera code; test the camera with `postern try` at its agent")
        frame = await ports.grab_frame(source)
    except PosternError as fault:
        return page(request, "sites/tested.html", fault=fault)
    height, width = frame.shape[:2]
    jpeg = base64.b64encode(ports.encode_jpeg(frame)).decode()
    return page(request, "sites/tested.html", fault=None, width=width, height=height, jpeg=jpeg)


async def _add(hub: Hub, caller: Caller, part: Part) -> None:
    match part:
        case Area():
            await operations.add(hub, caller.actor, part)
        case Door():
            await operations.add(hub, caller.actor, part)
        case AccessPoint():
            await operations.add(hub, caller.actor, part)
        case Reader():
            await operations.add(hub, caller.actor, part)


async def _change(hub: Hub, caller: Caller, part: Part) -> None:
    match part:
        case Area():
            await operations.change(hub, caller.actor, part)
        case Door():
            await operations.change(hub, caller.actor, part)
        case AccessPoint():
            await operations.change(hub, caller.actor, part)
        case Reader():
            await operations.change(hub, caller.actor, part)


def _part(plan: SitePlan, kind: str, id: UUID) -> Part:
    for one in parts_of(plan, kind):
        if one.id == id:
            return one
    raise NotFound("there is no such thing at this site; it may have been removed")


def _form(request: Request, plan: SitePlan, kind: str, form: Form, part: Part | None = None) -> Response:
    t = words_for(request)
    heading = t("part.change-one", name=part.name) if part else t(f"part.add-{kind}")
    kinds = [(one.value, t(f"door-kind.{one.value}")) for one in DoorKind]
    if kind == "readers":
        kinds = [(one.value, t(f"reader-kind.{one.value}")) for one in ReaderKind]
    options = Options(
        kinds=[*kinds],
        controllers=[(one.value, t(f"controller.{one.value}")) for one in ControllerKind],
        areas=[(one.id, one.name) for one in plan.areas],
        doors=[(one.id, one.name) for one in plan.doors],
        access_points=[(one.id, one.name) for one in plan.access_points],
        lanes=[(one.value, t(f"lane-kind.{one.value}")) for one in LaneKind],
        lane_rules=[(one.value, t(f"lane-rule.{one.value}")) for one in LaneRule],
    )
    return page(
        request,
        "sites/part.html",
        status=422 if form.wrong else 200,
        site=plan.site,
        kind=kind,
        title=heading,
        form=form,
        options=options,
        changing=part is not None,
    )
