"""A person's employments: add, change, end, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.clock import utc_day
from postern.ids import ContractorId, EmploymentId, PersonId, SiteId, TeamId
from postern.operations.people import employments as operations
from postern.operations.people import teams
from postern.operations.people.employments import EmploymentFile
from postern.operations.sites import places as site_operations
from postern.people.employment import Employment, Terms
from postern.people.model import Person
from postern.sites.model import zone_of
from postern.web.forms import EMPTY, Form, FormReader, filled
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter(prefix="/people/{id}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EmploymentRow:
    """An employment as the person's page shows it."""

    id: UUID
    first: date
    last: date | None
    ends_at: datetime | None
    current: bool
    employer: str | None
    team: str | None
    manager: str | None
    site: str | None
    occupation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What can be chosen in the form, by name."""

    teams: Mapping[UUID, str]
    contractors: Mapping[UUID, str]
    sites: Mapping[SiteId, str]


async def choices(hub: Hub, caller: Caller) -> Choices:
    """The organisation's teams, contractors and sites."""
    day = utc_day(hub.clock.now())
    return Choices(
        teams={one.unit.id: one.unit.name for one in await teams.teams(hub, caller.actor, day)},
        contractors={one.unit.id: one.unit.name for one in await teams.contractors(hub, caller.actor, day)},
        sites={one.id: one.name for one in await site_operations.sites(hub, caller.actor)},
    )


async def rows(hub: Hub, caller: Caller, id: PersonId) -> tuple[EmploymentRow, ...]:
    """The person's employments, the latest first; none for who may not see them."""
    if not caller.may("see-employments"):
        return ()
    file, known = await operations.employment_file(hub, caller.actor, id), await choices(hub, caller)
    today = utc_day(hub.clock.now())
    return tuple(_row(one, file, known, today) for one in reversed(file.employments.every))


def _row(one: Employment, file: EmploymentFile, known: Choices, today: date) -> EmploymentRow:
    terms = one.terms
    manager = None if terms.manager is None else file.managers.get(terms.manager)
    return EmploymentRow(
        id=one.id,
        first=terms.first,
        last=terms.last,
        ends_at=one.ends_at,
        current=one.covers(today),
        employer=None if terms.contractor is None else known.contractors.get(terms.contractor),
        team=None if terms.team is None else known.teams.get(terms.team),
        manager=None if manager is None else manager.details.name,
        site=None if terms.site is None else known.sites.get(terms.site),
        occupation=terms.occupation,
    )


@router.get("/employments/new")
async def new(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """An empty form."""
    file = await operations.employment_file(hub, caller.actor, PersonId(id))
    form = filled(version=file.employments.version, first=utc_day(hub.clock.now()))
    return await _form(request, hub, caller, form, id, file.name, None)


@router.post("/employments/new")
async def add(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Add one."""
    with fields.refusals():
        terms = await _read(hub, caller, fields)
        if terms is not None:
            await operations.add_employment(
                hub, caller.actor, person=PersonId(id), version=int(fields.number("version")), terms=terms
            )
            return go(f"/people/{id}", "saved")
    return await _again(request, hub, caller, fields, id, None)


@router.get("/employments/{employment}")
async def edit(request: Request, hub: Hub, caller: SignedIn, id: UUID, employment: UUID) -> Response:
    """The form, filled in."""
    file = await operations.employment_file(hub, caller.actor, PersonId(id))
    terms = file.employments.find(EmploymentId(employment)).terms
    form = filled(
        version=file.employments.version,
        first=terms.first,
        last=terms.last,
        until=None if terms.until is None else terms.until.isoformat("minutes"),
        contractor=terms.contractor,
        team=terms.team,
        manager=None if terms.manager is None else number_of(file.managers.get(terms.manager)),
        site=terms.site,
        occupation=terms.occupation,
        pay_profile=terms.pay_profile,
    )
    return await _form(request, hub, caller, form, id, file.name, employment)


def number_of(person: Person | None) -> str:
    """What a form calls somebody by: their employee number, or their id where they have none."""
    return "" if person is None else person.details.employee_number or str(person.id)


@router.post("/employments/{employment}")
async def change(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID, employment: UUID
) -> Response:
    """Change one; its end, too."""
    with fields.refusals():
        terms = await _read(hub, caller, fields)
        if terms is not None:
            await operations.change_employment(
                hub,
                caller.actor,
                person=PersonId(id),
                version=int(fields.number("version")),
                id=EmploymentId(employment),
                terms=terms,
            )
            return go(f"/people/{id}", "saved")
    return await _again(request, hub, caller, fields, id, employment)


@router.post("/employments/{employment}/remove")
async def remove(hub: Hub, caller: SignedIn, fields: Fields, id: UUID, employment: UUID) -> Response:
    """Take away one that was a mistake."""
    await operations.remove_employment(
        hub,
        caller.actor,
        person=PersonId(id),
        version=int(fields.number("version")),
        id=EmploymentId(employment),
    )
    return go(f"/people/{id}", "removed")


@router.post("/leave")
async def leave(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """They leave now: access ends at this minute."""
    file = await operations.employment_file(hub, caller.actor, PersonId(id))
    sites = {one.id: one for one in await site_operations.sites(hub, caller.actor)}
    current = file.employments.on(utc_day(hub.clock.now()))
    site = sites.get(current.terms.site) if current is not None and current.terms.site else None
    first = next(iter(sites.values()), None)
    chosen = site or first
    now = hub.clock.now().astimezone(zone_of(chosen.time_zone if chosen else "UTC"))
    await operations.end_employment(
        hub, caller.actor, person=PersonId(id), last=now.date(), until=now.time().replace(microsecond=0)
    )
    return go(f"/people/{id}", "left")


async def _read(hub: Hub, caller: Caller, fields: FormReader) -> Terms | None:
    """The terms in the form; None, with errors told, when they cannot be read."""
    fields.needed("first")
    first, last = fields.day("first"), fields.day("last")
    until = fields.parsed("until", time.fromisoformat, "form.not-a-time")
    contractor, team = fields.id("contractor"), fields.id("team")
    site = fields.parsed("site", int, "form.not-in-list")
    if fields.errors or first is None:
        return None
    number = fields.text("manager")
    manager = await operations.person_by(hub, caller.actor, number) if number else None
    return Terms(
        first=first,
        last=last,
        until=until,
        contractor=None if contractor is None else ContractorId(contractor),
        team=None if team is None else TeamId(team),
        manager=manager,
        site=None if site is None else SiteId(site),
        occupation=fields.text("occupation"),
        pay_profile=fields.text("pay_profile"),
    )


async def _again(
    request: Request, hub: Hub, caller: Caller, fields: FormReader, person: UUID, employment: UUID | None
) -> Response:
    file = await operations.employment_file(hub, caller.actor, PersonId(person))
    return await _form(request, hub, caller, fields.result(), person, file.name, employment)


async def _form(
    request: Request,
    hub: Hub,
    caller: Caller,
    form: Form,
    person: UUID,
    name: str,
    employment: UUID | None,
) -> Response:
    known = await choices(hub, caller)
    return page(
        request,
        "people/employment.html",
        status=422 if form.wrong else 200,
        form=form or EMPTY,
        person=person,
        name=name,
        employment=employment,
        teams=list(known.teams.items()),
        contractors=list(known.contractors.items()),
        site_options=list(known.sites.items()),
    )
