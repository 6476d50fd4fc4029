"""Sessions, cases and beginnings of days as rows of the projection: sealed, opened, replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from postern import documents
from postern.clock import utc_day
from postern.errors import CannotOpen, KeyDestroyed
from postern.ids import SiteId, TenantId
from postern.operations.services import Services
from postern.parking.books import Beginning
from postern.parking.cases import Case
from postern.parking.rules import Rules
from postern.parking.sealed import HalfOpened, Kept, day_of, open_kept, open_outer, seal_kept
from postern.parking.session import Session
from postern.postgres.pool import Transaction
from postern.privacy.retention import LONGEST_DAYS
from postern.sealing.envelope import Context, Key, key_id, open_sealed, seal
from postern.sealing.keyring import Purpose

SESSIONS, CASES, BEGINNINGS, ERASED = 10, 11, 12, 13
"""Kinds of projection. The last tells which session an erased vehicle's records belong to."""
KEPT_BEGINNINGS = timedelta(days=35)
"""How late a record may arrive to be booked by itself."""
_LOOKED_BACK = 400
"""Days: a hub that was off for so long finds where it stopped."""

_PUT = """
INSERT INTO projection AS p (site_id, kind, id, version, sealed) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (site_id, kind, id) DO UPDATE SET version = p.version + 1, sealed = excluded.sealed"""
_DELETE = "DELETE FROM projection WHERE site_id = %s AND kind = %s AND id = ANY(%s)"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """At which the books of one site are kept: a transaction that nobody else has for them."""

    services: Services
    tx: Transaction
    tenant: TenantId
    site: SiteId
    rules: Rules

    @property
    def today(self) -> date:
        """The UTC day."""
        return utc_day(self.services.clock.now())

    async def day_keys(self) -> dict[bytes, Key]:
        """Every day's key of the site that is there, by its id."""
        first, last = self.days_ago(LONGEST_DAYS), self.days_ago(-2)
        found = await self.services.keyring.site_day_keys([self.site], first=first, last=last)
        return {key.id: key for key in found.values()}

    def days_ago(self, days: int) -> date:
        """So many days before today."""
        return self.today - timedelta(days=days)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blob:
    """A session or a case, sealed by itself."""

    id: UUID
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredBeginning:
    day: date
    sessions: tuple[_Blob, ...] = ()
    cases: tuple[_Blob, ...] = ()


async def keep(
    desk: Desk, kind: int, changed: Mapping[UUID, Session | None] | Mapping[UUID, Case | None]
) -> None:
    """Put each in place of what was there; None removes it."""
    gone = [id for id, one in changed.items() if one is None]
    if gone:
        await desk.tx.execute(_DELETE, (desk.site, kind, gone))
    blobs = await _sealed(desk, [one for one in changed.values() if one is not None])
    async with desk.tx.cursor() as cursor:
        await cursor.executemany(_PUT, [(desk.site, kind, one.id, one.sealed) for one in blobs])


async def keep_beginnings(desk: Desk, beginnings: Mapping[date, Beginning]) -> None:
    """Keep how it stood at the beginning of these days, and let go of what is too old."""
    oldest = desk.today - KEPT_BEGINNINGS
    for day, one in beginnings.items():
        if day < oldest:
            continue
        stored = _StoredBeginning(
            day=day,
            sessions=tuple(await _sealed(desk, one.sessions)),
            cases=tuple(await _sealed(desk, one.cases)),
        )
        id = _beginning_id(desk, day)
        key = await desk.services.keyring.site_day_key(desk.site, day)
        sealed = seal(key, documents.to_bytes(stored), _context(desk, id))
        await desk.tx.execute(_PUT, (desk.site, BEGINNINGS, id, sealed))
    if beginnings:
        gone = [_beginning_id(desk, oldest - timedelta(days=n)) for n in range(1, 32)]
        await desk.tx.execute(_DELETE, (desk.site, BEGINNINGS, gone))


async def beginnings_kept(desk: Desk) -> list[date]:
    """The days whose beginning is kept, latest first."""
    days = [desk.today + timedelta(days=1 - n) for n in range(_LOOKED_BACK)]
    ids = {_beginning_id(desk, day): day for day in days}
    rows = await desk.tx.execute(
        "SELECT id FROM projection WHERE site_id = %s AND kind = %s AND id = ANY(%s)",
        (desk.site, BEGINNINGS, list(ids)),
    )
    return sorted((ids[id] for (id,) in await rows.fetchall()), reverse=True)


