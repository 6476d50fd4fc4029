"""Hours in the database: settings, attendance points, rosters, cursors, closed periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from postern import documents
from postern import sealed_rows as rows
from postern.attendance.model import Direction
from postern.attendance.periods import PeriodEntry
from postern.attendance.settings import (
    Assignment,
    AttendancePoint,
    AttendanceSettings,
    RosterKept,
)
from postern.errors import Conflict, NotFound
from postern.ids import AccessPointId, AgentId, PersonId, SiteId, TenantId
from postern.people.store import PERSON
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sealing.keyring import Keyring, Purpose

ROSTER = Table(name="attendance_roster", thing="roster", scope="site_id")
ASSIGNMENT = Table(name="attendance_assignment", thing="assignment", id="person_id")
PURPOSE = "attendance"
"""The purpose key of settings, rosters and of what is said of closed periods."""


async def settings(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, *, lock: bool = False
) -> AttendanceSettings:
    """The site's; with `lock`, nobody else writes its books until `tx` ends. NotFound for one without."""
    cursor = await tx.execute(
        "SELECT version, sealed FROM attendance_site"  # noqa: S608 - ours
        f" WHERE site_id = %s{' FOR UPDATE' if lock else ''}",
        (site,),
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("no hours are kept at this site; set its attendance up first")
    key = await keyring.purpose_key(tenant, PURPOSE)
    opened = open_sealed(key, bytes(found[1]), _context(tenant, "attendance_site", site))
    return replace(documents.from_bytes(AttendanceSettings, opened), version=found[0])


async def attendance_sites(tx: Transaction) -> list[SiteId]:
    """The sites of the tenant at which hours are kept."""
    cursor = await tx.execute("SELECT site_id FROM attendance_site ORDER BY site_id")
    return [SiteId(site) for (site,) in await cursor.fetchall()]


async def put_settings(
    tx: Transaction, keyring: Keyring, tenant: TenantId, wanted: AttendanceSettings
) -> AttendanceSettings:
    """Keep hours at the site from now on (version 0), or change how. Conflict when somebody was faster."""
    new = replace(wanted, version=wanted.version + 1)
    key = await keyring.purpose_key(tenant, PURPOSE)
    context = _context(tenant, "attendance_site", new.site)
    cursor = await tx.execute(
        "INSERT INTO attendance_site AS a (site_id, version, sealed) VALUES (%s, %s, %s)"
        " ON CONFLICT (site_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed"
        " WHERE a.version = %s",
        (new.site, new.version, seal(key, documents.to_bytes(new), context), wanted.version),
    )
    if cursor.rowcount != 1:
        raise Conflict("how hours are kept here was changed meanwhile; reload it and try again")
    return new


async def points(tx: Transaction, site: SiteId) -> tuple[AttendancePoint, ...]:
    """The site's attendance points."""
    cursor = await tx.execute(
        "SELECT access_point, direction FROM attendance_point WHERE site_id = %s ORDER BY access_point",
        (site,),
    )
    return tuple(
        AttendancePoint(access_point=AccessPointId(point), direction=Direction(direction))
        for point, direction in await cursor.fetchall()
    )


async def put_points(tx: Transaction, site: SiteId, wanted: Sequence[AttendancePoint]) -> None:
    """Exactly these from now on. NotFound for a site at which no hours are kept."""
    await tx.execute("DELETE FROM attendance_point WHERE site_id = %s", (site,))
    try:
        async with tx.transaction(), tx.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO attendance_point (site_id, access_point, direction) VALUES (%s, %s, %s)",
                [(site, one.access_point, one.direction.value) for one in wanted],
            )
    except ForeignKeyViolation as fault:
        raise NotFound("no hours are kept at this site; set its attendance up first") from fault
    except UniqueViolation as fault:
        raise Conflict("an access point stands there twice; name each one once") from fault


