"""The register of authorities' requests: written down once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern.errors import NotFound
from postern.ids import PersonId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.privacy import document_store as store
from postern.privacy.document_store import DocumentKind
from postern.privacy.lawful import LawfulAnswer, LawfulRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A request as an operator writes it down; `numbers` are employee numbers or ids of people concerned."""

    received: date
    authority: str
    law: str
    asked: str
    answer: LawfulAnswer
    handed: str
    numbers: Sequence[str]
    tell_from: date | None
    secrecy: str = ""


async def record(services: Services, actor: Actor, told: Told) -> None:
    """Write a request down. Raises NotFound for a number that nobody has, BadInput for what is missing."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        subjects = [await _meant(services, tx, actor.tenant, number) for number in told.numbers]
        request = LawfulRequest(
            received=told.received,
            authority=told.authority.strip(),
            law=told.law.strip(),
            asked=told.asked.strip(),
            answer=told.answer,
            handed=told.handed.strip(),
            subjects=tuple(dict.fromkeys(subjects)),
            recorded_at=services.clock.now(),
            recorded_by=actor.name,
            tell_from=told.tell_from,
            secrecy=told.secrecy.strip(),
        )
        kind = DocumentKind.LAWFUL_REQUEST
        await store.add(tx, services.keyring, actor.tenant, new_id(), kind=kind, document=request)
        # The report about somebody tells it only from the day on which they may be told.
        concerned = request.subjects if request.may_be_told(services.clock.now().date()) else ()
        await trace(
            services,
            tx,
            actor,
            Act.ADDED,
            purpose="an authority's request",
            subjects=concerned,
            detail=request.authority,
        )


async def _meant(services: Services, tx: Transaction, tenant: TenantId, number: str) -> UUID:
    try:
        return (await people.get(tx, services.keyring, tenant, _person(number))).id
    except ValueError:
        found = await people.find(tx, services.keyring, tenant, field="employee_number", value=number)
    if found is None:
        raise NotFound("nobody has this employee number; look it up in the register of people")
    return found


def _person(text: str) -> PersonId:
    return PersonId(UUID(text.strip()))


async def register(services: Services, actor: Actor) -> Sequence[LawfulRequest]:
    """Every request, latest first. It names people by their random ids."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        found = await _every(services, tx, actor.tenant)
        await trace(services, tx, actor, Act.LOOKED, purpose="register of lawful requests")
    return found


async def concerning(
    services: Services, tx: Transaction, tenant: TenantId, person: UUID, on: date
) -> Sequence[LawfulRequest]:
    """Those that concern the person and may be told on that day."""
    every = await _every(services, tx, tenant)
    return [one for one in every if person in one.subjects and one.may_be_told(on)]


async def is_named(services: Services, tx: Transaction, tenant: TenantId, subject: UUID) -> bool:
    """Whether any request concerns them, told or not: the register outlives their erasure."""
    return any(subject in one.subjects for one in await _every(services, tx, tenant))


async def _every(services: Services, tx: Transaction, tenant: TenantId) -> list[LawfulRequest]:
    found = await store.every(tx, services.keyring, tenant, DocumentKind.LAWFUL_REQUEST, LawfulRequest)
    return sorted((one.document for one in found), key=lambda one: one.recorded_at, reverse=True)