async def beginning_of(desk: Desk, day: date) -> Beginning:
    """How it stood at the beginning of a day of `beginnings_kept`."""
    id = _beginning_id(desk, day)
    rows = await desk.tx.execute(
        "SELECT sealed FROM projection WHERE site_id = %s AND kind = %s AND id = %s",
        (desk.site, BEGINNINGS, id),
    )
    row = await rows.fetchone()
    key = await desk.services.keyring.site_day_key(desk.site, day)
    sealed = bytes(row[0]) if row is not None else b""
    stored = documents.from_bytes(_StoredBeginning, open_sealed(key, sealed, _context(desk, id)))
    return Beginning(
        day=stored.day,
        sessions=tuple(await _opened(desk, Session, stored.sessions)),
        cases=tuple(await _opened(desk, Case, stored.cases)),
    )


async def load(desk: Desk, kind: int, of: type[Kept], ids: Sequence[UUID] | None = None) -> list[Kept]:
    """The rows of that kind, or those of `ids`; what opens with no key any more is left out."""
    chosen = None if ids is None else list(ids)
    rows = await desk.tx.execute(
        "SELECT id, sealed FROM projection WHERE site_id = %s AND kind = %s"
        " AND (%s::uuid[] IS NULL OR id = ANY(%s))",
        (desk.site, kind, chosen, chosen),
    )
    return await _opened(desk, of, [_Blob(id=id, sealed=bytes(it)) for id, it in await rows.fetchall()])


async def _sealed(desk: Desk, things: Sequence[Session | Case]) -> list[_Blob]:
    """Each under the key of its day; what is so old that its day's key is gone is not kept."""
    days: dict[date, Key] = {}
    for day in {day_of(one) for one in things}:
        try:
            days[day] = await desk.services.keyring.site_day_key(desk.site, day)
        except KeyDestroyed:
            continue
    vehicles = list({one.who.vehicle for one in things if one.who.vehicle is not None})
    movements = await desk.services.keyring.subject_keys(desk.tenant, vehicles, Purpose.MOVEMENT)
    found = []
    for one in things:
        site_day, vehicle = days.get(day_of(one)), one.who.vehicle
        if site_day is None:
            continue
        movement = movements.get(vehicle) if vehicle is not None else None
        sealed = seal_kept(one, tenant=desk.tenant, site_day=site_day, movement=movement)
        found.append(_Blob(id=one.id, sealed=sealed))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Half:
    id: UUID
    day: date
    half: HalfOpened


async def _opened(desk: Desk, of: type[Kept], blobs: Sequence[_Blob]) -> list[Kept]:
    if not blobs:
        return []
    first, last = desk.today - timedelta(days=LONGEST_DAYS), desk.today + timedelta(days=2)
    every = await desk.services.keyring.site_day_keys([desk.site], first=first, last=last)
    days = {day: key for (_, day), key in every.items()}
    halves = _halves(desk, {key.id: day for day, key in days.items()}, days, blobs)
    whose: dict[tuple[date, bytes | None], UUID] = {}
    for day in {one.day for one in halves if one.half.tag is not None}:
        tags = await desk.services.registry.subjects_of(
            desk.tx, desk.tenant, site=desk.site, day=day, site_day=days[day]
        )
        whose |= {(day, tag): subject for tag, subject in tags.items()}
    subjects = {one.id: whose.get((one.day, one.half.tag)) for one in halves}
    keys = await desk.services.keyring.subject_keys(
        desk.tenant, list({one for one in subjects.values() if one is not None}), Purpose.MOVEMENT
    )
    found = []
    for one in halves:
        subject = subjects[one.id]
        movement = keys.get(subject) if subject is not None else None
        found.append(open_kept(one.half, of, tenant=desk.tenant, id=one.id, movement=movement))
    return found


def _halves(
    desk: Desk, named: Mapping[bytes, date], days: Mapping[date, Key], blobs: Sequence[_Blob]
) -> list[_Half]:
    """The outer parts of what opens: not of days whose retention ended, nor what somebody changed."""
    found = []
    for one in blobs:
        try:
            day = named.get(key_id(one.sealed))
            if day is None:
                continue
            half = open_outer(one.sealed, tenant=desk.tenant, id=one.id, site_day=days[day])
        except CannotOpen:
            continue
        found.append(_Half(id=one.id, day=day, half=half))
    return found


def _beginning_id(desk: Desk, day: date) -> UUID:
    return desk.rules.naming.named(f"beginning|{desk.site}|{day}")


def _context(desk: Desk, id: UUID) -> Context:
    return Context(tenant=desk.tenant, table="projection", column="sealed", row=id.bytes)
