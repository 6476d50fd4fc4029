"""Visits: those of a day, invite, one visit with everything that can be done about it, and a site's rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, NotFound, PosternError
from postern.ids import AccessLevelId, SiteId, VisitId
from postern.operations.sites import places as site_operations
from postern.operations.visitors import faces, visits
from postern.operations.visitors import look as visit_look
from postern.operations.visitors import rules as visit_rules
from postern.sites.model import Site, zone_of
from postern.spans import Span
from postern.visitors.model import VisitDetails, VisitRules
from postern.web.console.holders import level_choices
from postern.web.console.visit_views import line_of, view_of
from postern.web.forms import EMPTY, Form, FormReader, filled
from postern.web.i18n import LANGUAGES
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page
from postern.web.qr import qr_picture

router = APIRouter()
USUAL = timedelta(hours=2)


@router.get("/visits")
async def listed(
    request: Request, hub: Hub, caller: SignedIn, site: int | None = None, day: date | None = None
) -> Response:
    """Whom a site expects or has received on a day: today, where none is chosen."""
    sites = await site_operations.sites(hub, caller.actor)
    chosen = next((one for one in sites if one.id == site), sites[0] if sites else None)
    found = await visit_look.visits_of_day(hub, caller.actor, chosen.id, day) if chosen else None
    lines = tuple(line_of(row, found.site) for row in found.rows) if found else ()
    shown = found.day if found else None
    return page(
        request,
        "visits/list.html",
        sites=sites,
        chosen=chosen,
        visits=lines,
        total=found.total if found else 0,
        day=shown,
        before=shown - timedelta(days=1) if shown else None,
        after=shown + timedelta(days=1) if shown else None,
    )


@router.get("/visits/new")
async def new(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The form, for the next two hours."""
    sites = await site_operations.sites(hub, caller.actor)
    chosen = next((one for one in sites if one.id == site), sites[0] if sites else None)
    if chosen is None:
        return await _form(request, hub, caller, EMPTY)
    start = hub.clock.now().astimezone(zone_of(chosen.time_zone)).replace(second=0, microsecond=0)
    form = filled(site=chosen.id, start=_local(start), end=_local(start + USUAL))
    return await _form(request, hub, caller, form)


