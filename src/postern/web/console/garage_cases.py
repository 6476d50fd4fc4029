"""Cases: the queue over all garages, and the page on which an attendant decides one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from postern.errors import BadInput, NotFound, NotSignedIn, PosternError
from postern.ids import SiteId
from postern.operations.operators import sign_in
from postern.operations.parking import cases as parking_cases
from postern.operations.parking import garage_setup, resolve_case
from postern.operations.parking.garage_look import garage_news
from postern.operations.parking.resolve_case import Decided, Wanted
from postern.operations.sites import kiosks
from postern.operations.sites import places as site_operations
from postern.parking.cases import Resolution
from postern.sites.kiosks import KioskState
from postern.sites.model import Site, zone_of
from postern.web import calling
from postern.web.console.garage_case_views import (
    OTHER,
    WHY_CODES,
    WHYS,
    CaseLine,
    actions_for,
    answered_line,
    candidate_view,
    case_line,
    case_view,
    session_view,
)
from postern.web.console.kiosks import line_of
from postern.web.console.streams import message
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn, cookie_name
from postern.web.pages import Caller, go, markup, page, words_for
from postern.web.qr import qr_picture

router = APIRouter()
LATELY = 10
GLYPHS = {"open": "enter", "waive": "check", "send-pay-link": "money", "dismiss": "cross"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PayLink:
    """Where the driver pays for this session alone; shown once."""

    address: str
    qr: str


@router.get("/garage/cases")
async def queue(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The cases that wait, those at a barrier first; what comes next arrives through `stream`."""
    t, garages = words_for(request), await garage_setup.garages(hub, caller.actor)
    chosen = _chosen(garages, site)
    done = await parking_cases.cases_open(hub, caller.actor, site=chosen, answered=True)
    answered = sorted((one for one in done if one.time_to_answer is not None), key=lambda one: one.opened_at)
    return page(
        request,
        "garage/cases.html",
        garages=garages,
        chosen=chosen,
        cases=await _lines(hub, caller, chosen, t),
        answered=[answered_line(one, t) for one in answered[: -LATELY - 1 : -1]],
    )


def _chosen(garages: list[Site], site: int | None) -> SiteId | None:
    return next((one.id for one in garages if one.id == site), None)


@router.get("/garage/cases/stream")
async def stream(request: Request, hub: Hub, caller: SignedIn, site: int | None = None) -> Response:
    """The queue anew whenever it has changed, for as long as the login lasts."""
    garages = await garage_setup.garages(hub, caller.actor)
    messages = _messages(request, hub, caller, garages, _chosen(garages, site))
    return StreamingResponse(messages, media_type="text/event-stream")


async def _messages(
    request: Request, hub: Hub, caller: Caller, garages: list[Site], chosen: SiteId | None
) -> AsyncIterator[str]:
    secret, t = request.cookies.get(cookie_name(request), ""), words_for(request)
    sent: list[tuple[UUID, str, bool, bool]] | None = None
    yield "retry: 2000\n\n"
    sites = [one.id for one in garages if chosen in (None, one.id)]
    async with aclosing(garage_news(hub, caller.actor, sites)) as news:
        async for _ in news:
            try:
                await sign_in.who(hub, secret)
            except NotSignedIn:
                yield message("signed-out", "")
                return
            lines = await _lines(hub, caller, chosen, t)
            now = [(one.id, one.tone, one.calls, one.link_sent) for one in lines]
            if now != sent:
                sent = now
                yield message("cases", markup(request, "garage/case_rows.html", cases=lines))


async def _lines(hub: Hub, caller: Caller, chosen: SiteId | None, t: Words) -> list[CaseLine]:
    waiting = await parking_cases.cases_open(hub, caller.actor, site=chosen)
    calls: set[UUID] = set()
    for site in {one.site for one in waiting}:
        tablets = await kiosks.kiosks(hub, caller.actor, site)
        calls |= {one.call for one in tablets if one.call is not None}
    now = hub.clock.now()
    return [case_line(one, now, t, calls=one.id in calls) for one in waiting]


@router.get("/garage/cases/{site}/{id}")
async def case(request: Request, hub: Hub, caller: SignedIn, site: int, id: UUID) -> Response:
    """One case, opened; the look is in the journal."""
    return await _page(request, hub, caller, SiteId(site), id, EMPTY)


@router.get("/garage/cases/{site}/{id}/picture")
async def picture(hub: Hub, caller: SignedIn, site: int, id: UUID, session: UUID | None = None) -> Response:
    """The vehicle at the lane, or at the entry of a session that the case may be about."""
    jpeg = await parking_cases.case_picture(hub, caller.actor, SiteId(site), id, session)
    return Response(jpeg, media_type="image/jpeg")


