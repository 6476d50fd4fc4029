"""A subject's own report: who looked at them, searched for them or changed something, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.journal import store as journal
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One entry of the journal about the subject, without what it says of others. `index` is its number."""

    index: int
    at: datetime
    actor: str
    act: Act
    purpose: str
    case: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """The report as of `made_at`, the latest first."""

    subject: UUID
    made_at: datetime
    looks: tuple[Look, ...]


async def looked_at(
    services: Services, actor: Actor, subject: UUID, *, purpose: str, case: str | None = None
) -> Looks:
    """Every look at a person or vehicle, also after its erasure: the journal outlives what it is about.

    Making the report is a look, too, and the next one tells it. Raises BadInput without a purpose.
    """
    require(actor, Duty.READ_JOURNAL)
    purpose = stated(purpose)
    opening = Opening(
        act=Act.LOOKED, purpose=purpose, case=case, subjects=[subject], detail="report of looks"
    )
    async with looking(services, actor) as tx:
        found = await journal.read_about(tx, services.keyring, actor.tenant, subject)
        await open_subjects(services, tx, actor, opening)
    looks = [
        Look(
            index=one.index,
            at=one.entry.at,
            actor=one.entry.actor,
            act=one.entry.act,
            purpose=one.entry.purpose,
            case=one.entry.case,
        )
        for one in found
    ]
    return Looks(subject=subject, made_at=services.clock.now(), looks=tuple(reversed(looks)))
