"""One's own profile: logins, password, authenticator, passkeys."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, PosternError
from postern.operations.operators import own_sign_in, passkeys, provider_sign_in, sign_ins
from postern.operators.passwords import new_totp_secret, totp_uri
from postern.web.console.holders import zone_for
from postern.web.console.sign_ins import login_lines
from postern.web.console.signing import TotpView, checked_password, passkeys_possible, provider_label
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page
from postern.web.qr import qr_picture

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyLine:
    """A passkey of one's own."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """The page's forms as they came back."""

    password: Form = EMPTY
    totp: Form = EMPTY
    passkey: Form = EMPTY
    provider: Form = EMPTY

    @property
    def wrong(self) -> bool:
        """Whether any has an error."""
        return any(one.wrong for one in (self.password, self.totp, self.passkey, self.provider))


NO_FORMS = Forms()


@router.get("/profile")
async def profile(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """One's own ways to sign in."""
    return await _page(request, hub, caller, NO_FORMS)


@router.post("/profile/password")
async def change_password(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Set another password."""
    present, password = fields.secret("present"), checked_password(fields)
    fault: PosternError | None = None
    if not fields.errors:
        try:
            await own_sign_in.change_password(hub, caller.actor, present=present, password=password)
            return go("/profile", "password-changed")
        except PosternError as caught:
            fault = caught
    return await _page(request, hub, caller, Forms(password=fields.result(fault)))


@router.post("/profile/totp")
async def change_totp(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Without a code: a fresh secret to scan. With one: take it."""
    secret = fields.text("totp_secret")
    if not secret:
        return await _page(request, hub, caller, NO_FORMS, _totp(caller, new_totp_secret()))
    code = fields.needed("code")
    fault: PosternError | None = None
    if not fields.errors:
        try:
            await own_sign_in.change_totp(hub, caller.actor, totp_secret=secret, totp_code=code)
            return go("/profile", "saved")
        except PosternError as caught:
            fault = caught
    return await _page(request, hub, caller, Forms(totp=fields.result(fault)), _totp(caller, secret))


@router.post("/profile/passkeys/remove")
async def remove_passkey(hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Forget a passkey."""
    try:
        id = base64.urlsafe_b64decode(fields.text("id"))
    except (ValueError, binascii.Error) as fault:
        raise BadInput("there is no such passkey; reload and try again") from fault
    await passkeys.remove_passkey(hub, caller.actor, id)
    return go("/profile", "removed")


@router.post("/profile/provider/remove")
async def unlink(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Sign in with the provider no more."""
    try:
        await provider_sign_in.unlink(hub, caller.actor)
    except BadInput as fault:
        return await _page(request, hub, caller, Forms(provider=fields.result(fault)))
    return go("/profile", "removed")


def _totp(caller: Caller, secret: str) -> TotpView:
    return TotpView(secret=secret, qr=qr_picture(totp_uri(secret, caller.actor.name)))


async def _page(
    request: Request, hub: Hub, caller: Caller, forms: Forms, totp: TotpView | None = None
) -> Response:
    lines = [
        PasskeyLine(id=base64.urlsafe_b64encode(one.credential_id).decode(), name=one.name)
        for one in await passkeys.passkeys(hub, caller.actor)
    ]
    return page(
        request,
        "settings/profile.html",
        status=422 if forms.wrong else 200,
        logins=login_lines(await sign_ins.own_history(hub, caller.actor)),
        zone=await zone_for(hub, caller),
        passkeys=lines,
        passkeys_possible=passkeys_possible(hub),
        provider=provider_label(hub),
        linked=await provider_sign_in.own_link(hub, caller.actor),
        forms=forms,
        totp=totp,
    )
