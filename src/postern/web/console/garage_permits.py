"""Permits, merchants, and the sheets with QR codes that hang at lanes and lie on counters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from urllib.parse import quote as quoted_in_address
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, NotFound, PosternError
from postern.ids import SiteId, new_id
from postern.money import Money, parse
from postern.operations.parking import garage_setup
from postern.operations.parking.public_garage import garage_code
from postern.operations.sites import places as site_operations
from postern.parking.permits import Permit
from postern.parking.rules import MerchantKept, PermitKept
from postern.parking.validations import Validation, ValidationKind
from postern.sites.model import Site, zone_of
from postern.vehicles.plates import normalise
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for
from postern.web.ports import ConsolePorts
from postern.web.qr import qr_picture

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitRow:
    """A permit as the list shows it. `state`: active, to-come or ended."""

    id: UUID
    holder: str
    plates: tuple[str, ...]
    bays: int
    valid: str
    state: str
    tone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantRow:
    """A merchant and what they pay for."""

    id: UUID
    name: str
    pays: str
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One QR code to print, with the words around it."""

    title: str
    place: str
    text: str
    address: str
    qr: str


@router.get("/garage/permits")
async def permits(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The permits of one garage."""
    return await _permits(request, hub, caller, site, EMPTY)


@router.post("/garage/permits/{site}")
async def add_permit(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """A new permit."""
    chosen = await _garage(hub, caller, site)
    permit = _permit(fields, zone_of(chosen.time_zone))
    fault = None
    if permit is not None:
        try:
            await garage_setup.add_permit(hub, caller.actor, chosen.id, permit)
            return go(f"/garage/permits?site={site}", "added")
        except PosternError as caught:
            fault = caught
    return await _permits(request, hub, caller, site, fields.result(fault))


@router.post("/garage/permits/{site}/{id}/end")
async def end_permit(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """It covers nobody who comes from now on."""
    await garage_setup.end_permit(hub, caller.actor, SiteId(site), id)
    return go(f"/garage/permits?site={site}", "permit-ended")


@router.get("/garage/merchants")
async def merchants(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The merchants of one garage."""
    return await _merchants(request, hub, caller, site, EMPTY)


@router.post("/garage/merchants/{site}")
async def add_merchant(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """A new merchant with a code of their own."""
    chosen = await _garage(hub, caller, site)
    name, fault = fields.needed("name"), None
    try:
        kind, value = await _worth(hub, caller, chosen, fields)
        if not fields.errors:
            await garage_setup.add_merchant(hub, caller.actor, chosen.id, name=name, kind=kind, value=value)
            return go(f"/garage/merchants?site={site}", "added")
    except PosternError as caught:
        fault = caught
    return await _merchants(request, hub, caller, site, fields.result(fault))


@router.post("/garage/merchants/{site}/{id}/end")
async def end_merchant(hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """The code takes nothing off any more."""
    await garage_setup.end_merchant(hub, caller.actor, SiteId(site), id)
    return go(f"/garage/merchants?site={site}", "merchant-ended")


@router.get("/garage/merchants/{site}/{id}/sheet")
async def merchant_sheet(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """The merchant's code to print: whoever scans it while paying, parks at their expense."""
    t, chosen = words_for(request), await _garage(hub, caller, site)
    kept = await garage_setup.merchants(hub, caller.actor, chosen.id)
    found = next((one for one in kept if one.id == id and one.ended is None), None)
    if found is None:
        raise NotFound("there is no such merchant (any more)")
    currency = (await garage_setup.garage(hub, caller.actor, chosen.id)).currency
    code = await garage_code(hub, caller.actor.tenant, chosen.id)
    sheets = [
        _sheet(
            title=t("sheets.merchant-title", name=found.name),
            place=found.name,
            text=_pays(one, currency, t),
            address=f"{pay_address(request)}?g={code}&v={quoted_in_address(one.code)}",
        )
        for one in found.validations
    ]
    title, text = t("sheets.merchant", name=found.name), t("sheets.merchant-text")
    return _sheets(request, sheets, title, text, back="merchants")


@router.get("/garage/posters/{site}")
async def posters(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """One sheet for each lane out, and one for the bays."""
    t, chosen = words_for(request), await _garage(hub, caller, site)
    plan = await site_operations.plan(hub, caller.actor, chosen.id)
    code = await garage_code(hub, caller.actor.tenant, chosen.id)
    lanes = [one.name for one in plan.access_points if one.lane is not None and one.way_out]
    address = f"{pay_address(request)}?g={code}"
    sheets = [
        _sheet(title=t("sheets.pay-title"), place=place, text=t("sheets.pay-steps"), address=address)
        for place in (*lanes, chosen.name)
    ]
    title = t("sheets.pay", name=chosen.name)
    return _sheets(request, sheets, title, t("sheets.pay-text"), back="kiosks")


def pay_address(request: Request) -> str:
    """Where drivers pay: the public process, which has a listener and a name of its own."""
    ports: ConsolePorts = request.app.state.ports
    if not ports.pay_url:
        raise NotFound("this hub serves no page for drivers; see docs/garage.md for the process that does")
    return f"{ports.pay_url.rstrip('/')}/pay"


def _sheet(*, title: str, place: str, text: str, address: str) -> Sheet:
    return Sheet(title=title, place=place, text=text, address=address, qr=qr_picture(address))


def _sheets(request: Request, sheets: list[Sheet], title: str, text: str, *, back: str) -> Response:
    return page(
        request,
        "garage/sheets.html",
        sheets=sheets,
        title=title,
        text=text,
        back=f"/garage/{back}",
        back_title=words_for(request)(f"nav.{back}"),
    )


async def _garage(hub: Hub, caller: Caller, site: int) -> Site:
    for one in await garage_setup.garages(hub, caller.actor):
        if one.id == site:
            return one
    raise NotFound("this site is no garage; set its bays first")


async def _permits(request: Request, hub: Hub, caller: Caller, site: int | None, form: Form) -> Response:
    garages = await garage_setup.garages(hub, caller.actor)
    chosen = next((one for one in garages if one.id == site), garages[0] if garages else None)
    rows: tuple[PermitRow, ...] = ()
    if chosen is not None:
        t, now = words_for(request), hub.clock.now()
        kept = await garage_setup.permits(hub, caller.actor, chosen.id)
        zone = zone_of(chosen.time_zone)
        order = {"active": 0, "to-come": 1, "ended": 2}
        found = [_permit_row(one, now, zone, t) for one in kept]
        rows = tuple(sorted(found, key=lambda one: (order[one.state], one.holder)))
    return page(
        request,
        "garage/permits.html",
        status=422 if form.wrong else 200,
        garages=garages,
        site=chosen,
        permits=rows,
        form=form,
    )


def _permit_row(kept: PermitKept, now: datetime, zone: ZoneInfo, t: Words) -> PermitRow:
    permit = kept.permit
    first, until = permit.valid_from.astimezone(zone).date(), permit.valid_until
    over = kept.ended is not None or (until is not None and until <= now)
    state = "ended" if over else "to-come" if permit.valid_from > now else "active"
    valid = (
        t("price.from", first=t.day(first))
        if until is None
        else t("price.from-to", first=t.day(first), last=t.day(_last_day(until, zone)))
    )
    return PermitRow(
        id=kept.id,
        holder=permit.holder,
        plates=tuple(sorted(permit.plates)),
        bays=permit.bays,
        valid=valid,
        state=state,
        tone={"active": "good", "to-come": "info"}.get(state, ""),
    )


def _last_day(until: datetime, zone: ZoneInfo) -> date:
    """A permit ends at the start of the day after its last one."""
    local = until.astimezone(zone)
    return date.fromordinal(local.date().toordinal() - 1) if local.time() == time(0) else local.date()


def _permit(fields: FormReader, zone: ZoneInfo) -> Permit | None:
    """The permit as typed; None where something in it is wrong."""
    holder, bays = fields.needed("holder"), fields.parsed("bays", int, "form.not-a-number")
    fields.needed("valid_from")
    first, last = fields.day("valid_from"), fields.day("valid_until")
    plates = frozenset(
        normalise(one) for one in fields.needed("plates").replace(",", "\n").splitlines() if one.strip()
    )
    if bays is None:
        fields.errors.setdefault("bays", "form.needed")
    if fields.errors or bays is None or first is None:
        return None
    try:
        return Permit(
            id=new_id(),
            holder=holder,
            plates=plates,
            bays=bays,
            valid_from=_midnight(first, zone),
            valid_until=None if last is None else _midnight(date.fromordinal(last.toordinal() + 1), zone),
        )
    except BadInput:
        fields.errors.setdefault("valid_until" if bays > 0 and plates else "bays", "permits.wrong")
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


async def _merchants(request: Request, hub: Hub, caller: Caller, site: int | None, form: Form) -> Response:
    t, garages = words_for(request), await garage_setup.garages(hub, caller.actor)
    chosen = next((one for one in garages if one.id == site), garages[0] if garages else None)
    rows: tuple[MerchantRow, ...] = ()
    if chosen is not None:
        currency = (await garage_setup.garage(hub, caller.actor, chosen.id)).currency
        kept = await garage_setup.merchants(hub, caller.actor, chosen.id)
        found = [_merchant_row(one, currency, t) for one in kept]
        rows = tuple(sorted(found, key=lambda one: (not one.active, one.name)))
    return page(
        request,
        "garage/merchants.html",
        status=422 if form.wrong else 200,
        garages=garages,
        site=chosen,
        merchants=rows,
        printable=bool(request.app.state.ports.pay_url),
        kinds=[(kind.value, t(f"validation.{kind.value}")) for kind in ValidationKind],
        form=form,
    )


def _merchant_row(kept: MerchantKept, currency: str, t: Words) -> MerchantRow:
    pays = " · ".join(_pays(one, currency, t) for one in kept.validations)
    return MerchantRow(id=kept.id, name=kept.name, pays=pays, active=kept.ended is None)


def _pays(one: Validation, currency: str, t: Words) -> str:
    worth = (
        Money(one.value, currency).text(t.language) if one.kind is ValidationKind.AMOUNT else str(one.value)
    )
    return t(f"validation.pays-{one.kind.value}", value=worth)


async def _worth(hub: Hub, caller: Caller, site: Site, fields: FormReader) -> tuple[ValidationKind, int]:
    """What a validation takes over, in its own unit; an error beside the field where it is none."""
    kind = fields.parsed("kind", ValidationKind, "form.not-in-list") or ValidationKind.FULL
    if kind is ValidationKind.FULL:
        return kind, 0
    text = fields.needed("value", "merchants.value-needed")
    if kind is ValidationKind.AMOUNT:
        currency = (await garage_setup.garage(hub, caller.actor, site.id)).currency
        money = fields.parsed("value", lambda given: parse(given, currency), "form.not-a-number")
        return kind, 0 if money is None else money.amount
    try:
        return kind, int(Decimal(text or "0"))
    except InvalidOperation:
        fields.errors.setdefault("value", "form.not-a-number")
        return kind, 0
