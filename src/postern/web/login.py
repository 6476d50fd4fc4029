"""Who is signed in: the cookie, the form key, and the dependency that every private route has."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from postern.errors import NotSignedIn, Refused
from postern.operations.insiders import approvals
from postern.operations.insiders.refusals import refuse
from postern.operations.operators import api_keys, sign_in
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.web import cookies, endpoints
from postern.web.cookies import host_bound
from postern.web.forms import LARGEST_UPLOAD, FormReader
from postern.web.pages import Caller
from postern.web.plain_text import refuse_control_characters
from postern.web.security import API, SAFE_METHODS, bearer_of, is_by_key

FORM_KEY_FIELD = "form_key"
FORM_KEY_HEADER = "postern-form-key"


def services_of(request: Request) -> Services:
    """The hub's services."""
    services: Services = request.app.state.services
    return services


def cookie_name(request: HTTPConnection) -> str:
    """The cookie of an operator's login."""
    return host_bound(request, "postern")


def form_key_of(secret: str) -> str:
    """The key each form of a login carries: derived from the cookie, which no other site can read."""
    return hmac.new(secret.encode(), b"postern/v1/form-key", hashlib.sha256).hexdigest()


async def form_of(request: Request) -> FormData:
    """The form's data, with room for a spreadsheet in a text field."""
    return await request.form(max_part_size=LARGEST_UPLOAD)


async def closed_afterwards(request: Request) -> AsyncIterator[None]:
    """Let go of what a form's files hold, once the answer is made."""
    yield
    await request.close()


async def form_reader(request: Request) -> FormReader:
    """The form's fields, to be read one by one. Raises BadInput for control characters."""
    data = await form_of(request)
    for name, value in data.multi_items():
        if isinstance(value, str):
            refuse_control_characters(name, value)
    return FormReader(data)


async def signed_in(request: Request) -> Caller:
    """The caller. Raises NotSignedIn, and Refused for a change without this login's form key."""
    if is_by_key(request.headers, request.url.path):
        return await _by_api_key(request)
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise NotSignedIn("sign in first")
    hub = services_of(request)
    actor = await sign_in.who(hub, secret)
    caller = Caller(actor=actor, form_key=form_key_of(secret))
    request.state.caller = caller
    if request.method not in SAFE_METHODS:
        await check_form_key(request, caller.form_key)
    await require_duty(request, actor)
    if not request.url.path.startswith(API):
        caller = replace(caller, counts={"approvals": await approvals.count_waiting(hub, actor)})
        request.state.caller = caller
    return caller


async def _by_api_key(request: Request) -> Caller:
    """Whoever the API key asks for. No browser sends it by itself, so it needs no form key."""
    actor = await api_keys.who(services_of(request), bearer_of(request.headers))
    caller = Caller(actor=actor, form_key="")
    request.state.caller = caller
    await require_duty(request, actor)
    return caller


async def require_duty(request: Request, actor: Actor) -> None:
    """Refuse, in the journal too, what the actor's role has no line for in the table."""
    endpoint, need = endpoints.needed(request)
    if isinstance(need, Duty) and not may(actor, need):
        await refuse(services_of(request), actor, f"{endpoint.method} {endpoint.path}")
        require(actor, need)


async def perhaps_signed_in(request: Request) -> Caller | None:
    """The caller, on pages that anybody may see."""
    try:
        return await signed_in(request)
    except NotSignedIn:
        return None


async def check_form_key(request: Request, expected: str) -> None:
    """Raises Refused for a change that does not carry the form key of the login that it comes with."""
    given = request.headers.get(FORM_KEY_HEADER)
    if given is None and "form" in request.headers.get("content-type", ""):
        given = str((await form_of(request)).get(FORM_KEY_FIELD, ""))
    if not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise Refused("the form does not carry this login's form key; reload the page and try again")


def set_login(request: Request, response: Response, secret: str) -> None:
    """Give the browser its login: opaque, out of scripts' reach, never sent by another site's forms."""
    cookies.keep(request, response, cookie_name(request), secret)


def drop_login(request: Request, response: Response) -> None:
    """Take it back."""
    cookies.drop(request, response, cookie_name(request))


SignedIn = Annotated[Caller, Depends(signed_in)]
Hub = Annotated[Services, Depends(services_of)]
Fields = Annotated[FormReader, Depends(form_reader)]
