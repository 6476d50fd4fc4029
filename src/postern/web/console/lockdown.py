"""Lockdown in two taps: what, then now. Release, and a drill that shuts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.lockdown import Lockdown, Lockdowns
from postern.errors import NotFound
from postern.ids import AreaId, SiteId
from postern.operations.presence import lockdown as operations
from postern.operations.presence.lockdown import SiteLockdowns
from postern.operations.sites import agents as agent_operations
from postern.sites.model import Area, Site, zone_of
from postern.web.forms import EMPTY, Form
from postern.web.heard import Heard
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class LockdownView:
    """One lockdown, in words."""

    id: UUID
    where: str
    since: str
    by: str
    reason: str
    drill: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteView:
    """A site: what is locked down, what can be, and how many of its agents have the latest change."""

    site: Site
    every: tuple[LockdownView, ...]
    areas: tuple[Area, ...]
    whole: bool
    agents: int
    heard: int


@router.get("/lockdown")
async def overview(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site, with what can be locked down and released."""
    t = words_for(request)
    views = [
        await _view(request, hub, caller, one, t) for one in await operations.locked_down(hub, caller.actor)
    ]
    return page(request, "muster/lockdown.html", sites=views)


@router.get("/lockdown/{site}")
async def confirm(
    request: Request, hub: Hub, caller: SignedIn, site: int, area: UUID | None = None
) -> Response:
    """The second tap."""
    return await _confirm(request, hub, caller, site, area, EMPTY)


@router.post("/lockdown/{site}")
async def lock_down(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Lock down now, or begin a drill."""
    area = fields.id("area")
    with fields.refusals():
        await operations.lock_down(
            hub,
            caller.actor,
            SiteId(site),
            area=AreaId(area) if area is not None else None,
            drill=fields.text("drill") == "yes",
            reason=fields.text("reason"),
        )
        return go("/lockdown", "locked-down")
    return await _confirm(request, hub, caller, site, area, fields.result())


@router.post("/lockdown/{site}/{id}/release")
async def release(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """Release one lockdown."""
    await operations.release(hub, caller.actor, SiteId(site), id)
    return go("/lockdown", "released")


async def _confirm(
    request: Request, hub: Hub, caller: Caller, site: int, area: UUID | None, form: Form
) -> Response:
    for one in await operations.locked_down(hub, caller.actor):
        chosen = next((part for part in one.areas if part.id == area and not part.outside), None)
        if one.site.id == site and (area is None or chosen is not None):
            return page(
                request,
                "muster/lock_down.html",
                status=409 if form.fault else 200,
                site=one.site,
                area=chosen,
                form=form,
            )
    raise NotFound("there is no such site or area")


async def _view(request: Request, hub: Hub, caller: Caller, one: SiteLockdowns, t: Words) -> SiteView:
    active = [
        agent for agent in await agent_operations.agents(hub, caller.actor, one.site.id) if agent.active
    ]
    heard: Heard = request.app.state.heard
    words = [heard.agents[agent.id].lockdown for agent in active if agent.id in heard.agents]
    names = {area.id: area.name for area in one.areas}
    return SiteView(
        site=one.site,
        every=tuple(_lockdown(lock, names, one.site, t) for lock in one.lockdowns.every),
        areas=tuple(area for area in one.areas if not area.outside),
        whole=any(lock.area is None for lock in one.lockdowns.in_earnest),
        agents=len(active),
        heard=sum(word == _named(one.lockdowns) for word in words),
    )


def _named(lockdowns: Lockdowns) -> str:
    return f"{lockdowns.epoch}.{lockdowns.version}"


def _lockdown(one: Lockdown, names: dict[AreaId, str], site: Site, t: Words) -> LockdownView:
    return LockdownView(
        id=one.id,
        where=t("lockdown.whole-site") if one.area is None else names.get(one.area, "–"),
        since=t.moment(one.since, zone_of(site.time_zone)),
        by=one.by,
        reason=one.reason if one.reason != operations.NOT_STATED else "",
        drill=one.drill,
    )
