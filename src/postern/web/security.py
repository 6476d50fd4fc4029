"""What every answer carries, and the check of where a changing request comes from."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from postern.web.problem_document import problem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
STRICT_TRANSPORT = "max-age=31536000"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ASSETS = "/assets/"
AGENT_WIRE = "/agent/v1/"
API = "/api/v1/"


class SecurityHeaders:
    """Adds the security headers to every answer, and `no-store` to every one that is not an asset."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; complete the headers of what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), scope)
            await send(message)

        await self.app(scope, receive, complete)


def _complete(headers: MutableHeaders, scope: Scope) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    if scope["path"].startswith(ASSETS):
        named = b"v=" in scope["query_string"]  # the address changes with the content
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if named else "no-cache"
    else:
        headers["Cache-Control"] = "no-store"


def bearer_of(headers: Headers) -> str:
    """The API key that the request carries; empty without one."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def is_by_key(headers: Headers, path: str) -> bool:
    """Whether a program asks the API with a key. No browser adds that header for another site's page."""
    return path.startswith(API) and bearer_of(headers) != ""


def comes_from_this_console(headers: Headers, scheme: str) -> bool:
    """Whether a changing request was made by a page of ours, and not by another site's.

    `Sec-Fetch-Site` decides where a browser sends it (always, over https and on localhost): with
    `Referrer-Policy: no-referrer`, a form's `Origin` is `null` even at home. Otherwise `Origin` must be ours;
    a program that calls the API sets it by itself. Neither: no.
    """
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from == "same-origin"
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme == scheme and origin.netloc != "" and origin.netloc == headers.get("host")


def _is_checked(scope: Scope) -> bool:
    """Whether a browser could have been made to send it. Agents sign; keys are added by programs alone."""
    path: str = scope["path"]
    return not path.startswith(AGENT_WIRE) and not is_by_key(Headers(scope=scope), path)


class OriginCheck:
    """Refuses a changing request that another site's page made. Agents sign theirs and send no origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at where it comes from before anything else does."""
        changing = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        checked = changing and _is_checked(scope)
        if checked and not comes_from_this_console(Headers(scope=scope), scope["scheme"]):
            refusal = problem(403, "refused", "This request did not come from this console's own pages.")
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)
