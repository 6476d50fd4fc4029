"""Teams and contractors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import ContractorId, PersonId, SiteId, TeamId
from postern.operations.people import employments as employment_operations
from postern.operations.people import teams as operations
from postern.operations.people.teams import UnitFile
from postern.operations.sites import places as site_operations
from postern.people.employment import Contractor, Team
from postern.web.console.employments import number_of
from postern.web.forms import EMPTY, Form, FormReader, filled
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter()


@router.get("/teams")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every team and contractor, with how many are in it today."""
    day = utc_day(hub.clock.now())
    return page(
        request,
        "people/teams.html",
        teams=await operations.teams(hub, caller.actor, day),
        contractors=await operations.contractors(hub, caller.actor, day),
        sites={one.id: one.name for one in await site_operations.sites(hub, caller.actor)},
    )


@router.get("/teams/new")
async def new_team(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """An empty form."""
    return await _team_form(request, hub, caller, EMPTY, None)


@router.post("/teams/new")
async def add_team(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add a team."""
    with fields.refusals():
        wanted = await _read_team(hub, caller, fields)
        if wanted is not None:
            team = await operations.add_team(
                hub, caller.actor, name=wanted.name, manager=wanted.manager, site=wanted.site
            )
            return go(f"/teams/{team.id}", "added")
    return await _team_form(request, hub, caller, fields.result(), None)


@router.get("/teams/{id}")
async def team(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """One team, who is in it, and the form to change it."""
    file = await operations.team_file(hub, caller.actor, TeamId(id), utc_day(hub.clock.now()))
    unit = file.unit
    site = unit.site if isinstance(unit, Team) else None
    form = filled(name=unit.name, manager=number_of(file.manager), site=site, version=unit.version)
    return await _team_form(request, hub, caller, form, file)


@router.post("/teams/{id}")
async def change_team(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Change it."""
    with fields.refusals():
        wanted = await _read_team(hub, caller, fields)
        if wanted is not None:
            await operations.change_team(hub, caller.actor, replace(wanted, id=TeamId(id)))
            return go(f"/teams/{id}", "saved")
    file = await operations.team_file(hub, caller.actor, TeamId(id), utc_day(hub.clock.now()))
    return await _team_form(request, hub, caller, fields.result(), file)


@router.post("/teams/{id}/remove")
async def remove_team(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a team in which nobody was."""
    await operations.remove_team(hub, caller.actor, TeamId(id))
    return go("/teams", "removed")


@router.get("/contractors/new")
async def new_contractor(request: Request, caller: SignedIn) -> Response:
    """An empty form."""
    del caller
    return _contractor_form(request, EMPTY, None)


@router.post("/contractors/new")
async def add_contractor(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Add a contractor."""
    name = fields.needed("name")
    if fields.errors:
        return _contractor_form(request, fields.result(), None)
    with fields.refusals():
        made = await operations.add_contractor(
            hub, caller.actor, name=name, address=fields.text("address"), contract=fields.text("contract")
        )
        return go(f"/contractors/{made.id}", "added")
    return _contractor_form(request, fields.result(), None)


@router.get("/contractors/{id}")
async def contractor(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """One contractor, whom they employ here, and the form to change it."""
    file = await operations.contractor_file(hub, caller.actor, ContractorId(id), utc_day(hub.clock.now()))
    unit = file.unit
    if not isinstance(unit, Contractor):
        raise NotFound("there is no such contractor; it may have been removed")
    form = filled(name=unit.name, address=unit.address, contract=unit.contract, version=unit.version)
    return _contractor_form(request, form, file)


@router.post("/contractors/{id}")
async def change_contractor(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID
) -> Response:
    """Change it."""
    wanted = Contractor(
        id=ContractorId(id),
        tenant=caller.actor.tenant,
        name=fields.needed("name"),
        address=fields.text("address"),
        contract=fields.text("contract"),
        version=int(fields.number("version")),
    )
    with fields.refusals():
        if not fields.errors:
            await operations.change_contractor(hub, caller.actor, wanted)
            return go(f"/contractors/{id}", "saved")
    file = await operations.contractor_file(hub, caller.actor, ContractorId(id), utc_day(hub.clock.now()))
    return _contractor_form(request, fields.result(), file)


@router.post("/contractors/{id}/remove")
async def remove_contractor(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Remove a contractor for whom nobody worked."""
    await operations.remove_contractor(hub, caller.actor, ContractorId(id))
    return go("/teams", "removed")


async def _read_team(hub: Hub, caller: Caller, fields: FormReader) -> Team | None:
    name, site = fields.needed("name"), fields.parsed("site", int, "form.not-in-list")
    if fields.errors:
        return None
    number = fields.text("manager")
    manager: PersonId | None = None
    if number:
        manager = await employment_operations.person_by(hub, caller.actor, number)
    return Team(
        id=TeamId(UUID(int=0)),
        tenant=caller.actor.tenant,
        name=name,
        manager=manager,
        site=None if site is None else SiteId(site),
        version=int(fields.number("version")),
    )


async def _team_form(
    request: Request, hub: Hub, caller: Caller, form: Form, file: UnitFile | None
) -> Response:
    sites = await site_operations.sites(hub, caller.actor)
    return _unit_form(request, form, file, kind="team", site_options=[(one.id, one.name) for one in sites])


def _contractor_form(request: Request, form: Form, file: UnitFile | None) -> Response:
    return _unit_form(request, form, file, kind="contractor")


def _unit_form(
    request: Request,
    form: Form,
    file: UnitFile | None,
    *,
    kind: str,
    site_options: Sequence[tuple[int, str]] = (),
) -> Response:
    status = 422 if form.wrong else 200
    return page(
        request, "people/team.html", status=status, form=form, file=file, kind=kind, site_options=site_options
    )