@router.post("/garage/cases/{site}/{id}")
async def resolve(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, id: UUID
) -> Response:
    """Decide it. What came of it is on the page at once, with the barrier's answer."""
    wanted, fault = _wanted(fields, words_for(request)), None
    if wanted is not None:
        try:
            decided = await resolve_case.resolve_case(hub, caller.actor, SiteId(site), id, wanted)
        except NotFound:
            raise
        except PosternError as caught:
            fault = caught
        else:
            await _close_call(hub, caller, SiteId(site), id)
            return await _decided(request, hub, caller, SiteId(site), id, decided)
    return await _page(request, hub, caller, SiteId(site), id, fields.result(fault))


def _wanted(fields: FormReader, t: Words) -> Wanted | None:
    """The decision as the form says it; None where something in it is wrong."""
    resolution = fields.parsed("resolution", Resolution, "form.not-in-list")
    why, words = fields.text("why"), fields.text("words")
    usual = t(f"why.{why}") if why in WHY_CODES and why != OTHER else ""
    if not usual and not words:
        fields.errors.setdefault("words", "cases.words-needed")
    plate = fields.text("plate") if resolution is Resolution.CORRECT_PLATE else ""
    if resolution is Resolution.CORRECT_PLATE and not plate:
        fields.errors.setdefault("plate", "form.needed")
    session = fields.id("candidate") if resolution is Resolution.PAIR else None
    if resolution is None:
        fields.errors.setdefault("words", "form.not-in-list")
    if resolution is None or fields.errors:
        return None
    reason = " · ".join(one for one in (usual, words) if one)
    return Wanted(resolution=resolution, reason=reason, plate=plate, session=session)


async def _close_call(hub: Hub, caller: Caller, site: SiteId, case: UUID) -> None:
    """Whoever called for help with this case was helped."""
    kiosk = await _kiosk_of(hub, caller, site, case)
    if kiosk is not None:
        await kiosks.end_call(hub, caller.actor, site=site, id=kiosk.kiosk.id)


async def _kiosk_of(hub: Hub, caller: Caller, site: SiteId, case: UUID) -> KioskState | None:
    found = await kiosks.kiosks(hub, caller.actor, site)
    return next((one for one in found if one.call == case), None)


async def _decided(
    request: Request, hub: Hub, caller: Caller, site: SiteId, id: UUID, decided: Decided
) -> Response:
    """On to the case with a word; a link is shown at once, since it goes into no address of ours."""
    barrier = decided.barrier
    if decided.link is not None:
        return await _page(request, hub, caller, site, id, EMPTY, link=decided.link)
    if barrier is not None and not barrier.done:
        detail = "no agent answered" if barrier.detail == "no-answer" else barrier.detail
        fault = BadInput(f"The decision is kept, but the barrier did not open: {detail}.")
        return await _page(request, hub, caller, site, id, Form(fault=fault))
    if barrier is not None:
        return go(f"/garage/cases/{site}/{id}", "case-opened")
    return go(f"/garage/cases/{site}/{id}", "case-decided")


async def _page(
    request: Request, hub: Hub, caller: Caller, site: SiteId, id: UUID, form: Form, link: str = ""
) -> Response:
    t, found = words_for(request), await parking_cases.case_page(hub, caller.actor, site, id)
    plan = await site_operations.plan(hub, caller.actor, site)
    zone, now = zone_of(plan.site.time_zone), hub.clock.now()
    about = next((one for one in found.sessions if one.session.id == found.case.session), None)
    kiosk = await _kiosk_of(hub, caller, site, id)
    answer = page(
        request,
        "garage/case.html",
        status=422 if form.wrong else 200,
        form=form,
        case=case_view(found, zone, now, t),
        session=None if about is None else session_view(about, zone, now, t),
        candidates=[candidate_view(one.session, found.case, zone, t) for one in found.sessions],
        actions=actions_for(found.case),
        reasons=WHYS.get(found.case.kind, ("driver-told",)),
        glyphs=GLYPHS,
        kiosk=None if kiosk is None else line_of(kiosk, plan),
        door=None if kiosk is None else kiosk.kiosk.door,
        ice=calling.ice_servers(request.app.state.settings),
        pay_link=_pay_link(request, link) if link else None,
    )
    answer.headers["Permissions-Policy"] = calling.MICROPHONE_POLICY
    return answer


def _pay_link(request: Request, link: str) -> PayLink:
    base = request.app.state.ports.pay_url.rstrip("/")
    address = f"{base}/pay/l/{link}"
    return PayLink(address=address, qr=qr_picture(address))
