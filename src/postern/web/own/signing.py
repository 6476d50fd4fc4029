"""How a person signs in for themself: by the one-time link, then by the passphrase or passkey they chose."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from postern.errors import BadInput, NotFound, NotSignedIn, PosternError, TooMany
from postern.operations.operators import member_passkeys, members
from postern.web.console.signing import (
    ceremony_answer,
    checked_password,
    passkeys_possible,
    told,
)
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub
from postern.web.own.login import SignedInMember, drop_login, name_cookie, set_login
from postern.web.pages import go, page

public = APIRouter(prefix="/me")
CEREMONY = "postern-me-passkey"
"""Apart from the console's: somebody may have both open."""
router = APIRouter(prefix="/me")


@public.get("/sign-in")
async def ask(request: Request, hub: Hub) -> Response:
    """The form."""
    return _sign_in_page(request, hub, Form(values={"name": request.cookies.get(name_cookie(request), "")}))


def _sign_in_page(request: Request, hub: Hub, form: Form, *, status: int = 200) -> Response:
    possible = passkeys_possible(hub)
    return page(request, "signing/own_sign_in.html", status=status, form=form, passkeys=possible)


@public.post("/sign-in")
async def enter(request: Request, hub: Hub, fields: Fields) -> Response:
    """Sign in with name and passphrase. What was wrong is not said."""
    name, passphrase = fields.needed("name"), fields.secret("passphrase")
    try:
        signed = await members.sign_in(hub, name=name, passphrase=passphrase)
    except NotSignedIn:
        form = Form(values={"name": name}, errors={"passphrase": "own.wrong"})
        return _sign_in_page(request, hub, form, status=422)
    except TooMany as fault:
        return _sign_in_page(request, hub, Form(values={"name": name}, fault=fault), status=429)
    answer = go("/me")
    set_login(request, answer, signed)
    return answer


@public.post("/sign-in/passkey/options")
async def passkey_options(request: Request, hub: Hub) -> Response:
    """What the browser's authenticator is asked."""
    return ceremony_answer(request, await member_passkeys.begin_sign_in(hub), CEREMONY)


@public.post("/sign-in/passkey")
async def passkey_enter(request: Request, hub: Hub, fields: Fields) -> Response:
    """Sign in with a passkey; read by `passkeys.js`."""
    secret = request.cookies.get(CEREMONY, "")
    try:
        signed = await member_passkeys.finish_sign_in(hub, secret=secret, answer=fields.text("answer"))
    except PosternError as fault:
        return told(request, fault)
    return _into_own_page(request, signed)


@public.get("/first/{secret}")
async def link(request: Request, hub: Hub, secret: str) -> Response:
    """How to sign in from now on. Opening it spends nothing: mail programs and chats open links, too."""
    try:
        await members.look_at_link(hub, secret)
    except NotFound as fault:
        return page(request, "signing/own_spent.html", status=404, fault=fault)
    return _first_page(request, hub, EMPTY)


def _first_page(request: Request, hub: Hub, form: Form) -> Response:
    status = 422 if form.wrong else 200
    return page(request, "signing/own_first.html", status=status, form=form, passkeys=passkeys_possible(hub))


@public.post("/first/{secret}")
async def use_link(request: Request, hub: Hub, fields: Fields, secret: str) -> Response:
    """Keep the passphrase, spend the link, sign in."""
    passphrase = checked_password(fields, "passphrase")
    if fields.errors:
        return _first_page(request, hub, fields.result())
    try:
        signed = await members.spend_link(hub, secret, passphrase=passphrase)
    except NotFound as fault:
        return page(request, "signing/own_spent.html", status=404, fault=fault)
    except BadInput as fault:
        return _first_page(request, hub, fields.result(fault))
    answer = go("/me", "own-ready")
    set_login(request, answer, signed)
    return answer


@public.post("/first/{secret}/passkey/options")
async def link_passkey_options(request: Request, hub: Hub, secret: str) -> Response:
    """What the authenticator is asked by a person's first passkey."""
    try:
        return ceremony_answer(request, await member_passkeys.begin_link_passkey(hub, secret), CEREMONY)
    except PosternError as fault:
        return told(request, fault)


@public.post("/first/{secret}/passkey")
async def use_link_by_passkey(request: Request, hub: Hub, fields: Fields, secret: str) -> Response:
    """Keep the passkey, spend the link, sign in; read by `passkeys.js`."""
    try:
        signed = await member_passkeys.spend_link_with_passkey(
            hub, secret, secret=request.cookies.get(CEREMONY, ""), answer=fields.text("answer")
        )
    except PosternError as fault:
        return told(request, fault)
    return _into_own_page(request, signed)


def _into_own_page(request: Request, signed: members.SignedInMember) -> Response:
    answer = JSONResponse({"next": "/me"})
    answer.delete_cookie(CEREMONY)
    set_login(request, answer, signed)
    return answer


@router.post("/sign-out")
async def leave(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """End this login."""
    await members.sign_out(hub, own.member)
    answer = go("/me/sign-in", "signed-out")
    drop_login(request, answer)
    return answer


@router.post("/sign-out-everywhere")
async def leave_everywhere(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """End every login of this person."""
    await members.sign_out_everywhere(hub, own.member)
    answer = go("/me/sign-in", "signed-out")
    drop_login(request, answer)
    return answer
