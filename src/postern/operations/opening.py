"""Open records of the archive in memory: the steps that the wall, evidence and search share.

Nothing here is shown by itself: whoever calls it writes the journal first (`look.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern.ids import SiteId, TenantId
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.records.model import Happening, RecordKey, SealedRecord
from postern.records.sealed import open_happening
from postern.sealing.envelope import Key
from postern.sealing.keyring import Purpose


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedRecord:
    """A record in the open. `withheld`: its subject's key is destroyed."""

    key: RecordKey
    happening: Happening
    withheld: bool


async def opened(
    services: Services, tx: Transaction, tenant: TenantId, sealed: Sequence[SealedRecord]
) -> list[OpenedRecord]:
    """Open what can be opened, in the order given; records of days whose retention ended are left out."""
    if not sealed:
        return []
    site, days = sealed[0].site, [one.day for one in sealed]
    keys = await services.keyring.site_day_keys([site], first=min(days), last=max(days))
    subjects = await _subjects(services, tx, tenant, sealed, keys)
    movements = await services.keyring.subject_keys(tenant, list(set(subjects.values())), Purpose.MOVEMENT)
    found = []
    for one in sealed:
        site_day = keys.get((site, one.day))
        if site_day is None:
            continue
        subject = subjects.get(one.key)
        movement = movements.get(subject) if subject is not None else None
        whole = open_happening(one.sealed, tenant=tenant, key=one.key, site_day=site_day, movement=movement)
        found.append(OpenedRecord(key=one.key, happening=whole.happening, withheld=whole.withheld))
    return found


async def _subjects(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    sealed: Sequence[SealedRecord],
    keys: dict[tuple[SiteId, date], Key],
) -> dict[RecordKey, UUID]:
    """Whose each record is, by its tag."""
    site = sealed[0].site
    found: dict[RecordKey, UUID] = {}
    for day in {one.day for one in sealed if one.tag is not None and (site, one.day) in keys}:
        site_day = keys[site, day]
        tags = await services.registry.subjects_of(tx, tenant, site=site, day=day, site_day=site_day)
        found |= {
            one.key: tags[one.tag]
            for one in sealed
            if one.day == day and one.tag is not None and one.tag in tags
        }
    return found
