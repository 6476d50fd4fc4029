"""Passages of one person, visitor or plate over a few days, with a purpose and a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.clock import utc_day
from postern.errors import PosternError
from postern.ids import PersonId, SiteId
from postern.operations import look
from postern.operations.archive import search as search_operations
from postern.operations.archive.search import PassageSearch
from postern.operations.look import Row, Wanted
from postern.operations.sites import places as site_operations
from postern.operations.visitors import look as visit_look
from postern.operations.visitors.look import VisitRow
from postern.sites.model import Site, zone_of
from postern.web.console.wall_rows import WallRow, rows_of
from postern.web.forms import Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
DAYS = 7
MOST_CHOICES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRow:
    """A passage with its day, as the site's wall clock has it."""

    when: str
    row: WallRow


@router.get("/search")
async def ask(request: Request, hub: Hub, caller: SignedIn, person: UUID | None = None) -> Response:
    """The form; `person` is whoever was looked at before coming here."""
    today = utc_day(hub.clock.now())
    sites = await site_operations.sites(hub, caller.actor)
    choices: Sequence[tuple[UUID, str]] = ()
    values = {"first": str(today - timedelta(days=DAYS - 1)), "last": str(today), "what": "person"}
    if person is not None:
        file = await look.person_file(hub, caller.actor, PersonId(person))
        choices = ((person, file.person.details.name),)
        values |= {"who": file.person.details.name, "subject": str(person)}
    form = Form(values=values, chosen={"site": tuple(str(one.id) for one in sites)})
    return _shown(request, sites, form, choices)


@router.post("/search")
async def find(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """The passages; or who of several is meant; or what is still to be filled in."""
    sites = await site_operations.sites(hub, caller.actor)
    choices: Sequence[tuple[UUID, str]] = ()
    first, last = fields.day("first"), fields.day("last")
    purpose, case = fields.needed("purpose"), fields.needed("case")
    chosen = [one for one in sites if str(one.id) in fields.chosen.get("site", ())]
    if not chosen:
        fields.errors["site"] = "search.no-site"
    for name in ("first", "last"):
        if not fields.text(name):
            fields.errors.setdefault(name, "form.needed")
    fields.needed("who")
    if fields.errors or first is None or last is None:
        return _shown(request, sites, fields.result())
    try:
        meant = _visitor if fields.text("what") == "visitor" else _wanted
        wanted, choices = await meant(hub, caller, fields)
        if wanted is None:
            return _shown(request, sites, fields.result(), choices)
        ids = tuple(SiteId(one.id) for one in chosen)
        search = PassageSearch(wanted=wanted, sites=ids, first=first, last=last)
        approval = None
        if search_operations.is_far_back(hub, first):
            approval = await search_operations.approval_of(hub, caller.actor, search)
            if approval is None and fields.text("ask"):
                await search_operations.ask_to_search(hub, caller.actor, search, purpose=purpose, case=case)
                return go("/approvals", "approval-asked")
            if approval is None:
                fields.errors["first"] = "search.needs-second"
                return _shown(request, sites, fields.result(), choices, far_back=True)
        rows = await look.search_passages(
            hub,
            caller.actor,
            wanted,
            site_ids=ids,
            first=first,
            last=last,
            purpose=purpose,
            case=case,
            approval=approval,
        )
    except PosternError as fault:
        return _shown(request, sites, fields.result(fault), choices)
    found = _found(rows, sites, words_for(request))
    return _shown(request, sites, fields.result(), choices, found)


async def _wanted(
    hub: Hub, caller: Caller, fields: FormReader
) -> tuple[Wanted | None, Sequence[tuple[UUID, str]]]:
    """Whom the form means; None with an error told, and with choices when the name fits several."""
    if fields.text("what") == "plate":
        return Wanted(plate=fields.text("who")), ()
    found = await look.find_people(hub, caller.actor, text=fields.text("who"), limit=MOST_CHOICES)
    choices = [(row.person.id, row.person.details.name) for row in found.rows]
    return _chosen(fields, choices, only=found.total == 1), choices


async def _visitor(
    hub: Hub, caller: Caller, fields: FormReader
) -> tuple[Wanted | None, Sequence[tuple[UUID, str]]]:
    """The same of visitors by their name; several visits of one name are told apart by their days."""
    found = await visit_look.find_visits(
        hub,
        caller.actor,
        fields.text("who"),
        purpose=fields.text("purpose"),
        case=fields.text("case"),
        limit=MOST_CHOICES,
    )
    choices = [(row.visit.id, f"{row.visit.details.name}, {_day(row)}") for row in found]
    return _chosen(fields, choices, only=len(choices) == 1), choices


def _day(row: VisitRow) -> str:
    start = row.visit.details.valid.start
    return f"{start:%Y-%m-%d}" if start is not None else "–"


def _chosen(fields: FormReader, choices: Sequence[tuple[UUID, str]], *, only: bool) -> Wanted | None:
    """Who of them is meant; else an error is told."""
    subject = fields.id("subject")
    if subject is not None and subject in dict(choices):
        return Wanted(subject=subject)
    if only and choices:
        return Wanted(subject=choices[0][0])
    if choices:
        fields.errors["subject"] = "search.several"
    else:
        fields.errors["who"] = "search.nobody"
    return None


def _found(rows: Sequence[Row], sites: Sequence[Site], t: Words) -> list[FoundRow]:
    zones = {one.id: zone_of(one.time_zone) for one in sites}
    return [
        FoundRow(when=t.moment(row.at, zones[row.key.site]), row=rows_of([row], t, zones[row.key.site])[0])
        for row in rows
    ]


def _shown(
    request: Request,
    sites: Sequence[Site],
    form: Form,
    choices: Sequence[tuple[UUID, str]] = (),
    found: Sequence[FoundRow] | None = None,
    *,
    far_back: bool = False,
) -> Response:
    t = words_for(request)
    return page(
        request,
        "look/search.html",
        status=422 if form.wrong else 200,
        sites=sites,
        form=form,
        choices=choices if len(choices) > 1 else (),
        whats=[(one, t(f"search.what-{one}")) for one in ("person", "visitor", "plate")],
        found=found,
        far_back=far_back,
    )
