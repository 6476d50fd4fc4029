"""Access levels, schedules and holdings in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from postern import blind_indexes as indexes
from postern import sealed_rows as rows
from postern.access.model import AccessLevel, Credential, CredentialKind, Holding, Schedule, SubjectKind
from postern.blind_indexes import IndexTable, Value
from postern.errors import NotFound
from postern.ids import AccessLevelId, ScheduleId, TenantId
from postern.people.store import PERSON
from postern.postgres.pool import Transaction
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.keyring import Keyring, Purpose
from postern.vehicles.store import VEHICLE

LEVEL = Table(name="access_level", thing="access level")
SCHEDULE = Table(name="schedule", thing="schedule")
VISIT = Table(name="visit", thing="visit")
HOLDING = Table(name="holding", thing="holder", id="subject_id")
HOLDING_INDEX = IndexTable(name="holding_index", thing="holding", owner="subject_id")

Rule = AccessLevel | Schedule
_REGISTERED = {SubjectKind.PERSON: PERSON, SubjectKind.VEHICLE: VEHICLE, SubjectKind.VISIT: VISIT}
R = TypeVar("R", AccessLevel, Schedule)
_TABLES: dict[type[Rule], Table] = {AccessLevel: LEVEL, Schedule: SCHEDULE}

INDEXED_FIELDS = {
    CredentialKind.CARD: "card_number",
    CredentialKind.QR: "QR_code",
    CredentialKind.PIN: "keypad_number",
}


async def add(tx: Transaction, keyring: Keyring, rule: Rule) -> None:
    """Store a new access level or schedule."""
    await rows.insert(tx, _TABLES[type(rule)], await _rule_row(keyring, rule))


async def change(tx: Transaction, keyring: Keyring, rule: R) -> R:
    """Replace the one of that version; returns it with the next. Conflict when it is stale."""
    changed = replace(rule, version=rule.version + 1)
    await rows.update(tx, _TABLES[type(rule)], await _rule_row(keyring, changed))
    return changed


async def remove(tx: Transaction, rule: Rule) -> None:
    """Remove it. Raises NotFound."""
    await rows.delete(tx, _TABLES[type(rule)], rule.tenant, rule.id)


async def rules(tx: Transaction, keyring: Keyring, tenant: TenantId, kind: type[R]) -> list[R]:
    """Every access level or schedule of the tenant, by name."""
    key = await keyring.purpose_key(tenant, "access")
    table = _TABLES[kind]
    found = [rows.open_document(key, tenant, table, row, kind) for row in await rows.many(tx, table, tenant)]
    return sorted(found, key=lambda one: one.name)


async def rule(
    tx: Transaction, keyring: Keyring, tenant: TenantId, id: AccessLevelId | ScheduleId, kind: type[R]
) -> R:
    """One of them. Raises NotFound."""
    row = await rows.one(tx, _TABLES[kind], tenant, id)
    return rows.open_document(await keyring.purpose_key(tenant, "access"), tenant, _TABLES[kind], row, kind)


async def _rule_row(keyring: Keyring, rule: Rule) -> Row:
    key = await keyring.purpose_key(rule.tenant, "access")
    sealed = rows.seal_document(key, rule.tenant, _TABLES[type(rule)], rule.id, rule)
    return Row(scope=rule.tenant, id=rule.id, version=rule.version, sealed=sealed)


async def holding(
    tx: Transaction, keyring: Keyring, tenant: TenantId, subject: UUID, kind: SubjectKind
) -> Holding:
    """What the subject holds; empty (version 0) when nothing was given yet. NotFound without a subject."""
    try:
        row = await rows.one(tx, HOLDING, tenant, subject)
    except NotFound:
        await rows.one(tx, _REGISTERED[kind], tenant, subject)
        return Holding(subject=subject, kind=kind)
    return (await _opened(keyring, tenant, [row]))[subject]


async def put_holding(tx: Transaction, keyring: Keyring, tenant: TenantId, changed: Holding) -> Holding:
    """Store what was read at `changed.version`, changed; returns it with the next version.

    Conflict when it is stale, or a card, QR code or keypad number is another's already.
    """
    stored = replace(changed, version=changed.version + 1)
    key = await keyring.subject_key(tenant, stored.subject, Purpose.IDENTITY)
    sealed = rows.seal_document(key, tenant, HOLDING, stored.subject, stored)
    row = Row(scope=tenant, id=stored.subject, version=stored.version, sealed=sealed)
    if changed.version == 0:
        await rows.insert(tx, HOLDING, row)
    else:
        await rows.update(tx, HOLDING, row)
    await indexes.put(tx, keyring, HOLDING_INDEX, tenant, owner=stored.subject, values=_values(stored))
    return stored


async def add_holdings(tx: Transaction, keyring: Keyring, tenant: TenantId, fresh: Sequence[Holding]) -> None:
    """Store what many new subjects hold. Conflict as in `put_holding`, and then nothing is stored."""
    keys = await keyring.subject_keys(tenant, [one.subject for one in fresh], Purpose.IDENTITY)
    stored = [replace(one, version=1) for one in fresh]

    def sealed(stored: Sequence[Holding]) -> list[Row]:
        return [
            Row(
                scope=tenant,
                id=one.subject,
                version=one.version,
                sealed=rows.seal_document(keys[one.subject], tenant, HOLDING, one.subject, one),
            )
            for one in stored
        ]

    await rows.insert_all(tx, HOLDING, await rows.off_the_loop(sealed, stored))
    found_by = [(one.subject, value) for one in stored for value in _values(one)]
    await indexes.add(tx, keyring, HOLDING_INDEX, tenant, found_by)


async def remove_holding(tx: Transaction, tenant: TenantId, subject: UUID) -> None:
    """The subject holds nothing any more, whether it did or not."""
    await rows.take_hold(tx, HOLDING, tenant, subject)
    await indexes.drop(tx, HOLDING_INDEX, tenant, subject)
    await tx.execute("DELETE FROM holding WHERE tenant_id = %s AND subject_id = %s", (tenant, subject))


class OpenHoldings:
    """The tenant's holdings, open in memory: for lists and for publishing policies."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Holding] = OpenedRows(HOLDING)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Holding]:
        """Every holding whose subject's key is not destroyed, by subject."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Holding]:
            return await _opened(self._keyring, tenant, changed)

        return await self._rows.current(tx, tenant, opener)


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Holding]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Holding]:
        return {
            row.id: rows.open_document(keys[row.id], tenant, HOLDING, row, Holding)
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def find_by_credential(
    tx: Transaction, keyring: Keyring, tenant: TenantId, credential: Credential
) -> UUID | None:
    """Who holds that card, QR code or keypad number, or None."""
    value = _value(credential.kind, credential.value)
    return await indexes.find(tx, keyring, HOLDING_INDEX, tenant, value)


async def find_all_by_card(
    tx: Transaction, keyring: Keyring, tenant: TenantId, numbers: Iterable[str]
) -> dict[str, UUID]:
    """Who holds each of the cards; one that nobody holds is absent."""
    values = {number: _value(CredentialKind.CARD, number) for number in numbers}
    found = await indexes.find_all(tx, keyring, HOLDING_INDEX, tenant, list(values.values()))
    return {number: found[value] for number, value in values.items() if value in found}


async def found_by(
    tx: Transaction, keyring: Keyring, tenant: TenantId, subjects: Sequence[UUID]
) -> dict[UUID, list[Value]]:
    """What finds each of `subjects`, from their opened holdings, which stay so until `tx` ends; nothing finds
    one whose key is destroyed. LockNotAvailable when one is being changed."""
    held = await rows.held(tx, HOLDING, tenant, subjects)
    opened = await _opened(keyring, tenant, held)
    return {row.id: _values(opened[row.id]) if row.id in opened else [] for row in held}


def _values(held: Holding) -> list[Value]:
    return [
        _value(one.kind, one.value)
        for one in held.credentials
        if one.kind in INDEXED_FIELDS and not one.revoked
    ]


def _value(kind: CredentialKind, value: str) -> Value:
    return Value(field=INDEXED_FIELDS[kind], text=value)
