"""What operators found when they looked into an alarm; sealed, since a note may name somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern import documents
from postern.errors import Conflict, NotFound
from postern.ids import SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sealing.keyring import Keyring

PURPOSE = "alarms"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmNote:
    """Who looked into it, when, and what came of it."""

    at: datetime
    operator: str
    text: str


async def put_note(
    tx: Transaction, keyring: Keyring, tenant: TenantId, *, site: SiteId, alarm: UUID, note: AlarmNote
) -> None:
    """Keep the note of an alarm. Raises NotFound, and Conflict when somebody has looked into it already."""
    cursor = await tx.execute("SELECT FROM alarm WHERE site_id = %s AND id = %s", (site, alarm))
    if await cursor.fetchone() is None:
        raise NotFound("there is no such alarm; its retention may have ended")
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = seal(key, documents.to_bytes(note), _context(tenant, alarm))
    cursor = await tx.execute(
        "INSERT INTO alarm_note (site_id, alarm_id, sealed) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (site, alarm, sealed),
    )
    if cursor.rowcount != 1:
        raise Conflict("somebody has looked into this alarm already; reload the page to read the note")


async def notes(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> dict[UUID, AlarmNote]:
    """Every note of the site, by its alarm."""
    cursor = await tx.execute("SELECT alarm_id, sealed FROM alarm_note WHERE site_id = %s", (site,))
    found = await cursor.fetchall()
    key = await keyring.purpose_key(tenant, PURPOSE)
    return {
        alarm: documents.from_bytes(AlarmNote, open_sealed(key, bytes(sealed), _context(tenant, alarm)))
        for alarm, sealed in found
    }


def _context(tenant: TenantId, alarm: UUID) -> Context:
    return Context(tenant=tenant, table="alarm_note", column="sealed", row=alarm.bytes)
