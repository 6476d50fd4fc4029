"""Presence as rows of the projection: one for each subject of whom anything is known, one for the musters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from postern.access import presence_store as store
from postern.access.presence import Known, Presence
from postern.access.presence_sealed import (
    HalfOpened,
    inner_context,
    open_calls,
    open_known,
    open_outer,
    seal_calls,
    seal_known,
)
from postern.clock import utc_day
from postern.errors import CannotOpen, KeyDestroyed
from postern.ids import SiteId, TenantId, new_id
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.privacy.retention import LONGEST_DAYS
from postern.sealing.envelope import Context, Key, key_id
from postern.sealing.keyring import Purpose

KNOWN, CALLS = 20, 21
"""Kinds of projection."""
_DAY = timedelta(days=1)
_PUT = """
INSERT INTO projection AS p (site_id, kind, id, version, sealed) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (site_id, kind, id) DO UPDATE SET version = p.version + 1, sealed = excluded.sealed"""
_DELETE = "DELETE FROM projection WHERE site_id = %s AND kind = %s AND id = ANY(%s)"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one site's presence is read and written: a transaction."""

    services: Services
    tx: Transaction
    tenant: TenantId
    site: SiteId

    @property
    def today(self) -> date:
        """The UTC day."""
        return utc_day(self.services.clock.now())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    id: UUID
    day: date
    half: HalfOpened


async def load(place: Place) -> tuple[Presence, dict[UUID, UUID], UUID]:
    """What is kept, the row of each subject, and the row of the calls to muster.

    Rows whose day's retention ended, or whose subject was erased, open no more and are left out.
    """
    days = await _days(place)
    presence, rows = Presence(), dict[UUID, UUID]()
    found = await _rows(place, KNOWN, days)
    whose = await _whose(place, found, days)
    subjects = list(set(whose.values()))
    keys = await place.services.keyring.subject_keys(place.tenant, subjects, Purpose.MOVEMENT)
    for row in found:
        subject = whose.get(row.id)
        movement = keys.get(subject) if subject is not None else None
        if subject is None or movement is None:
            continue
        known = open_known(row.half, tenant=place.tenant, row=row.id, movement=movement)
        if known is not None:
            presence.known[subject] = known
            rows[subject] = row.id
    calls_row = await _load_calls(place, presence, days)
    return presence, rows, calls_row


async def _load_calls(place: Place, presence: Presence, days: Mapping[bytes, tuple[date, Key]]) -> UUID:
    for id, sealed in await _sealed_rows(place, CALLS):
        day = days.get(key_id(sealed))
        if day is not None:
            presence.calls |= open_calls(sealed, tenant=place.tenant, row=id, site_day=day[1])
            return id
    return new_id()


async def keep(place: Place, known: Iterable[Known], rows: Mapping[UUID, UUID]) -> None:
    """Put each in its row. Whoever was erased meanwhile is not kept, nor anything of days that are over."""
    every = [one for one in known if one.order is not None]
    subjects = [one.subject for one in every]
    movements = await place.services.keyring.subject_keys(place.tenant, subjects, Purpose.MOVEMENT)
    written = []
    for one in every:
        movement = movements.get(one.subject)
        site_day = await _site_day(place, one)
        if movement is None or site_day is None:
            continue
        id = rows[one.subject]
        sealed = seal_known(one, tenant=place.tenant, row=id, site_day=site_day, movement=movement)
        written.append((place.site, KNOWN, id, sealed))
    async with place.tx.cursor() as cursor:
        await cursor.executemany(_PUT, written)


async def keep_calls(place: Place, presence: Presence, row: UUID) -> None:
    """Put the calls to muster in their row."""
    latest = max(one.order.at for one in presence.calls)
    site_day = await place.services.keyring.site_day_key(place.site, utc_day(latest))
    sealed = seal_calls(presence.calls, tenant=place.tenant, row=row, site_day=site_day)
    await place.tx.execute(_PUT, (place.site, CALLS, row, sealed))


async def remove(place: Place, ids: Iterable[UUID]) -> None:
    """Those rows are gone afterwards."""
    gone = list(ids)
    if gone:
        await place.tx.execute(_DELETE, (place.site, KNOWN, gone))


