"""To the sign-in provider and back. The way there is a page of ours that goes on by itself: a form that is
answered by a redirect to another site would need that site in the content policy's `form-action`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, Conflict, NotFound, NotSignedIn, PosternError, Unavailable
from postern.operations.operators import operators, provider_sign_in
from postern.operations.operators.provider_sign_in import GOOD_FOR
from postern.operations.operators.sign_in_port import Answer
from postern.operators.provider_store import Wanted
from postern.web import cookies
from postern.web.came_from import came_from
from postern.web.console.signing import provider_label, sign_in_page
from postern.web.cookies import host_bound
from postern.web.login import Hub, SignedIn, cookie_name, set_login
from postern.web.navigation import first_page
from postern.web.pages import go, page

public = APIRouter()
private = APIRouter()


def _cookie(request: Request) -> str:
    return host_bound(request, "postern-provider")


@public.post("/sign-in/provider")
async def set_out(request: Request, hub: Hub) -> Response:
    """Sign in with the provider."""
    return await _set_out(request, hub, Wanted.SIGN_IN)


@public.post("/first/{secret}/provider")
async def set_out_with_link(request: Request, hub: Hub, secret: str) -> Response:
    """Spend a one-time link with the provider as the way to sign in."""
    await operators.look_at_link(hub, secret)
    return await _set_out(request, hub, Wanted.ONE_TIME_LINK, secret)


@private.post("/profile/provider")
async def set_out_to_link(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Link oneself with the provider."""
    del caller
    return await _set_out(request, hub, Wanted.PROFILE, request.cookies.get(cookie_name(request), ""))


@public.get("/sign-in/provider/return")
async def come_back(
    request: Request,
    hub: Hub,
    code: str = "",
    state: str = "",
    iss: str | None = None,
) -> Response:
    """Where the provider sends the browser. The cookie is `Lax`, so that it comes along."""
    secret = request.cookies.get(_cookie(request), "")
    try:
        finished = await provider_sign_in.finish(
            hub,
            secret=secret,
            state=state,
            answer=Answer(code=code, issuer=iss),
            login=request.cookies.get(cookie_name(request)),
            came_from=came_from(request),
        )
    except PosternError as fault:
        return _without_cookie(request, _refused(request, hub, fault))
    if finished.signed is None:
        return _without_cookie(request, go("/profile", "provider-linked"))
    answer = go(first_page(finished.signed.actor))
    set_login(request, answer, finished.signed.secret)
    return _without_cookie(request, answer)


def _refused(request: Request, hub: Hub, fault: PosternError) -> Response:
    """In words that tell nothing of who has a login here. What is no answer of a sign-in is raised again."""
    problems: tuple[tuple[type[PosternError], str], ...] = (
        (BadInput, "provider.again"),
        (NotSignedIn, "provider.refused"),
        (Conflict, "provider.refused"),
        (NotFound, "provider.refused"),
        (Unavailable, "provider.away"),
    )
    for kind, problem in problems:
        if isinstance(fault, kind):
            return sign_in_page(
                request, hub, status=fault.status if kind is Unavailable else 422, problem=problem
            )
    raise fault


async def _set_out(request: Request, hub: Hub, wanted: Wanted, bound: str | None = None) -> Response:
    try:
        begun = await provider_sign_in.begin(hub, wanted, bound=bound)
    except Unavailable as fault:
        return _refused(request, hub, fault)
    answer = page(request, "signing/to_provider.html", url=begun.url, provider=provider_label(hub))
    answer.headers["Refresh"] = f"0;url={begun.url}"
    seconds = int(GOOD_FOR.total_seconds())
    cookies.keep(request, answer, _cookie(request), begun.secret, seconds=seconds)
    return answer


def _without_cookie(request: Request, answer: Response) -> Response:
    cookies.drop(request, answer, _cookie(request))
    return answer