async def rosters(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId
) -> tuple[RosterKept, ...]:
    """The site's rosters, by name."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = [
        replace(rows.open_document(key, tenant, ROSTER, row, RosterKept), version=row.version)
        for row in await rows.many(tx, ROSTER, site)
    ]
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))


async def put_roster(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, one: RosterKept
) -> RosterKept:
    """Add a roster (version 0) or change one. Conflict when somebody else was faster."""
    new = replace(one, version=one.version + 1)
    key = await keyring.purpose_key(tenant, PURPOSE)
    row = Row(
        scope=site,
        id=one.id,
        version=new.version,
        sealed=rows.seal_document(key, tenant, ROSTER, one.id, new),
    )
    await (rows.insert if one.version == 0 else rows.update)(tx, ROSTER, row)
    return new


async def assignment(tx: Transaction, keyring: Keyring, tenant: TenantId, person: PersonId) -> Assignment:
    """The person's; empty (version 0) when nothing was stored. NotFound without the person."""
    try:
        row = await rows.one(tx, ASSIGNMENT, tenant, person)
    except NotFound:
        await rows.one(tx, PERSON, tenant, person)
        return Assignment(person=person)
    return (await _opened(keyring, tenant, [row]))[person]


async def put_assignment(
    tx: Transaction, keyring: Keyring, tenant: TenantId, changed: Assignment
) -> Assignment:
    """Store what was read at `changed.version`, changed. Conflict when it is stale."""
    stored = replace(changed, version=changed.version + 1)
    key = await keyring.subject_key(tenant, stored.person, Purpose.IDENTITY)
    sealed = rows.seal_document(key, tenant, ASSIGNMENT, stored.person, stored)
    row = Row(scope=tenant, id=stored.person, version=stored.version, sealed=sealed)
    await (rows.insert if changed.version == 0 else rows.update)(tx, ASSIGNMENT, row)
    return stored


async def add_assignments(
    tx: Transaction, keyring: Keyring, tenant: TenantId, fresh: Sequence[Assignment]
) -> None:
    """Store those of many people who have none."""
    keys = await keyring.subject_keys(tenant, [one.person for one in fresh], Purpose.IDENTITY)
    made = [
        Row(
            scope=tenant,
            id=one.person,
            version=1,
            sealed=rows.seal_document(keys[one.person], tenant, ASSIGNMENT, one.person, one),
        )
        for one in (replace(each, version=1) for each in fresh)
    ]
    await rows.insert_all(tx, ASSIGNMENT, made)


async def remove_assignment(tx: Transaction, tenant: TenantId, person: PersonId) -> None:
    """The person works by no roster any more, whether they did or not."""
    await rows.take_hold(tx, ASSIGNMENT, tenant, person)
    await tx.execute(
        "DELETE FROM attendance_assignment WHERE tenant_id = %s AND person_id = %s", (tenant, person)
    )


