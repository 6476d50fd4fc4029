"""The cookies of the console's side: bound to this host, out of scripts' reach."""

from __future__ import annotations

from typing import Literal

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from postern.operations.services import Services


def is_secure(request: HTTPConnection) -> bool:
    """Whether browsers reach the console over TLS, be it through a proxy that ends it before us."""
    services: Services = request.app.state.services
    return request.url.scheme in ("https", "wss") or services.public_url.startswith("https://")


def host_bound(connection: HTTPConnection, name: str) -> str:
    """`__Host-` binds a cookie to this host and to https; http has no such thing."""
    return f"__Host-{name}" if is_secure(connection) else name


def keep(
    request: Request,
    response: Response,
    cookie: str,
    value: str,
    *,
    seconds: int | None = None,
    samesite: Literal["lax", "strict"] = "lax",
) -> None:
    """Give the browser a cookie, for so long; None: until it is closed."""
    response.set_cookie(
        cookie,
        value,
        max_age=seconds,
        httponly=True,
        secure=is_secure(request),
        samesite=samesite,
        path="/",
    )


def drop(request: Request, response: Response, cookie: str) -> None:
    """Take it back."""
    response.delete_cookie(cookie, path="/", secure=is_secure(request), httponly=True, samesite="lax")
