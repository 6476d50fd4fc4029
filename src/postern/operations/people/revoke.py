"""Revoke: a person, a vehicle or one credential is refused at once, at every site."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from postern.access import store as access
from postern.access.model import Holding, SubjectKind
from postern.errors import NotFound
from postern.ids import CredentialId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale, publish_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction


async def revoke_holder(
    services: Services, actor: Actor, *, subject: UUID, kind: SubjectKind, reason: str
) -> Holding:
    """Refuse everything that this person or vehicle presents; the policy that says so is published."""
    return await _set_revoked(services, actor, subject=subject, kind=kind, reason=reason, revoked=True)


async def restore_holder(
    services: Services, actor: Actor, *, subject: UUID, kind: SubjectKind, reason: str
) -> Holding:
    """Take a person's or vehicle's revocation back; credentials revoked one by one stay revoked."""
    return await _set_revoked(services, actor, subject=subject, kind=kind, reason=reason, revoked=False)


async def revoke_credential(
    services: Services,
    actor: Actor,
    *,
    subject: UUID,
    kind: SubjectKind,
    credential: CredentialId,
    reason: str,
) -> Holding:
    """Refuse one card, PIN, QR code or plate from now on. Raises NotFound when the holder lacks it."""
    require(actor, _duty(kind))
    async with services.database.transaction(actor.tenant) as tx:
        held = await access.holding(tx, services.keyring, actor.tenant, subject, kind)
        if all(one.id != credential for one in held.credentials):
            raise NotFound("there is no such credential; it may have been removed")
        credentials = tuple(
            replace(one, revoked=True) if one.id == credential else one for one in held.credentials
        )
        changed = await _store(services, tx, actor, replace(held, credentials=credentials), reason)
    await publish_stale(services)
    return changed


async def _set_revoked(
    services: Services, actor: Actor, *, subject: UUID, kind: SubjectKind, reason: str, revoked: bool
) -> Holding:
    require(actor, _duty(kind))
    async with services.database.transaction(actor.tenant) as tx:
        held = await access.holding(tx, services.keyring, actor.tenant, subject, kind)
        changed = await _store(services, tx, actor, replace(held, revoked=revoked), reason)
    await publish_stale(services)
    return changed


async def _store(services: Services, tx: Transaction, actor: Actor, wanted: Holding, reason: str) -> Holding:
    changed = await access.put_holding(tx, services.keyring, actor.tenant, wanted)
    await mark_stale(services, tx, actor.tenant)
    await trace(
        services,
        tx,
        actor,
        Act.REVOKED,
        purpose=reason.strip() or "revoke",
        subjects=[wanted.subject],
        detail="revoked" if wanted.revoked else "changed",
    )
    return changed


def _duty(kind: SubjectKind) -> Duty:
    return _DUTIES[kind]


_DUTIES = {
    SubjectKind.PERSON: Duty.CHANGE_PEOPLE,
    SubjectKind.VEHICLE: Duty.CHANGE_VEHICLES,
    SubjectKind.VISIT: Duty.INVITE,
}
