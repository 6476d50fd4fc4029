"""The public application: a driver's pages, help, notices, and where providers send their webhooks."""

from __future__ import annotations

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from postern.clock import SystemClock
from postern.errors import PosternError
from postern.operations.public import counter_wire as wire
from postern.web.head import HeadAsGet
from postern.web.i18n import LANGUAGES
from postern.web.last_resort import LastResort
from postern.web.pages import ASSETS, LANGUAGE_COOKIE, THEME_COOKIE, THEMES, words_for
from postern.web.public import pay, visit
from postern.web.public.ask import Counter
from postern.web.public.shell import Around, Shell, client_of, page
from postern.web.security_txt import PATH, security_txt

_YEAR = 365 * 24 * 60 * 60
_FAULT_WORDS = {404: "pay.error-404", 429: "pay.error-429", 503: "pay.error-503"}
_log = structlog.get_logger(__name__)


async def home(_: Request) -> Response:
    """GET /: there is one thing to do here."""
    return RedirectResponse("/pay", 303)


async def preferences(request: Request) -> Response:
    """POST /preferences: language or colours, and back."""
    form = await request.form()
    back = str(form.get("back", "/pay"))
    safe = back.startswith("/") and not back.startswith(("//", "/\\"))
    answer = RedirectResponse(back if safe else "/pay", 303)
    for field, cookie, known in (
        ("language", LANGUAGE_COOKIE, tuple(LANGUAGES)),
        ("theme", THEME_COOKIE, THEMES),
    ):
        chosen = form.get(field)
        if isinstance(chosen, str) and chosen in known:
            secure = request.url.scheme == "https"
            answer.set_cookie(cookie, chosen, max_age=_YEAR, samesite="lax", httponly=True, secure=secure)
    return answer


async def help_form(request: Request) -> Response:
    """GET /help?g=: ask for an attendant."""
    code = request.query_params.get("g", "")
    if not code:
        return page(request, "public/scan.html", status=404)
    asked = wire.AskGarage(garage=code, client=client_of(request))
    garage = await pay.counter_of(request).ask("garage", asked, wire.GarageView)
    return page(request, "public/help.html", garage=garage, number="")


async def help_asked(request: Request) -> Response:
    """POST /help: a case is opened."""
    form = await request.form()
    code = str(form.get("g", ""))
    asked = wire.AskHelp(
        garage=code,
        client=client_of(request),
        visit=request.cookies.get(pay.VISIT_COOKIE, ""),
        words=str(form.get("words", ""))[:500],
    )
    counter = pay.counter_of(request)
    coming = await counter.ask("help", asked, wire.HelpComing)
    garage = await counter.ask(
        "garage", wire.AskGarage(garage=code, client=client_of(request)), wire.GarageView
    )
    return page(request, "public/help.html", garage=garage, number=coming.number)


async def notices(request: Request) -> Response:
    """GET /notices/stripe: who takes the money, and what they learn."""
    return page(request, "public/notice.html")


async def webhook(request: Request) -> Response:
    """POST /webhooks/stripe: handed to the hub as it came; only the hub can tell whether Stripe signed it."""
    told = wire.TellWebhook(
        body=await request.body(), signature=request.headers.get("stripe-signature", "")[:1000]
    )
    taken = await pay.counter_of(request).ask("webhook", told, wire.Taken)
    return JSONResponse({"taken": taken.taken})


async def free_bays(request: Request) -> Response:
    """GET /public/v1/garages/{code}/free: numbers for signs, apps and other sites' pages."""
    asked = wire.AskFree(garage=request.path_params["code"], client=client_of(request))
    try:
        found = await pay.counter_of(request).ask("free", asked, wire.FreeBays)
    except PosternError as fault:
        return JSONResponse({"code": fault.code, "detail": str(fault)}, status_code=fault.status)
    body = {"bays": found.bays, "free": found.free, "at": found.at.isoformat()}
    return JSONResponse(body)


async def healthy(_: Request) -> Response:
    """GET /healthz: this process answers."""
    return PlainTextResponse("ok")


async def faulted(request: Request, fault: Exception) -> Response:
    """A fault as a page; a provider's program reads the status alone."""
    if isinstance(fault, HTTPException):
        return _fault_page(request, fault.status_code)
    return _fault_page(request, fault.status if isinstance(fault, PosternError) else 500)


async def told_whom(request: Request) -> Response:
    """GET /.well-known/security.txt: whom to tell of a hole in this installation."""
    shell: Shell = request.app.state.shell
    return security_txt(shell.security_contact, SystemClock().now())


def _fault_page(request: Request, status: int) -> Response:
    words = words_for(request)(
        _FAULT_WORDS.get(status, "pay.error-500" if status >= 500 else "pay.error-400")
    )
    code = request.query_params.get("g", "")
    return page(request, "public/fault.html", status=status, words=words, code=code)


def _unforeseen(request: Request) -> Response:
    return _fault_page(request, 500)


def create_public_app(counter: Counter, shell: Shell) -> Starlette:
    """The application. It has no services: all that it can ask is the counter."""
    app = Starlette(
        routes=[
            Route("/", home),
            *pay.ROUTES,
            *visit.ROUTES,
            Route("/help", help_form),
            Route("/help", help_asked, methods=["POST"]),
            Route("/notices/stripe", notices),
            Route("/webhooks/stripe", webhook, methods=["POST"]),
            Route("/preferences", preferences, methods=["POST"]),
            Route("/public/v1/garages/{code}/free", free_bays),
            Route("/healthz", healthy),
            Route(PATH, told_whom),
            Mount("/assets", StaticFiles(directory=ASSETS)),
        ],
        middleware=[
            Middleware(Around, shell=shell),
            Middleware(LastResort, answer=_unforeseen),
            Middleware(HeadAsGet),
        ],
        exception_handlers={PosternError: faulted, HTTPException: faulted},
    )
    app.state.counter = counter
    app.state.shell = shell
    return app
