"""Muster: who is inside, for a phone in the rain. Pages work by forms alone and refresh themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import SubjectKind
from postern.access.presence import Evidence, Muster
from postern.errors import BadInput, NotFound
from postern.ids import AreaId, SiteId
from postern.operations.presence import muster as operations
from postern.operations.presence import muster_wire
from postern.operations.presence.occupancy import Occupancy, occupancy
from postern.operations.presence.roll import Roll, RollLine, Unnamed
from postern.privacy.member import JOURNAL_NAME
from postern.sites.model import Site, zone_of
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import FORM_KEY_HEADER, Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
LONG_AGO = timedelta(hours=16)
"""Nobody works that long: they may have left unseen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineView:
    """Somebody on the roll, in words. `place`: of the unnamed aboard a vehicle, whose `id` and `more` these
    are then.

    `uncounted`: a vehicle of which nobody said who is aboard.
    """

    id: UUID
    place: int | None
    name: str
    since: str
    evidence: str
    sure: bool
    long_ago: bool
    more: int
    uncounted: bool
    safe: str
    is_person: bool
    is_vehicle: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaView:
    """An area of the roll, with whom nobody has seen yet before the others. `uncounted`: vehicles."""

    name: str
    missing: int
    uncounted: int
    lines: tuple[LineView, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RollView:
    """The roll, in words. `missing`: whom nobody has seen yet; `uncounted`: vehicles of which nobody said who
    is aboard; `places`: where somebody may be said to be."""

    site: Site
    muster: Muster
    called: str
    at: str
    missing: int
    uncounted: int
    safe: int
    places: tuple[tuple[AreaId, str], ...]
    areas: tuple[AreaView, ...]


@router.get("/muster")
async def overview(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site, with a muster to call or to go to."""
    return await _overview(request, hub, caller, EMPTY)


@router.post("/muster/{site}/call")
async def call(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Begin a muster or a drill."""
    drill = fields.text("drill") == "yes"
    with fields.refusals():
        await operations.call(hub, caller.actor, SiteId(site), drill=drill, reason=fields.text("reason"))
        return go(f"/muster/{site}")
    return await _overview(request, hub, caller, fields.result())


@router.post("/muster/{site}/end")
async def end(hub: Hub, caller: SignedIn, site: int) -> Response:
    """The muster is over."""
    await operations.end(hub, caller.actor, SiteId(site))
    return go("/muster", "muster-ended")


@router.post("/muster/{site}/code")
async def code(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """A muster code for the site's agents, shown this once."""
    made = await muster_wire.new_code(hub, caller.actor, SiteId(site))
    found = await _site(hub, caller, site)
    return page(request, "muster/code.html", site=found.site, code=made)


@router.get("/muster/{site}")
async def roll(request: Request, hub: Hub, caller: SignedIn, site: int, q: str = "") -> Response:
    """The roll; without a muster, back to where one is called."""
    found = await _site(hub, caller, site)
    if found.muster is None:
        return go("/muster")
    people = await operations.find(hub, caller.actor, SiteId(site), q) if q.strip() else []
    shown = await operations.roll(hub, caller.actor, SiteId(site))
    return page(request, "muster/roll.html", roll=_view(shown, words_for(request)), q=q, people=people)


@router.get("/muster/{site}/roll")
async def rows(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """The roll alone, for the page that refreshes itself."""
    found = await operations.roll(hub, caller.actor, SiteId(site))
    return page(request, "muster/rows.html", roll=_view(found, words_for(request)))


@router.post("/muster/{site}/mark")
async def mark(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Somebody was seen safe, or not after all. A page that keeps itself current is answered in few bytes."""
    await _site(hub, caller, site)
    subject, place, safe = _subject(fields), _place(fields), fields.text("safe") != "no"
    await operations.mark(hub, caller.actor, SiteId(site), subject, safe=safe, place=place)
    if FORM_KEY_HEADER in request.headers:
        return Response(status_code=204)
    return go(f"/muster/{site}")


@router.post("/muster/{site}/state")
async def state(hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Somebody is in another area than the doors saw, or outside; perhaps seen safe there."""
    await _site(hub, caller, site)
    subject, area = _subject(fields), fields.id("area")
    if area is None:
        raise BadInput("choose the area that they are in")
    reason = fields.text("reason") or "muster"
    await operations.state(hub, caller.actor, SiteId(site), subject, AreaId(area), reason=reason)
    if fields.text("safe") == "yes":
        await operations.mark(hub, caller.actor, SiteId(site), subject, safe=True)
    return go(f"/muster/{site}")


@router.post("/muster/{site}/aboard")
async def aboard(hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """So many unnamed people are in a vehicle."""
    await _site(hub, caller, site)
    text = fields.text("more")
    if not text.isascii() or not text.isdigit():
        raise BadInput("say how many people are in the vehicle, as a number")
    await operations.aboard(hub, caller.actor, SiteId(site), _subject(fields), more=int(text[:4]))
    return go(f"/muster/{site}")


def _place(fields: FormReader) -> int | None:
    """Which of the unnamed aboard a vehicle; None for the subject itself."""
    text = fields.text("place")
    return int(text[:4]) if text.isascii() and text.isdigit() else None


def _subject(fields: FormReader) -> UUID:
    subject = fields.id("subject")
    if subject is None:
        raise BadInput("choose somebody on the roll")
    return subject


async def _site(hub: Hub, caller: Caller, site: int) -> Occupancy:
    for one in await occupancy(hub, caller.actor):
        if one.site.id == site:
            return one
    raise NotFound("there is no such site")


async def _overview(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    found = await occupancy(hub, caller.actor)
    t = words_for(request)
    coded = {one.site.id: await muster_wire.has_code(hub, caller.actor, one.site.id) for one in found}
    return page(
        request,
        "muster/overview.html",
        status=409 if form.fault else 200,
        sites=found,
        coded=coded,
        since={one.site.id: _since(one, t) for one in found},
        form=form,
    )


def _since(one: Occupancy, t: Words) -> str:
    return t.moment(one.muster.since, zone_of(one.site.time_zone)) if one.muster is not None else ""


def _view(found: Roll, t: Words) -> RollView:
    site = found.plan.site
    zone = zone_of(site.time_zone)
    areas: dict[str, list[RollLine]] = {}
    for line in found.lines:
        areas.setdefault(line.area_name, []).append(line)
    return RollView(
        site=site,
        muster=found.muster,
        called=t.moment(found.muster.since, zone),
        at=t.time(found.at, zone),
        missing=found.missing,
        uncounted=found.uncounted,
        safe=found.safe,
        places=tuple((one.id, one.name) for one in found.plan.areas),
        areas=tuple(
            AreaView(
                name=name,
                missing=sum(_unseen(one) for one in lines),
                uncounted=sum(one.uncounted for one in lines),
                lines=tuple(_lines(lines, found, site, t)),
            )
            for name, lines in areas.items()
        ),
    )


def _unseen(one: RollLine) -> int:
    if one.kind is SubjectKind.VEHICLE:
        return sum(other.safe_at is None for other in one.others)
    return int(one.safe_at is None)


def _lines(lines: list[RollLine], found: Roll, site: Site, t: Words) -> Iterator[LineView]:
    """Everybody, each vehicle followed by those aboard it."""
    vehicles = {one.subject for one in lines if one.kind is SubjectKind.VEHICLE}
    for one in lines:
        if one.carrier not in vehicles:
            yield _line(one, found, site, t)
        if one.kind is SubjectKind.VEHICLE:
            for rider in lines:
                if rider.carrier == one.subject:
                    yield _line(rider, found, site, t)
            for other in one.others:
                yield _unnamed(one, other, site, t)


def _unnamed(one: RollLine, other: Unnamed, site: Site, t: Words) -> LineView:
    zone = zone_of(site.time_zone)
    return LineView(
        id=one.subject,
        place=other.place,
        name=t("muster.unnamed", plate=one.name or t("muster.no-name"), n=other.place),
        since=t.moment(one.since, zone),
        evidence=_evidence(one, t) if one.evidence is Evidence.STATED else t("evidence.unnamed"),
        sure=False,
        long_ago=False,
        more=one.more,
        uncounted=False,
        safe=t("muster.safe-by", name=other.safe_by, at=t.time(other.safe_at, zone)) if other.safe_at else "",
        is_person=True,
        is_vehicle=False,
    )


def _line(one: RollLine, found: Roll, site: Site, t: Words) -> LineView:
    zone = zone_of(site.time_zone)
    return LineView(
        id=one.subject,
        place=None,
        name=one.name or t("muster.no-name"),
        since=t.moment(one.since, zone),
        evidence=_evidence(one, t),
        sure=one.evidence is Evidence.PASSED,
        long_ago=found.at - one.since > LONG_AGO,
        more=one.more,
        uncounted=one.uncounted,
        safe=t("muster.safe-by", name=one.safe_by, at=t.time(one.safe_at, zone)) if one.safe_at else "",
        is_person=one.kind is not SubjectKind.VEHICLE,
        is_vehicle=one.kind is SubjectKind.VEHICLE,
    )


def _evidence(one: RollLine, t: Words) -> str:
    """By what evidence, in words: through which door with what, in which vehicle, or who said so."""
    match one.evidence:
        case Evidence.ABOARD if one.by == JOURNAL_NAME:
            return t("evidence.aboard-self", vehicle=one.vehicle)
        case Evidence.ABOARD:
            return t("evidence.aboard", vehicle=one.vehicle, by=one.by)
        case Evidence.STATED:
            return t("evidence.stated", by=one.by)
        case Evidence.PRESUMED:
            return t("evidence.presumed", door=one.via, what=t.code("credential", one.presented))
        case Evidence.PASSED:
            return t("evidence.passed", door=one.via, what=t.code("credential", one.presented))
