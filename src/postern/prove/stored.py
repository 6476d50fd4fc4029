"""Every sealed field that a hub has stored, with the key and the place that open it: read past the program,
as whoever has the database and every key would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from postern import documents
from postern.attendance.periods import PeriodEntry
from postern.errors import CannotOpen
from postern.ids import AgentId, SiteId, TenantId
from postern.journal import leaves
from postern.journal.leaves import Row
from postern.journal.store import ROW
from postern.operations.attendance.closed import closed_context
from postern.operations.attendance.rows import MONTHS
from postern.operations.parking.receipts import _Whose
from postern.operations.parking.rows import BEGINNINGS, _StoredBeginning
from postern.operations.presence.rows import CALLS, KNOWN
from postern.postgres.pool import Database, Transaction
from postern.records.model import RecordKey
from postern.sealing.envelope import Context, Key, key_id, open_sealed
from postern.sealing.keyring import Keyring, Purpose
from postern.sealing.tags import DAY_TAG_BYTES

BY_PURPOSE_KEY: Mapping[str, tuple[str, str, str]] = {
    "tenant": ("sites", "id", "sealed"),
    "site": ("sites", "id", "sealed"),
    "area": ("sites", "id", "sealed"),
    "door": ("sites", "id", "sealed"),
    "access_point": ("sites", "id", "sealed"),
    "reader": ("sites", "id", "sealed"),
    "access_level": ("access", "id", "sealed"),
    "schedule": ("access", "id", "sealed"),
    "alarm_note": ("alarms", "alarm_id", "sealed"),
    "command": ("commands", "id", "sealed"),
    "operator": ("operators", "id", "secrets"),
    "approval": ("approvals", "id", "sealed"),
    "insider_alarm": ("insider-alarms", "id", "sealed"),
    "sign_in_attempt": ("sign-ins", "id", "sealed"),
    "provider_link": ("provider-links", "operator_id", "sealed"),
    "api_key": ("api-keys", "id", "sealed"),
    "retention": ("retention", "id", "sealed"),
    "retention_report": ("retention", "id", "sealed"),
    "erasure": ("erasures", "id", "sealed"),
    "kiosk": ("sites", "id", "sealed"),
    "lockdown": ("presence", "site_id", "sealed"),
    "muster_code": ("presence", "site_id", "sealed"),
    "visit_rules": ("sites", "id", "sealed"),
    "visit_terms": ("sites", "id", "sealed"),
    "site_profile": ("privacy", "id", "sealed"),
    "privacy_document": ("privacy", "id", "sealed"),
    "parking_permit": ("parking", "id", "sealed"),
    "parking_merchant": ("parking", "id", "sealed"),
    "attendance_site": ("attendance", "site_id", "sealed"),
    "attendance_roster": ("attendance", "id", "sealed"),
    "attendance_period": ("attendance", "(site_id::bigint << 32) | number", "sealed"),
    "operator_person": ("operators", "operator_id", "sealed"),
    "team": ("personnel", "id", "sealed"),
    "contractor": ("personnel", "id", "sealed"),
    "ledger": ("parking", "movement", "sealed"),
    "payment_attempt": ("payments", "id", "sealed"),
    "payment_link": ("payments", "digest", "sealed"),
}
"""Table: the purpose key, the column whose value binds the field to its row, and the sealed column."""

BY_SUBJECT_KEY: Mapping[str, tuple[Purpose, str, str]] = {
    "person": (Purpose.IDENTITY, "id", "id"),
    "vehicle": (Purpose.IDENTITY, "id", "id"),
    "visit": (Purpose.IDENTITY, "id", "id"),
    "visit_letter": (Purpose.IDENTITY, "visit_id", "id"),
    "visit_reference": (Purpose.FACE, "visit_id", "id"),
    "holding": (Purpose.IDENTITY, "subject_id", "subject_id"),
    "consent": (Purpose.IDENTITY, "person_id", "id"),
    "reference": (Purpose.FACE, "person_id", "id"),
    "member": (Purpose.IDENTITY, "person_id", "person_id"),
    "member_link": (Purpose.IDENTITY, "person_id", "id"),
    "member_login": (Purpose.IDENTITY, "person_id", "id"),
    "member_request": (Purpose.IDENTITY, "person_id", "id"),
    "employment": (Purpose.IDENTITY, "person_id", "person_id"),
    "attendance_assignment": (Purpose.IDENTITY, "person_id", "person_id"),
}
"""Table: the subject key's purpose, the column that says whose, and the one that binds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One sealed field of one row. `key` is None where nobody holds it (any more)."""

    table: str
    column: str
    context: Context
    key: Key | None
    sealed: bytes

    def opened(self) -> bytes | None:
        """The plaintext, or None: its key is gone, or it is not what was stored there."""
        if self.key is None:
            return None
        try:
            return open_sealed(self.key, self.sealed, self.context)
        except CannotOpen:
            return None


