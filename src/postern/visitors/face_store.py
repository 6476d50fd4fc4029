"""Templates of visitors' faces in the database, each sealed under its visit's own face key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern import documents
from postern.ids import ReferenceId, TenantId, VisitId
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sealing.keyring import Keyring, Purpose


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitReference:
    """A visitor's template as stored; the photo that it was made from is kept nowhere."""

    id: ReferenceId
    visit: VisitId
    model: str
    template: bytes
    quality: float


async def add(tx: Transaction, keyring: Keyring, tenant: TenantId, reference: VisitReference) -> None:
    """Seal it under the visit's face key. KeyDestroyed without one."""
    key = await keyring.subject_key(tenant, reference.visit, Purpose.FACE)
    sealed = seal(key, documents.to_bytes(reference), _context(tenant, reference.id))
    await tx.execute(
        "INSERT INTO visit_reference (tenant_id, id, visit_id, model, sealed) VALUES (%s, %s, %s, %s, %s)",
        (tenant, reference.id, reference.visit, reference.model, sealed),
    )


async def references(
    tx: Transaction, keyring: Keyring, tenant: TenantId, visits: Sequence[UUID]
) -> list[VisitReference]:
    """Those of the visits whose face keys are not destroyed."""
    cursor = await tx.execute(
        "SELECT id, visit_id, sealed FROM visit_reference"
        " WHERE tenant_id = %s AND visit_id = ANY(%s) ORDER BY id",
        (tenant, list(visits)),
    )
    found = [(id, visit, bytes(sealed)) for id, visit, sealed in await cursor.fetchall()]
    keys = await keyring.subject_keys(tenant, list({visit for _, visit, _ in found}), Purpose.FACE)
    return [
        documents.from_bytes(VisitReference, open_sealed(keys[visit], sealed, _context(tenant, id)))
        for id, visit, sealed in found
        if visit in keys
    ]


async def remove(tx: Transaction, tenant: TenantId, visit: VisitId) -> None:
    """Remove the visit's. The key is destroyed by the caller."""
    await tx.execute("DELETE FROM visit_reference WHERE tenant_id = %s AND visit_id = %s", (tenant, visit))


async def count(tx: Transaction, tenant: TenantId) -> int:
    """Of how many visits a face is stored."""
    cursor = await tx.execute(
        "SELECT count(DISTINCT visit_id) FROM visit_reference WHERE tenant_id = %s", (tenant,)
    )
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


def _context(tenant: TenantId, id: UUID) -> Context:
    return Context(tenant=tenant, table="visit_reference", column="sealed", row=id.bytes)
