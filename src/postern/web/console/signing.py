"""Signing in and out, and the one-time link with which every operator begins."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from postern.errors import BadInput, NotFound, NotSignedIn, PosternError, TooMany
from postern.operations.operators import link_passkey, operators, passkeys, sign_in
from postern.operations.operators.ceremonies import Ceremony
from postern.operators.passwords import totp_uri
from postern.web import cookies
from postern.web.came_from import came_from
from postern.web.fault_words import spoken
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn, drop_login, form_key_of, set_login
from postern.web.navigation import first_page
from postern.web.pages import Caller, go, page, words_for
from postern.web.problem_document import problem
from postern.web.qr import qr_picture

public = APIRouter()
private = APIRouter()
CEREMONY = "postern-passkey"
SHORTEST_PASSWORD = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class TotpView:
    """A secret for an authenticator app, as a picture and to type."""

    secret: str
    qr: str


def passkeys_possible(hub: Hub) -> bool:
    """Whether the console has a name, and https or localhost: browsers give passkeys to nothing else."""
    parts = urlsplit(hub.public_url)
    host = parts.hostname or ""
    named = bool(host) and ":" not in host and not host.replace(".", "").isdigit()
    return named and (parts.scheme == "https" or host == "localhost")


@public.get("/sign-in")
async def ask(request: Request, hub: Hub) -> Response:
    """The form."""
    return sign_in_page(request, hub)


def sign_in_page(
    request: Request, hub: Hub, form: Form = EMPTY, *, status: int = 200, problem: str = ""
) -> Response:
    """The page with every way in; `problem`: what became of an attempt with the provider."""
    return page(
        request,
        "signing/sign_in.html",
        status=status,
        form=form,
        passkeys=passkeys_possible(hub),
        provider=provider_label(hub),
        problem=problem,
    )


def provider_label(hub: Hub) -> str:
    """What the button of the sign-in provider says; empty where there is none."""
    return hub.provider.label if hub.provider is not None else ""


@public.post("/sign-in")
async def enter(request: Request, hub: Hub, fields: Fields) -> Response:
    """Sign in with password and code. What was wrong is not said."""
    name, password, code = fields.needed("login_name"), fields.secret("password"), fields.text("code")
    try:
        signed = await sign_in.sign_in(
            hub, login_name=name, password=password, code=code, came_from=came_from(request)
        )
    except (NotSignedIn, BadInput):
        form = Form(values={"login_name": name}, errors={"password": "sign.wrong"})
        return sign_in_page(request, hub, form, status=422)
    except TooMany as fault:
        form = Form(values={"login_name": name}, fault=fault)
        return sign_in_page(request, hub, form, status=429)
    answer = go(first_page(signed.actor))
    set_login(request, answer, signed.secret)
    return answer


@public.post("/sign-in/passkey/options")
async def passkey_options(request: Request, hub: Hub) -> Response:
    """What the browser's authenticator is asked."""
    return ceremony_answer(request, await passkeys.begin_sign_in(hub))


@public.post("/sign-in/passkey")
async def passkey_enter(request: Request, hub: Hub, fields: Fields) -> Response:
    """Sign in with a passkey; read by `passkeys.js`."""
    try:
        signed = await passkeys.finish_sign_in(
            hub,
            secret=request.cookies.get(CEREMONY, ""),
            answer=fields.text("answer"),
            came_from=came_from(request),
        )
    except PosternError as fault:
        return told(request, fault)
    answer = JSONResponse({"next": first_page(signed.actor)})
    answer.delete_cookie(CEREMONY)
    set_login(request, answer, signed.secret)
    return answer


def told(request: Request, fault: PosternError) -> Response:
    """For `passkeys.js`, which shows the detail on its page."""
    return problem(fault.status, fault.code, spoken(fault, words_for(request)).text)


def ceremony_answer(request: Request, ceremony: Ceremony, cookie: str = CEREMONY) -> Response:
    """What the browser's authenticator is asked, with the cookie by which its answer is matched."""
    answer = Response(ceremony.options, media_type="application/json")
    cookies.keep(request, answer, cookie, ceremony.secret, seconds=300, samesite="strict")
    return answer


