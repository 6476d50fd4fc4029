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
from postern.row_marks import MarkingKeyring
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.keyring import Purpose
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


async def add(tx: Transaction, keyring: MarkingKeyring, rule: Rule) -> None:
    """Store a new access level or schedule."""
    row = await _rule_row(keyring, rule)
    await rows.insert(tx, _TABLES[type(rule)], row)
    await rows.note(keyring, rule.tenant, _TABLES[type(rule)], [row])


async def change(tx: Transaction, keyring: MarkingKeyring, rule: R) -> R:
    """Replace the one of that version; returns it with the next. Conflict when it is stale."""
    changed = replace(rule, version=rule.version + 1)
    row = await _rule_row(keyring, changed)
    await rows.update(tx, _TABLES[type(rule)], row)
    await rows.note(keyring, rule.tenant, _TABLES[type(rule)], [row])
    return changed


async def remove(tx: Transaction, keyring: MarkingKeyring, rule: Rule) -> None:
    """Remove it. Raises NotFound."""
    await rows.delete(tx, _TABLES[type(rule)], rule.tenant, rule.id)
    await keyring.marks.forget(rule.tenant, _TABLES[type(rule)].name, [rule.id])


async def rules(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, kind: type[R]) -> list[R]:
    """Every access level or schedule of the tenant, by name. One that is not in force is none."""
    key = await keyring.purpose_key(tenant, "access")
    table = _TABLES[kind]
    stored = await rows.in_force(keyring, tenant, table, await rows.many(tx, table, tenant))
    found = [rows.open_document(key, tenant, table, row, kind) for row in stored]
    return sorted(found, key=lambda one: one.name)


async def rule(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: AccessLevelId | ScheduleId, kind: type[R]
) -> R:
    """One of them. Raises NotFound, or NotInForce."""
    row = await rows.one(tx, _TABLES[kind], tenant, id)
    await rows.require_in_force(keyring, tenant, _TABLES[kind], [row])
    return rows.open_document(await keyring.purpose_key(tenant, "access"), tenant, _TABLES[kind], row, kind)


async def _rule_row(keyring: MarkingKeyring, rule: Rule) -> Row:
    key = await keyring.purpose_key(rule.tenant, "access")
    sealed = rows.seal_document(key, rule.tenant, _TABLES[type(rule)], rule.id, rule)
    return Row(scope=rule.tenant, id=rule.id, version=rule.version, sealed=sealed)


async def holding(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, subject: UUID, kind: SubjectKind
) -> Holding:
    """What the subject holds; empty (version 0) when nothing was given yet. NotFound without a subject,
    NotInForce when the row is not as it was written here last."""
    try:
        row = await rows.one(tx, HOLDING, tenant, subject)
    except NotFound:
        await rows.one(tx, _REGISTERED[kind], tenant, subject)
        return Holding(subject=subject, kind=kind)
    await rows.require_in_force(keyring, tenant, HOLDING, [row])
    return (await _opened(keyring, tenant, [row]))[subject]


async def put_holding(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, changed: Holding
) -> Holding:
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
    await rows.note(keyring, tenant, HOLDING, [row])
    await indexes.put(tx, keyring, HOLDING_INDEX, tenant, owner=stored.subject, values=_values(stored))
    return stored


async def several_holdings(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, subjects: Sequence[UUID]
) -> Mapping[UUID, Holding]:
    """What those of `subjects` hold who were given anything and whose key is not destroyed. NotInForce when
    a row is not as it was written here last."""
    stored = await rows.many(tx, HOLDING, tenant, subjects)
    await rows.require_in_force(keyring, tenant, HOLDING, stored)
    return await _opened(keyring, tenant, stored)


async def put_holdings(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, changed: Sequence[Holding]
) -> None:
    """Store what many subjects hold, each as `put_holding` does. Conflict as there, and then `tx` is to be
    undone."""
    keys = await keyring.subject_keys(tenant, [one.subject for one in changed], Purpose.IDENTITY)
    stored = [replace(one, version=one.version + 1) for one in changed]

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

    made = await rows.off_the_loop(sealed, stored)
    await rows.put_all(tx, HOLDING, made)
    await rows.note(keyring, tenant, HOLDING, made)
    found_by = {one.subject: _values(one) for one in stored}
    await indexes.put_all(tx, keyring, HOLDING_INDEX, tenant, found_by)


async def remove_holding(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, subject: UUID) -> None:
    """The subject holds nothing any more, whether it did or not."""
    await rows.take_hold(tx, HOLDING, tenant, subject)
    await indexes.drop(tx, HOLDING_INDEX, tenant, subject)
    await tx.execute("DELETE FROM holding WHERE tenant_id = %s AND subject_id = %s", (tenant, subject))
    await keyring.marks.forget(tenant, HOLDING.name, [subject])


class OpenHoldings:
    """The tenant's holdings, open in memory: for lists and for publishing policies."""

    def __init__(self, keyring: MarkingKeyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Holding] = OpenedRows(HOLDING)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Holding]:
        """Every holding in force whose subject's key is not destroyed, by subject."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Holding]:
            good = await rows.in_force(self._keyring, tenant, HOLDING, changed)
            return await _opened(self._keyring, tenant, good)

        return await self._rows.current(tx, tenant, opener)


async def _opened(keyring: MarkingKeyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Holding]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Holding]:
        return {
            row.id: rows.open_document(keys[row.id], tenant, HOLDING, row, Holding)
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def find_by_credential(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, credential: Credential
) -> UUID | None:
    """Who holds that card, QR code or keypad number, or None."""
    value = _value(credential.kind, credential.value)
    return await indexes.find(tx, keyring, HOLDING_INDEX, tenant, value)


async def find_all_by_card(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, numbers: Iterable[str]
) -> dict[str, UUID]:
    """Who holds each of the cards; one that nobody holds is absent."""
    values = {number: _value(CredentialKind.CARD, number) for number in numbers}
    found = await indexes.find_all(tx, keyring, HOLDING_INDEX, tenant, list(values.values()))
    return {number: found[value] for number, value in values.items() if value in found}


async def found_by(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, subjects: Sequence[UUID]
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
