"""The history of signing in: one's own, and everybody's for those in charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.ids import LoginId, OperatorId
from postern.operations.operators import sign_ins as operations
from postern.operations.operators.sign_ins import History
from postern.operators.model import Login
from postern.operators.sign_in_store import Attempt
from postern.web.console.holders import zone_for
from postern.web.login import Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginLine:
    """A login that is open now."""

    id: UUID
    operator: UUID
    name: str
    since: datetime
    last_used: datetime
    address: str
    browser: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptLine:
    """An attempt to sign in; `name` is empty where nobody has the name that was tried."""

    at: datetime
    name: str
    how: str
    address: str
    browser: str
    succeeded: bool


@router.get("/profile/sign-ins")
async def own(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """One's own."""
    history = await operations.own_history(hub, caller.actor)
    return await _page(request, hub, caller, history, everybody=False)


@router.get("/sign-ins")
async def everybody(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every operator's."""
    history = await operations.history(hub, caller.actor)
    return await _page(request, hub, caller, history, everybody=True)


@router.post("/profile/logins/{id}/end")
async def end_own(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """End one of one's own logins."""
    await operations.end_own_login(hub, caller.actor, LoginId(id))
    return go("/profile/sign-ins", "login-ended")


@router.post("/operators/{id}/sign-out")
async def end_theirs(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """End every login of an operator."""
    await operations.end_logins_of(hub, caller.actor, OperatorId(id))
    return go("/sign-ins", "login-ended")


def login_lines(history: History) -> Sequence[LoginLine]:
    """The logins that are open now, with where each was begun."""
    begun = {one.id: one for one in history.attempts}
    return [_login(one, begun.get(one.id), history.names[one.operator]) for one in history.logins]


def _login(login: Login, begun: Attempt | None, name: str) -> LoginLine:
    return LoginLine(
        id=login.id,
        operator=login.operator,
        name=name,
        since=login.started_at,
        last_used=login.last_used_at,
        address=begun.came_from.address if begun is not None else "",
        browser=begun.came_from.browser if begun is not None else "",
    )


async def _page(request: Request, hub: Hub, caller: Caller, history: History, *, everybody: bool) -> Response:
    t = words_for(request)
    return page(
        request,
        "settings/sign_ins.html",
        everybody=everybody,
        logins=login_lines(history),
        attempts=[
            AttemptLine(
                at=one.at,
                name=history.names.get(one.operator, "") if one.operator is not None else "",
                how=t.code("sign-ins", f"how-{one.how.replace(' ', '-')}"),
                address=one.came_from.address,
                browser=one.came_from.browser,
                succeeded=one.succeeded,
            )
            for one in history.attempts
        ],
        zone=await zone_for(hub, caller),
    )
