"""What garages hold of a vehicle, taken out of it: the plate and the subject go, the time and the money stay.

The rows of its sessions and cases, and of every kept beginning of a day, are sealed anew without it. Which
records belong to which session is kept by itself, so that books that are made anew pair them as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from postern import documents
from postern.ids import SiteId, TenantId, new_id
from postern.operations.parking.rows import (
    CASES,
    ERASED,
    SESSIONS,
    Desk,
    beginning_of,
    beginnings_kept,
    keep,
    keep_beginnings,
    load,
)
from postern.operations.parking.rules import rules_of
from postern.operations.services import Services
from postern.parking import store
from postern.parking.cases import Case
from postern.parking.sealed import Kept
from postern.parking.session import NOBODY, Session, Who
from postern.postgres.pool import Transaction
from postern.records.model import RecordKey
from postern.sealing.envelope import Context, key_id, open_sealed, seal
from postern.vehicles.plates import comparison_form

NO_PLATE = "–"
"""What a permit is for whose only vehicle was erased: no camera ever reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Which session an erased vehicle's records belong to."""

    session: UUID
    entry: RecordKey | None
    exit: RecordKey | None
    permit: UUID | None
    near_a_permit: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Links:
    links: tuple[Link, ...]


async def forget_vehicle(
    services: Services, tx: Transaction, tenant: TenantId, vehicle: UUID, plate: str | None
) -> int:
    """Take it out of every garage of the tenant, as part of `tx`; how many rows that were.

    Hub processes that have books open read them again.
    """
    count = 0
    for site in await store.garages(tx):
        await store.garage(tx, site, lock=True)
        rules = await rules_of(tx, services.keyring, tenant, site)
        desk = Desk(services=services, tx=tx, tenant=tenant, site=site, rules=rules)
        count += await _forget_at(desk, _is_theirs(vehicle, plate))
        if plate is not None:
            count += await _forget_permits(services, tx, tenant, site, plate)
        await store.outdate(tx, site)
    return count


def _is_theirs(vehicle: UUID, plate: str | None) -> Callable[[Who], bool]:
    compared = comparison_form(plate) if plate else None

    def is_theirs(who: Who) -> bool:
        named = compared is not None and bool(who.plate) and comparison_form(who.plate) == compared
        return who.vehicle == vehicle or named

    return is_theirs


async def _forget_at(desk: Desk, is_theirs: Callable[[Who], bool]) -> int:
    sessions = [one for one in await load(desk, SESSIONS, Session) if is_theirs(one.who)]
    cases = [one for one in await load(desk, CASES, Case) if is_theirs(one.who)]
    if sessions:
        await _keep_links(desk, sessions)
    await keep(desk, SESSIONS, {one.id: replace(one, who=NOBODY) for one in sessions})
    await keep(desk, CASES, {one.id: replace(one, who=NOBODY) for one in cases})
    for day in await beginnings_kept(desk):
        before = await beginning_of(desk, day)
        after = replace(
            before,
            sessions=_without(before.sessions, is_theirs),
            cases=_without(before.cases, is_theirs),
        )
        if after != before:
            await keep_beginnings(desk, {day: after})
    return len(sessions) + len(cases)


def _without(things: tuple[Kept, ...], is_theirs: Callable[[Who], bool]) -> tuple[Kept, ...]:
    return tuple(replace(one, who=NOBODY) if is_theirs(one.who) else one for one in things)


async def _forget_permits(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, plate: str
) -> int:
    compared, count = comparison_form(plate), 0
    for one in await store.permits(tx, services.keyring, tenant, site):
        kept = frozenset(other for other in one.permit.plates if comparison_form(other) != compared)
        if kept != one.permit.plates:
            permit = replace(one.permit, plates=kept or frozenset({NO_PLATE}))
            await store.put_permit(tx, services.keyring, tenant, site, replace(one, permit=permit))
            count += 1
    return count


async def _keep_links(desk: Desk, sessions: list[Session]) -> None:
    links = tuple(
        Link(
            session=one.id,
            entry=one.entry,
            exit=one.exit,
            permit=one.permit,
            near_a_permit=one.near_a_permit,
        )
        for one in sessions
    )
    id = new_id()
    key = await desk.services.keyring.site_day_key(desk.site, desk.today)
    sealed = seal(key, documents.to_bytes(_Links(links=links)), _context(desk, id))
    await desk.tx.execute(
        "INSERT INTO projection (site_id, kind, id, version, sealed) VALUES (%s, %s, %s, 1, %s)",
        (desk.site, ERASED, id, sealed),
    )


async def links_of(desk: Desk) -> dict[RecordKey, Link]:
    """The sessions of erased vehicles, by the records of their entry and exit."""
    rows = await desk.tx.execute(
        "SELECT id, sealed FROM projection WHERE site_id = %s AND kind = %s", (desk.site, ERASED)
    )
    found: dict[RecordKey, Link] = {}
    keys = await desk.day_keys()
    for id, sealed in await rows.fetchall():
        key = keys.get(key_id(bytes(sealed)))
        if key is None:
            continue  # its time is over, and its records' too
        stored = documents.from_bytes(_Links, open_sealed(key, bytes(sealed), _context(desk, id)))
        for link in stored.links:
            found |= {one: link for one in (link.entry, link.exit) if one is not None}
    return found


def _context(desk: Desk, id: UUID) -> Context:
    return Context(tenant=desk.tenant, table="projection", column="sealed", row=id.bytes)
