"""Tariffs: which are in force where, a text to change, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, NotFound
from postern.ids import SiteId
from postern.operations.parking import garage_setup
from postern.parking.rules import TariffInForce
from postern.parking.tariff import Basis, Calendar, Tariff
from postern.parking.tariff_data import demo_tariff, dump_tariff, load_tariff
from postern.sites.model import Site, zone_of
from postern.web.charts import Chart
from postern.web.console.garage_prices import (
    MOMENTS,
    PriceRow,
    TextLine,
    faulty_lines,
    periods_of,
    price_chart,
    price_rows,
    stay_words,
)
from postern.web.forms import Form, filled
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
PREVIEW = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffRow:
    """A tariff in the list. `state`: in-force, to-come or superseded."""

    name: str
    since: str
    periods: tuple[str, ...]
    state: str
    tone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageTariffs:
    """A garage with its tariffs, the newest first."""

    site: Site
    tariffs: tuple[TariffRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a text comes to: a preview, or a fault with the lines around it."""

    fault: str = ""
    lines: tuple[TextLine, ...] = ()
    tariff: Tariff | None = None
    grace: str = ""
    periods: tuple[str, ...] = ()
    vehicle_class: str = ""
    entered: str = ""
    chart: Chart | None = None
    rows: tuple[PriceRow, ...] = ()


@router.get("/garage/tariffs")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The tariffs of every garage."""
    t, now = words_for(request), hub.clock.now()
    garages = []
    for site in await garage_setup.garages(hub, caller.actor):
        known = await garage_setup.tariffs(hub, caller.actor, site.id)
        garages.append(GarageTariffs(site=site, tariffs=_rows(known, zone_of(site.time_zone), now, t)))
    return page(request, "garage/tariffs.html", garages=garages, may_change=caller.may("change-tariffs"))


def _rows(known: tuple[TariffInForce, ...], zone: ZoneInfo, now: datetime, t: Words) -> tuple[TariffRow, ...]:
    current = max((one.number for one in known if one.since <= now), default=0)
    rows = []
    for one in reversed(known):
        state = "in-force" if one.number == current else "to-come" if one.since > now else "superseded"
        rows.append(
            TariffRow(
                name=one.tariff.name,
                since=t.moment(one.since, zone),
                periods=periods_of(one.tariff, t),
                state=state,
                tone={"in-force": "good", "to-come": "info"}.get(state, ""),
            )
        )
    return tuple(rows)


@router.post("/garage/tariffs/check")
async def check(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """What the text comes to, while somebody writes it."""
    del caller
    checked = checked_text(fields.text("text"), hub.clock.now(), words_for(request))
    return page(request, "garage/tariff_checked.html", checked=checked)


@router.get("/garage/tariffs/{site}")
async def edit(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """The text of the newest tariff, to be changed; of the demo's where there is none."""
    known = await garage_setup.tariffs(hub, caller.actor, SiteId(site))
    text = dump_tariff(known[-1].tariff if known else demo_tariff())
    return await _page(request, hub, caller, site, filled(text=text))


@router.post("/garage/tariffs/{site}")
async def put(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Put the text in force."""
    chosen = await _site(hub, caller, site)
    text, since = fields.needed("text"), fields.parsed("since", datetime.fromisoformat, "form.not-a-day")
    if fields.errors:
        return await _page(request, hub, caller, site, fields.result())
    begins = None if since is None else since.replace(tzinfo=zone_of(chosen.time_zone)).astimezone(UTC)
    with fields.refusals():
        await garage_setup.set_tariff(hub, caller.actor, SiteId(site), text=text, since=begins)
        return go("/garage/tariffs", "tariff-set")
    return await _page(request, hub, caller, site, fields.result())


async def _site(hub: Hub, caller: Caller, site: int) -> Site:
    for one in await garage_setup.garages(hub, caller.actor):
        if one.id == site:
            return one
    raise NotFound("this site is no garage; set its bays first")


async def _page(request: Request, hub: Hub, caller: Caller, site: int, form: Form) -> Response:
    checked = checked_text(form.get("text"), hub.clock.now(), words_for(request))
    return page(
        request,
        "garage/tariff.html",
        status=422 if form.wrong else 200,
        site=await _site(hub, caller, site),
        form=form,
        checked=checked,
    )


def checked_text(text: str, now: datetime, t: Words) -> Checked:
    """The text read, and its prices for somebody who drives in on the next whole hour."""
    try:
        tariff = load_tariff(text)
        entered = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        basis = Basis(
            tariff=tariff,
            calendar=Calendar(time_zone=ZoneInfo("UTC")),
            vehicle_class=tariff.vehicle_classes[0],
        )
        return Checked(
            tariff=tariff,
            grace=stay_words(tariff.grace_after_paying, t),
            periods=periods_of(tariff, t),
            vehicle_class=basis.vehicle_class,
            entered=f"{entered:%H:%M}",
            chart=price_chart([(tariff.name, basis)], entered, PREVIEW, t),
            rows=price_rows([basis], entered, t, MOMENTS),
        )
    except BadInput as fault:
        return Checked(fault=str(fault), lines=faulty_lines(text, fault))
