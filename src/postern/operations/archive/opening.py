"""Open records of the archive in memory: the steps that the wall, evidence and search share.

Nothing here is shown by itself: whoever calls it writes the journal first (`look.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern.errors import BadInput, CannotOpen
from postern.ids import SiteId, TenantId
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.records.model import Happening, RecordKey, SealedRecord, kind_of
from postern.records.sealed import OpenedHappening, open_happening
from postern.sealing.envelope import Key
from postern.sealing.keyring import Purpose


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedRecord:
    """A record in the open. `withheld`: its subject's key is destroyed.

    Without a happening it cannot be opened: it is not what was stored there.
    """

    key: RecordKey
    happening: Happening | None
    withheld: bool = False


async def opened(
    services: Services, tx: Transaction, tenant: TenantId, sealed: Sequence[SealedRecord]
) -> list[OpenedRecord]:
    """Open what can be opened, in the order given; records of days whose retention ended are left out.

    A record that somebody changed stands in its place without a happening, and an alarm is raised once.
    """
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
        found.append(_opened(tenant, one, site_day, movement))
    if any(one.happening is None for one in found):
        await _alarm(services, tenant, site, found)
    return found


async def _alarm(services: Services, tenant: TenantId, site: SiteId, found: Sequence[OpenedRecord]) -> None:
    """In a transaction of its own: it must stay when the look that found it is refused or fails."""
    places = {(one.key.day, one.key.agent) for one in found if one.happening is None}
    async with services.database.transaction(tenant) as tx:
        for day, agent in sorted(places):
            await put_alarm_of_day(tx, site, AlarmKind.ARCHIVE_TAMPERED, day=day, agent=agent)


def _opened(tenant: TenantId, one: SealedRecord, site_day: Key, movement: Key | None) -> OpenedRecord:
    try:
        whole = open_happening(one.sealed, tenant=tenant, key=one.key, site_day=site_day, movement=movement)
    except (CannotOpen, BadInput):
        return OpenedRecord(key=one.key, happening=None)
    if not _fits(one, whole):
        return OpenedRecord(key=one.key, happening=None)
    return OpenedRecord(key=one.key, happening=whole.happening, withheld=whole.withheld)


def _fits(one: SealedRecord, whole: OpenedHappening) -> bool:
    """Whether what is outside the seal says what is inside: its kind, and that it is somebody's at all."""
    return kind_of(whole.happening) is one.kind and not (whole.withheld and one.tag is None)


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
