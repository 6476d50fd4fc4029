"""Occupancy: how many are in each area, against its limit. Nobody is named."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.operations.presence import occupancy as operations
from postern.operations.presence.lockdown import locked_down
from postern.operations.presence.occupancy import AreaCount, Occupancy
from postern.sites.model import Site, zone_of
from postern.web.login import Hub, SignedIn
from postern.web.pages import page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaView:
    """One area. `share`: per cent of its limit, empty without one."""

    name: str
    people: int
    vehicles: int
    limit: int | None
    share: str
    full: bool
    locked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteView:
    """One site's areas."""

    site: Site
    people: int
    elsewhere: int
    at: str
    muster: bool
    areas: tuple[AreaView, ...]


@router.get("/occupancy")
async def overview(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site."""
    t = words_for(request)
    lockdowns = {one.site.id: one.lockdowns for one in await locked_down(hub, caller.actor)}
    found = await operations.occupancy(hub, caller.actor)
    views = [
        SiteView(
            site=one.site,
            people=one.people,
            elsewhere=one.elsewhere,
            at=t.time(one.at, zone_of(one.site.time_zone)),
            muster=one.muster is not None,
            areas=tuple(
                _area(area, locked=lockdowns[one.site.id].locks(area.area.id)) for area in _fullest(one)
            ),
        )
        for one in found
        if one.site.id in lockdowns
    ]
    return page(request, "muster/occupancy.html", sites=views)


def _fullest(one: Occupancy) -> list[AreaCount]:
    return sorted(one.areas, key=lambda area: (-area.people, area.area.name))


def _area(one: AreaCount, *, locked: bool) -> AreaView:
    limit = one.area.limit
    return AreaView(
        name=one.area.name,
        people=one.people,
        vehicles=one.vehicles,
        limit=limit,
        share="" if limit is None else f"{min(100, one.people * 100 / limit):.1f}",
        full=one.full,
        locked=locked,
    )
