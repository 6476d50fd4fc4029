"""Setting a garage up: bays, currency, special days, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import SiteId
from postern.operations.parking import garage_setup
from postern.operations.sites import kiosks
from postern.operations.sites import places as site_operations
from postern.operators.roles import Duty, may
from postern.parking.rules import GarageSettings
from postern.sites.model import LaneKind, Site
from postern.web.forms import Form, FormReader, filled
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter()
STALE_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class SetupStep:
    """Something that a garage needs; `href`: where it is done."""

    key: str
    done: bool
    href: str


@router.get("/garage/setup")
async def shown(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The settings of one site, which may be no garage yet."""
    sites = await site_operations.sites(hub, caller.actor)
    chosen = next((one for one in sites if one.id == site), sites[0] if sites else None)
    if chosen is None:
        raise NotFound("add a site first; a garage is a site with bays")
    return await _page(request, hub, caller, chosen, _filled(await _settings(hub, caller, chosen)))


@router.post("/garage/setup/{site}")
async def save(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Make the site a garage, or change one."""
    chosen = next((one for one in await site_operations.sites(hub, caller.actor) if one.id == site), None)
    if chosen is None:
        raise NotFound("there is no such site")
    try:
        wanted = _read(fields, SiteId(site))
        if wanted is None:
            return await _page(request, hub, caller, chosen, fields.result())
        await garage_setup.set_garage(hub, caller.actor, wanted)
    except PosternError as fault:
        return await _page(request, hub, caller, chosen, fields.result(fault))
    return go(f"/garage/setup?site={site}", "saved")


def _read(fields: FormReader, site: SiteId) -> GarageSettings | None:
    bays = fields.parsed("bays", int, "form.not-a-number")
    currency, vehicle = fields.needed("currency").upper(), fields.needed("vehicle_class")
    days = fields.parsed("special_days", _days, "garage.special-days-wrong")
    stale = fields.parsed("stale_days", int, "form.not-a-number")
    version = fields.parsed("version", int, "form.not-a-number")
    if bays is None:
        fields.errors.setdefault("bays", "form.needed")
    if fields.errors or bays is None:
        return None
    return GarageSettings(
        site=site,
        bays=bays,
        currency=currency,
        vehicle_class=vehicle,
        stale_after=timedelta(days=STALE_DAYS if stale is None else stale),
        special_days=days or frozenset(),
        version=version or 0,
    )


def _days(text: str) -> frozenset[date]:
    return frozenset(date.fromisoformat(one) for one in text.replace(",", " ").split())


async def _settings(hub: Hub, caller: Caller, site: Site) -> GarageSettings | None:
    try:
        return await garage_setup.garage(hub, caller.actor, site.id)
    except NotFound:
        return None


def _filled(settings: GarageSettings | None) -> Form:
    if settings is None:
        return filled(vehicle_class="car", stale_days=STALE_DAYS, version=0)
    return filled(
        bays=settings.bays,
        currency=settings.currency,
        vehicle_class=settings.vehicle_class,
        stale_days=settings.stale_after // timedelta(days=1),
        special_days=" ".join(day.isoformat() for day in sorted(settings.special_days)),
        version=settings.version,
    )


async def _page(request: Request, hub: Hub, caller: Caller, site: Site, form: Form) -> Response:
    return page(
        request,
        "garage/setup.html",
        status=422 if form.wrong else 200,
        sites=await site_operations.sites(hub, caller.actor),
        site=site,
        form=form,
        steps=await _steps(hub, caller, site),
    )


async def _steps(hub: Hub, caller: Caller, site: Site) -> tuple[SetupStep, ...]:
    """What the garage has and what it lacks, in the order in which it is done."""
    plan = await site_operations.plan(hub, caller.actor, site.id)
    lanes = {one.lane.kind for one in plan.access_points if one.lane is not None}
    settings = await _settings(hub, caller, site)
    tariffs = await garage_setup.tariffs(hub, caller.actor, site.id)
    tablets = await kiosks.kiosks(hub, caller.actor, site.id)
    places = f"/sites/{site.id}" if may(caller.actor, Duty.CHANGE_SITES) else ""
    return (
        SetupStep(key="lanes", done=lanes == set(LaneKind), href=places),
        SetupStep(key="bays", done=settings is not None, href=""),
        SetupStep(key="tariff", done=bool(tariffs), href=f"/garage/tariffs/{site.id}" if settings else ""),
        SetupStep(key="kiosk", done=any(one.opened for one in tablets), href="/garage/kiosks"),
    )
