"""Garages at a glance: free bays, who is inside with covered plates, cases that wait, takings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound
from postern.ids import SiteId
from postern.money import Money, exponent
from postern.operations.parking import garage_look, garage_setup
from postern.operations.parking import views as parking_views
from postern.operations.parking.garage_look import Covered, GarageNow
from postern.operations.sites import places as site_operations
from postern.parking.ledger import Account
from postern.sites.model import Site, zone_of
from postern.web import charts
from postern.web.charts import Chart
from postern.web.console.garage_case_views import session_view, sure_words
from postern.web.console.garage_prices import money_tick, stay_words
from postern.web.i18n import Words
from postern.web.login import Hub, SignedIn
from postern.web.pages import Caller, page, words_for

router = APIRouter()
DAYS = 14
HOURS = 24
SOON = 1.5
"""Seconds that the overview waits for a garage's books; then it shows what there is, and looks again."""
TAKEN_ON = (Account.PROVIDER_CLEARING, Account.CASH)
"""Accounts on which money comes in and goes back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageView:
    """A garage in figures and charts. `share`: per cent of the bays that are taken; `free_words`: between
    which numbers the free bays lie, empty when sure; `takings`: empty for who may not read the ledger."""

    site: Site
    bays: int
    free: int
    inside: int
    share: str
    full: bool
    free_words: str
    cases: int
    occupancy: Chart
    occupancy_rows: tuple[tuple[str, str], ...]
    takings: str = ""
    money: Chart | None = None
    money_rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionLine:
    """A session in the list: its plate is covered."""

    id: UUID
    plate: str
    entered: str
    stay: str
    what: str
    tone: str


@router.get("/garage")
async def overview(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every garage."""
    t, now = words_for(request), hub.clock.now()
    views, reading = [], []
    for site in await garage_setup.garages(hub, caller.actor):
        found = await garage_look.garage_soon(hub, caller.actor, site.id, hours=HOURS, within=SOON)
        if found is None:
            reading.append(site)
        else:
            views.append(_view(site, found, await _takings(hub, caller, site, now), now, t))
    return page(
        request,
        "garage/overview.html",
        garages=views,
        reading=reading,
        sites=await site_operations.sites(hub, caller.actor),
        may_change=caller.may("change-tariffs"),
        printable=bool(request.app.state.ports.pay_url),
    )


async def _takings(hub: Hub, caller: Caller, site: Site, now: datetime) -> Mapping[date, Money]:
    if not caller.may("read-ledger"):
        return {}
    today = now.astimezone(zone_of(site.time_zone)).date()
    first = today - timedelta(days=DAYS - 1)
    moved = await parking_views.takings(hub, caller.actor, site.id, first=first, last=today)
    settings = await garage_setup.garage(hub, caller.actor, site.id)
    found = {first + timedelta(days=n): Money.zero(settings.currency) for n in range(DAYS)}
    for one in moved:
        if one.account in TAKEN_ON:
            found[one.day] += one.amount
    return found


def _view(site: Site, found: GarageNow, takings: Mapping[date, Money], now: datetime, t: Words) -> GarageView:
    bays, guess, zone = found.settings.bays, found.estimate, zone_of(site.time_zone)
    fewest, most = bays - guess.most, bays - guess.fewest
    today = takings.get(now.astimezone(zone).date())
    return GarageView(
        site=site,
        bays=bays,
        free=guess.free,
        inside=found.inside,
        share=f"{min(100, found.inside * 100 / bays):.1f}",
        full=guess.free == 0,
        free_words="" if fewest == most else t("garage.between", fewest=fewest, most=most),
        cases=found.cases,
        occupancy=_occupancy(found, zone, t),
        occupancy_rows=tuple(
            (f"{one.at.astimezone(zone):%H:%M}", str(one.cars)) for one in reversed(found.past)
        ),
        takings="" if today is None else today.text(t.language),
        money=_money(takings, t) if takings else None,
        money_rows=tuple(
            (t.day(day), amount.text(t.language)) for day, amount in sorted(takings.items(), reverse=True)
        ),
    )


def _occupancy(found: GarageNow, zone: ZoneInfo, t: Words) -> Chart:
    count = len(found.past) - 1
    points = [(float(place), float(one.cars)) for place, one in enumerate(found.past)]
    marks = [
        (float(place), f"{one.at.astimezone(zone):%H:%M}")
        for place, one in enumerate(found.past)
        if place % 4 == 0
    ]
    return charts.curves(
        [(t("garage.inside"), points)],
        span=(0.0, float(max(count, 1))),
        x=marks,
        words=lambda value: f"{value:g}",
        limit=float(found.settings.bays),
        stepped=False,
    )


def _money(takings: Mapping[date, Money], t: Words) -> Chart:
    days = sorted(takings.items())
    currency = days[0][1].currency
    unit = 10 ** exponent(currency)
    values = [
        (t.day_of_month(day), amount.amount / unit, f"{t.day(day)}: {amount.text(t.language)}")
        for day, amount in days
    ]
    return charts.bars(values, words=lambda value: money_tick(value, currency, t), every=3)


@router.get("/garage/{site}/sessions")
async def sessions(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """Who is inside, the latest first, without their plates."""
    t, chosen, now = words_for(request), await _garage(hub, caller, site), hub.clock.now()
    zone = zone_of(chosen.time_zone)
    found = await garage_look.sessions_inside(hub, caller.actor, chosen.id)
    lines = [_line(one, zone, now, t) for one in found]
    return page(request, "garage/sessions.html", site=chosen, sessions=lines)


def _line(one: Covered, zone: ZoneInfo, now: datetime, t: Words) -> SessionLine:
    what = "permit" if one.permit else "paid" if one.paid else "validated" if one.validated else "running"
    return SessionLine(
        id=one.id,
        plate=one.covered or t("cases.not-read"),
        entered=t.moment(one.entered_at, zone),
        stay=stay_words(max(now - one.entered_at, timedelta(0)), t),
        what=t(f"session-state.{what}"),
        tone={"permit": "info", "paid": "good", "validated": "good"}.get(what, ""),
    )


@router.get("/garage/{site}/sessions/{id}")
async def session(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """One session, opened: counted against the operator's budget, and journalled."""
    t, chosen, now = words_for(request), await _garage(hub, caller, site), hub.clock.now()
    found = await garage_look.session_file(hub, caller.actor, chosen.id, id)
    return page(
        request,
        "garage/session.html",
        site=chosen,
        plate=found.session.who.plate,
        sure=sure_words(found.session.who, t),
        session=session_view(found, zone_of(chosen.time_zone), now, t),
    )


async def _garage(hub: Hub, caller: Caller, site: int) -> Site:
    for one in await garage_setup.garages(hub, caller.actor):
        if one.id == SiteId(site):
            return one
    raise NotFound("this site is no garage; set its bays first")
