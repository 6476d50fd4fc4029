"""What happened and what is to happen: the wall, evidence, doors, alarms, the journal, trying a picture."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Response
from pydantic import BaseModel

from postern.access.decision import Granted
from postern.ids import AccessPointId, DoorId, SiteId
from postern.operations import look
from postern.operations.archive import try_picture
from postern.operations.sites import alarms, open_door
from postern.web.api.models import Done, HappeningOut, Stated
from postern.web.console.wall import record_key
from postern.web.console.wall_rows import key_text
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["happenings"])


class AlarmOut(BaseModel):
    """What somebody must look at."""

    id: UUID
    day: date
    agent: int | None
    words: str


class EntryOut(BaseModel):
    """An entry of the journal; of those it concerns only how many."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    case: str | None
    detail: str
    subjects: int


class Judged(BaseModel):
    """A face or a plate that was seen, and what the door would do."""

    kind: str
    box: list[float]
    text: str | None = None
    who: str | None
    score: float
    would_open: bool
    reason: str


class TriedOut(BaseModel):
    """All that was seen in a picture of `width` × `height` pixels. Nothing was kept."""

    width: int
    height: int
    seen: list[Judged]


@router.get("/sites/{site}/wall")
async def wall(hub: Hub, caller: SignedIn, site: int, limit: int = 50) -> list[HappeningOut]:
    """The site's last happenings, newest first."""
    seen = await look.wall(hub, caller.actor, SiteId(site), limit=max(1, min(limit, 200)))
    return [HappeningOut.of(row, key_text(row.key)) for row in seen.rows]


@router.get("/evidence/{key}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def evidence(hub: Hub, caller: SignedIn, key: str, purpose: str) -> Response:
    """The picture behind a decision; the look is in the journal first, with its purpose."""
    jpeg = await look.evidence(hub, caller.actor, record_key(key), purpose=purpose)
    return Response(jpeg, media_type="image/jpeg")


@router.post("/sites/{site}/doors/{door}/open")
async def release(hub: Hub, caller: SignedIn, site: int, door: UUID, why: Stated) -> Done:
    """Open a door from afar; waits for the agent's answer, 15 seconds at most."""
    outcome = await open_door.open_door(
        hub, caller.actor, site=SiteId(site), door=DoorId(door), reason=why.reason
    )
    return Done(done=outcome.done, detail=outcome.detail)


@router.get("/sites/{site}/alarms")
async def alarms_of(hub: Hub, caller: SignedIn, site: int) -> list[AlarmOut]:
    """The site's alarms of the last 30 days."""
    found = await alarms.alarms(hub, caller.actor, SiteId(site))
    return [AlarmOut(id=one.id, day=one.day, agent=one.agent, words=alarms.words(one.kind)) for one in found]


@router.get("/journal")
async def journal(
    hub: Hub,
    caller: SignedIn,
    before: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1)] = 50,
) -> list[EntryOut]:
    """The journal, latest first."""
    found = await look.journal_page(hub, caller.actor, before=before, limit=limit)
    return [
        EntryOut(
            index=one.index,
            at=one.entry.at,
            actor=one.entry.actor,
            act=one.entry.act.value,
            purpose=one.entry.purpose,
            case=one.entry.case,
            detail=one.entry.detail,
            subjects=len(one.entry.subjects),
        )
        for one in found
    ]


@router.post("/try")
async def try_it(
    hub: Hub,
    caller: SignedIn,
    picture: Annotated[bytes, File()],
    site: Annotated[int, Form()],
    access_point: Annotated[UUID, Form()],
) -> TriedOut:
    """What recognition sees in a picture, and what the access point's door would do and why."""
    tried = await try_picture.try_picture(
        hub, caller.actor, picture, site=SiteId(site), access_point=AccessPointId(access_point)
    )
    faces = [
        Judged(
            kind="face",
            box=[one.box.x, one.box.y, one.box.width, one.box.height],
            who=one.who,
            score=one.result.score,
            would_open=isinstance(one.decision, Granted),
            reason=one.decision.reason.value,
        )
        for one in tried.faces
    ]
    plates = [
        Judged(
            kind="plate",
            box=[number for corner in one.reading.quad for number in corner],
            text=one.reading.text,
            who=one.who,
            score=one.reading.score,
            would_open=isinstance(one.decision, Granted),
            reason=one.decision.reason.value,
        )
        for one in tried.plates
    ]
    return TriedOut(width=tried.width, height=tried.height, seen=[*faces, *plates])