@private.post("/profile/passkeys/options")
async def new_passkey_options(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """What the authenticator is asked for a new passkey."""
    return ceremony_answer(request, await passkeys.begin_registration(hub, caller.actor))


@private.post("/profile/passkeys")
async def add_passkey(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Keep the passkey that was made; read by `passkeys.js`."""
    try:
        await passkeys.finish_registration(
            hub,
            caller.actor,
            secret=request.cookies.get(CEREMONY, ""),
            answer=fields.text("answer"),
            name=fields.text("name"),
        )
    except PosternError as fault:
        return told(request, fault)
    return JSONResponse({"next": "/profile?said=passkey-added"})


@private.post("/sign-out")
async def leave(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """End this login."""
    await sign_in.sign_out(hub, caller.actor)
    answer = go("/sign-in", "signed-out")
    drop_login(request, answer)
    return answer


@private.post("/profile/sign-out-everywhere")
async def leave_everywhere(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """End every login of this operator."""
    await sign_in.sign_out_everywhere(hub, caller.actor)
    answer = go("/sign-in", "signed-out")
    drop_login(request, answer)
    return answer


@public.get("/first/{secret}")
async def link(request: Request, hub: Hub, secret: str) -> Response:
    """What the link is for. Opening it spends nothing: mail programs and chats open links, too."""
    try:
        await operators.look_at_link(hub, secret)
    except NotFound:
        form = Form(errors={"link": "first.spent"})
        return page(request, "signing/first.html", status=404, form=form)
    return page(request, "signing/first.html", form=EMPTY)


@public.post("/first/{secret}")
async def use_link(request: Request, hub: Hub, fields: Fields, secret: str) -> Response:
    """The button opens the form; the form, when it is right, spends the link and signs in."""
    found = await operators.look_at_link(hub, secret)
    name = found.operator.login_name
    if "totp_secret" not in fields.values:
        return _setup(request, hub, name, found.totp_secret, EMPTY)
    password, totp = checked_password(fields), fields.text("totp_secret")
    code = fields.needed("code")
    if fields.errors:
        return _setup(request, hub, name, totp, fields.result())
    try:
        operator, codes = await operators.spend_link(
            hub, secret, password=password, totp_secret=totp, totp_code=code
        )
    except BadInput as fault:
        return _setup(request, hub, name, totp, fields.result(fault))
    async with hub.database.transaction(operator.tenant) as tx:
        signed = await sign_in.start_login(
            hub, tx, operator, detail="one-time link", came_from=came_from(request)
        )
    request.state.caller = Caller(actor=signed.actor, form_key=form_key_of(signed.secret))
    answer = page(request, "signing/recovery.html", codes=codes, next=first_page(signed.actor))
    set_login(request, answer, signed.secret)
    return answer


@public.post("/first/{secret}/passkey/options")
async def link_passkey_options(request: Request, hub: Hub, secret: str) -> Response:
    """What the authenticator is asked by an operator's first passkey."""
    try:
        return ceremony_answer(request, await link_passkey.begin_link_passkey(hub, secret))
    except PosternError as fault:
        return told(request, fault)


@public.post("/first/{secret}/passkey")
async def use_link_by_passkey(request: Request, hub: Hub, fields: Fields, secret: str) -> Response:
    """Keep the first passkey, spend the link, sign in; read by `passkeys.js`."""
    try:
        signed = await link_passkey.spend_link_with_passkey(
            hub,
            secret,
            secret=request.cookies.get(CEREMONY, ""),
            answer=fields.text("answer"),
            name=fields.text("name"),
            came_from=came_from(request),
        )
    except PosternError as fault:
        return told(request, fault)
    answer = JSONResponse({"next": first_page(signed.actor)})
    set_login(request, answer, signed.secret)
    return answer


def checked_password(fields: FormReader, name: str = "password") -> str:
    """The new password in the field `name`, typed twice; empty fields and differences are told."""
    password, again = fields.secret(name), fields.secret("again")
    if len(password) < SHORTEST_PASSWORD:
        fields.errors |= {name: "first.password-short"}
    elif password != again:
        fields.errors["again"] = "first.passwords-differ"
    return password


def _setup(request: Request, hub: Hub, name: str, secret: str, form: Form) -> Response:
    totp = TotpView(secret=secret, qr=qr_picture(totp_uri(secret, name)))
    status = 422 if form.wrong else 200
    return page(
        request,
        "signing/first_setup.html",
        status=status,
        form=form,
        totp=totp,
        name=name,
        passkeys=passkeys_possible(hub),
        provider=provider_label(hub),
    )
