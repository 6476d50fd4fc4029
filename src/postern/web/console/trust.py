"""The journal and the alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.journal.model import NumberedEntry
from postern.operations import alarms as alarm_operations
from postern.operations import look
from postern.operations import sites as site_operations
from postern.web.console.holders import zone_for
from postern.web.login import Hub, SignedIn
from postern.web.pages import page, words_for

router = APIRouter()
PAGE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryLine:
    """An entry of the journal; of those it concerns only the number."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    detail: str
    subjects: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmLine:
    """An alarm in words."""

    title: str
    detail: str
    day: str


@router.get("/journal")
async def journal(request: Request, hub: Hub, caller: SignedIn, before: int | None = None) -> Response:
    """The journal, latest first."""
    found = await look.journal_page(hub, caller.actor, before=before, limit=PAGE)
    older = min(one.index for one in found) if len(found) == PAGE else None
    return page(
        request,
        "trust/journal.html",
        entries=[_line(one) for one in found],
        older=older,
        zone=await zone_for(hub, caller),
    )


def _line(one: NumberedEntry) -> EntryLine:
    entry = one.entry
    return EntryLine(
        index=one.index,
        at=entry.at,
        actor=entry.actor,
        act=entry.act.value,
        purpose=f"{entry.purpose} ({entry.case})" if entry.case else entry.purpose,
        detail=entry.detail,
        subjects=len(entry.subjects),
    )


@router.get("/alarms")
async def alarms(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """What somebody must look at, of the last 30 days."""
    t = words_for(request)
    lines = []
    for site in await site_operations.sites(hub, caller.actor):
        for one in await alarm_operations.alarms(hub, caller.actor, site.id):
            who = t("agents.one", n=one.agent) if one.agent is not None else site.name
            lines.append(
                AlarmLine(
                    title=f"{site.name} · {who}",
                    detail=alarm_operations.words(one.kind, t.language),
                    day=t.day(one.day),
                )
            )
    return page(request, "trust/alarms.html", alarms=lines)
