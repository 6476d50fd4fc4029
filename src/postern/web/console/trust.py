"""The journal: browsed by who, what, when and why, and proved entry by entry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.journal.browse import Wanted
from postern.journal.model import Act, NumberedEntry
from postern.operations.journal import browse as browse_journal
from postern.operations.journal.browse import Proof
from postern.web.console.holders import zone_for
from postern.web.forms import filled
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


@router.get("/journal")
async def journal(
    request: Request,
    hub: Hub,
    caller: SignedIn,
    before: int | None = None,
    actor: str = "",
    act: str = "",
    day: str = "",
    purpose: str = "",
) -> Response:
    """The journal, latest first."""
    t = words_for(request)
    wanted = Wanted(
        actor=actor.strip() or None,
        act=next((one for one in Act if one.value == act), None),
        day=_day(day),
        purpose=purpose.strip() or None,
    )
    found = await browse_journal.entries(hub, caller.actor, wanted, before=before, limit=PAGE)
    asked = {"actor": actor, "act": act, "day": day, "purpose": purpose}
    older = {"before": str(found[-1].index)} if len(found) == PAGE else None
    return page(
        request,
        "trust/journal.html",
        entries=[_line(one) for one in found],
        older=urlencode({name: value for name, value in (asked | older).items() if value}) if older else "",
        asked=any(asked.values()),
        form=filled(**asked),
        acts=[(one.value, t.code("act", one.value)) for one in Act],
        head=await browse_journal.head(hub, caller.actor),
        zone=await zone_for(hub, caller),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


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


@router.get("/journal/{index}/proof")
async def proof(request: Request, hub: Hub, caller: SignedIn, index: int) -> Response:
    """That an entry is in the journal that the newest checkpoint is about."""
    found = await browse_journal.proof(hub, caller.actor, index)
    head = await browse_journal.head(hub, caller.actor)
    return page(request, "trust/proof.html", proof=found, document=_document(found), head=head)


def _document(proof: Proof) -> str:
    """Everything that RFC 6962, section 2.1.1, asks for to check it."""
    found = proof.inclusion
    fields = {
        "index": found.index,
        "size": found.size,
        "leaf": found.leaf.hex(),
        "path": [one.hex() for one in found.path],
        "root": proof.root.hex(),
    }
    return json.dumps(fields, indent=2)
