"""What every public page has around it: language, headers, and where a changing request may come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from postern.money import Money
from postern.web.pages import environment, theme_for, words_for
from postern.web.public.line_words import line_words
from postern.web.security import ASSETS, HEADERS, SAFE_METHODS, STRICT_TRANSPORT, comes_from_this_console

LARGEST = 128 * 1024
LARGEST_PHOTO = 8 * 1024 * 1024 + LARGEST
PHOTOS = re.compile(r"/visit/[^/]+/face")
"""The one address that takes a picture, of whoever holds a link: that is asked before the body is read."""
WEBHOOKS = "/webhooks/"
_ENVIRONMENT = environment()
_ENVIRONMENT.globals["line_words"] = line_words


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """`checkout_origins`: where a form may lead, for the browser follows no other redirect from one."""

    checkout_origins: tuple[str, ...] = ()
    demo: bool = False
    security_contact: str | None = None

    @property
    def policy(self) -> str:
        """The Content-Security-Policy: nothing but our own, no script in a page."""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "connect-src 'self'",
                " ".join(("form-action 'self'", *self.checkout_origins)),
                "frame-ancestors 'none'",
                "base-uri 'none'",
            )
        )


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The template as an answer in the phone's language."""
    t = words_for(request)
    query = f"?{request.url.query}" if request.url.query else ""

    def money(amount: Money) -> str:
        return amount.text("zh-CN" if t.language == "zh" else "en")

    context: dict[str, object] = {
        "t": t,
        "theme": theme_for(request),
        "here": request.url.path + query if request.method == "GET" else "/pay",
        "money": money,
        "zone": ZoneInfo,
        "demo": request.app.state.shell.demo,
    }
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(context | values), status_code=status)


def client_of(request: Request) -> str:
    """The phone's address, for limits."""
    return request.client.host if request.client is not None else ""


EVERYBODYS = "/public/"
FOR_EVERYBODY = {
    "Cache-Control": "public, max-age=15",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What any page may show: it says the same to everybody, and nothing of anybody."""


class Around:
    """Headers on every answer; bodies small and of stated length; forms from our own pages only."""

    def __init__(self, app: ASGIApp, *, shell: Shell) -> None:
        self.app = app
        self._shell = shell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the request, pass it on, complete the answer's headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message), scope)
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self.app)(scope, receive, complete)

    def _complete(self, headers: MutableHeaders, scope: Scope) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        headers["Content-Security-Policy"] = self._shell.policy
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        named = scope["path"].startswith(ASSETS) and b"v=" in scope["query_string"]
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if named else "no-store"
        if scope["path"].startswith(EVERYBODYS):
            headers.update(FOR_EVERYBODY)


def _largest(scope: Scope) -> int:
    return LARGEST_PHOTO if PHOTOS.fullmatch(scope["path"]) else LARGEST


def _refusal(scope: Scope) -> PlainTextResponse | None:
    if scope["method"] in SAFE_METHODS:
        return None
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or int(length) > _largest(scope):
        return PlainTextResponse("The body is too large, or of unknown length.", 413)
    own = comes_from_this_console(headers, scope["scheme"])
    if not own and not scope["path"].startswith(WEBHOOKS):
        return PlainTextResponse("This request did not come from this garage's own pages.", 403)
    return None
