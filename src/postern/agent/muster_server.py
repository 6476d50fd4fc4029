"""The agent's own muster page, over TLS on the site's network: for wardens, when the hub is away.

It opens with the muster code and a name; each opening, and each wrong code, is in the spool. A phone that was
let in is known by a random cookie for four hours, in this process's memory alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from postern.agent.muster import MusterDesk, NamelessWarden
from postern.agent.muster_pages import asset, render, roll_of, words_of
from postern.clock import Clock
from postern.errors import PosternError
from postern.listener_tls import listener_context
from postern.patience import patient

log = structlog.get_logger(__name__)

COOKIE = "__Host-muster"
LASTS = timedelta(hours=4)
TRIES, TRIES_WITHIN = 10, timedelta(minutes=10)
"""Wrong codes from one address. Others are let in meanwhile: nobody can lock the wardens out."""
MOST_PHONES = 200
LARGEST_FORM = 4096
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Where the page is served, and with which certificate."""

    host: str
    port: int
    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class _Phone:
    """A phone that was let in: whose, with which names, until when."""

    by: str
    names: dict[UUID, str] = field(repr=False)
    key: str = field(repr=False)
    until: datetime


class _Beside(uvicorn.Server):
    """A server beside the agent, which hears the signals for both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of them."""
        yield


Handler = Callable[[Request, _Phone], Awaitable[Response]]


class MusterPages:
    """The pages and who is let in to them."""

    def __init__(self, desk: MusterDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._phones: dict[str, _Phone] = {}
        self._wrong: dict[str, list[datetime]] = {}

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/", self._first),
            Route("/open", self._open, methods=["POST"]),
            Route("/roll", self._inside(self._roll)),
            Route("/rows", self._inside(self._rows)),
            Route("/mark", self._inside(self._mark), methods=["POST"]),
            Route("/call", self._inside(self._call), methods=["POST"]),
            Route("/end", self._inside(self._end), methods=["POST"]),
            Route("/close", self._inside(self._close), methods=["POST"]),
            Route("/page.css", self._asset("page.css", "text/css")),
            Route("/page.js", self._asset("page.js", "text/javascript")),
        ]
        return Starlette(routes=routes)

    async def _first(self, request: Request) -> Response:
        if self._phone(request) is not None:
            return _go("/roll")
        return self._form(request)

    async def _open(self, request: Request) -> Response:
        client, now = request.client.host if request.client else "", self._clock.now()
        tried = [at for at in self._wrong.get(client, []) if now - at < TRIES_WITHIN]
        form = await _form(request)
        name = str(form.get("name", ""))[:200]
        if len(tried) >= TRIES:
            return self._form(request, name, words_of(request)("too-many"), status=429)
        try:
            names = await self._desk.unlock(str(form.get("code", ""))[:100], name)
        except PosternError as fault:
            self._wrong = {one: times for one, times in self._wrong.items() if now - times[-1] < TRIES_WITHIN}
            self._wrong[client] = [*tried, now]
            about = "needs-name" if isinstance(fault, NamelessWarden) else "wrong-code"
            return self._form(request, name, words_of(request)(about), status=403)
        self._phones = {secret: one for secret, one in self._phones.items() if one.until > now}
        while len(self._phones) >= MOST_PHONES:
            del self._phones[next(iter(self._phones))]
        secret = secrets.token_urlsafe(32)
        by = " ".join(name.split())
        self._phones[secret] = _Phone(by=by, names=dict(names), key=secrets.token_hex(16), until=now + LASTS)
        answer = _go("/roll")
        answer.set_cookie(COOKIE, secret, secure=True, httponly=True, samesite="strict", path="/")
        return answer

    async def _roll(self, request: Request, phone: _Phone) -> Response:
        return self._page(request, "roll.html", phone)

    async def _rows(self, request: Request, phone: _Phone) -> Response:
        return self._page(request, "rows.html", phone)

    async def _mark(self, request: Request, phone: _Phone) -> Response:
        form = await _form(request)
        try:
            subject, place = UUID(str(form.get("subject", ""))), form.get("place")
            await self._desk.mark(
                subject, phone.by, safe=form.get("safe") != "no", place=int(place) if place else None
            )
        except (ValueError, PosternError) as fault:
            log.warning("mark not taken", detail=type(fault).__name__)
        return Response(status_code=204) if _FORM_KEY in request.headers else _go("/roll")

    async def _call(self, request: Request, phone: _Phone) -> Response:
        form = await _form(request)
        await self._desk.call(phone.by, drill=form.get("drill") == "yes")
        return _go("/roll")

    async def _end(self, request: Request, phone: _Phone) -> Response:
        del request
        await self._desk.end(phone.by)
        return _go("/roll")

    async def _close(self, request: Request, phone: _Phone) -> Response:
        del phone
        self._phones.pop(request.cookies.get(COOKIE, ""), None)
        return _go("/")

    def _inside(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """For phones that were let in; a change needs the key that only this page carries."""

        async def handle(request: Request) -> Response:
            phone = self._phone(request)
            if phone is None:
                return _go("/")
            if request.method == "POST":
                given = request.headers.get(_FORM_KEY) or str((await _form(request)).get("key", ""))
                if not hmac.compare_digest(given.encode(), phone.key.encode()):
                    return Response(status_code=403, headers=_HEADERS)
            return await handler(request, phone)

        return handle

    def _phone(self, request: Request) -> _Phone | None:
        phone = self._phones.get(request.cookies.get(COOKIE, ""))
        return phone if phone is not None and phone.until > self._clock.now() else None

    def _form(self, request: Request, name: str = "", fault: str = "", *, status: int = 200) -> Response:
        policy = self._desk.policy
        text = render(
            "open.html",
            words_of(request),
            site=policy.site.name if policy is not None else "",
            has_roll=self._desk.has_roll,
            name=name,
            fault=fault,
        )
        return _html(text, status)

    def _page(self, request: Request, template: str, phone: _Phone) -> Response:
        policy, words = self._desk.policy, words_of(request)
        roll = roll_of(self._desk, phone.names, policy, self._clock.now(), words)
        site = policy.site.name if policy is not None else ""
        return _html(render(template, words, site=site, roll=roll, key=phone.key))

    def _asset(self, name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            del request
            return Response(asset(name), media_type=kind, headers=_HEADERS)

        return handle


_FORM_KEY = "postern-form-key"


async def _form(request: Request) -> dict[str, str]:
    """The form's short texts. A body that is larger than any of ours is none."""
    if int(request.headers.get("content-length") or LARGEST_FORM + 1) > LARGEST_FORM:
        return {}
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status_code=status, media_type="text/html", headers=_HEADERS)


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers=_HEADERS)


@contextlib.asynccontextmanager
async def serving(desk: MusterDesk, clock: Clock, listener: Listener | None) -> AsyncIterator[None]:
    """Serve it meanwhile, where there is a listener. A port that is taken is logged: no door waits for it."""
    if listener is None:
        yield
        return
    config = uvicorn.Config(
        MusterPages(desk, clock).app(),
        host=listener.host,
        port=listener.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=patient(),
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    config.load()
    config.ssl = listener_context()
    config.ssl.load_cert_chain(listener.certificate, listener.key)
    server = _Beside(config)
    task = asyncio.create_task(_serve(server, listener), name="muster page")
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _serve(server: uvicorn.Server, listener: Listener) -> None:
    try:
        await server.serve()
    except SystemExit:  # uvicorn's word for a port that it cannot have
        log.error("no muster page", host=listener.host, port=listener.port)
