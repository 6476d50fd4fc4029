"""Alarms: what somebody must look at, what came of it, and what is kept aside."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, Conflict
from postern.ids import SiteId
from postern.operations.sites import alarms as alarm_operations
from postern.operations.sites import look_into
from postern.operations.sites import places as site_operations
from postern.operations.sites.look_into import Findings
from postern.records.alarms import Alarm
from postern.sites.model import Site, zone_of
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmLine:
    """An alarm in words; `note` is what came of it, `noted` who wrote that and when."""

    id: UUID
    site: int
    title: str
    detail: str
    day: str
    note: str
    noted: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AsideLine:
    """Records of one agent and day that are kept aside."""

    title: str
    day: str
    count: int


@router.get("/alarms")
async def alarms(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Those of the last 30 days: first what nobody has looked into."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/alarms/{site}/{alarm}")
async def looked_into(
    request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int, alarm: UUID
) -> Response:
    """Keep the note of whoever has looked into an alarm."""
    try:
        await look_into.look_into(hub, caller.actor, SiteId(site), alarm, fields.text("reason"))
    except (BadInput, Conflict) as fault:
        return await _page(request, hub, caller, fields.result(fault))
    return go("/alarms", "alarm-noted")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    t = words_for(request)
    lines: list[AlarmLine] = []
    aside: list[AsideLine] = []
    for site in await site_operations.sites(hub, caller.actor):
        known = await look_into.findings(hub, caller.actor, site.id)
        found = await alarm_operations.alarms(hub, caller.actor, site.id)
        lines += [_line(one, site, known, t) for one in found]
        aside += [
            AsideLine(
                title=f"{site.name} · {t('agents.one', n=one.agent)}", day=t.day(one.day), count=one.count
            )
            for one in known.aside
        ]
    return page(
        request,
        "trust/alarms.html",
        status=422 if form.wrong else 200,
        open_ones=[one for one in lines if not one.noted],
        done_ones=[one for one in lines if one.noted],
        aside=aside,
        standing=request.app.state.ports.standing_open(),
        form=form,
    )


def _line(alarm: Alarm, site: Site, known: Findings, t: Words) -> AlarmLine:
    note = known.notes.get(alarm.id)
    who = t("agents.one", n=alarm.agent) if alarm.agent is not None else site.name
    moment = t.moment(note.at, zone_of(site.time_zone)) if note else ""
    return AlarmLine(
        id=alarm.id,
        site=site.id,
        title=f"{site.name} · {who}",
        detail=alarm_operations.words(alarm.kind, t.language),
        day=t.day(alarm.day),
        note=note.text if note else "",
        noted=t("alarms.noted", who=note.operator, at=moment) if note else "",
    )
