"""One's own hours on a phone: the month, asking for a correction, and punching."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.model import CorrectionDeed, Direction
from postern.errors import NotFound, PosternError
from postern.operations.attendance import own_hours, timesheets
from postern.operations.operators import members
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
)
from postern.web.login import Fields, Hub
from postern.web.own.login import Own, SignedInMember, own_page
from postern.web.pages import go, words_for

router = APIRouter(prefix="/me")


@router.get("/hours")
async def hours(request: Request, hub: Hub, own: SignedInMember, month: str = "") -> Response:
    """The month."""
    return await _hours(request, hub, own, month, EMPTY)


@router.post("/hours")
async def ask(request: Request, hub: Hub, own: SignedInMember, fields: Fields, month: str = "") -> Response:
    """Ask for a correction, which whoever keeps the hours decides about."""
    wanted = read_correction(fields, await _zone(hub, own))
    if wanted is None:
        return await _hours(request, hub, own, month, fields.result())
    try:
        await own_hours.ask_own_correction(hub, own.member, wanted)
    except PosternError as fault:
        return await _hours(request, hub, own, month, fields.result(fault))
    return go(f"/me/hours?month={wanted.day:%Y-%m}", "correction-asked")


@router.get("/punch")
async def punch(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """Come or go."""
    return await _punch(request, hub, own, EMPTY)


@router.post("/punch")
async def punched(request: Request, hub: Hub, own: SignedInMember, fields: Fields) -> Response:
    """Now, by the hub's clock."""
    way = fields.parsed("direction", Direction, "form.not-in-list")
    if way not in WAYS:
        fields.errors.setdefault("direction", "form.not-in-list")
        return await _punch(request, hub, own, fields.result())
    try:
        await own_hours.punch_own(hub, own.member, way)
    except PosternError as fault:
        return await _punch(request, hub, own, fields.result(fault))
    if way is Direction.IN:
        return go("/me/punch", "punched-in")
    return go("/me/punch", "punched-out")


async def _zone(hub: Hub, own: Own) -> ZoneInfo:
    """The clock on the wall of the site that keeps their hours, else of their home."""
    try:
        punches = await own_hours.own_punches(hub, own.member)
    except NotFound:
        return ZoneInfo(str(await members.own_zone(hub, own.member)))
    return ZoneInfo(str(punches.site_time.tzinfo))


async def _hours(request: Request, hub: Hub, own: Own, month: str, form: Form) -> Response:
    t, zone = words_for(request), await _zone(hub, own)
    today = hub.clock.now().astimezone(zone).date()
    first = month_named(month, today)
    last = last_of(first)
    try:
        found = await timesheets.own_hours(hub, own.member, first=first, last=last, language=t.language)
    except NotFound as fault:
        return await own_page(request, own, "own/no_hours.html", fault=fault)
    sheet = found.timesheet
    return await own_page(
        request,
        own,
        "own/hours.html",
        status=422 if form.wrong else 200,
        form=form if form.wrong else Form(values={"day": min(today, last).isoformat()}),
        month=first,
        month_words=month_words(first, t),
        before=month_before(first),
        after=None if last >= today else last + timedelta(days=1),
        today=today,
        last=min(last, today),
        days=[one for one in day_rows(sheet, zone, t) if not one.quiet and one.day <= today],
        pay=pay_rows(sheet, t),
        totals={
            "worked": duration(sheet.totals.worked),
            "planned": duration(sheet.totals.planned),
            "late": some(sheet.totals.late),
            "absent": some(sheet.totals.absent),
        },
        approved=found.approval is not None,
        closed=found.closed is not None,
        punches=punch_rows(found.punches, zone, t),
        corrections=correction_rows(found.corrections, zone, t, own.member.person),
        deeds=[(one.value, t(f"hours.do-{one.value}")) for one in CorrectionDeed],
        directions=[(one.value, t(f"hours.way-{one.value}")) for one in WAYS],
    )


async def _punch(request: Request, hub: Hub, own: Own, form: Form) -> Response:
    t = words_for(request)
    try:
        found = await own_hours.own_punches(hub, own.member)
    except NotFound as fault:
        return await own_page(request, own, "own/no_hours.html", fault=fault)
    zone = ZoneInfo(str(found.site_time.tzinfo))
    return await own_page(
        request,
        own,
        "own/punch.html",
        status=422 if form.wrong else 200,
        form=form,
        now=found.site_time,
        may=found.by_phone,
        next=found.next.value,
        lately=punch_rows(found.lately, zone, t),
        ways=[(one.value, t(f"hours.punch-{one.value}")) for one in WAYS],
    )
