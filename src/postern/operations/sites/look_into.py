"""Look into an alarm: what came of it, in words, once and for good; and what was kept aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.records import alarm_notes, quarantine
from postern.records.alarm_notes import AlarmNote
from postern.records.quarantine import KeptAside
from postern.sites import store as sites


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """The notes of a site's alarms, and the records that it keeps aside."""

    notes: dict[UUID, AlarmNote]
    aside: Sequence[KeptAside]


async def look_into(services: Services, actor: Actor, site: SiteId, alarm: UUID, note: str) -> None:
    """Mark an alarm as looked into. Raises BadInput without a note, NotFound, or Conflict the second time."""
    require(actor, Duty.WATCH)
    found = AlarmNote(at=services.clock.now(), operator=actor.name, text=stated(note))
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await alarm_notes.put_note(tx, services.keyring, actor.tenant, site=site, alarm=alarm, note=found)
        await trace(
            services,
            tx,
            actor,
            Act.CHANGED,
            purpose="looked into an alarm",
            detail=f"site {site}, alarm {alarm}: {found.text}",
        )


async def findings(services: Services, actor: Actor, site: SiteId) -> Findings:
    """What is known of a site's alarms beyond the alarms themselves."""
    require(actor, Duty.WATCH)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return Findings(
            notes=await alarm_notes.notes(tx, services.keyring, actor.tenant, site),
            aside=await quarantine.kept_aside(tx, site),
        )