async def end_rows(services: Services, tenant: TenantId, site: SiteId) -> int:
    """Delete rows whose day's key is destroyed: nobody can open them any more. How many there were."""
    async with services.database.transaction(tenant) as tx:
        place = Place(services=services, tx=tx, tenant=tenant, site=site)
        alive = list(await _days(place))
        # A sealed field begins with its version, and then names its key.
        gone = await tx.execute(
            "DELETE FROM projection WHERE site_id = %s AND kind = ANY(%s)"
            " AND NOT (substring(sealed from 2 for 8) = ANY(%s::bytea[]))",
            (site, [KNOWN, CALLS], alive),
        )
        if gone.rowcount:
            await store.outdate(tx, site)
    return gone.rowcount


async def forget(services: Services, tx: Transaction, tenant: TenantId, subject: UUID) -> int:
    """Delete what is known of a subject at every site, as part of `tx`; how many rows that were.

    Hub processes that have presence in memory read it again.
    """
    count = 0
    for site in await store.books(tx):
        await store.book(tx, site)
        place = Place(services=services, tx=tx, tenant=tenant, site=site)
        gone = [row.id for row in await _rows_of(place, subject)]
        await remove(place, gone)
        await store.outdate(tx, site)
        count += len(gone)
    return count


async def copies_of(
    services: Services, tx: Transaction, tenant: TenantId, subject: UUID
) -> list[tuple[Context, bytes]]:
    """What is sealed under the subject's movement key, with its place: for the proof of an erasure."""
    found: list[tuple[Context, bytes]] = []
    for site in await store.books(tx):
        place = Place(services=services, tx=tx, tenant=tenant, site=site)
        rows = await _rows_of(place, subject)
        found += [(inner_context(tenant, row.id), row.half.inner) for row in rows]
    return found


async def _rows_of(place: Place, subject: UUID) -> list[_Row]:
    days = await _days(place)
    found = await _rows(place, KNOWN, days)
    whose = await _whose(place, found, days)
    return [row for row in found if whose.get(row.id) == subject]


async def _whose(
    place: Place, found: Iterable[_Row], days: Mapping[bytes, tuple[date, Key]]
) -> dict[UUID, UUID]:
    """Whose each row is, by its tag."""
    named: dict[UUID, UUID] = {}
    keys = dict(days.values())
    by_day: dict[date, list[_Row]] = {}
    for row in found:
        by_day.setdefault(row.day, []).append(row)
    for day, rows in by_day.items():
        tags = await place.services.registry.subjects_of(
            place.tx, place.tenant, site=place.site, day=day, site_day=keys[day]
        )
        named |= {row.id: tags[row.half.tag] for row in rows if row.half.tag in tags}
    return named


async def _rows(place: Place, kind: int, days: Mapping[bytes, tuple[date, Key]]) -> list[_Row]:
    found = []
    for id, sealed in await _sealed_rows(place, kind):
        try:
            known = days.get(key_id(sealed))
            if known is None:
                continue
            day, site_day = known
            half = open_outer(sealed, tenant=place.tenant, row=id, site_day=site_day)
        except CannotOpen:
            continue
        found.append(_Row(id=id, day=day, half=half))
    return found


async def _sealed_rows(place: Place, kind: int) -> list[tuple[UUID, bytes]]:
    cursor = await place.tx.execute(
        "SELECT id, sealed FROM projection WHERE site_id = %s AND kind = %s", (place.site, kind)
    )
    return [(id, bytes(sealed)) for id, sealed in await cursor.fetchall()]


async def _days(place: Place) -> dict[bytes, tuple[date, Key]]:
    """Every day's key of the site that is there, by its id."""
    first, last = place.today - LONGEST_DAYS * _DAY, place.today + 2 * _DAY
    found = await place.services.keyring.site_day_keys([place.site], first=first, last=last)
    return {key.id: (day, key) for (_, day), key in found.items()}


async def _site_day(place: Place, known: Known) -> Key | None:
    if known.order is None:
        return None
    try:
        return await place.services.keyring.site_day_key(place.site, utc_day(known.order.at))
    except KeyDestroyed:
        return None
