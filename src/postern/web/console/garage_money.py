"""The money of a garage: a day compared three ways, the ledger, its CSV, receipts and refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import SiteId
from postern.money import Money, parse
from postern.operations.parking import checkout, garage_day, garage_ledger, garage_receipts, garage_setup
from postern.operations.parking import views as parking_views
from postern.operations.parking.garage_ledger import LedgerDays
from postern.operations.parking.garage_receipts import WantedReceipts
from postern.operations.parking.receipts import Receipt
from postern.parking.ledger import Account
from postern.parking.ledger_store import Line
from postern.parking.reconciliation import Difference, Reconciliation
from postern.sites.model import Site, zone_of
from postern.web.console.garage_prices import QuoteRow, line_rows
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, page, words_for
from postern.web.ports import ConsolePorts

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One of the sums that are compared."""

    key: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceRow:
    """What does not agree, most likely why, and what to do."""

    tone: str
    amount: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SideRow:
    """What moved on an account, on its side."""

    name: str
    debit: str
    credit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MovementRow:
    """A movement with its lines."""

    kind: str
    number: str
    booked: str
    back: bool
    lines: tuple[SideRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptRow:
    """A receipt that was found."""

    number: str
    plate: str
    entered: str
    paid_at: str
    lines: tuple[QuoteRow, ...]
    total: str
    vat: str
    paid: str
    reference: str


@router.get("/garage/money")
async def money(
    request: Request, hub: Hub, caller: SignedIn, site: int | None = None, day: str = ""
) -> Response:
    """One day of one garage."""
    t, garages = words_for(request), await garage_setup.garages(hub, caller.actor)
    chosen = next((one for one in garages if one.id == site), garages[0] if garages else None)
    if chosen is None:
        return page(request, "garage/money.html", site=None, garages=[])
    today = hub.clock.now().astimezone(zone_of(chosen.time_zone)).date()
    on = _day(day, today)
    books = await garage_ledger.ledger_days(hub, caller.actor, chosen.id, first=on, last=on)
    seen = await garage_day.reconciled(hub, caller.actor, chosen.id, on)
    debits, credits = _sums(books)
    return page(
        request,
        "garage/money.html",
        site=chosen,
        garages=garages,
        day=on,
        day_words=t.day(on),
        before=on - timedelta(days=1),
        today=today,
        month=on.replace(day=1),
        in_order=seen.in_order and books.is_balanced,
        ways=_ways(seen, t),
        differences=[_difference(one, t) for one in seen.differences],
        accounts=_by_side(books, t),
        debits=debits.text(t.language),
        credits=credits.text(t.language),
        movements=_movements(books.lines, t),
        may_search=caller.may("take-money"),
    )


def _day(text: str, today: date) -> date:
    try:
        return min(date.fromisoformat(text), today)
    except ValueError:
        return today


def _ways(seen: Reconciliation, t: Words) -> tuple[Way, ...]:
    sums = (("listed", seen.listed), ("booked", seen.booked), ("unpaid", seen.unpaid))
    return tuple(Way(key=key, value=amount.text(t.language)) for key, amount in sums)


def _difference(one: Difference, t: Words) -> DifferenceRow:
    return DifferenceRow(
        tone="info" if one.is_explained else "bad",
        amount=t("money.vehicles", n=one.vehicles) if one.amount is None else one.amount.text(t.language),
        words=one.words(t.language),
    )


def _by_side(books: LedgerDays, t: Words) -> tuple[SideRow, ...]:
    sums = {one: Money.zero(books.currency) for one in Account}
    for one in books.totals:
        sums[one.account] += one.amount
    return tuple(_sides(name, amount, t) for name, amount in sums.items() if amount)


def _sums(books: LedgerDays) -> tuple[Money, Money]:
    amounts: dict[Account, int] = {}
    for one in books.totals:
        amounts[one.account] = amounts.get(one.account, 0) + one.amount.amount
    debits = sum(one for one in amounts.values() if one > 0)
    return Money(debits, books.currency), Money(
        -sum(one for one in amounts.values() if one < 0), books.currency
    )


def _sides(name: Account, amount: Money, t: Words) -> SideRow:
    text = max(amount, -amount).text(t.language)
    debit, credit = (text, "") if amount.amount > 0 else ("", text)
    return SideRow(name=t(f"ledger.{name.value}"), debit=debit, credit=credit)


def _movements(lines: Sequence[Line], t: Words) -> list[MovementRow]:
    whole: dict[tuple[str, int], list[Line]] = {}
    for one in lines:
        whole.setdefault((one.movement.hex, one.nth), []).append(one)
    return [
        MovementRow(
            kind=t(f"movement.{written[0].about.kind.value}"),
            number=f"{number[:8]}/{nth}",
            booked=t.day(written[0].booked),
            back=nth % 2 == 1,
            lines=tuple(_sides(one.account, one.amount, t) for one in written),
        )
        for (number, nth), written in whole.items()
    ]


@router.get("/garage/money/{site}/ledger.csv")
async def ledger_csv(hub: Hub, caller: SignedIn, site: int, first: date, last: date) -> Response:
    """The ledger of these days as a file."""
    found = await parking_views.ledger_csv(hub, caller.actor, SiteId(site), first=first, last=last)
    name = f"ledger-{site}-{first.isoformat()}-{last.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(found, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/garage/receipts/{site}")
