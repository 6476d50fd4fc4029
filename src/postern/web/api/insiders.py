"""Looking with a reason over the API: searches, exports, second persons, budgets, and what was unusual."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.ids import SiteId
from postern.operations import look
from postern.operations.archive import search
from postern.operations.archive.search import PassageSearch, Wanted
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.insiders import approvals, budget
from postern.operations.insiders.approvals import Approval, Kind, State
from postern.operations.people import export
from postern.operations.people.export import Export, FileKind
from postern.operators.concerns import Concern, InsiderAlarm
from postern.web.api.models import HappeningOut
from postern.web.console.wall_rows import key_text
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["looking"])
TEXT = 200


class BudgetOut(BaseModel):
    """How many different people and vehicles were opened outside one's own desk, of how many."""

    used: int
    subjects: int
    within_hours: int


class Reasons(BaseModel):
    """Why somebody is looked at; both are kept in the journal."""

    purpose: str = Field(max_length=TEXT)
    case: str = Field(max_length=TEXT)


class SearchIn(Reasons):
    """Whose passages: `subject` or `plate`. More than 7 days back needs the id of an approval."""

    subject: UUID | None = None
    plate: str | None = Field(default=None, max_length=30)
    sites: list[int] = Field(min_length=1, max_length=1000)
    first: date
    last: date
    approval: UUID | None = None

    def search(self) -> PassageSearch:
        """As the operation wants it."""
        return PassageSearch(
            wanted=Wanted(subject=self.subject, plate=self.plate),
            sites=tuple(SiteId(one) for one in self.sites),
            first=self.first,
            last=self.last,
        )


class ExportIn(Reasons):
    """People as a file for the holder of an age key; `people` null: everyone. In bulk with an approval."""

    recipient: str = Field(max_length=TEXT)
    recipient_key: str = Field(max_length=TEXT)
    kind: FileKind = FileKind.CSV
    people: list[UUID] | None = Field(default=None, max_length=100_000)
    approval: UUID | None = None

    def export(self) -> Export:
        """As the operation wants it."""
        return Export(
            recipient=self.recipient,
            recipient_key=self.recipient_key,
            kind=self.kind,
            people=None if self.people is None else tuple(self.people),
        )


class ApprovalOut(BaseModel):
    """A request for a second person, and what became of it."""

    id: UUID
    kind: Kind
    words: str
    subjects: list[UUID]
    purpose: str
    case: str
    asked_by: str
    asked_at: datetime
    good_until: datetime
    state: State
    decided_by: str | None
    reason: str

    @classmethod
    def of(cls, one: Approval) -> ApprovalOut:
        """From the operation's."""
        return cls(
            id=one.id,
            kind=one.asked.kind,
            words=one.asked.words,
            subjects=list(one.asked.subjects),
            purpose=one.purpose,
            case=one.case,
            asked_by=one.asked_by,
            asked_at=one.asked_at,
            good_until=one.good_until,
            state=one.state,
            decided_by=one.decided_by,
            reason=one.reason,
        )


class DecisionIn(BaseModel):
    """What the second person says, and why."""

    approved: bool
    reason: str = Field(max_length=TEXT)


class InsiderAlarmOut(BaseModel):
    """What the privacy officer should ask about."""

    id: UUID
    concern: Concern
    words: str
    at: datetime
    about: str
    detail: str
    seen_by: str | None
    finding: str

    @classmethod
    def of(cls, one: InsiderAlarm) -> InsiderAlarmOut:
        """From the operation's."""
        return cls(
            id=one.id,
            concern=one.concern,
            words=one.concern.words(),
            at=one.at,
            about=one.about,
            detail=one.detail,
            seen_by=one.seen_by,
            finding=one.finding,
        )


class FindingIn(BaseModel):
    """What came of an alarm."""

    finding: str = Field(max_length=TEXT)


@router.get("/budget")
async def own_budget(hub: Hub, caller: SignedIn) -> list[BudgetOut]:
    """How much of one's own budget is used."""
    return [
        BudgetOut(
            used=line.used,
            subjects=line.limit.subjects,
            within_hours=round(line.limit.within.total_seconds() / 3600),
        )
        for line in await budget.own_budget(hub, caller.actor)
    ]


@router.post("/searches")
async def find(hub: Hub, caller: SignedIn, wanted: SearchIn) -> list[HappeningOut]:
    """Somebody's passages, newest first."""
    made = wanted.search()
    rows = await look.search_passages(
        hub,
        caller.actor,
        made.wanted,
        site_ids=made.sites,
        first=made.first,
        last=made.last,
        purpose=wanted.purpose,
        case=wanted.case,
        approval=wanted.approval,
    )
    return [HappeningOut.of(row, key_text(row.key)) for row in rows]


@router.post("/searches/requests", status_code=201)
async def ask_to_search(hub: Hub, caller: SignedIn, wanted: SearchIn) -> ApprovalOut:
    """Ask a second person for exactly this search."""
    made = await search.ask_to_search(
        hub, caller.actor, wanted.search(), purpose=wanted.purpose, case=wanted.case
    )
    return ApprovalOut.of(made)


@router.post("/exports", response_class=Response, responses={200: {"content": {"application/age": {}}}})
async def export_people(hub: Hub, caller: SignedIn, wanted: ExportIn) -> Response:
    """The file, in the age format."""
    made = await export.export_people(
        hub,
        caller.actor,
        wanted.export(),
        purpose=wanted.purpose,
        case=wanted.case,
        approval=wanted.approval,
    )
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.sealed, media_type="application/age", headers=headers)


@router.post("/exports/requests", status_code=201)
async def ask_to_export(hub: Hub, caller: SignedIn, wanted: ExportIn) -> ApprovalOut:
    """Ask a second person for exactly this export."""
    made = await export.ask_to_export(
        hub, caller.actor, wanted.export(), purpose=wanted.purpose, case=wanted.case
    )
    return ApprovalOut.of(made)


@router.get("/approvals")
async def waiting(hub: Hub, caller: SignedIn) -> list[ApprovalOut]:
    """What others have asked for and nobody has decided."""
    return [ApprovalOut.of(one) for one in await approvals.waiting(hub, caller.actor)]


@router.get("/approvals/own")
async def own_requests(hub: Hub, caller: SignedIn) -> list[ApprovalOut]:
    """What one has asked for oneself."""
    return [ApprovalOut.of(one) for one in await approvals.own_requests(hub, caller.actor)]


@router.get("/approvals/decided")
async def decided(hub: Hub, caller: SignedIn) -> list[ApprovalOut]:
    """What became of the requests of the last 90 days."""
    return [ApprovalOut.of(one) for one in await approvals.decided(hub, caller.actor)]


@router.post("/approvals/{id}/decision")
async def decide(hub: Hub, caller: SignedIn, id: UUID, said: DecisionIn) -> ApprovalOut:
    """Agree or decline; never to what one asked for oneself."""
    return ApprovalOut.of(
        await approvals.decide(hub, caller.actor, id, approved=said.approved, reason=said.reason)
    )


@router.get("/insider-alarms")
async def alarms(hub: Hub, caller: SignedIn) -> list[InsiderAlarmOut]:
    """Alarms about operators, without any about oneself."""
    return [InsiderAlarmOut.of(one) for one in await insider_alarms.insider_alarms(hub, caller.actor)]


@router.post("/insider-alarms/{id}/finding")
async def look_into(hub: Hub, caller: SignedIn, id: UUID, said: FindingIn) -> InsiderAlarmOut:
    """Write down what came of one."""
    return InsiderAlarmOut.of(await insider_alarms.look_into(hub, caller.actor, id, finding=said.finding))
