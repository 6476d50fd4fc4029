"""The live wall: what happens at a site, as it happens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from postern.errors import NotFound, NotSignedIn
from postern.ids import AgentId, SiteId
from postern.operations import look
from postern.operations.operators import sign_in
from postern.operations.sites import places as site_operations
from postern.records.model import RecordKey
from postern.sites.model import Site, zone_of
from postern.sites.store import SitePlan
from postern.web.console.checklist import checklist
from postern.web.console.door_states import DoorLine, door_lines
from postern.web.console.streams import message
from postern.web.console.wall_rows import WallRow, rows_of
from postern.web.login import Hub, SignedIn, cookie_name
from postern.web.pages import Caller, markup, page, words_for

router = APIRouter()
ON_PAGE = 50
_KEY = re.compile(r"(\d{1,9})-(\d{8})-(\d{1,9})-(\d{1,18})")


@dataclass(frozen=True, kw_only=True, slots=True)
class WallView:
    """What the wall shows: its rows, newest first, and how the doors stand."""

    rows: tuple[WallRow, ...] = ()
    doors: tuple[DoorLine, ...] = ()


@router.get("/wall")
async def wall(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The last passages of a site; what comes next arrives through `stream`."""
    sites = await site_operations.sites(hub, caller.actor)
    chosen = _chosen(sites, site)
    plan = await site_operations.plan(hub, caller.actor, chosen.id) if chosen else None
    view = await _look(request, hub, caller, plan) if plan else WallView()
    return page(
        request,
        "wall/wall.html",
        sites=sites,
        chosen=chosen,
        passages=view.rows,
        doors=view.doors,
        checklist=await checklist(hub, caller),
    )


def _chosen(sites: list[Site], wanted: int | None) -> Site | None:
    return next((one for one in sites if one.id == wanted), sites[0] if sites else None)


async def _look(request: Request, hub: Hub, caller: Caller, plan: SitePlan) -> WallView:
    t = words_for(request)
    seen = await look.wall(hub, caller.actor, plan.site.id, limit=ON_PAGE)
    rows = rows_of(seen.rows, t, zone_of(plan.site.time_zone))
    return WallView(rows=rows, doors=door_lines(plan, seen.rows, t))


@router.get("/wall/stream/{site}")
async def stream(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """Passages as server-sent messages, for as long as the login lasts."""
    plan = await site_operations.plan(hub, caller.actor, SiteId(site))
    return StreamingResponse(_messages(request, hub, caller, plan), media_type="text/event-stream")


async def _messages(request: Request, hub: Hub, caller: Caller, plan: SitePlan) -> AsyncIterator[str]:
    """Every row that is new or has changed since it was last sent, oldest first."""
    sent: dict[str, WallRow] = {}
    secret = request.cookies.get(cookie_name(request), "")
    yield "retry: 2000\n\n"
    async with aclosing(look.wall_news(hub, caller.actor, plan.site.id)) as news:
        async for _ in news:
            try:
                await sign_in.who(hub, secret)
            except NotSignedIn:
                yield message("signed-out", "")
                return
            view = await _look(request, hub, caller, plan)
            for row in reversed(view.rows):
                if sent.get(row.key) != row:
                    sent[row.key] = row
                    yield message("passage", markup(request, "wall/row.html", row=row))
            yield message("doors", markup(request, "wall/doors.html", doors=view.doors))


@router.get("/wall/evidence/{key}")
async def evidence(request: Request, caller: SignedIn, key: str) -> Response:
    """The part of the page that shows a picture."""
    del caller
    record_key(key)
    return page(request, "wall/evidence.html", src=f"/wall/picture/{key}")


@router.get("/wall/picture/{key}")
async def picture(hub: Hub, caller: SignedIn, key: str) -> Response:
    """The evidence itself, opened by the hub once the look is in the journal."""
    jpeg = await look.evidence(hub, caller.actor, record_key(key), purpose="live wall")
    return Response(jpeg, media_type="image/jpeg")


def record_key(text: str) -> RecordKey:
    found = _KEY.fullmatch(text)
    if found is None:
        raise NotFound("there is no such record")
    site, day, agent, seq = found.groups()
    try:
        on = date.fromisoformat(day)
    except ValueError as fault:
        raise NotFound("there is no such record") from fault
    return RecordKey(site=SiteId(int(site)), day=on, agent=AgentId(int(agent)), seq=int(seq))
