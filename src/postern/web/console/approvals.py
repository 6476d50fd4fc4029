"""Second approvals: what waits for a second person, what one asked for oneself, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, Conflict
from postern.operations.insiders import approvals as operations
from postern.operations.insiders.approvals import Approval, State
from postern.web.console.holders import zone_for
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestLine:
    """A request for a second person; `whom` is told when it was asked to be."""

    id: UUID
    kind: str
    words: str
    subjects: int
    whom: Sequence[str]
    purpose: str
    case: str
    asked_by: str
    asked_at: datetime
    good_until: datetime
    state: str
    tone: str
    decided_by: str
    reason: str


@router.get("/approvals")
async def approvals(request: Request, hub: Hub, caller: SignedIn, whom: UUID | None = None) -> Response:
    """What waits; `whom`: the request whose subjects' names are to be opened."""
    return await _page(request, hub, caller, EMPTY, whom)


@router.post("/approvals/{id}")
async def decide(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Agree or decline, with a reason."""
    approved = fields.text("approved") == "yes"
    try:
        await operations.decide(hub, caller.actor, id, approved=approved, reason=fields.text("reason"))
    except (BadInput, Conflict) as fault:
        return await _page(request, hub, caller, fields.result(fault))
    return go("/approvals", "approval-decided")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form, whom: UUID | None = None) -> Response:
    now, decides = hub.clock.now(), caller.may("approve")
    names = await operations.whom(hub, caller.actor, whom) if whom is not None and decides else []
    waiting = await operations.waiting(hub, caller.actor) if decides else []
    decided = await operations.decided(hub, caller.actor) if decides else []
    return page(
        request,
        "trust/approvals.html",
        status=422 if form.wrong else 200,
        decides=decides,
        waiting=[_line(one, now, names if one.id == whom else ()) for one in waiting],
        own=[_line(one, now) for one in await operations.own_requests(hub, caller.actor)],
        decided=[_line(one, now) for one in decided],
        form=form,
        zone=await zone_for(hub, caller),
    )


_TONES = {State.APPROVED: "good", State.USED: "good", State.DECLINED: "bad", State.WAITING: "warn"}


def _line(one: Approval, now: datetime, whom: Sequence[str] = ()) -> RequestLine:
    over = one.is_over(now) and one.state in (State.WAITING, State.APPROVED)
    return RequestLine(
        id=one.id,
        kind=one.asked.kind.value,
        words=one.asked.words,
        subjects=len(one.asked.subjects),
        whom=whom,
        purpose=one.purpose,
        case=one.case,
        asked_by=one.asked_by,
        asked_at=one.asked_at,
        good_until=one.good_until,
        state="over" if over else one.state.value,
        tone="" if over else _TONES[one.state],
        decided_by=one.decided_by or "",
        reason=one.reason,
    )
