"""Hours in the console: a team's month with its charts, and contractors' people and hours on a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.model import CorrectionState
from postern.attendance.pay import LineKind
from postern.attendance.timesheet import TimesheetDay
from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import ContractorId, SiteId, TeamId
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance import timesheets
from postern.operations.attendance.timesheets import Hours, TeamWanted
from postern.operations.people import teams
from postern.sites.model import Site, zone_of
from postern.web.charts import Chart, bars
from postern.web.hours_view import duration, last_of, month_before, month_named, month_words, some
from postern.web.i18n import Words
from postern.web.login import Hub, SignedIn
from postern.web.pages import Caller, page, words_for

router = APIRouter()
MOST_PAGES = 40
"""Of 50 people each, that are added up for a site's contractors."""
_LOOKING_BACK = timedelta(days=3)
"""For so long a new month's pages begin with the month before: it is the one to be checked and closed."""
_WHOLE = Decimal(100)
_OVERTIME = frozenset(("overtime", "double-time"))


@dataclass(frozen=True, kw_only=True, slots=True)
class HoursRow:
    """One person's month, in a list by name: nobody is ranked."""

    person: UUID
    name: str
    number: str
    worked: str
    planned: str
    overtime: str
    late: str
    absent: str
    anomalies: int
    waiting: int
    state: str
    tone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A chart and its title, with the same numbers in words beneath."""

    key: str
    title: str
    chart: Chart
    table: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContractorRow:
    """A contractor's people and labour hours on one site in one month."""

    id: UUID | None
    name: str
    people: int
    most: int
    hours: str
    chart: Chart
    table: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The site and the month that a page is about."""

    site: Site
    sites: Sequence[Site]
    first: date
    last: date
    today: date


async def where(hub: Hub, caller: Caller, site: int | None, month: str) -> Where | None:
    """None while hours are kept at no site. Raises NotFound for one at which none are."""
    found = await attendance_setup.sites_with_hours(hub, caller.actor)
    if not found and site is None:
        return None
    chosen = next((one for one in found if site in (None, one.id)), None)
    if chosen is None:
        raise NotFound("no hours are kept at this site; set its attendance up first")
    today = hub.clock.now().astimezone(zone_of(chosen.time_zone)).date()
    first = month_named(month, today if month else today - _LOOKING_BACK)
    return Where(site=chosen, sites=found, first=first, last=last_of(first), today=today)


@router.get("/hours")
async def team(
    request: Request,
    hub: Hub,
    caller: SignedIn,
    site: int | None = None,
    month: str = "",
    team: str = "",
    start: int = 0,
) -> Response:
    """A page of people by name, with the charts of those on it."""
    t, at = words_for(request), await where(hub, caller, site, month)
    if at is None:
        return page(request, "hours/team.html", at=None)
    wanted = TeamWanted(site=at.site.id, first=at.first, last=at.last, team=_team(team))
    found = await timesheets.team_hours(hub, caller.actor, wanted, start=max(start, 0), language=t.language)
    return page(
        request,
        "hours/team.html",
        at=at,
        month_words=month_words(at.first, t),
        before=month_before(at.first),
        after=None if at.last >= at.today else at.last + timedelta(days=1),
        teams=[(one.unit.id, one.unit.name) for one in await _teams(hub, caller)],
        team=team,
        rows=[_row(one, t) for one in found.rows],
        total=found.total,
        start=max(start, 0),
        size=timesheets.MOST_ROWS,
        charts=team_charts(found.rows, at, t),
    )


def _team(text: str) -> TeamId | None:
    try:
        return TeamId(UUID(text)) if text else None
    except ValueError as fault:
        raise NotFound("there is no such team; choose one from the list") from fault


async def _teams(hub: Hub, caller: Caller) -> list[teams.Counted]:
    if not caller.may("see-employments"):
        return []
    return await teams.teams(hub, caller.actor, utc_day(hub.clock.now()))


def _row(one: Hours, t: Words) -> HoursRow:
    total = one.timesheet.totals
    state, tone = _state(one, t)
    return HoursRow(
        person=one.person,
        name=one.name,
        number=one.employee_number or "",
        worked=duration(total.worked),
        planned=duration(total.planned),
        overtime=some(sum(overtime(day) for day in one.timesheet.days)),
        late=some(total.late),
        absent=some(total.absent),
        anomalies=len(one.timesheet.anomalies),
        waiting=sum(each.state is CorrectionState.ASKED for each in one.corrections),
        state=state,
        tone=tone,
    )


def _state(one: Hours, t: Words) -> tuple[str, str]:
    if one.closed is not None:
        return (t("hours.differs"), "warn") if one.differs else (t("hours.is-closed"), "info")
    if one.outdated:
        return t("hours.outdated"), "warn"
    return (t("hours.is-approved"), "good") if one.approval is not None else ("", "")


def overtime(day: TimesheetDay) -> int:
    """The minutes of a day that the law calls overtime, or pays above the whole."""
    worked = [one for one in day.lines if one.kind is LineKind.WORKED]
    above = [one for one in worked if one.percent is not None and one.percent > _WHOLE]
    return sum(one.minutes for one in worked if one.category in _OVERTIME or one in above)


def team_charts(rows: Sequence[Hours], at: Where, t: Words) -> tuple[Drawn, ...]:
    """Hours, overtime, punctuality and absence of all of them together, day by day."""
    days = [at.first + timedelta(days=n) for n in range((at.last - at.first).days + 1)]
    everything = [day for one in rows for day in one.timesheet.days]

    def drawn(key: str, values: dict[date, float], words: str, unit: str = "") -> Drawn:
        told = {day: t(words, n=f"{values.get(day, 0):g}") for day in days}
        chart = bars(
            [(str(day.day), values.get(day, 0.0), f"{t.day(day)}: {told[day]}") for day in days],
            words=lambda value: f"{value:g}{unit}",
            every=5,
        )
        table = tuple((t.day(day), told[day]) for day in days if values.get(day))
        return Drawn(key=key, title=t(f"hours.chart-{key}"), chart=chart, table=table)

    def in_hours(minutes: dict[date, int]) -> dict[date, float]:
        return {day: round(value / 60, 1) for day, value in minutes.items() if value}

    worked: dict[date, int] = {}
    above: dict[date, int] = {}
    absent: dict[date, int] = {}
    late: dict[date, float] = {}
    for one in everything:
        worked[one.day] = worked.get(one.day, 0) + one.minutes
        above[one.day] = above.get(one.day, 0) + overtime(one)
        absent[one.day] = absent.get(one.day, 0) + one.absent
        late[one.day] = late.get(one.day, 0) + (one.late > 0)
    return (
        drawn("worked", in_hours(worked), "hours.n-hours", " h"),
        drawn("overtime", in_hours(above), "hours.n-hours", " h"),
        drawn("late", late, "hours.n-late"),
        drawn("absent", in_hours(absent), "hours.n-hours", " h"),
    )


@router.get("/hours/contractors")
async def contractors(
    request: Request, hub: Hub, caller: SignedIn, site: int | None = None, month: str = ""
) -> Response:
    """How many of whose people were on the site on each day, and how long they worked."""
    t, at = words_for(request), await where(hub, caller, site, month)
    if at is None:
        return page(request, "hours/contractors.html", at=None)
    rows, total = await _everybody(hub, caller, at.site.id, at)
    day = utc_day(hub.clock.now())
    named: dict[UUID, str] = {
        one.unit.id: one.unit.name for one in await teams.contractors(hub, caller.actor, day)
    }
    by: dict[ContractorId | None, list[Hours]] = {}
    for one in rows:
        by.setdefault(one.contractor, []).append(one)
    found = [_contractor(whose, theirs, named, at, t) for whose, theirs in by.items()]
    return page(
        request,
        "hours/contractors.html",
        at=at,
        month_words=month_words(at.first, t),
        before=month_before(at.first),
        after=None if at.last >= at.today else at.last + timedelta(days=1),
        rows=sorted(found, key=lambda one: (one.id is None, one.name.casefold())),
        cut=total > len(rows),
    )


async def _everybody(hub: Hub, caller: Caller, site: SiteId, at: Where) -> tuple[list[Hours], int]:
    rows: list[Hours] = []
    wanted = TeamWanted(site=site, first=at.first, last=at.last)
    for _ in range(MOST_PAGES):
        found = await timesheets.team_hours(hub, caller.actor, wanted, start=len(rows))
        rows += found.rows
        if len(rows) >= found.total or not found.rows:
            break
    return rows, found.total


def _contractor(
    whose: ContractorId | None,
    theirs: Sequence[Hours],
    named: dict[UUID, str],
    at: Where,
    t: Words,
) -> ContractorRow:
    days = [at.first + timedelta(days=n) for n in range((at.last - at.first).days + 1)]
    heads, minutes = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    for day in (day for one in theirs for day in one.timesheet.days if day.day in heads):
        heads[day.day] += bool(day.work.stretches or day.work.open_since)
        minutes[day.day] += day.minutes
    told = {day: t("hours.n-heads", n=heads[day], hours=duration(minutes[day])) for day in days}
    return ContractorRow(
        id=whose,
        name=t("employment.own") if whose is None else named.get(whose, "–"),
        people=sum(any(day.minutes for day in one.timesheet.days) for one in theirs),
        most=max(heads.values(), default=0),
        hours=duration(sum(minutes.values())),
        chart=bars(
            [(str(day.day), float(heads[day]), f"{t.day(day)}: {told[day]}") for day in days],
            words=lambda value: f"{value:g}",
            every=5,
        ),
        table=tuple((t.day(day), told[day]) for day in days if heads[day] or minutes[day]),
    )