async def fields(owner: Database, keyring: Keyring, tenant: TenantId) -> list[Field]:
    """Every sealed field of the tenant; the archive's inner fields under their own name, "record.subject"."""
    found: list[Field] = []
    async with owner.transaction() as tx:
        for table, (purpose, bound, column) in BY_PURPOSE_KEY.items():
            key = await keyring.purpose_key(tenant, purpose)
            for id, sealed in await _rows(tx, table, bound, column):
                row = _place(id)
                context = Context(tenant=tenant, table=table, column=column, row=row)
                found.append(Field(table=table, column=column, context=context, key=key, sealed=sealed))
        subjects = await _subjects(tx)
        for table, (kind, whose, bound) in BY_SUBJECT_KEY.items():
            keys = await keyring.subject_keys(tenant, subjects, kind)
            query = sql.SQL("SELECT {}, {}, sealed FROM {}")
            cursor = await tx.execute(query.format(*map(sql.Identifier, (whose, bound, table))))
            for subject, id, sealed in await cursor.fetchall():
                context = Context(tenant=tenant, table=table, column="sealed", row=id.bytes)
                found.append(
                    Field(
                        table=table,
                        column="sealed",
                        context=context,
                        key=keys.get(subject),
                        sealed=bytes(sealed),
                    )
                )
        found += await _journal(tx, keyring, tenant)
        found += await _receipts(tx, keyring, tenant, subjects)
        found += await _closed_hours(tx, keyring, tenant)
        found += await _projections(tx, keyring, tenant, subjects)
        for table in ("record", "record_quarantine"):
            found += await _records(tx, keyring, tenant, table, subjects)
    return found


async def _rows(
    tx: Transaction, table: str, bound: str, column: str
) -> list[tuple[UUID | int | bytes, bytes]]:
    # What binds it may be put together of two columns.
    query = sql.SQL("SELECT {}, {} FROM {}").format(sql.SQL(bound), *map(sql.Identifier, (column, table)))
    cursor = await tx.execute(query)
    return [(id, bytes(sealed)) for id, sealed in await cursor.fetchall()]


def _place(id: UUID | int | bytes) -> bytes:
    if isinstance(id, bytes):
        return id
    return id.bytes if isinstance(id, UUID) else UUID(int=id).bytes


async def _subjects(tx: Transaction) -> list[UUID]:
    """Everybody that any row names, erased or not."""
    found: set[UUID] = set()
    for table, (_, whose, _bound) in BY_SUBJECT_KEY.items():
        query = sql.SQL("SELECT DISTINCT {} FROM {}").format(sql.Identifier(whose), sql.Identifier(table))
        cursor = await tx.execute(query)
        found |= {subject for (subject,) in await cursor.fetchall()}
    return sorted(found)


