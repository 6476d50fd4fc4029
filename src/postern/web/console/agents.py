"""Agents: let one enrol, see which are there, shut one out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.ids import AgentId, SiteId
from postern.operations.sites import agents as operations
from postern.operations.sites import places as site_operations
from postern.records import store as records
from postern.sites.agents import Agent
from postern.web.console.holders import zone_for
from postern.web.forms import EMPTY, Form
from postern.web.heard import AgentWord, Heard
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()
SILENT_AFTER = timedelta(seconds=45)


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentLine:
    """An agent as the list shows it. `records`: the number of its last record that the hub has;
    `dropped`: old frames of live cameras that were left out to keep up.
    """

    id: int
    site_id: int
    site: str
    seen_at: datetime | None
    records: int
    waiting: int
    dropped: int
    troubles: tuple[str, ...]
    tone: str
    state: str
    active: bool


@router.get("/agents")
async def listed(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every agent of every site."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/agents")
async def new_code(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """A one-time enrolment code, shown once."""
    site = fields.parsed("site", int, "form.not-in-list")
    if site is None:
        fields.errors.setdefault("site", "form.needed")
        return await _page(request, hub, caller, fields.result())
    code = await operations.new_code(hub, caller.actor, SiteId(site))
    return await _page(request, hub, caller, EMPTY, code=code)


@router.post("/agents/{site}/{agent}/retire")
async def retire(hub: Hub, caller: SignedIn, site: int, agent: int) -> Response:
    """Shut it out for good."""
    await operations.retire(hub, caller.actor, site=SiteId(site), agent=AgentId(agent))
    return go("/agents", "agent-retired")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form, code: str = "") -> Response:
    t = words_for(request)
    heard: Heard = request.app.state.heard
    sites = await site_operations.sites(hub, caller.actor)
    lines = []
    for site in sites:
        for agent in await operations.agents(hub, caller.actor, site.id):
            async with hub.database.transaction(caller.actor.tenant) as tx:
                highest = await records.highest_seq(tx, site.id, agent.id)
            word = heard.agents.get(agent.id)
            lines.append(_line(agent, site.name, highest, word, state_of(agent, word, hub.clock.now()), t))
    return page(
        request,
        "sites/agents.html",
        status=422 if form.wrong else 200,
        agents=lines,
        sites=[(one.id, one.name) for one in sites],
        form=form,
        code=code,
        hub=hub.public_url,
        may_change=caller.may("change-agents"),
        zone=await zone_for(hub, caller),
    )


def state_of(agent: Agent, word: AgentWord | None, at: datetime) -> str:
    """`online`, `away` (silent for some heartbeats) or `retired`."""
    if not agent.active:
        return "retired"
    return "online" if word is not None and at - word.at < SILENT_AFTER else "away"


def _line(agent: Agent, site: str, highest: int, word: AgentWord | None, state: str, t: Words) -> AgentLine:
    readers = word.readers if word else ()
    troubles = tuple(one.trouble for one in readers if one.trouble and one.connection != "connected")
    dropped = sum(one.dropped for one in readers)
    return AgentLine(
        id=agent.id,
        site_id=agent.site,
        site=site,
        seen_at=word.at if word else None,
        records=highest,
        waiting=word.waiting if word else 0,
        dropped=dropped,
        troubles=(*(word.alarms if word else ()), *troubles),
        tone={"online": "good", "away": "warn"}.get(state, ""),
        state=t(f"agents.{state}"),
        active=agent.active,
    )
