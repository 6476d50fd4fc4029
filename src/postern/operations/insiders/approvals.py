"""A second person: what one operator asks for, another agrees to, and the first then does once.

An approval is for exactly what was asked, for 24 hours, and for whoever asked. Nobody agrees to what they
asked for themselves, by whatever login or API key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from postern import documents
from postern import sealed_rows as rows
from postern.errors import Conflict, NotFound, Refused
from postern.ids import TenantId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.envelope import Key

MOST_NAMES = 20
GOOD_FOR = timedelta(hours=24)
KEPT_IN_SIGHT = timedelta(days=90)
_TABLE = Table(name="approval", thing="request for approval")
_DECIDED = "UPDATE approval SET waiting = false WHERE tenant_id = %s AND id = %s"


class Kind(StrEnum):
    """What needs a second person."""

    SEARCH = "search"
    EXPORT = "export"


class State(StrEnum):
    """How far it is. Past its time it is over, whatever it says here."""

    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    USED = "used"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked for. `exactly`: its digest; `words`: what the second person reads, beside whom it is
    about."""

    kind: Kind
    exactly: bytes
    words: str
    subjects: tuple[UUID, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A request and what became of it. `asked_by` and `decided_by` are login names as of then."""

    id: UUID
    tenant: TenantId
    asked: Asked
    purpose: str
    case: str
    asked_by: str
    asker: str
    """Who asked, for good: `Actor.principal`."""
    asked_at: datetime
    good_until: datetime
    state: State = State.WAITING
    decided_by: str | None = None
    reason: str = ""
    version: int = 1

    def is_over(self, at: datetime) -> bool:
        """Whether its time has passed."""
        return at >= self.good_until


def digest_of(*exactly: object) -> bytes:
    """The digest of everything that an approval must be for."""
    texts = [documents.to_bytes(one) for one in exactly]
    return hashlib.sha256(b"|".join(hashlib.sha256(text).digest() for text in texts)).digest()


async def ask(services: Services, actor: Actor, asked: Asked, *, purpose: str, case: str) -> Approval:
    """Ask for a second person. The caller checks that the actor may do the thing itself."""
    now = services.clock.now()
    approval = Approval(
        id=new_id(),
        tenant=actor.tenant,
        asked=asked,
        purpose=stated(purpose),
        case=stated(case),
        asked_by=actor.name,
        asker=actor.principal,
        asked_at=now,
        good_until=now + GOOD_FOR,
    )
    async with services.database.transaction(actor.tenant) as tx:
        await rows.insert(tx, _TABLE, _row(await _key(services, actor.tenant), approval))
        await trace(
            services,
            tx,
            actor,
            Act.ASKED,
            purpose=approval.purpose,
            case=approval.case,
            subjects=asked.subjects,
            detail=f"{asked.kind.value}: {asked.words}",
        )
    return approval


async def waiting(services: Services, actor: Actor) -> list[Approval]:
    """What others have asked for and nobody has decided, oldest first: for the second person."""
    require(actor, Duty.APPROVE)
    now = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        found = [one for one in await _undecided(services, tx, actor) if not one.is_over(now)]
        subjects = _subjects(found)
        await trace(services, tx, actor, Act.LOOKED, purpose="requests for approval", subjects=subjects)
    return found


async def count_waiting(services: Services, actor: Actor) -> int:
    """How many requests wait for the actor; none for whoever may not decide. Tells of nobody."""
    if not may(actor, Duty.APPROVE):
        return 0
    now = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        return sum(not one.is_over(now) for one in await _undecided(services, tx, actor))


async def decided(services: Services, actor: Actor) -> list[Approval]:
    """What became of the requests of the last 90 days, one's own too, newest first."""
    require(actor, Duty.APPROVE)
    now = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        found = [
            one
            for one in reversed(await _every(services, tx, actor.tenant))
            if now - one.asked_at < KEPT_IN_SIGHT and (one.state is not State.WAITING or one.is_over(now))
        ]
        await trace(
            services,
            tx,
            actor,
            Act.LOOKED,
            purpose="decided requests for approval",
            subjects=_subjects(found),
        )
    return found


async def own_requests(services: Services, actor: Actor) -> list[Approval]:
    """What the actor has asked for, newest first."""
    async with services.database.transaction(actor.tenant) as tx:
        found = await _every(services, tx, actor.tenant)
    return [one for one in reversed(found) if one.asker == actor.principal]


async def whom(services: Services, actor: Actor, id: UUID) -> list[str]:
    """The names and plates that a request is about, the first 20: counted, and journalled with its case."""
    require(actor, Duty.APPROVE)
    async with looking(services, actor) as tx:
        approval = await _get(services, tx, actor.tenant, id)
        subjects = approval.asked.subjects[:MOST_NAMES]
        people = await services.registry.people.everyone(tx, actor.tenant)
        vehicles = await services.registry.vehicles.all(tx, actor.tenant)
        opening = Opening(
            act=Act.LOOKED, purpose="request for approval", case=approval.case, subjects=subjects
        )
        await open_subjects(services, tx, actor, opening)
    names = {one: people[one].details.name for one in subjects if one in people}
    plates = {one: vehicles[one].details.plate for one in subjects if one in vehicles}
    return [(names | plates).get(one, str(one)) for one in subjects]


async def approved_for(services: Services, actor: Actor, *, kind: Kind, exactly: bytes) -> UUID | None:
    """The actor's own approval of exactly this, while it is good."""
    now = services.clock.now()
    return next(
        (
            one.id
            for one in await own_requests(services, actor)
            if (one.asked.kind, one.asked.exactly) == (kind, exactly)
            and one.state is State.APPROVED
            and not one.is_over(now)
        ),
        None,
    )


async def decide(services: Services, actor: Actor, id: UUID, *, approved: bool, reason: str) -> Approval:
    """Agree or decline, with a reason. Refused for one's own request; Conflict when it is decided or over."""
    require(actor, Duty.APPROVE)
    reason = stated(reason)
    async with services.database.transaction(actor.tenant) as tx:
        approval = await _get(services, tx, actor.tenant, id)
        if approval.asker == actor.principal:
            raise Refused("nobody decides on their own request; ask another privacy officer or administrator")
        if approval.state is not State.WAITING or approval.is_over(services.clock.now()):
            raise Conflict("this request was decided already, or its time is over; ask for a new one")
        decided = replace(
            approval,
            state=State.APPROVED if approved else State.DECLINED,
            decided_by=actor.name,
            reason=reason,
            version=approval.version + 1,
        )
        await rows.update(tx, _TABLE, _row(await _key(services, actor.tenant), decided))
        await tx.execute(_DECIDED, (actor.tenant, id))
        await trace(
            services,
            tx,
            actor,
            Act.APPROVED if approved else Act.REFUSED,
            purpose=reason,
            case=approval.case,
            subjects=approval.asked.subjects,
            detail=f"{approval.asked.kind.value} asked by {approval.asked_by}: {approval.asked.words}",
        )
    return decided


async def spend(
    services: Services, tx: Transaction, actor: Actor, id: UUID, *, kind: Kind, exactly: bytes
) -> Approval:
    """Use an approval up, as part of `tx`. Refused unless it is approved, in time, the actor's own, and for
    exactly this; Conflict when it is being used this moment."""
    approval = await _get(services, tx, actor.tenant, id)
    if approval.asker != actor.principal or (approval.asked.kind, approval.asked.exactly) != (kind, exactly):
        raise Refused("this approval is for something else; ask for one that is for exactly this")
    if approval.state is not State.APPROVED or approval.is_over(services.clock.now()):
        raise Refused("nobody has agreed to this yet, or the approval was used or is over; ask again")
    used = replace(approval, state=State.USED, version=approval.version + 1)
    await rows.update(tx, _TABLE, _row(await _key(services, actor.tenant), used))
    return used


async def _get(services: Services, tx: Transaction, tenant: TenantId, id: UUID) -> Approval:
    row = await rows.one(tx, _TABLE, tenant, id)
    found = rows.open_document(await _key(services, tenant), tenant, _TABLE, row, Approval)
    if found.version != row.version:
        raise NotFound("there is no such request for approval; it may have been removed")
    return found


async def _every(services: Services, tx: Transaction, tenant: TenantId) -> list[Approval]:
    key = await _key(services, tenant)
    found = [
        rows.open_document(key, tenant, _TABLE, row, Approval) for row in await rows.many(tx, _TABLE, tenant)
    ]
    return sorted(found, key=lambda one: one.asked_at)


async def _undecided(services: Services, tx: Transaction, actor: Actor) -> list[Approval]:
    """What others asked for and nobody decided, oldest first; some of it over."""
    cursor = await tx.execute("SELECT id FROM approval WHERE tenant_id = %s AND waiting", (actor.tenant,))
    ids = [id for (id,) in await cursor.fetchall()]
    if not ids:
        return []
    key = await _key(services, actor.tenant)
    found = [
        rows.open_document(key, actor.tenant, _TABLE, row, Approval)
        for row in await rows.many(tx, _TABLE, actor.tenant, ids)
    ]
    waits = [one for one in found if one.state is State.WAITING and one.asker != actor.principal]
    return sorted(waits, key=lambda one: one.asked_at)


async def _key(services: Services, tenant: TenantId) -> Key:
    return await services.keyring.purpose_key(tenant, "approvals")


def _row(key: Key, approval: Approval) -> Row:
    sealed = rows.seal_document(key, approval.tenant, _TABLE, approval.id, approval)
    return Row(scope=approval.tenant, id=approval.id, version=approval.version, sealed=sealed)


def _subjects(found: Iterable[Approval]) -> list[UUID]:
    return sorted({subject for one in found for subject in one.asked.subjects})
