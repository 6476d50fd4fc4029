"""The journal entry that every operation writes in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from postern.ids import TenantId
from postern.journal import store as journal
from postern.journal.model import Act, Entry
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.postgres.pool import Transaction


async def trace(
    services: Services,
    tx: Transaction,
    actor: Actor,
    act: Act,
    *,
    purpose: str,
    case: str | None = None,
    subjects: Sequence[UUID] = (),
    detail: str = "",
) -> None:
    """Write down who did what to whom and why, as part of `tx`."""
    await trace_as(
        services,
        tx,
        actor.tenant,
        actor.name,
        act,
        purpose=purpose,
        case=case,
        subjects=subjects,
        detail=detail,
    )


async def trace_as(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    name: str,
    act: Act,
    *,
    purpose: str,
    case: str | None = None,
    subjects: Sequence[UUID] = (),
    detail: str = "",
) -> None:
    """The same for an agent ("agent:3") or a job ("job:policy")."""
    entry = Entry(
        at=services.clock.now(),
        actor=name,
        act=act,
        purpose=purpose,
        case=case,
        subjects=tuple(subjects),
        detail=detail,
    )
    await journal.append(tx, services.keyring, tenant, [entry])