async def ask(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """The form."""
    return await _receipts(request, hub, caller, site, EMPTY, None)


@router.post("/garage/receipts/{site}")
async def search(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Those found; the search is in the journal."""
    wanted = _wanted(fields)
    if wanted is None:
        return await _receipts(request, hub, caller, site, fields.result(), None)
    with fields.refusals():
        found = await garage_receipts.find_receipts(hub, caller.actor, SiteId(site), wanted)
        return await _receipts(request, hub, caller, site, fields.result(), found)
    return await _receipts(request, hub, caller, site, fields.result(), None)


def _wanted(fields: FormReader) -> WantedReceipts | None:
    what, purpose, case = fields.needed("what"), fields.needed("purpose"), fields.needed("case")
    fields.needed("first")
    fields.needed("last")
    first, last = fields.day("first"), fields.day("last")
    if fields.errors or first is None or last is None:
        return None
    return WantedReceipts(what=what, first=first, last=last, purpose=purpose, case=case)


@router.post("/garage/receipts/{site}/refund")
async def refund(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Give a payment back, in part or whole, by the way it came."""
    ports: ConsolePorts = request.app.state.ports
    reference, reason, amount = fields.needed("reference"), fields.needed("reason"), fields.needed("amount")
    if fields.errors:
        return await _receipts(request, hub, caller, site, fields.result(), None)
    try:
        if ports.till is None:
            raise NotFound("this hub takes no payments; it was started without them")
        known = await checkout.find(hub, reference)
        if known.tenant != caller.actor.tenant or known.site != site:
            raise NotFound("there is no such payment")
        money = parse(amount, known.amount.currency)
        back = await checkout.refund(
            hub, ports.till, caller.actor, reference=reference, amount=money, reason=reason
        )
    except PosternError as fault:
        return await _receipts(request, hub, caller, site, fields.result(fault), None)
    t = words_for(request)
    return await _receipts(request, hub, caller, site, EMPTY, None, refunded=back.text(t.language))


async def _receipts(
    request: Request,
    hub: Hub,
    caller: Caller,
    site: int,
    form: Form,
    found: Sequence[Receipt] | None,
    *,
    refunded: str = "",
) -> Response:
    t, chosen = words_for(request), await _garage(hub, caller, site)
    zone = zone_of(chosen.time_zone)
    return page(
        request,
        "garage/receipts.html",
        status=422 if form.wrong else 200,
        site=chosen,
        form=form,
        found=None if found is None else [_receipt(one, zone, t) for one in found],
        refunded=refunded,
    )


def _receipt(one: Receipt, zone: ZoneInfo, t: Words) -> ReceiptRow:
    return ReceiptRow(
        number=one.number,
        plate=one.plate,
        entered=t.moment(one.entered, zone),
        paid_at=t.moment(one.paid_at, zone),
        lines=line_rows(one.lines, t),
        total=one.total.text(t.language),
        vat=one.vat.text(t.language),
        paid=one.paid.text(t.language),
        reference=one.reference,
    )


async def _garage(hub: Hub, caller: Caller, site: int) -> Site:
    for one in await garage_setup.garages(hub, caller.actor):
        if one.id == site:
            return one
    raise NotFound("this site is no garage; set its bays first")
