"""The desk of a garage: an attendant takes the money for the code that a driver reads out."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import SiteId
from postern.operations.parking import garage_setup
from postern.operations.parking.desk import take_for_slip
from postern.operations.parking.payment_attempts import Attempt
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, page, words_for
from postern.web.ports import ConsolePorts

router = APIRouter()


@router.get("/garage/desk")
async def shown(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The form for a code."""
    return await _page(request, hub, caller, site, EMPTY)


@router.post("/garage/desk/{site}")
async def taken(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """The money is in hand. Another organisation's garage is not there, whatever was typed."""
    await garage_setup.garage(hub, caller.actor, SiteId(site))
    code, reason = fields.needed("code"), fields.needed("reason")
    if fields.errors:
        return await _page(request, hub, caller, site, fields.result())
    ports: ConsolePorts = request.app.state.ports
    try:
        if ports.till is None:
            raise NotFound("this hub takes no payments; it was started without them")
        paid = await take_for_slip(hub, ports.till, caller.actor, SiteId(site), code, reason=reason)
    except PosternError as fault:
        return await _page(request, hub, caller, site, fields.result(fault))
    return await _page(request, hub, caller, site, EMPTY, paid)


async def _page(
    request: Request, hub: Hub, caller: Caller, site: int | None, form: Form, paid: Attempt | None = None
) -> Response:
    garages = await garage_setup.garages(hub, caller.actor)
    chosen = next((one for one in garages if one.id == site), None)
    if chosen is None and site is not None:
        raise NotFound("this site is no garage; set its bays first")
    ports: ConsolePorts = request.app.state.ports
    t = words_for(request)
    return page(
        request,
        "garage/desk.html",
        status=422 if form.errors or form.fault else 200,
        garages=garages,
        site=chosen or (garages[0] if garages else None),
        form=form,
        has_slips=ports.till is not None and ports.till.desk is not None,
        paid=paid.amount.text(t.language) if paid is not None else "",
    )
