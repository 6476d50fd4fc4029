"""For how long each site keeps what, whence that comes, and what the law there forbids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.ids import SiteId
from postern.operations.privacy import retention
from postern.operations.privacy.retention import SiteRetention
from postern.privacy.retention import alike
from postern.web.console.privacy_rules import RulingLine, ruling_lines
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/privacy/retention")
SHOWN = ("default-days", "default-picture-days", "longest-days", "longest-picture-days")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLine:
    """A site with its times; `set_here`: somebody set them, else they are the profile's."""

    id: int
    name: str
    profile: str
    version: int
    days: int
    picture_days: int
    alike: bool
    set_here: bool
    visits: int
    visit_days: int
    rulings: Sequence[RulingLine]


@router.get("")
async def shown(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site with its times."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/{site}")
async def change(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Set a site's times, alike for every kind of record."""
    await retention.retention_of(hub, caller.actor, SiteId(site))
    days, pictures, version = (int(fields.number(one)) for one in ("days", "picture_days", "version"))
    if fields.errors:
        return await _page(request, hub, caller, fields.result(), wrong=site)
    try:
        wanted = alike(SiteId(site), days=days, picture_days=pictures, version=version)
        await retention.change_retention(hub, caller.actor, wanted)
    except PosternError as fault:
        if fault.status == 404:
            raise
        return await _page(request, hub, caller, fields.result(fault), wrong=site)
    return go("/privacy/retention", "saved")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form, *, wrong: int = 0) -> Response:
    t = words_for(request)
    found = await retention.retention_of_sites(hub, caller.actor)
    return page(
        request,
        "trust/retention.html",
        status=422 if form.wrong else 200,
        form=form,
        wrong=wrong,
        sites=[_line(one, t) for one in found],
        may_change=caller.may("keep-privacy"),
    )


def _line(one: SiteRetention, t: Words) -> SiteLine:
    rules = one.rules
    return SiteLine(
        id=rules.site.id,
        name=rules.site.name,
        profile=rules.profile.names.in_language(t.language),
        version=one.kept.version,
        days=one.kept.longest,
        picture_days=one.kept.picture_days,
        alike=one.kept.is_alike,
        set_here=one.kept.version > 0,
        visits=one.visits,
        visit_days=one.visit_days,
        rulings=ruling_lines(rules.profile, t, SHOWN),
    )