async def _journal(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[Field]:
    key = await keyring.purpose_key(tenant, "journal")
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(f"SELECT {ROW} FROM journal_entry WHERE tenant_id = %s", (tenant,))  # noqa: S608 - a constant
        rows = await cursor.fetchall()
    return [
        Field(
            table="journal_entry",
            column="sealed",
            context=leaves._context(tenant, leaves._clear(tenant, row)),
            key=key,
            sealed=row.sealed,
        )
        for row in rows
    ]


async def _receipts(
    tx: Transaction, keyring: Keyring, tenant: TenantId, subjects: Iterable[UUID]
) -> list[Field]:
    """Each under its vehicle's statutory key, or under the garage's; `whose` tells which to ask for."""
    by_id = {key.id: key for key in [await keyring.purpose_key(tenant, "parking")]}

    def at(id: UUID, column: str, sealed: bytes) -> Field:
        context = Context(tenant=tenant, table="parking_receipt", column=column, row=id.bytes)
        key = by_id.get(key_id(sealed))
        return Field(table="parking_receipt", column=column, context=context, key=key, sealed=sealed)

    rows = await (await tx.execute("SELECT id, whose, sealed FROM parking_receipt")).fetchall()
    whose = [at(id, "whose", bytes(sealed)) for id, sealed, _ in rows]
    named = [documents.from_bytes(_Whose, opened).vehicle for one in whose if (opened := one.opened())]
    asked = {*subjects, *(vehicle for vehicle in named if vehicle is not None)}
    statutory = await keyring.subject_keys(tenant, sorted(asked), Purpose.STATUTORY)
    by_id |= {key.id: key for key in statutory.values()}
    return [*whose, *(at(id, "sealed", bytes(sealed)) for id, _, sealed in rows)]


async def _closed_hours(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[Field]:
    """Each under its person's statutory key; who was in it, the entry of its period says."""
    key = await keyring.purpose_key(tenant, "attendance")
    people: set[UUID] = set()
    rows = await (await tx.execute("SELECT site_id, number, sealed FROM attendance_period")).fetchall()
    for site, number, sealed in rows:
        row = UUID(int=site << 32 | number).bytes
        context = Context(tenant=tenant, table="attendance_period", column="sealed", row=row)
        people |= set(documents.from_bytes(PeriodEntry, open_sealed(key, bytes(sealed), context)).people)
    statutory = await keyring.subject_keys(tenant, sorted(people), Purpose.STATUTORY)
    by_id = {one.id: one for one in statutory.values()}
    rows = await (await tx.execute("SELECT id, sealed FROM attendance_closed")).fetchall()
    return [
        Field(
            table="attendance_closed",
            column="sealed",
            context=closed_context(tenant, id),
            key=by_id.get(key_id(bytes(sealed))),
            sealed=bytes(sealed),
        )
        for id, sealed in rows
    ]


async def _projections(
    tx: Transaction, keyring: Keyring, tenant: TenantId, subjects: Iterable[UUID]
) -> list[Field]:
    """Sessions, cases and beginnings of days, under the key of a site's day; who it was, in "who"."""
    rows = await (await tx.execute("SELECT site_id, kind, id, sealed FROM projection")).fetchall()
    sites = sorted({SiteId(row[0]) for row in rows})
    days = await keyring.site_day_keys(sites, first=date(2000, 1, 1), last=date(2099, 1, 1))
    movements = await keyring.subject_keys(tenant, list(subjects), Purpose.MOVEMENT)
    by_id = {key.id: key for key in (*days.values(), *movements.values())}
    found = []
    for _, kind, id, sealed in rows:
        outer = _at(tenant, id, "sealed", bytes(sealed), by_id)
        if kind in (KNOWN, CALLS, MONTHS):
            found += _whereabouts(outer, by_id) if kind == KNOWN else [outer]
            continue
        found += _of_a_beginning(tenant, outer, by_id) if kind == BEGINNINGS else _kept(outer, by_id)
    return found


def _at(tenant: int, id: UUID, column: str, sealed: bytes, by_id: Mapping[bytes, Key]) -> Field:
    context = Context(tenant=tenant, table="projection", column=column, row=id.bytes)
    key = by_id.get(key_id(sealed))
    return Field(table="projection", column=column, context=context, key=key, sealed=sealed)


def _kept(outer: Field, by_id: Mapping[bytes, Key]) -> list[Field]:
    """A session or a case, and who it was."""
    plaintext = outer.opened() or b""
    who = plaintext[4 + int.from_bytes(plaintext[:4]) + DAY_TAG_BYTES :]
    id = UUID(bytes=outer.context.row)
    return [outer, *([_at(outer.context.tenant, id, "who", who, by_id)] if who else [])]


def _whereabouts(outer: Field, by_id: Mapping[bytes, Key]) -> list[Field]:
    """What is known of somebody's whereabouts, and around it whose it is."""
    who = (outer.opened() or b"")[DAY_TAG_BYTES:]
    id = UUID(bytes=outer.context.row)
    return [outer, *([_at(outer.context.tenant, id, "who", who, by_id)] if who else [])]


def _of_a_beginning(tenant: TenantId, outer: Field, by_id: Mapping[bytes, Key]) -> list[Field]:
    """The beginning of a day, and every session and case in it."""
    opened = outer.opened()
    stored = documents.from_bytes(_StoredBeginning, opened) if opened is not None else None
    within = (*stored.sessions, *stored.cases) if stored is not None else ()
    places = [_at(tenant, one.id, "sealed", one.sealed, by_id) for one in within]
    return [outer, *(field for one in places for field in _kept(one, by_id))]


async def _records(
    tx: Transaction, keyring: Keyring, tenant: TenantId, table: str, subjects: Iterable[UUID]
) -> list[Field]:
    query = sql.SQL("SELECT site_id, day, agent_id, seq, sealed FROM {}").format(sql.Identifier(table))
    rows = await (await tx.execute(query)).fetchall()
    sites = sorted({SiteId(row[0]) for row in rows})
    days = await keyring.site_day_keys(sites, first=date(2000, 1, 1), last=date(2099, 1, 1))
    movements = await keyring.subject_keys(tenant, list(subjects), Purpose.MOVEMENT)
    by_id = {key.id: key for key in movements.values()}
    found = []
    for site, day, agent, seq, sealed in rows:
        key = RecordKey(site=SiteId(site), day=day, agent=AgentId(agent), seq=seq)
        outer = Field(
            table=table,
            column="sealed",
            context=Context(tenant=tenant, table="record", column="sealed", row=key.to_bytes()),
            key=days.get((SiteId(site), day)),
            sealed=bytes(sealed),
        )
        found.append(outer)
        inner = inner_of(outer)
        if inner:
            context = Context(tenant=tenant, table="record", column="subject", row=key.to_bytes())
            found.append(
                Field(table=table, column="subject", context=context, key=by_id.get(inner[1:9]), sealed=inner)
            )
    return found


def inner_of(outer: Field) -> bytes:
    """What a record holds under its subject's own key."""
    plaintext = outer.opened()
    if plaintext is None:
        return b""
    return plaintext[2 + int.from_bytes(plaintext[:2]) :]


async def every_plaintext(
    owner: Database, keyring: Keyring, tenant: TenantId
) -> AsyncIterator[tuple[Field, bytes]]:
    """Whatever opens with every key that the keyring gives out."""
    for field in await fields(owner, keyring, tenant):
        plaintext = field.opened()
        if plaintext is not None:
            yield field, plaintext
