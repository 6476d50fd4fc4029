"""What people ask for about themselves, and the privacy officer's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern.errors import BadInput, Conflict
from postern.ids import new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.operators.members import trace_own
from postern.operations.privacy import erase
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.privacy import request_store as store
from postern.privacy.member import Member
from postern.privacy.requests import LONGEST_TEXT, OwnRequest, RequestKind, RequestState

MOST_WAITING = 10
"""Requests of one person that may wait at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingRequest:
    """A request that waits, and who asks."""

    request: OwnRequest
    name: str


async def ask(services: Services, member: Member, kind: RequestKind, text: str) -> OwnRequest:
    """Ask for something about oneself; it waits for the privacy officer. Raises BadInput without words."""
    text = text.strip()
    if kind is RequestKind.RECTIFY and len(text) < 3:
        raise BadInput("say what is wrong, and how it should be")
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"say it in {LONGEST_TEXT} characters")
    request = OwnRequest(
        id=new_id(),
        tenant=member.tenant,
        person=member.person,
        kind=kind,
        text=text,
        asked_at=services.clock.now(),
    )
    async with services.database.transaction(member.tenant) as tx:
        before = await store.of_person(tx, services.keyring, member.tenant, member.person)
        pending = [one for one in before if one.state is RequestState.WAITING]
        if len(pending) >= MOST_WAITING or any(one.kind is kind is RequestKind.ERASE for one in pending):
            raise Conflict("what you asked for before still waits for its answer")
        await store.add(tx, services.keyring, request)
        await trace_own(services, tx, member, Act.ASKED, purpose=f"own data: {kind.value}")
    return request


async def waiting(services: Services, actor: Actor) -> Sequence[WaitingRequest]:
    """What waits for an answer, the longest waiting first. Journalled before it is told."""
    require(actor, Duty.KEEP_PRIVACY)
    async with looking(services, actor) as tx:
        found = await store.waiting(tx, services.keyring, actor.tenant)
        people = await services.registry.people.everyone(tx, actor.tenant)
        opening = Opening(
            act=Act.LOOKED,
            purpose="requests of people about themselves",
            subjects=sorted({one.person for one in found}),
            own_desk=True,
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    return [
        WaitingRequest(request=one, name=people[one.person].details.name)
        for one in found
        if one.person in people
    ]


async def count_waiting(services: Services, actor: Actor) -> int:
    """How many wait for an answer of this operator."""
    if not may(actor, Duty.KEEP_PRIVACY):
        return 0
    async with services.database.transaction(actor.tenant) as tx:
        return await store.count_waiting(tx, actor.tenant)


async def decide(services: Services, actor: Actor, id: UUID, *, done: bool, answer: str) -> None:
    """Answer a request; an erasure that is granted is carried out. Raises Conflict when it was answered."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        request = await store.get(tx, services.keyring, actor.tenant, id)
        if request.state is not RequestState.WAITING:
            raise Conflict("this request was answered meanwhile; reload and look")
        answer = stated(answer)
        erases = done and request.kind is RequestKind.ERASE
        if erases:
            require(actor, Duty.ERASE)
        decided = replace(
            request,
            state=RequestState.DONE if done else RequestState.DECLINED,
            decided_at=services.clock.now(),
            decided_by=actor.name,
            answer=answer,
        )
        if not erases:
            await store.change(tx, services.keyring, decided)
        await trace(
            services,
            tx,
            actor,
            Act.ANSWERED,
            purpose=f"own data: {request.kind.value}",
            subjects=[request.person],
            detail=f"{decided.state.value}: {answer}",
        )
    if erases:
        await erase.erase_person(services, actor, request.person, reason=answer)
