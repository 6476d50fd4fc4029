"""Who is signed in at /me: the cookie, the form key, and the dependency that every page of one's own has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response

from postern.errors import NotSignedIn
from postern.operations.operators import members
from postern.privacy.member import Member
from postern.web import cookies
from postern.web.cookies import host_bound
from postern.web.login import check_form_key, form_key_of, services_of
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
    return host_bound(connection, "postern-me")


def name_cookie(connection: HTTPConnection) -> str:
    """The cookie that spares typing the sign-in name again; it proves nothing."""
    return host_bound(connection, "postern-me-name")


async def signed_in_member(request: Request) -> Own:
    """Who asks. Raises NotSignedIn, and Refused for a change without this login's form key."""
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise NotSignedIn("sign in first")
    own = Own(member=await members.who(services_of(request), secret), form_key=form_key_of(secret))
    if request.method not in SAFE_METHODS:
        await check_form_key(request, own.form_key)
    return own


def set_login(request: Request, response: Response, signed: members.SignedInMember) -> None:
    """Give the browser its login, and the name to sign in with next time."""
    name = members.shown_name(signed.member.name)
    cookies.keep(request, response, cookie_name(request), signed.secret, seconds=KEPT_FOR)
    cookies.keep(request, response, name_cookie(request), name, seconds=A_YEAR)


def drop_login(request: Request, response: Response) -> None:
    """Take it back."""
    cookies.drop(request, response, cookie_name(request))


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
