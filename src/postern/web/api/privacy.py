"""The privacy desk over the API: who looked at somebody, erasures on request, and their receipts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.access.model import SubjectKind
from postern.operations import look
from postern.operations.privacy import desk as privacy_desk
from postern.operations.privacy import erase
from postern.operations.privacy.desk import Standing
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["privacy"])
TEXT = 200


class LooksIn(BaseModel):
    """Whose report, also after an erasure, and why; both are kept in the journal."""

    subject: UUID
    purpose: str = Field(max_length=TEXT)
    case: str | None = Field(default=None, max_length=TEXT)


class LookOut(BaseModel):
    """An entry of the journal about the subject, without what it says of others."""

    index: int
    at: datetime
    actor: str
    act: str
    purpose: str
    case: str | None


class ErasureIn(BaseModel):
    """Who is erased for good, and why."""

    kind: SubjectKind
    subject: UUID
    reason: str = Field(max_length=TEXT)


class ErasureOut(BaseModel):
    """An erasure or withdrawal; with agents that are still awaited, its receipt will say more later."""

    id: UUID
    subject: UUID
    kind: str
    withdrawal: bool
    begun_at: datetime
    by: str
    reason: str
    finished: bool
    agents: int
    agents_confirmed: int

    @classmethod
    def of(cls, one: Standing) -> ErasureOut:
        """From the operation's."""
        erasure = one.erasure
        return cls(
            id=erasure.id,
            subject=erasure.subject,
            kind=erasure.subject_kind,
            withdrawal=erasure.is_withdrawal,
            begun_at=erasure.begun_at,
            by=erasure.by,
            reason=erasure.reason,
            finished=erasure.receipt is not None,
            agents=len(one.agents),
            agents_confirmed=sum(proof.confirmed_at is not None for proof in one.agents),
        )


class ErasedOut(BaseModel):
    """The receipt's id: ask for `/erasures/{id}/receipt`."""

    id: UUID


@router.post("/looks")
async def looks(hub: Hub, caller: SignedIn, wanted: LooksIn) -> list[LookOut]:
    """Every look at one person or vehicle, the latest first. Making the report is a look, too."""
    told = await look.looked_at(
        hub, caller.actor, wanted.subject, purpose=wanted.purpose, case=wanted.case or None
    )
    return [
        LookOut(
            index=one.index,
            at=one.at,
            actor=one.actor,
            act=one.act.value,
            purpose=one.purpose,
            case=one.case,
        )
        for one in told.looks
    ]


@router.get("/erasures")
async def erasures(hub: Hub, caller: SignedIn) -> list[ErasureOut]:
    """The latest erasures and withdrawals, newest first."""
    return [ErasureOut.of(one) for one in await privacy_desk.erasures(hub, caller.actor)]


@router.post("/erasures", status_code=201)
async def erase_subject(hub: Hub, caller: SignedIn, wanted: ErasureIn) -> ErasedOut:
    """Erase a person or vehicle for good, because it was asked for. There is no way back."""
    done = await privacy_desk.erase_subject(
        hub, caller.actor, wanted.kind, wanted.subject, reason=wanted.reason
    )
    return ErasedOut(id=done.id)


@router.get("/erasures/{id}/receipt")
async def receipt(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The signed receipt as of now; `postern receipt` checks it."""
    return Response(await erase.receipt(hub, caller.actor, id), media_type="application/json")
