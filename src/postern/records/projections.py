"""What is derived (who is inside, open parking sessions, cases): one table, sealed, loaded at start."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from postern.errors import Conflict
from postern.ids import SiteId
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """One derived thing. The id is random, the version grows by one with each change."""

    site: SiteId
    kind: int
    id: UUID
    version: int
    sealed: bytes


async def put_projection(tx: Transaction, projection: Projection) -> None:
    """Store a newer version. Raises Conflict when the stored one is as new or newer: load it again."""
    cursor = await tx.execute(
        "INSERT INTO projection (site_id, kind, id, version, sealed) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (site_id, kind, id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed"
        " WHERE projection.version < excluded.version RETURNING version",
        (projection.site, projection.kind, projection.id, projection.version, projection.sealed),
    )
    if await cursor.fetchone() is None:
        raise Conflict("It was changed in the meantime; load it again and repeat the change.")


async def load_projections(tx: Transaction, site: SiteId, kind: int) -> list[Projection]:
    """All of one kind at a site."""
    cursor = await tx.execute(
        "SELECT id, version, sealed FROM projection WHERE site_id = %s AND kind = %s", (site, kind)
    )
    return [
        Projection(site=site, kind=kind, id=identifier, version=version, sealed=bytes(sealed))
        for identifier, version, sealed in await cursor.fetchall()
    ]


async def delete_projection(tx: Transaction, site: SiteId, kind: int, identifier: UUID) -> None:
    """Gone afterwards, whether it was there or not."""
    await tx.execute(
        "DELETE FROM projection WHERE site_id = %s AND kind = %s AND id = %s", (site, kind, identifier)
    )