class OpenAssignments:
    """The tenant's assignments, open in memory: for the months of a whole team."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Assignment] = OpenedRows(ASSIGNMENT)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Assignment]:
        """Everybody's whose key is not destroyed, by person."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Assignment]:
            return await _opened(self._keyring, tenant, changed)

        return await self._rows.current(tx, tenant, opener)


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Assignment]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Assignment]:
        return {
            row.id: replace(
                rows.open_document(keys[row.id], tenant, ASSIGNMENT, row, Assignment), version=row.version
            )
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def cursors(tx: Transaction, site: SiteId) -> dict[AgentId, Cursor]:
    """How far the books have come with each agent."""
    cursor = await tx.execute(
        "SELECT agent_id, upto, missing FROM attendance_cursor WHERE site_id = %s", (site,)
    )
    return {
        AgentId(agent): Cursor(agent=AgentId(agent), upto=upto, missing=tuple(missing))
        for agent, upto, missing in await cursor.fetchall()
    }


async def put_cursors(tx: Transaction, site: SiteId, moved: Sequence[Cursor]) -> None:
    """The books have come so far: in the very transaction in which they are written."""
    statement = (
        "INSERT INTO attendance_cursor (site_id, agent_id, upto, missing) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (site_id, agent_id) DO UPDATE SET upto = excluded.upto, missing = excluded.missing"
    )
    for one in moved:
        await tx.execute(statement, (site, one.agent, one.upto, list(one.missing)))


async def hub_is_behind(tx: Transaction, site: SiteId) -> bool:
    """Whether the hub itself recorded something that the books have not taken in."""
    cursor = await tx.execute(
        "SELECT EXISTS (SELECT 1 FROM hub_recorder h"
        " LEFT JOIN attendance_cursor c USING (site_id, agent_id)"
        " WHERE h.site_id = %s AND h.seq > coalesce(c.upto, 0))",
        (site,),
    )
    found = await cursor.fetchone()
    return bool(found and found[0])


async def begin_now(tx: Transaction, site: SiteId) -> None:
    """The books pass over all that was recorded so far."""
    await tx.execute(
        "INSERT INTO attendance_cursor (site_id, agent_id, upto)"
        " SELECT site_id, agent_id, highest_seq FROM record_progress WHERE site_id = %s"
        " ON CONFLICT (site_id, agent_id) DO NOTHING",
        (site,),
    )


async def is_behind(tx: Transaction, site: SiteId) -> bool:
    """Whether some agent's records have come further than the books, or numbers may still come."""
    cursor = await tx.execute(
        "SELECT EXISTS (SELECT 1 FROM record_progress p"
        " LEFT JOIN attendance_cursor c USING (site_id, agent_id) WHERE p.site_id = %s"
        " AND (p.highest_seq > coalesce(c.upto, 0) OR cardinality(c.missing) > 0))",
        (site,),
    )
    found = await cursor.fetchone()
    return bool(found and found[0])


async def period_entries(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId
) -> tuple[PeriodEntry, ...]:
    """Every entry about closed periods, in the order of their numbers."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    cursor = await tx.execute(
        "SELECT number, sealed FROM attendance_period WHERE site_id = %s ORDER BY number", (site,)
    )
    return tuple(
        documents.from_bytes(
            PeriodEntry, open_sealed(key, bytes(sealed), _period_context(tenant, site, number))
        )
        for number, sealed in await cursor.fetchall()
    )


async def add_period_entry(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, one: PeriodEntry
) -> None:
    """Add an entry. Conflict when its number is taken."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = seal(key, documents.to_bytes(one), _period_context(tenant, site, one.number))
    cursor = await tx.execute(
        "INSERT INTO attendance_period (site_id, number, sealed) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (site, one.number, sealed),
    )
    if cursor.rowcount != 1:
        raise Conflict("another period was closed or opened meanwhile; reload and look")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedRow:
    """Somebody's hours of a closed period as stored."""

    id: UUID
    sealed: bytes


async def add_closed(tx: Transaction, site: SiteId, made: Sequence[ClosedRow]) -> None:
    """Keep them for good; what is there already stays as it is."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO attendance_closed (site_id, id, sealed) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(site, one.id, one.sealed) for one in made],
        )


async def closed_rows(tx: Transaction, site: SiteId, ids: Sequence[UUID]) -> list[ClosedRow]:
    """Those of `ids` that are there."""
    cursor = await tx.execute(
        "SELECT id, sealed FROM attendance_closed WHERE site_id = %s AND id = ANY(%s)", (site, list(ids))
    )
    return [ClosedRow(id=id, sealed=bytes(sealed)) for id, sealed in await cursor.fetchall()]


def _period_context(tenant: TenantId, site: SiteId, number: int) -> Context:
    row = UUID(int=site << 32 | number)
    return Context(tenant=tenant, table="attendance_period", column="sealed", row=row.bytes)


def _context(tenant: TenantId, table: str, row: int) -> Context:
    return Context(tenant=tenant, table=table, column="sealed", row=UUID(int=row).bytes)