@router.post("/visits/new")
async def invite(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Invite: the page of the visit comes with its link, told once."""
    sites = {one.id: one for one in await site_operations.sites(hub, caller.actor)}
    number = fields.parsed("site", int, "form.not-in-list")
    place = sites.get(SiteId(number)) if number is not None else None
    if place is None:
        fields.errors.setdefault("site", "form.not-in-list")
        return await _form(request, hub, caller, fields.result())
    zone = zone_of(place.time_zone)
    start, end = _moment(fields, "start", zone), _moment(fields, "end", zone)
    name, level = fields.needed("name"), fields.id("level")
    if fields.errors or start is None or end is None:
        return await _form(request, hub, caller, fields.result())
    try:
        if end <= start:
            raise BadInput("a visit has a beginning and, after it, an end")
        details = VisitDetails(
            site=place.id,
            name=name,
            valid=Span(start=start, end=end),
            company=fields.text("company"),
            mail=fields.maybe("mail"),
            host=await visits.find_host(hub, caller.actor, place.id, fields.text("host")),
            level=AccessLevelId(level) if level is not None else None,
            purpose=fields.text("purpose"),
            language=fields.text("language"),
        )
        made = await visits.invite(hub, caller.actor, details, mail=fields.ticked("send"))
    except PosternError as fault:
        return await _form(request, hub, caller, fields.result(fault))
    return await _page(request, hub, caller, made.visit.id, link=made.link, mailed=made.mailed)


@router.get("/visits/rules/{site}")
async def rules(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """How a site takes visitors."""
    found = await visit_rules.rules_of_site(hub, caller.actor, SiteId(site))
    here, terms = found.rules, found.terms
    form = filled(
        walk_up_level=here.walk_up_level,
        walk_up_hours=here.walk_up_hours,
        kept_days=here.kept_days,
        directions_english=here.directions_english,
        directions_chinese=here.directions_chinese,
        terms_english=terms.english if terms else "",
        terms_chinese=terms.chinese if terms else "",
        version=here.version,
    )
    ticked = {"walk_ups": here.walk_ups, "faces": here.faces}
    chosen = {name: ("yes",) for name, wanted in ticked.items() if wanted}
    return await _rules_form(request, hub, caller, site, Form(values=form.values, chosen=chosen))


@router.post("/visits/rules/{site}")
async def change_rules(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Change them."""
    level = fields.id("walk_up_level")
    hours, days, version = (int(fields.number(one)) for one in ("walk_up_hours", "kept_days", "version"))
    if fields.errors:
        return await _rules_form(request, hub, caller, site, fields.result())
    with fields.refusals():
        wanted = VisitRules(
            site=SiteId(site),
            walk_ups=fields.ticked("walk_ups"),
            walk_up_level=AccessLevelId(level) if level is not None else None,
            walk_up_hours=hours,
            kept_days=days,
            directions_english=fields.text("directions_english"),
            directions_chinese=fields.text("directions_chinese"),
            faces=fields.ticked("faces"),
            version=version,
        )
        await visit_rules.change_rules(
            hub,
            caller.actor,
            wanted,
            english=fields.text("terms_english"),
            chinese=fields.text("terms_chinese"),
        )
        return go(f"/visits?site={site}", "saved")
    return await _rules_form(request, hub, caller, site, fields.result())


@router.get("/visits/{id}")
async def shown(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Everything about one visit."""
    return await _page(request, hub, caller, VisitId(id))


@router.post("/visits/{id}")
async def act(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Approve, refuse, cancel; tell that they came or left; make a new link; take the face out."""
    visit, wanted = VisitId(id), fields.text("act")
    with fields.refusals():
        if wanted == "link":
            made = await visits.invite_again(hub, caller.actor, visit)
            return await _page(request, hub, caller, visit, link=made.link, mailed=made.mailed)
        await _do(hub, caller, visit, wanted)
        return go(f"/visits/{id}", "saved")
    return await _page(request, hub, caller, visit, form=fields.result())


async def _do(hub: Hub, caller: Caller, visit: VisitId, wanted: str) -> None:
    match wanted:
        case "approve":
            await visits.approve(hub, caller.actor, visit)
        case "refuse":
            await visits.refuse(hub, caller.actor, visit)
        case "cancel":
            await visits.cancel(hub, caller.actor, visit)
        case "arrived" | "left":
            await visits.tell(hub, caller.actor, visit, out=wanted == "left")
        case "faceless":
            await faces.take_face(hub, caller.actor, visit)
        case _:
            raise BadInput("choose what is to be done about this visit")


async def _page(
    request: Request,
    hub: Hub,
    caller: Caller,
    id: VisitId,
    *,
    form: Form = EMPTY,
    link: str = "",
    mailed: bool = False,
) -> Response:
    file = await visit_look.visit_file(hub, caller.actor, id)
    levels = dict(await level_choices(hub, caller))
    address = f"{hub.pages_url.rstrip('/')}/visit/{link}" if link else ""
    return page(
        request,
        "visits/visit.html",
        status=422 if form.wrong else 200,
        visit=view_of(file, levels),
        form=form,
        address=address,
        address_picture=qr_picture(address) if address else "",
        mailed=mailed,
        picture=qr_picture(file.visit.code) if file.visit.is_ready else "",
        zone=zone_of(file.site.time_zone),
    )


async def _form(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    return page(
        request,
        "visits/form.html",
        status=422 if form.wrong else 200,
        form=form,
        site_options=[(one.id, one.name) for one in await site_operations.sites(hub, caller.actor)],
        levels=await level_choices(hub, caller),
        languages_known=list(LANGUAGES.items()),
        has_post=hub.post is not None,
    )


async def _rules_form(request: Request, hub: Hub, caller: Caller, site: int, form: Form) -> Response:
    place = await _site(hub, caller, site)
    found = await visit_rules.rules_of_site(hub, caller.actor, place.id)
    return page(
        request,
        "visits/rules.html",
        status=422 if form.wrong else 200,
        form=form,
        place=place,
        number=found.terms.number if found.terms is not None else 0,
        levels=await level_choices(hub, caller),
    )


async def _site(hub: Hub, caller: Caller, number: int) -> Site:
    for one in await site_operations.sites(hub, caller.actor):
        if one.id == number:
            return one
    raise NotFound("there is no such site")


def _local(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _moment(fields: FormReader, name: str, zone: ZoneInfo) -> datetime | None:
    """A date and time as the site's wall shows it."""
    fields.needed(name)

    def read(text: str) -> datetime:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else at.replace(tzinfo=zone)

    return fields.parsed(name, read, "visit.not-a-moment")
