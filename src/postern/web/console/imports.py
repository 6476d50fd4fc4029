"""Import from CSV: first the report, then the same file for real."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, PosternError
from postern.operations.people import import_csv as operation
from postern.operations.people.import_csv import ImportKind, ImportReport, Outcome
from postern.operators.roles import Duty, may, require
from postern.web.console.person_page import masked
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
COLUMNS = {
    "people": "name, employee_number, resident_id_number, sex, birth_date, home_site, mail, notes, card, "
    "access_levels, valid_from, valid_until, first_day, last_day, contractor, team, "
    "manager_employee_number, site, occupation, pay_profile, id",
    "visits": "name, company, mail, host_employee_number, site, start, end, access_level, purpose, language",
    "vehicles": "plate, country, description, keeper_employee_number, access_levels, valid_from, valid_until",
}
SHOWN = 200
"""Lines of each outcome that the page lists."""
_ALSO = {
    ImportKind.VEHICLES: (Duty.CHANGE_VEHICLES, Duty.CHANGE_ACCESS),
    ImportKind.VISITS: (Duty.INVITE, Duty.CHANGE_ACCESS),
}


@router.get("/import")
async def ask(request: Request, caller: SignedIn) -> Response:
    """The form."""
    require(caller.actor, Duty.CHANGE_PEOPLE)
    return _page(request, caller, EMPTY)


@router.post("/import")
async def check(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """The dry run's report."""
    kind = fields.parsed("kind", ImportKind, "form.not-in-list") or ImportKind.PEOPLE
    try:
        files = await fields.uploads("file")
        if not files:
            fields.errors["file"] = "import.no-file"
            return _page(request, caller, fields.result())
        report = await operation.check_import(hub, caller.actor, kind=kind, data=files[0])
    except PosternError as fault:
        return _page(request, caller, fields.result(fault))
    return _page(request, caller, fields.result(), report, kind, base64.b64encode(files[0]).decode())


@router.post("/import/run")
async def run(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Take in the file that was checked."""
    kind = fields.parsed("kind", ImportKind, "form.not-in-list") or ImportKind.PEOPLE
    try:
        data = base64.b64decode(fields.text("data"), validate=True)
    except binascii.Error as fault:
        raise BadInput("the checked file did not come back whole; check it again") from fault
    try:
        await operation.apply_import(
            hub,
            caller.actor,
            kind=kind,
            data=data,
            skip_bad=fields.ticked("skip_bad"),
            as_checked=fields.maybe("mark"),
        )
    except PosternError as fault:
        return _page(request, caller, fields.result(fault))
    return go(f"/{kind.value}", "imported")


def _page(
    request: Request,
    caller: Caller,
    form: Form,
    report: ImportReport | None = None,
    kind: ImportKind = ImportKind.PEOPLE,
    data: str = "",
) -> Response:
    t = words_for(request)
    return page(
        request,
        "people/import.html",
        status=422 if form.wrong else 200,
        form=form,
        report=report,
        counts={one.value: len(report.of(one)) for one in Outcome} if report else {},
        problems=report.bad[:SHOWN] if report else (),
        changed=report.of(Outcome.CHANGED)[:SHOWN] if report else (),
        masked=masked,
        kind=kind.value,
        data=data,
        kinds=[(one.value, t(f"nav.{one.value}")) for one in ImportKind if _may(caller, one)],
        columns=COLUMNS,
    )


def _may(caller: Caller, kind: ImportKind) -> bool:
    return all(may(caller.actor, duty) for duty in _ALSO.get(kind, ()))
