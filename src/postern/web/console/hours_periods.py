"""Close a period, open one again, and hand its hours to payroll."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.payrules import JURISDICTIONS, rule_book
from postern.attendance.periods import standing
from postern.attendance.rules_model import Meals, Premium, Rests, Tier
from postern.clock import utc_day
from postern.errors import NotFound, PosternError
from postern.ids import ContractorId, SiteId
from postern.operations.attendance import close_period, payroll_files
from postern.operations.attendance.payroll_files import Certified, FileKind, PayrollFile, WageType
from postern.operations.insiders import approvals
from postern.operations.people import teams
from postern.operations.people.export import BULK
from postern.web.console.hours import where
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.hours_view import last_of, month_before
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/hours/periods")
_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=windows-1252",
    "pdf": "application/pdf",
    "age": "application/octet-stream",
}


@router.get("")
async def periods(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The site's periods."""
    return await _page(request, hub, caller, site, EMPTY)


@router.post("/{site}")
async def close(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Seal everybody's hours of these days."""
    for name in ("first", "last"):
        fields.needed(name)
    first, last = fields.day("first"), fields.day("last")
    if fields.errors or first is None or last is None:
        return await _page(request, hub, caller, site, fields.result())
    with fields.refusals():
        await close_period.close_period(
            hub, caller.actor, SiteId(site), first=first, last=last, reason=fields.text("reason")
        )
        return go(f"/hours/periods?site={site}", "period-closed")
    return await _page(request, hub, caller, site, fields.result())


@router.post("/{site}/{number}/reopen")
async def reopen(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, number: int
) -> Response:
    """Its days may be corrected again."""
    with fields.refusals():
        await close_period.reopen_period(
            hub, caller.actor, SiteId(site), number, reason=fields.text("why_reopened")
        )
        return go(f"/hours/periods?site={site}", "period-reopened")
    return await _page(request, hub, caller, site, fields.result())


@router.post("/{site}/file")
async def file(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """The file; or, for many people, first the request for a second person."""
    try:
        wanted = _read(fields, SiteId(site))
        if wanted is None:
            return await _page(request, hub, caller, site, fields.result())
        purpose = fields.text("purpose")
        bulk = await payroll_files.needs_second_person(hub, caller.actor, wanted.site, wanted.period)
        agreed = None
        if bulk:
            exactly = approvals.digest_of(payroll_files.checked_file(wanted))
            agreed = await approvals.approved_for(
                hub, caller.actor, kind=approvals.Kind.EXPORT, exactly=exactly
            )
            if agreed is None:
                case = f"period {wanted.period}"
                await payroll_files.ask_for_file(hub, caller.actor, wanted, purpose=purpose, case=case)
                return go(f"/hours/periods?site={site}", "approval-asked-file")
        made = await payroll_files.payroll_file(hub, caller.actor, wanted, purpose=purpose, approval=agreed)
    except NotFound:
        raise
    except PosternError as fault:
        return await _page(request, hub, caller, site, fields.result(fault))
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    media = _MEDIA[made.name.rpartition(".")[2]]
    return Response(made.data, media_type=media, headers=headers)


def _read(fields: FormReader, site: SiteId) -> PayrollFile | None:
    kind = fields.parsed("kind", FileKind, "form.not-in-list")
    for name in ("kind", "period", "purpose"):
        fields.needed(name)
    period = int(fields.number("period"))
    wage_types = _wage_types(fields)
    certified = _certified(fields) if kind is FileKind.WH347 else None
    if fields.errors or kind is None:
        return None
    wanted = PayrollFile(
        site=site,
        period=period,
        kind=kind,
        certified=certified,
        recipient=fields.text("recipient"),
        recipient_key=fields.text("recipient_key"),
    )
    if kind in (FileKind.LODAS, FileKind.LOHN_UND_GEHALT):
        adviser, client = int(fields.number("adviser")), int(fields.number("client"))
        return replace(wanted, adviser=adviser, client=client, wage_types=wage_types)
    return wanted


def _wage_types(fields: FormReader) -> tuple[WageType, ...]:
    found = []
    for name, value in fields.values.items():
        if name.startswith("wage-") and value:
            number = fields.parsed(name, int, "form.not-a-number")
            found.append(WageType(category=name.removeprefix("wage-"), number=number or 0))
    return tuple(found)


def _certified(fields: FormReader) -> Certified | None:
    fields.needed("week_ending")
    fields.needed("contractor")
    contractor, ending = fields.id("contractor"), fields.day("week_ending")
    if contractor is None or ending is None:
        return None
    return Certified(
        contractor=ContractorId(contractor),
        week_ending=ending,
        number=int(fields.number("payroll_number", 1)),
        project=fields.text("project"),
    )


def categories() -> list[str]:
    """Every category that a book of rules may pay."""
    demands = [rule.demand for name in JURISDICTIONS for rule in rule_book(name).rules]
    found = {one.category for one in demands if isinstance(one, Tier | Premium | Meals | Rests)}
    return sorted(found, key=lambda one: (one != "regular", one))


async def _page(request: Request, hub: Hub, caller: Caller, site: int | None, form: Form) -> Response:
    t, at = words_for(request), await where(hub, caller, site, "")
    if at is None:
        return page(request, "hours/periods.html", at=None)
    entries = await close_period.closed_periods(hub, caller.actor, at.site.id)
    closed = list(reversed(standing(entries)))
    day, before = utc_day(hub.clock.now()), month_before(at.first)
    known = await teams.contractors(hub, caller.actor, day) if caller.may("see-employments") else []
    start = Form(values={"first": before.isoformat(), "last": last_of(before).isoformat()})
    return page(
        request,
        "hours/periods.html",
        status=422 if form.wrong else 200,
        at=at,
        form=form if form.wrong else start,
        closed=closed,
        options=[(one.number, f"{t.day(one.first)} – {t.day(one.last)}") for one in closed],
        kinds=[(one.value, t(f"hours.file-{one.value}")) for one in FileKind],
        categories=[(one, t.code("pay-category", one)) for one in categories()],
        contractors=[(one.unit.id, one.unit.name) for one in known],
        bulk=BULK,
    )
