"""Who is signed in at /me: the cookie, the form key, and the dependency that every page of one's own has."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response

from postern.errors import NotSignedIn, Refused
from postern.operations.operators import members
from postern.privacy.member import Member
from postern.web.login import FORM_KEY_FIELD, FORM_KEY_HEADER, form_key_of, form_of, is_secure, services_of
from postern.web.own import menu
from postern.web.pages import page
from postern.web.security import SAFE_METHODS

KEPT_FOR = 90 * 24 * 3600
"""Seconds that a browser keeps the cookie: as long as a login lasts at most."""
A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """The person who asks about themself, and the key that each of this login's forms carries."""

    member: Member
    form_key: str


def cookie_name(connection: HTTPConnection) -> str:
    """One's own cookie; it is no operator's login."""
    return "__Host-postern-me" if is_secure(connection) else "postern-me"


def name_cookie(connection: HTTPConnection) -> str:
    """The cookie that spares typing the sign-in name again; it proves nothing."""
    return "__Host-postern-me-name" if is_secure(connection) else "postern-me-name"


async def signed_in_member(request: Request) -> Own:
    """Who asks. Raises NotSignedIn, and Refused for a change without this login's form key."""
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise NotSignedIn("sign in first")
    own = Own(member=await members.who(services_of(request), secret), form_key=form_key_of(secret))
    if request.method not in SAFE_METHODS:
        await _check_form_key(request, own)
    return own


async def _check_form_key(request: Request, own: Own) -> None:
    given = request.headers.get(FORM_KEY_HEADER)
    if given is None and "form" in request.headers.get("content-type", ""):
        given = str((await form_of(request)).get(FORM_KEY_FIELD, ""))
    if not hmac.compare_digest((given or "").encode(), own.form_key.encode()):
        raise Refused("the form does not carry this login's form key; reload the page and try again")


def set_login(request: Request, response: Response, signed: members.SignedInMember) -> None:
    """Give the browser its login, and the name to sign in with next time."""
    name = members.shown_name(signed.member.name)
    _keep(request, response, cookie_name(request), signed.secret, KEPT_FOR)
    _keep(request, response, name_cookie(request), name, A_YEAR)


def _keep(request: Request, response: Response, cookie: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=seconds,
        httponly=True,
        secure=is_secure(request),
        samesite="lax",
        path="/",
    )


def drop_login(request: Request, response: Response) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )


async def own_page(
    request: Request, own: Own, template: str, *, status: int = 200, **values: object
) -> HTMLResponse:
    """A page of the person's own, with its menu and the clock they live by."""
    zone: tzinfo = await members.own_zone(services_of(request), own.member)
    return page(
        request,
        template,
        status=status,
        own=own,
        own_menu=menu.ITEMS,
        own_section=menu.section(request.url.path),
        zone=zone,
        **values,
    )


SignedInMember = Annotated[Own, Depends(signed_in_member)]
