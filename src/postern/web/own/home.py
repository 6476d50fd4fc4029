"""Where the person's own pages begin."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.operations.operators import members
from postern.web.login import Hub
from postern.web.own import menu
from postern.web.own.login import SignedInMember, own_page

router = APIRouter(prefix="/me")


@router.get("")
async def home(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """Who one is here, and where to go."""
    return await own_page(
        request,
        own,
        "own/home.html",
        name=await members.own_name(hub, own.member),
        sign_in_name=members.shown_name(own.member.name),
        ways=[item for item in menu.ITEMS if item.href != "/me"],
    )
