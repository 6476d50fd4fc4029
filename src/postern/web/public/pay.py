"""The driver's way: plate, proof, price, checkout, receipt."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from postern.errors import BadInput, NotFound, PosternError, TooMany
from postern.operations.public import counter_wire as wire
from postern.web.pages import words_for
from postern.web.public.ask import Counter
from postern.web.public.receipt_pdf import receipt_pdf
from postern.web.public.shell import client_of, page

MERCHANT_COOKIE = "postern-merchant"
VISIT_COOKIE = "postern-visit"
TICKET_COOKIE = "postern-ticket"
"""The code of a kiosk's picture, until the plate is typed."""
_MINUTES = 20 * 60
_LONGEST_CODE = 100
_LONGEST_TICKET = 12
FAULTS = {
    "bad-input": "pay.fault-bad-input",
    "too-many": "pay.fault-too-many",
    "unavailable": "pay.fault-unavailable",
    "conflict": "pay.fault-conflict",
}
OF_MERCHANTS = {"not-found": "pay.validation-not-found", "conflict": "pay.validation-conflict"}


def counter_of(request: Request) -> Counter:
    """The counter that this process asks."""
    counter: Counter = request.app.state.counter
    return counter


async def ask_visit(request: Request, visit: str) -> wire.VisitView:
    """How far the visit is. Raises NotFound."""
    asked = wire.AskAboutVisit(visit=visit, client=client_of(request))
    return await counter_of(request).ask("visit", asked, wire.VisitView)


async def start(request: Request) -> Response:
    """GET /pay?g=: the form for the plate; with `v`, a merchant's code is remembered for the price, and with
    `t` the code that a kiosk showed, for the proof."""
    code = request.query_params.get("g", "")
    if not code:
        return page(request, "public/scan.html", status=404)
    asked = wire.AskGarage(garage=code, client=client_of(request))
    garage = await counter_of(request).ask("garage", asked, wire.GarageView)
    answer = page(request, "public/plate.html", garage=garage, plate="", fault="")
    if merchant := request.query_params.get("v", "")[:_LONGEST_CODE]:
        _remember_merchant(request, answer, merchant)
    if ticket := request.query_params.get("t", "")[:_LONGEST_TICKET]:
        answer.set_cookie(
            TICKET_COOKIE, ticket, max_age=_MINUTES, httponly=True, samesite="lax", secure=_secure(request)
        )
    return answer


async def begin(request: Request) -> Response:
    """POST /pay: a plate was typed."""
    form = await request.form()
    code, plate = str(form.get("g", "")), str(form.get("plate", ""))
    counter = counter_of(request)
    try:
        asked = wire.AskVisit(garage=code, plate=plate, client=client_of(request))
        made = await counter.ask("begin", asked, wire.VisitMade)
    except (BadInput, TooMany) as fault:
        garage = await counter.ask(
            "garage", wire.AskGarage(garage=code, client=client_of(request)), wire.GarageView
        )
        words = words_for(request)(FAULTS[fault.code])
        return page(
            request, "public/plate.html", status=fault.status, garage=garage, plate=plate, fault=words
        )
    answer = _to_visit(request, made.visit)
    if ticket := request.cookies.get(TICKET_COOKIE, "")[:_LONGEST_TICKET]:
        answer.delete_cookie(TICKET_COOKIE)
        given = wire.GiveProof(visit=made.visit, client=client_of(request), ticket=ticket)
        with suppress(PosternError):  # then the question of proof is asked
            await counter.ask("proof", given, wire.VisitView)
    return answer


async def by_link(request: Request) -> Response:
    """GET /pay/l/…: a link to pay afterwards."""
    asked = wire.AskVisit(link=request.path_params["link"], client=client_of(request))
    made = await counter_of(request).ask("begin", asked, wire.VisitMade)
    return _to_visit(request, made.visit)


def _to_visit(request: Request, visit: str) -> Response:
    answer = RedirectResponse(f"/pay/visit/{visit}", 303)
    answer.set_cookie(
        VISIT_COOKIE, visit, max_age=_MINUTES, httponly=True, samesite="lax", secure=_secure(request)
    )
    return answer


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


async def visit(request: Request) -> Response:
    """GET /pay/visit/…: the question of proof, or the price."""
    id = request.path_params["visit"]
    return _visit_page(request, id, await ask_visit(request, id))


def _visit_page(request: Request, id: str, view: wire.VisitView, *, fault: str = "") -> Response:
    merchant = request.cookies.get(MERCHANT_COOKIE, "")
    template = "public/price.html" if view.price is not None else "public/proof.html"
    status = 200 if not fault else 422
    return page(request, template, status=status, visit=id, view=view, fault=fault, merchant=merchant)


async def picture(request: Request) -> Response:
    """GET /pay/visit/…/picture/…: one of the pictures to choose from."""
    view = await ask_visit(request, request.path_params["visit"])
    found = next((one.picture for one in view.choices if one.id == request.path_params["choice"]), None)
    if found is None:
        raise NotFound("there is no such picture")
    return Response(found, media_type="image/jpeg")


