"""People: list, add, look, change."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.ids import PersonId, SiteId
from postern.operations import look
from postern.operations.people import register
from postern.operations.sites import places as site_operations
from postern.people.mail import checked_mail
from postern.people.model import PersonDetails, Sex
from postern.people.resident_id import check_resident_id
from postern.web.console import person_page
from postern.web.forms import EMPTY, Form, FormReader, filled
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
SHOWN = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonLine:
    """A person as the list shows them."""

    id: UUID
    name: str
    employee_number: str | None
    photos: int
    revoked: bool


@router.get("/people")
async def listed(request: Request, hub: Hub, caller: SignedIn, q: str = "") -> Response:
    """Those found by name or employee number, or everyone."""
    found = await look.find_people(hub, caller.actor, text=q, limit=SHOWN)
    lines = tuple(
        PersonLine(
            id=row.person.id,
            name=row.person.details.name,
            employee_number=row.person.details.employee_number,
            photos=row.references,
            revoked=row.revoked,
        )
        for row in found.rows
    )
    return page(request, "people/list.html", people=lines, total=found.total, query=q)


@router.get("/people/new")
async def new(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """An empty form."""
    return await _form(request, hub, caller, EMPTY)


@router.post("/people/new")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add a person."""
    details = _read(fields)
    if fields.errors:
        return await _form(request, hub, caller, fields.result())
    try:
        person = await register.add_person(hub, caller.actor, details)
    except PosternError as fault:
        return await _form(request, hub, caller, fields.result(fault))
    return go(f"/people/{person.id}", "person-added")


@router.get("/people/{id}")
async def shown(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Everything about one person that this role may see."""
    return await person_page.render(request, hub, caller, PersonId(id))


@router.get("/people/{id}/change")
async def edit(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The form, filled in."""
    file = await look.person_file(hub, caller.actor, PersonId(id), purpose="change details")
    details = file.person.details
    form = filled(
        name=details.name,
        employee_number=details.employee_number,
        resident_id_number=details.resident_id_number,
        birth_date=details.birth_date,
        sex=details.sex,
        home_site=details.home_site,
        notes=details.notes,
        mail=details.mail,
        version=file.person.version,
    )
    return await _form(request, hub, caller, form, person=(id, details.name))


@router.post("/people/{id}/change")
async def change(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Change a person's details."""
    details, person = _read(fields), (id, fields.text("name"))
    if fields.errors:
        return await _form(request, hub, caller, fields.result(), person=person)
    with fields.refusals():
        await register.change_person(
            hub, caller.actor, id=PersonId(id), version=int(fields.number("version")), details=details
        )
        return go(f"/people/{id}", "saved")
    return await _form(request, hub, caller, fields.result(), person=person)


def _read(fields: FormReader) -> PersonDetails:
    home = fields.parsed("home_site", int, "form.not-in-list")
    return PersonDetails(
        name=fields.needed("name"),
        employee_number=fields.maybe("employee_number"),
        resident_id_number=fields.parsed("resident_id_number", _resident_id, "people.resident-id-wrong"),
        sex=fields.parsed("sex", Sex, "form.not-in-list"),
        birth_date=fields.day("birth_date"),
        home_site=None if home is None else SiteId(home),
        notes=fields.text("notes"),
        mail=fields.parsed("mail", checked_mail, "people.mail-wrong"),
    )


def _resident_id(text: str) -> str:
    check_resident_id(text.upper())
    return text


async def _form(
    request: Request, hub: Hub, caller: Caller, form: Form, person: tuple[UUID, str] | None = None
) -> Response:
    t = words_for(request)
    return page(
        request,
        "people/form.html",
        status=422 if form.wrong else 200,
        form=form,
        person=person,
        sexes=[(one.value, t(f"sex.{one.value}")) for one in Sex],
        site_options=[(one.id, one.name) for one in await site_operations.sites(hub, caller.actor)],
    )
