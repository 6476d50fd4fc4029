"""The privacy desk's own documents in the database: wordings, requests of authorities, what a filing says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import Conflict
from postern.ids import TenantId
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

T = TypeVar("T")
DOCUMENT = Table(name="privacy_document", thing="document")
PURPOSE = "privacy"


class DocumentKind(StrEnum):
    """What a document is."""

    CONSENT_TEXT = "consent-text"
    GROUNDS = "grounds"
    LAWFUL_REQUEST = "lawful-request"
    FILING = "filing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored(Generic[T]):
    """A document as it is stored."""

    id: UUID
    version: int
    document: T


async def add(
    tx: Transaction, keyring: Keyring, tenant: TenantId, id: UUID, *, kind: DocumentKind, document: object
) -> None:
    """Store a new one."""
    sealed = rows.seal_document(await keyring.purpose_key(tenant, PURPOSE), tenant, DOCUMENT, id, document)
    cursor = await tx.execute(
        "INSERT INTO privacy_document (tenant_id, id, kind, version, sealed) VALUES (%s, %s, %s, 1, %s)"
        " ON CONFLICT DO NOTHING",
        (tenant, id, kind.value, sealed),
    )
    if cursor.rowcount != 1:
        raise Conflict("this document was changed meanwhile; reload it and try again")


async def change(tx: Transaction, keyring: Keyring, tenant: TenantId, before: Stored[T], document: T) -> None:
    """Replace the one of that version. Conflict when stale."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = rows.seal_document(key, tenant, DOCUMENT, before.id, document)
    await rows.update(
        tx, DOCUMENT, Row(scope=tenant, id=before.id, version=before.version + 1, sealed=sealed)
    )


async def every(
    tx: Transaction, keyring: Keyring, tenant: TenantId, kind: DocumentKind, shape: type[T]
) -> list[Stored[T]]:
    """All of that kind."""
    cursor = await tx.execute(
        "SELECT id, version, sealed FROM privacy_document WHERE tenant_id = %s AND kind = %s",
        (tenant, kind.value),
    )
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = [
        Row(scope=tenant, id=id, version=version, sealed=bytes(sealed))
        for id, version, sealed in await cursor.fetchall()
    ]
    return [
        Stored(
            id=row.id,
            version=row.version,
            document=rows.open_document(key, tenant, DOCUMENT, row, shape),
        )
        for row in found
    ]
