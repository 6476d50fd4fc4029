"""Keep hours at a site: by which law, at which access points, by which rosters."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.model import Direction
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.payrules import JURISDICTIONS, rule_book
from postern.attendance.roster import Roster, WeeklyShift
from postern.attendance.settings import (
    AttendancePoint,
    AttendanceSettings,
    RosterKept,
    profile_of_country,
)
from postern.errors import NotFound
from postern.ids import SiteId, new_id
from postern.operations.attendance import setup as operations
from postern.operations.sites import places as site_operations
from postern.web.console.hours_rosters import WEEKDAYS, read_pattern, read_weekdays
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/hours/setup")


@router.get("")
async def setup(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """One site's, or the first's."""
    return await _page(request, hub, caller, site, EMPTY)


@router.post("/{site}")
async def keep(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Keep hours here from now on, or change how."""
    found = {str(one): one for one in JURISDICTIONS}.get(fields.text("jurisdiction"))
    if found is None:
        fields.errors["jurisdiction"] = "form.not-in-list"
        return await _page(request, hub, caller, site, fields.result())
    before = await _settings(hub, caller, SiteId(site))
    fresh = PayProfile(jurisdiction=found)
    pay = replace(
        before.pay if before is not None else fresh, jurisdiction=found, region=fields.maybe("region")
    )
    wanted = replace(
        before or AttendanceSettings(site=SiteId(site), pay=pay),
        pay=pay,
        faces=fields.ticked("faces"),
        phones=fields.ticked("phones"),
    )
    with fields.refusals():
        await operations.set_attendance(hub, caller.actor, wanted)
        return go(f"/hours/setup?site={site}", "saved")
    return await _page(request, hub, caller, site, fields.result())


@router.post("/{site}/points")
async def points(hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Passages at exactly these access points are punches from now on."""
    plan = await site_operations.plan(hub, caller.actor, SiteId(site))
    wanted = [
        AttendancePoint(access_point=one.id, direction=Direction(said))
        for one in plan.access_points
        if (said := fields.text(f"point-{one.id}")) in set(Direction)
    ]
    await operations.set_points(hub, caller.actor, SiteId(site), wanted)
    return go(f"/hours/setup?site={site}", "saved")


@router.post("/{site}/rosters")
async def roster(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Add a roster of one shift on some days of every week."""
    pattern, weekdays = read_pattern(fields), read_weekdays(fields)
    if fields.errors or pattern is None:
        return await _page(request, hub, caller, site, fields.result())
    kept = RosterKept(
        id=new_id(),
        name=pattern.name,
        roster=Roster(weekly=(WeeklyShift(weekdays=weekdays, pattern=pattern),)),
    )
    with fields.refusals():
        await operations.put_roster(hub, caller.actor, SiteId(site), kept)
        return go(f"/hours/setup?site={site}", "added")
    return await _page(request, hub, caller, site, fields.result())


async def _settings(hub: Hub, caller: Caller, site: SiteId) -> AttendanceSettings | None:
    if site not in {one.id for one in await operations.sites_with_hours(hub, caller.actor)}:
        return None
    return await operations.attendance_of(hub, caller.actor, site)


def _shown(kept: RosterKept, names: list[str], t: Words) -> tuple[UUID, str, str]:
    """A roster, its name and its week in words."""
    week = "; ".join(
        f"{t.listed(names[day] for day in sorted(one.weekdays))} "
        f"{one.pattern.hours.start:%H:%M}–{one.pattern.hours.end:%H:%M}"
        for one in kept.roster.weekly
    )
    return kept.id, kept.name, week


async def _page(request: Request, hub: Hub, caller: Caller, site: int | None, form: Form) -> Response:
    t, every = words_for(request), await site_operations.sites(hub, caller.actor)
    if not every and site is None:
        return page(request, "hours/setup.html", site=None)
    chosen = next((one for one in every if site in (None, one.id)), None)
    if chosen is None:
        raise NotFound("there is no such site")
    kept = await _settings(hub, caller, chosen.id)
    by_country = profile_of_country(chosen.country)
    pay = kept.pay if kept is not None else by_country or PayProfile(jurisdiction=Jurisdiction("de"))
    plan = await site_operations.plan(hub, caller.actor, chosen.id)
    named = await operations.points(hub, caller.actor, chosen.id) if kept is not None else ()
    there = {one.access_point: one.direction.value for one in named}
    rosters = await operations.rosters(hub, caller.actor, chosen.id) if kept is not None else ()
    names = [t(f"weekday.short-{day}") for day in WEEKDAYS]
    return page(
        request,
        "hours/setup.html",
        status=422 if form.wrong else 200,
        site=chosen,
        sites=every,
        form=form if form.wrong else _filled(pay, kept),
        kept=kept is not None,
        jurisdictions=[(one, rule_book(one).label.get(t.language, one)) for one in JURISDICTIONS],
        points=[(one.id, one.name, there.get(one.id, "")) for one in plan.access_points],
        directions=[(one.value, t(f"hours.way-{one.value}")) for one in Direction],
        rosters=[_shown(one, names, t) for one in rosters],
        weekdays=[(day, t(f"weekday.long-{day}")) for day in WEEKDAYS],
    )


def _filled(pay: PayProfile, kept: AttendanceSettings | None) -> Form:
    ticked = {"phones": kept is None or kept.phones, "faces": kept is not None and kept.faces}
    return Form(
        values={"jurisdiction": pay.jurisdiction, "region": pay.region or ""},
        chosen={name: ("yes",) for name, on in ticked.items() if on}
        | {"weekdays": tuple(str(day) for day in range(5))},
    )