async def prove(request: Request) -> Response:
    """POST /pay/visit/…/proof: a choice, or a ticket's code."""
    id, form = request.path_params["visit"], await request.form()
    given = wire.GiveProof(
        visit=id,
        client=client_of(request),
        choice=str(form.get("choice", "")),
        ticket=str(form.get("ticket", "")),
    )
    try:
        view = await counter_of(request).ask("proof", given, wire.VisitView)
    except TooMany:
        view = await ask_visit(request, id)
    if view.price is not None:
        return RedirectResponse(f"/pay/visit/{id}", 303)
    return _visit_page(request, id, view, fault=words_for(request)("pay.proof-wrong"))


async def checkout(request: Request) -> Response:
    """POST /pay/visit/…/checkout: on to where the money is taken."""
    id = request.path_params["visit"]
    asked = wire.AskAboutVisit(visit=id, client=client_of(request), language=words_for(request).language)
    try:
        started = await counter_of(request).ask("checkout", asked, wire.CheckoutStarted)
    except PosternError as fault:
        words = words_for(request)(FAULTS.get(fault.code, "pay.fault"))
        return _visit_page(request, id, await ask_visit(request, id), fault=words)
    return RedirectResponse(started.url or f"/pay/visit/{id}", 303)


async def receipt(request: Request) -> Response:
    """GET /pay/r/…: the phone is back; waits until the money is noted, then shows the receipt."""
    return page(request, "public/receipt.html", view=await _receipt(request))


async def state(request: Request) -> Response:
    """GET /pay/r/…/state: what the waiting page asks every two seconds."""
    return JSONResponse({"state": (await _receipt(request)).state})


async def pdf(request: Request) -> Response:
    """GET /pay/r/….pdf: the receipt to keep."""
    view = await _receipt(request)
    if view.state != "paid":
        raise NotFound("there is a receipt once it is paid")
    headers = {"Content-Disposition": f'attachment; filename="receipt-{view.reference[-8:]}.pdf"'}
    return Response(receipt_pdf(view, words_for(request)), media_type="application/pdf", headers=headers)


async def _receipt(request: Request) -> wire.ReceiptView:
    asked = wire.AskReceipt(reference=request.path_params["reference"], client=client_of(request))
    return await counter_of(request).ask("receipt", asked, wire.ReceiptView)


async def validate(request: Request) -> Response:
    """GET /validate?g=&m=: a merchant's QR. Remembered for the visit that is on or comes next."""
    merchant, code = request.query_params.get("m", ""), request.query_params.get("g", "")
    if not merchant or len(merchant) > _LONGEST_CODE:
        raise NotFound("this code belongs to no merchant")
    known = request.cookies.get(VISIT_COOKIE, "")
    to = f"/pay/visit/{known}" if known and await _is_on(request, known) else f"/pay?g={code}"
    answer = RedirectResponse(to, 303)
    _remember_merchant(request, answer, merchant)
    return answer


def _remember_merchant(request: Request, answer: Response, merchant: str) -> None:
    answer.set_cookie(
        MERCHANT_COOKIE, merchant, max_age=_MINUTES, httponly=True, samesite="lax", secure=_secure(request)
    )


async def _is_on(request: Request, visit: str) -> bool:
    try:
        await ask_visit(request, visit)
    except NotFound:
        return False
    return True


async def apply_validation(request: Request) -> Response:
    """POST /pay/visit/…/validation: the merchant pays."""
    id, form = request.path_params["visit"], await request.form()
    asked = wire.AskAboutVisit(
        visit=id, client=client_of(request), merchant=str(form.get("merchant", ""))[:_LONGEST_CODE]
    )
    try:
        await counter_of(request).ask("validation", asked, wire.Validated)
    except PosternError as fault:
        words = words_for(request)(OF_MERCHANTS.get(fault.code, "pay.fault"))
        answer = _visit_page(request, id, await ask_visit(request, id), fault=words)
    else:
        answer = RedirectResponse(f"/pay/visit/{id}", 303)
    answer.delete_cookie(MERCHANT_COOKIE)
    return answer


ROUTES = (
    Route("/pay", start),
    Route("/pay", begin, methods=["POST"]),
    Route("/pay/l/{link}", by_link),
    Route("/pay/visit/{visit}", visit),
    Route("/pay/visit/{visit}/picture/{choice}", picture),
    Route("/pay/visit/{visit}/proof", prove, methods=["POST"]),
    Route("/pay/visit/{visit}/checkout", checkout, methods=["POST"]),
    Route("/pay/visit/{visit}/validation", apply_validation, methods=["POST"]),
    Route("/pay/r/{reference}.pdf", pdf),
    Route("/pay/r/{reference}/state", state),
    Route("/pay/r/{reference}", receipt),
    Route("/validate", validate),
)
