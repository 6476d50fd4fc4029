"""One roster of a site: its shifts of every week, and the dates on which others hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import DaySpan
from postern.attendance.roster import BreakPattern, Roster, RosterChange, ShiftPattern, WeeklyShift
from postern.attendance.settings import RosterKept
from postern.errors import NotFound
from postern.ids import SiteId
from postern.operations.attendance import setup as operations
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/hours/setup/{site}/rosters/{id}")
WEEKDAYS = range(7)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftRow:
    """A shift of every week in words; `place` is where it stands in the roster."""

    place: int
    name: str
    days: str
    hours: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRow:
    """A date on which others hold. `hours`: None on a day off."""

    day: date
    name: str
    hours: str | None


@router.get("")
async def roster(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """The roster."""
    return await _page(request, hub, caller, site, id, EMPTY)


@router.post("/shifts")
async def add_shift(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, id: UUID
) -> Response:
    """One more shift on some days of every week; two on one day are a split shift."""
    kept = await _find(hub, caller, site, id)
    pattern, weekdays = read_pattern(fields), read_weekdays(fields)
    if fields.errors or pattern is None:
        return await _page(request, hub, caller, site, id, fields.result())
    weekly = (*kept.roster.weekly, WeeklyShift(weekdays=weekdays, pattern=pattern))
    return await _put(request, hub, caller, fields, site, kept, replace(kept.roster, weekly=weekly))


@router.post("/changes")
async def add_change(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, id: UUID
) -> Response:
    """On that date this shift holds in place of the week's, or nobody is expected where no time is given."""
    kept = await _find(hub, caller, site, id)
    fields.needed("day")
    day = fields.parsed("day", date.fromisoformat, "form.not-a-day")
    is_off = not (fields.text("start") or fields.text("end"))
    if is_off:
        fields.needed("name")
    pattern = None if is_off else read_pattern(fields)
    if fields.errors or day is None:
        return await _page(request, hub, caller, site, id, fields.result())
    change = RosterChange(day=day, name=fields.text("name"), patterns=() if pattern is None else (pattern,))
    changes = sorted((*kept.roster.changes, change), key=lambda one: one.day)
    return await _put(request, hub, caller, fields, site, kept, replace(kept.roster, changes=tuple(changes)))


@router.post("/remove")
async def remove(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, id: UUID
) -> Response:
    """Take a shift out of the week, or let the week hold again on a date."""
    kept, said = await _find(hub, caller, site, id), fields.text("what")
    weekly = tuple(one for n, one in enumerate(kept.roster.weekly) if said != f"shift-{n}")
    changes = tuple(one for one in kept.roster.changes if said != one.day.isoformat())
    return await _put(
        request, hub, caller, fields, site, kept, replace(kept.roster, weekly=weekly, changes=changes)
    )


async def _put(
    request: Request,
    hub: Hub,
    caller: Caller,
    fields: FormReader,
    site: int,
    kept: RosterKept,
    wanted: Roster,
) -> Response:
    """As the form saw it: Conflict when somebody else changed the roster since."""
    changed = replace(kept, roster=wanted, version=int(fields.number("version")))
    with fields.refusals():
        await operations.put_roster(hub, caller.actor, SiteId(site), changed)
        return go(f"/hours/setup/{site}/rosters/{kept.id}", "saved")
    return await _page(request, hub, caller, site, kept.id, fields.result())


def read_weekdays(fields: FormReader) -> frozenset[int]:
    """The days that were ticked; none is an error."""
    chosen = fields.chosen.get("weekdays", ())
    weekdays = frozenset(int(one) for one in chosen if one.isdigit() and int(one) in WEEKDAYS)
    if not weekdays:
        fields.errors.setdefault("weekdays", "form.needed")
    return weekdays


def read_pattern(fields: FormReader) -> ShiftPattern | None:
    """The shift that a form describes; None where it cannot be read."""
    for name in ("name", "start", "end"):
        fields.needed(name)
    start, end, rest, after = (
        fields.parsed(name, time.fromisoformat, "form.not-a-time")
        for name in ("start", "end", "break_start", "break_end")
    )
    if (rest is None) != (after is None):
        fields.errors.setdefault("break_end", "form.needed")
    if fields.errors or start is None or end is None:
        return None
    breaks = () if rest is None or after is None else (BreakPattern(hours=DaySpan(start=rest, end=after)),)
    return ShiftPattern(name=fields.text("name"), hours=DaySpan(start=start, end=end), breaks=breaks)


async def _find(hub: Hub, caller: Caller, site: int, id: UUID) -> RosterKept:
    for one in await operations.rosters(hub, caller.actor, SiteId(site)):
        if one.id == id:
            return one
    raise NotFound("there is no such roster; choose one from the list")


def _hours(pattern: ShiftPattern, t: Words) -> str:
    breaks = t.listed(_span(one.hours) for one in pattern.breaks)
    hours = _span(pattern.hours)
    return t("roster.with-break", hours=hours, breaks=breaks) if breaks else hours


def _span(span: DaySpan) -> str:
    return f"{span.start:%H:%M}–{span.end:%H:%M}"


async def _page(request: Request, hub: Hub, caller: Caller, site: int, id: UUID, form: Form) -> Response:
    t: Words = words_for(request)
    kept = await _find(hub, caller, site, id)
    names = [t(f"weekday.short-{day}") for day in WEEKDAYS]
    return page(
        request,
        "hours/roster.html",
        status=422 if form.wrong else 200,
        form=form,
        site=site,
        roster=kept,
        shifts=[
            ShiftRow(
                place=place,
                name=one.pattern.name,
                days=t.listed(names[day] for day in sorted(one.weekdays)),
                hours=_hours(one.pattern, t),
            )
            for place, one in enumerate(kept.roster.weekly)
        ],
        changes=[
            ChangeRow(
                day=one.day, name=one.name, hours=t.listed(_hours(each, t) for each in one.patterns) or None
            )
            for one in kept.roster.changes
        ],
        weekdays=[(day, t(f"weekday.long-{day}")) for day in WEEKDAYS],
    )
