"""People's hours over the API: months, punches, corrections, approvals and closed periods."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from postern.ids import ContractorId, PersonId, SiteId, TeamId
from postern.operations.attendance import close_period, corrections, punches, timesheets
from postern.operations.attendance.timesheets import TeamWanted
from postern.web.api.hours_models import (
    ClosedHoursOut,
    CorrectionIn,
    DecisionIn,
    HoursOut,
    MadeOut,
    PeriodIn,
    PeriodOut,
    PunchIn,
    TeamHoursOut,
    WhyIn,
)
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["hours"])
Start = Annotated[int, Query(ge=0)]


@router.get("/people/{id}/hours")
async def person_hours(hub: Hub, caller: SignedIn, id: UUID, first: date, last: date) -> HoursOut:
    """One person's hours; the look is in the journal first."""
    found = await timesheets.person_hours(hub, caller.actor, PersonId(id), first=first, last=last)
    return HoursOut.of(found)


@router.get("/sites/{site}/hours")
async def team_hours(
    hub: Hub,
    caller: SignedIn,
    site: int,
    first: date,
    last: date,
    team: UUID | None = None,
    manager: UUID | None = None,
    contractor: UUID | None = None,
    start: Start = 0,
) -> TeamHoursOut:
    """A page of a site's people, or of a team's, a manager's or a contractor's."""
    wanted = TeamWanted(
        site=SiteId(site),
        first=first,
        last=last,
        team=None if team is None else TeamId(team),
        manager=None if manager is None else PersonId(manager),
        contractor=None if contractor is None else ContractorId(contractor),
    )
    found = await timesheets.team_hours(hub, caller.actor, wanted, start=start)
    return TeamHoursOut(total=found.total, people=[HoursOut.of(one) for one in found.rows])


@router.post("/people/{id}/punches", status_code=201)
async def enter_punch(hub: Hub, caller: SignedIn, id: UUID, given: PunchIn) -> MadeOut:
    """Enter a punch that was forgotten; it counts at once, under your name."""
    made = await punches.enter_punch(
        hub, caller.actor, PersonId(id), at=given.at, direction=given.direction, reason=given.reason
    )
    return MadeOut(id=made)


@router.post("/people/{id}/corrections", status_code=201)
async def propose_correction(hub: Hub, caller: SignedIn, id: UUID, given: CorrectionIn) -> MadeOut:
    """Ask for a correction, which somebody else decides about."""
    asked = await corrections.propose_correction(hub, caller.actor, PersonId(id), given.wanted())
    return MadeOut(id=asked)


@router.post("/people/{id}/corrections/{correction}/decision", status_code=204)
async def decide(hub: Hub, caller: SignedIn, id: UUID, correction: UUID, given: DecisionIn) -> Response:
    """Approve or refuse a correction."""
    person = PersonId(id)
    if given.approve:
        await corrections.approve_correction(hub, caller.actor, person, correction)
    else:
        await corrections.refuse_correction(hub, caller.actor, person, correction, reason=given.reason)
    return Response(status_code=204)


@router.post("/people/{id}/hours/{month}/approval", status_code=204)
async def approve_month(hub: Hub, caller: SignedIn, id: UUID, month: date) -> Response:
    """Approve the hours of the month in which that day lies, as they stand now."""
    await timesheets.approve_month(hub, caller.actor, PersonId(id), month)
    return Response(status_code=204)


@router.get("/sites/{site}/periods")
async def periods(hub: Hub, caller: SignedIn, site: int) -> list[PeriodOut]:
    """Every entry about the site's periods, in order."""
    found = await close_period.closed_periods(hub, caller.actor, SiteId(site))
    return [PeriodOut.from_entry(one) for one in found]


@router.post("/sites/{site}/periods", status_code=201)
async def close(hub: Hub, caller: SignedIn, site: int, given: PeriodIn) -> PeriodOut:
    """Close a period: everybody's hours are sealed as they stand."""
    entry = await close_period.close_period(
        hub, caller.actor, SiteId(site), first=given.first, last=given.last, reason=given.reason
    )
    return PeriodOut.from_entry(entry)


@router.post("/sites/{site}/periods/{number}/reopening", status_code=201)
async def reopen(hub: Hub, caller: SignedIn, site: int, number: int, given: WhyIn) -> PeriodOut:
    """Let a closed period be corrected again."""
    entry = await close_period.reopen_period(hub, caller.actor, SiteId(site), number, reason=given.reason)
    return PeriodOut.from_entry(entry)


@router.post("/sites/{site}/periods/{number}/hours")
async def period_hours(
    hub: Hub, caller: SignedIn, site: int, number: int, given: WhyIn
) -> list[ClosedHoursOut]:
    """Everybody's hours of a closed period, for payroll; say what for."""
    found = await close_period.period_hours(hub, caller.actor, SiteId(site), number, purpose=given.reason)
    return [ClosedHoursOut.of(one) for one in found]
