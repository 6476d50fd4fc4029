"""The simulator: the price over time from an entry, under one tariff or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, PosternError
from postern.ids import SiteId
from postern.operations.parking import garage_setup
from postern.operations.parking.garage_look import past_sessions
from postern.parking.compare import compare
from postern.parking.tariff import Basis, Calendar, Tariff
from postern.sites.model import zone_of
from postern.web.charts import Chart
from postern.web.console.garage_prices import (
    HOUR,
    MINUTE,
    PriceRow,
    QuoteRow,
    price_chart,
    quote_rows,
    quoted,
    stay_words,
    step_rows,
)
from postern.web.forms import Form, filled
from postern.web.i18n import Words
from postern.web.login import Hub, SignedIn
from postern.web.pages import Caller, page, words_for

router = APIRouter()
SPANS = (6, 12, 24, 48, 168)
"""Hours that the chart may show."""
MOST_ROWS = 60
PAST_DAYS = 30
"""Sessions of so many days are priced under both tariffs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A tariff that may be chosen, with its garage and that garage's calendar."""

    site: SiteId
    title: str
    tariff: Tariff
    calendar: Calendar


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """What the page shows."""

    entered: str
    stay: str
    names: tuple[str, ...]
    chart: Chart
    rows: tuple[PriceRow, ...]
    lines: tuple[QuoteRow, ...]
    total: str
    vat: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PastView:
    """Both tariffs on the same past sessions."""

    sessions: int
    before: str
    after: str
    winners: int
    losers: int
    same: int
    examples: tuple[PastExample, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PastExample:
    """One past session: how long it stayed, and what it costs under each."""

    stay: str
    before: str
    after: str


@router.get("/garage/simulator")
async def simulator(
    request: Request,
    hub: Hub,
    caller: SignedIn,
    tariff: str = "",
    other: str = "",
    vehicle: str = "",
    entered: str = "",
    hours: str = "24",
) -> Response:
    """The form, and with it the price from that entry on."""
    t, known = words_for(request), await _known(hub, caller)
    chosen = known.get(tariff) or next(iter(known.values()), None)
    form = filled(tariff=tariff, other=other, vehicle=vehicle, entered=entered, hours=hours)
    result = None
    if chosen is not None:
        form, result = _simulated(chosen, known.get(other), form, hub.clock.now(), t)
    past = None
    if result is not None and chosen is not None and other in known and caller.may("change-tariffs"):
        past = await _past(hub, caller, chosen, known[other], t)
    classes = sorted({name for one in known.values() for name in one.tariff.vehicle_classes})
    return page(
        request,
        "garage/simulator.html",
        status=422 if form.wrong else 200,
        tariffs=[(key, one.title) for key, one in known.items()],
        classes=[(one, one) for one in classes],
        spans=[(one, stay_words(one * HOUR, t)) for one in SPANS],
        form=form,
        result=result,
        past=past,
    )


async def _past(hub: Hub, caller: Caller, chosen: Known, other: Known, t: Words) -> PastView | None:
    """Both tariffs on the last days' sessions; None where there were none, or one has no price for them."""
    sessions = await past_sessions(hub, caller.actor, chosen.site, days=PAST_DAYS)
    try:
        found = compare(chosen.tariff, other.tariff, sessions, chosen.calendar)
    except (BadInput, ValueError):
        return None
    if not sessions:
        return None
    return PastView(
        sessions=len(sessions),
        before=found.before.text(t.language),
        after=found.after.text(t.language),
        winners=found.winners,
        losers=found.losers,
        same=found.same,
        examples=tuple(
            PastExample(
                stay=stay_words((one.session.left - one.session.entered) // MINUTE * MINUTE, t),
                before=one.before.text(t.language),
                after=one.after.text(t.language),
            )
            for one in (*found.greatest_savings, *found.greatest_rises)
        ),
    )


async def _known(hub: Hub, caller: Caller) -> Mapping[str, Known]:
    """Every tariff that was ever in force, the newest of each garage first."""
    found: dict[str, Known] = {}
    garages = await garage_setup.garages(hub, caller.actor)
    for site in garages:
        settings = await garage_setup.garage(hub, caller.actor, site.id)
        calendar = Calendar(time_zone=zone_of(site.time_zone), special_days=settings.special_days)
        for one in reversed(await garage_setup.tariffs(hub, caller.actor, site.id)):
            named = f"{one.tariff.name} ({one.number})"
            title = named if len(garages) == 1 else f"{site.name}: {named}"
            found[f"{site.id}-{one.number}"] = Known(
                site=site.id, title=title, tariff=one.tariff, calendar=calendar
            )
    return found


def _simulated(
    chosen: Known, other: Known | None, form: Form, now: datetime, t: Words
) -> tuple[Form, Simulated | None]:
    """The form as it was understood, and the result; none where something in it is wrong."""
    zone = chosen.calendar.time_zone
    wall = now.astimezone(zone).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    values = dict(form.values)
    values["vehicle"] = values["vehicle"] or chosen.tariff.vehicle_classes[0]
    values["entered"] = values["entered"] or wall.isoformat(timespec="minutes")
    try:
        entered = datetime.fromisoformat(values["entered"]).replace(tzinfo=zone).astimezone(UTC)
        until = next(one for one in SPANS if str(one) == values["hours"]) * HOUR
    except (ValueError, StopIteration):
        return Form(values=values, errors={"entered": "form.not-a-day"}), None
    try:
        compared = [chosen] if other is None else [chosen, other]
        if other is not None and other.tariff.currency != chosen.tariff.currency:
            raise BadInput("two tariffs are compared in one currency; choose others")
        bases = [
            Basis(tariff=one.tariff, calendar=one.calendar, vehicle_class=values["vehicle"])
            for one in compared
        ]
        result = _result([one.title for one in compared], bases, entered, until, t)
    except PosternError as fault:
        return Form(values=values, fault=fault), None
    return Form(values=values), result


def _result(names: list[str], bases: list[Basis], entered: datetime, until: timedelta, t: Words) -> Simulated:
    price = quoted(bases[0], entered, until)
    return Simulated(
        entered=t.moment(entered, bases[0].calendar.time_zone),
        stay=stay_words(until, t),
        names=tuple(names),
        chart=price_chart(list(zip(names, bases, strict=True)), entered, until, t),
        rows=step_rows(bases, entered, until, t, MOST_ROWS),
        lines=quote_rows(price, t),
        total=price.total.text(t.language),
        vat=price.vat.text(t.language),
    )
