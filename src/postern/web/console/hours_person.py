"""One person's month: days, what does not pair and what would mend it, corrections, approval, roster."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.model import CorrectionDeed, Direction
from postern.errors import NotFound, PosternError
from postern.ids import PersonId
from postern.operations.attendance import corrections, punches, timesheets
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance.timesheets import Hours
from postern.operators.roles import Duty
from postern.sites.model import zone_of
from postern.web.forms import EMPTY, Form
from postern.web.hours_forms import WAYS, read_correction
from postern.web.hours_view import (
    correction_rows,
    day_rows,
    duration,
    last_of,
    month_before,
    month_named,
    month_words,
    pay_rows,
    punch_rows,
    some,
    wall_moment,
)
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/hours/people/{id}")


@router.get("")
async def person(request: Request, hub: Hub, caller: SignedIn, id: UUID, month: str = "") -> Response:
    """The month."""
    return await _page(request, hub, caller, id, month)


@router.post("/corrections")
async def ask(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID, month: str = ""
) -> Response:
    """Ask for a correction, which another operator decides about."""
    wanted = read_correction(fields, await _zone(hub, caller, id))
    if wanted is None:
        return await _page(request, hub, caller, id, month, fields.result())
    with fields.refusals():
        await corrections.propose_correction(hub, caller.actor, PersonId(id), wanted)
        return go(f"/hours/people/{id}?month={wanted.day:%Y-%m}", "correction-asked")
    return await _page(request, hub, caller, id, month, fields.result())


@router.post("/corrections/{correction}")
async def decide(
    request: Request,
    hub: Hub,
    caller: SignedIn,
    fields: Fields,
    id: UUID,
    correction: UUID,
    month: str = "",
) -> Response:
    """Approve or refuse; a refusal has its reason."""
    approved = fields.text("approved") == "yes"
    try:
        if approved:
            await corrections.approve_correction(hub, caller.actor, PersonId(id), correction)
        else:
            reason = fields.text("reason")
            await corrections.refuse_correction(hub, caller.actor, PersonId(id), correction, reason=reason)
    except NotFound:
        raise
    except PosternError as fault:
        return await _page(request, hub, caller, id, month, Form(fault=fault))
    if approved:
        return go(f"{_back(id, month)}", "correction-approved")
    return go(f"{_back(id, month)}", "correction-refused")


@router.post("/punches")
async def enter(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID, month: str = ""
) -> Response:
    """A forgotten punch, in the operator's own word: it counts at once."""
    zone = await _zone(hub, caller, id)
    at = fields.parsed("entered_at", lambda text: wall_moment(text, zone), "form.not-a-time")
    way = fields.parsed("entered_direction", Direction, "form.not-in-list")
    for name in ("entered_at", "entered_direction", "entered_reason"):
        fields.needed(name)
    if fields.errors or at is None or way is None:
        return await _page(request, hub, caller, id, month, fields.result())
    reason = fields.text("entered_reason")
    with fields.refusals():
        await punches.enter_punch(hub, caller.actor, PersonId(id), at=at, direction=way, reason=reason)
        return go(f"{_back(id, month)}", "punch-entered")
    return await _page(request, hub, caller, id, month, fields.result())


@router.post("/approve")
async def approve(request: Request, hub: Hub, caller: SignedIn, id: UUID, month: str = "") -> Response:
    """The month is right as it stands."""
    zone = await _zone(hub, caller, id)
    first = month_named(month, hub.clock.now().astimezone(zone).date())
    try:
        await timesheets.approve_month(hub, caller.actor, PersonId(id), first)
    except NotFound:
        raise
    except PosternError as fault:
        return await _page(request, hub, caller, id, month, Form(fault=fault))
    return go(f"{_back(id, month)}", "month-approved")


@router.post("/roster")
async def roster(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID, month: str = ""
) -> Response:
    """From that day on by that roster, or by none."""
    fields.needed("since")
    since, chosen = fields.day("since"), fields.id("roster")
    if fields.errors or since is None:
        return await _page(request, hub, caller, id, month, fields.result())
    await attendance_setup.assign_roster(hub, caller.actor, PersonId(id), since=since, roster=chosen)
    return go(f"{_back(id, month)}", "saved")


def _back(id: UUID, month: str) -> str:
    return f"/hours/people/{id}?month={month}" if month else f"/hours/people/{id}"


async def _zone(hub: Hub, caller: Caller, id: UUID) -> ZoneInfo:
    """Of the site that keeps their hours."""
    today = hub.clock.now().date()
    found = await timesheets.person_hours(hub, caller.actor, PersonId(id), first=today, last=today)
    return await _zone_of(hub, caller, found)


async def _zone_of(hub: Hub, caller: Caller, found: Hours) -> ZoneInfo:
    for one in await attendance_setup.sites_with_hours(hub, caller.actor):
        if one.id == found.site:
            return zone_of(one.time_zone)
    raise NotFound("no hours are kept at this site; set its attendance up first")


async def _page(
    request: Request, hub: Hub, caller: Caller, id: UUID, month: str, form: Form = EMPTY
) -> Response:
    t, now = words_for(request), hub.clock.now()
    first = month_named(month, now.date())
    last = last_of(first)
    found = await timesheets.person_hours(
        hub, caller.actor, PersonId(id), first=first, last=last, language=t.language
    )
    zone = await _zone_of(hub, caller, found)
    today, sheet = now.astimezone(zone).date(), found.timesheet
    rosters: list[tuple[UUID, str]] = []
    values = {"day": min(today, last).isoformat()}
    if caller.may(Duty.CHANGE_ATTENDANCE):
        by = (await attendance_setup.assignment_of(hub, caller.actor, PersonId(id))).on(today)
        kept = await attendance_setup.rosters(hub, caller.actor, found.site)
        rosters = [(one.id, one.name) for one in kept]
        values |= {"roster": str(by or ""), "since": today.isoformat()}
    return page(
        request,
        "hours/person.html",
        status=422 if form.wrong else 200,
        form=form if form.wrong else Form(values=values),
        hours=found,
        id=id,
        month=f"{first:%Y-%m}",
        month_words=month_words(first, t),
        before=month_before(first),
        after=None if last >= today else last + timedelta(days=1),
        is_over=last < today,
        days=[one for one in day_rows(sheet, zone, t) if not one.quiet and one.day <= today],
        pay=pay_rows(sheet, t),
        totals={
            "worked": duration(sheet.totals.worked),
            "planned": duration(sheet.totals.planned),
            "late": some(sheet.totals.late),
            "early": some(sheet.totals.early),
            "absent": some(sheet.totals.absent),
        },
        punches=punch_rows(found.punches, zone, t),
        corrections=correction_rows(found.corrections, zone, t, caller.actor.operator),
        deeds=[(one.value, t(f"hours.do-{one.value}")) for one in CorrectionDeed],
        directions=[(one.value, t(f"hours.way-{one.value}")) for one in WAYS],
        rosters=rosters,
        since=first,
    )
