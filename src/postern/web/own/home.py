"""Where the person's own pages begin; and how many are aboard, asked of whoever came in their vehicle."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.aboard import Passage
from postern.errors import PosternError
from postern.ids import SiteId
from postern.operations.operators import members
from postern.operations.presence import aboard
from postern.operations.presence.aboard import OwnQuestion
from postern.sites.model import zone_of
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub
from postern.web.own import menu
from postern.web.own.login import Own, SignedInMember, own_page
from postern.web.pages import go, words_for

router = APIRouter(prefix="/me")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionView:
    """How many are aboard, in words, and what the answer carries."""

    site: int
    passage: str
    plate: str
    when: str
    way_in: str
    most: int


@router.get("")
async def home(request: Request, hub: Hub, own: SignedInMember) -> Response:
    """Who one is here, what is asked, and where to go."""
    return await _home(request, hub, own, EMPTY)


@router.post("/aboard")
async def said(request: Request, hub: Hub, own: SignedInMember, fields: Fields) -> Response:
    """How many came in one's vehicle."""
    site, people = int(fields.number("site")), int(fields.number("people"))
    try:
        passage = Passage.read(fields.text("passage"))
        await aboard.say_own(hub, own.member, SiteId(site), passage, people)
    except PosternError as fault:
        return await _home(request, hub, own, fields.result(fault))
    return go("/me", "aboard-said")


async def _home(request: Request, hub: Hub, own: Own, form: Form) -> Response:
    t = words_for(request)
    return await own_page(
        request,
        own,
        "own/home.html",
        status=422 if form.wrong else 200,
        form=form,
        asked=[_view(one, t) for one in await aboard.own_questions(hub, own.member)],
        name=await members.own_name(hub, own.member),
        sign_in_name=members.shown_name(own.member.name),
        ways=[item for item in menu.ITEMS if item.href != "/me"],
    )


def _view(one: OwnQuestion, t: Words) -> QuestionView:
    return QuestionView(
        site=one.site.id,
        passage=str(one.asked.passage),
        plate=one.plate,
        when=t.moment(one.asked.at, zone_of(one.site.time_zone)),
        way_in=one.way_in,
        most=one.asked.most,
    )
