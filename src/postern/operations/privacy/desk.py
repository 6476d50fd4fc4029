"""The privacy officer's desk: how far erasures are with each agent, and who is meant by a name or plate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.access.model import SubjectKind
from postern.errors import NotFound, Refused
from postern.ids import PersonId, VehicleId, VisitId
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.privacy import erase
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.privacy import erasure_store as store
from postern.privacy.erasure_store import Erasure
from postern.privacy.receipt import AgentProof, Receipt
from postern.vehicles import store as vehicles
from postern.vehicles.plates import comparison_form

LATEST = 100
MOST_NAMESAKES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An erasure or withdrawal, and the word of each agent: without a time it is still awaited."""

    erasure: Erasure
    agents: tuple[AgentProof, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Somebody registered, by the name or plate under which they were found."""

    kind: SubjectKind
    id: UUID
    name: str


async def erasures(services: Services, actor: Actor) -> Sequence[Standing]:
    """The latest erasures and withdrawals, newest first. They name nobody: subjects are random ids."""
    found = (await erase.erasures(services, actor))[:LATEST]
    async with services.database.transaction(actor.tenant) as tx:
        return [Standing(erasure=one, agents=await store.proofs(tx, actor.tenant, one.id)) for one in found]


async def meant(
    services: Services, actor: Actor, kind: SubjectKind, who: str, *, purpose: str, case: str | None = None
) -> Sequence[Subject]:
    """Everybody registered or visiting under exactly that name, or the vehicle with that plate; or by id.

    Counted and journalled as a look at each. Raises NotFound, and BadInput without a purpose.
    """
    if not (may(actor, Duty.READ_JOURNAL) and may(actor, Duty.SEE_PEOPLE)):
        raise Refused("finding somebody here takes reading the journal and seeing people")
    purpose = stated(purpose)
    async with looking(services, actor) as tx:
        if kind is SubjectKind.PERSON:
            everyone = await services.registry.people.everyone(tx, actor.tenant)
            wanted = " ".join(who.split()).casefold()
            found = [
                Subject(kind=kind, id=one.id, name=one.details.name)
                for one in everyone.values()
                if wanted in (one.details.name.casefold(), str(one.id))
            ][:MOST_NAMESAKES]
        elif kind is SubjectKind.VISIT:
            every = await services.registry.visits.all(tx, actor.tenant)
            wanted = " ".join(who.split()).casefold()
            found = [
                Subject(kind=kind, id=one.id, name=one.details.name)
                for one in every.values()
                if wanted in (one.details.name.casefold(), str(one.id))
            ][:MOST_NAMESAKES]
        else:
            id = await vehicles.find_by_plate(tx, services.keyring, actor.tenant, who)
            found = [] if id is None else [Subject(kind=kind, id=id, name=who)]
        opening = Opening(
            act=Act.SEARCHED,
            purpose=purpose,
            case=case,
            subjects=[one.id for one in found],
            others=() if found else [comparison_form(who)],
            detail=f"{kind.value} for the privacy desk",
        )
        await open_subjects(services, tx, actor, opening)
    if not found:
        raise NotFound("nobody is registered under that name, plate or id")
    return found


async def erase_subject(
    services: Services, actor: Actor, kind: SubjectKind, id: UUID, *, reason: str
) -> Receipt:
    """Erase a person, vehicle or visit for good because it was asked for. BadInput without a reason."""
    require(actor, Duty.ERASE)
    reason = stated(reason)
    if kind is SubjectKind.PERSON:
        return await erase.erase_person(services, actor, PersonId(id), reason=reason)
    if kind is SubjectKind.VISIT:
        return await erase.erase_visit(services, actor, VisitId(id), reason=reason)
    return await erase.erase_vehicle(services, actor, VehicleId(id), reason=reason)
