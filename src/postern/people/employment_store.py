"""Employments in the database, one sealed document a person; teams and contractors beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import NotFound
from postern.ids import ContractorId, PersonId, TeamId, TenantId
from postern.people.employment import Contractor, Employments, Team
from postern.people.store import PERSON
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.keyring import Keyring, Purpose

EMPLOYMENT = Table(name="employment", thing="employment", id="person_id")
TEAM = Table(name="team", thing="team")
CONTRACTOR = Table(name="contractor", thing="contractor")

Unit = Team | Contractor
U = TypeVar("U", Team, Contractor)
_TABLES: dict[type[Unit], Table] = {Team: TEAM, Contractor: CONTRACTOR}


async def employments(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, person: PersonId
) -> Employments:
    """The person's; none (version 0) when nothing was stored yet. NotFound without the person, NotInForce
    when the row is not as it was written here last."""
    try:
        row = await rows.one(tx, EMPLOYMENT, tenant, person)
    except NotFound:
        await rows.one(tx, PERSON, tenant, person)
        return Employments(person=person)
    await rows.require_in_force(keyring, tenant, EMPLOYMENT, [row])
    return (await _opened(keyring, tenant, [row]))[person]


async def put(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, changed: Employments
) -> Employments:
    """Store what was read at `changed.version`, changed; returns it with the next. Conflict when stale."""
    stored = replace(changed, version=changed.version + 1)
    key = await keyring.subject_key(tenant, stored.person, Purpose.IDENTITY)
    sealed = rows.seal_document(key, tenant, EMPLOYMENT, stored.person, stored)
    row = Row(scope=tenant, id=stored.person, version=stored.version, sealed=sealed)
    if changed.version == 0:
        await rows.insert(tx, EMPLOYMENT, row)
    else:
        await rows.update(tx, EMPLOYMENT, row)
    await rows.note(keyring, tenant, EMPLOYMENT, [row])
    return stored


async def several(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, people: Sequence[UUID]
) -> Mapping[UUID, Employments]:
    """Those of `people` for whom some are stored and whose key is not destroyed. NotInForce when a row is
    not as it was written here last."""
    stored = await rows.many(tx, EMPLOYMENT, tenant, people)
    await rows.require_in_force(keyring, tenant, EMPLOYMENT, stored)
    return await _opened(keyring, tenant, stored)


async def put_all(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, changed: Sequence[Employments]
) -> None:
    """Store those of many people at once, each as `put` does. Conflict when one is stale, and then `tx` is to
    be undone."""
    keys = await keyring.subject_keys(tenant, [one.person for one in changed], Purpose.IDENTITY)
    stored = [replace(one, version=one.version + 1) for one in changed]

    def sealed(stored: Sequence[Employments]) -> list[Row]:
        return [
            Row(
                scope=tenant,
                id=one.person,
                version=one.version,
                sealed=rows.seal_document(keys[one.person], tenant, EMPLOYMENT, one.person, one),
            )
            for one in stored
        ]

    made = await rows.off_the_loop(sealed, stored)
    await rows.put_all(tx, EMPLOYMENT, made)
    await rows.note(keyring, tenant, EMPLOYMENT, made)


async def remove(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, person: PersonId) -> None:
    """The person has no employment any more, whether they had or not."""
    await rows.take_hold(tx, EMPLOYMENT, tenant, person)
    await tx.execute("DELETE FROM employment WHERE tenant_id = %s AND person_id = %s", (tenant, person))
    await keyring.marks.forget(tenant, EMPLOYMENT.name, [person])


class OpenEmployments:
    """The tenant's employments, open in memory: for policies, teams and hours."""

    def __init__(self, keyring: MarkingKeyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Employments] = OpenedRows(EMPLOYMENT)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Employments]:
        """Everybody's in force whose key is not destroyed, by person."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Employments]:
            good = await rows.in_force(self._keyring, tenant, EMPLOYMENT, changed)
            return await _opened(self._keyring, tenant, good)

        return await self._rows.current(tx, tenant, opener)

    async def doubtful(self, tx: Transaction, tenant: TenantId) -> frozenset[UUID]:
        """Who has, or had, a row that does not say now until when they are employed."""
        known = await self._keyring.marks.seen(tenant, EMPLOYMENT.name)
        stored = await rows.versions(tx, EMPLOYMENT, tenant)
        return (known | stored.keys()) - (await self.all(tx, tenant)).keys()


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Employments]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Employments]:
        return {
            row.id: rows.open_document(keys[row.id], tenant, EMPLOYMENT, row, Employments)
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def add_unit(tx: Transaction, keyring: Keyring, unit: Unit) -> None:
    """Store a new team or contractor."""
    await rows.insert(tx, _TABLES[type(unit)], await _unit_row(keyring, unit))


async def change_unit(tx: Transaction, keyring: Keyring, unit: U) -> U:
    """Replace the one of that version; returns it with the next. Conflict when it is stale."""
    changed = replace(unit, version=unit.version + 1)
    await rows.update(tx, _TABLES[type(unit)], await _unit_row(keyring, changed))
    return changed


async def remove_unit(tx: Transaction, unit: Unit) -> None:
    """Remove it. Raises NotFound."""
    await rows.delete(tx, _TABLES[type(unit)], unit.tenant, unit.id)


async def units(tx: Transaction, keyring: Keyring, tenant: TenantId, kind: type[U]) -> list[U]:
    """Every team or contractor of the tenant, by name."""
    key, table = await keyring.purpose_key(tenant, "personnel"), _TABLES[kind]
    found = [rows.open_document(key, tenant, table, row, kind) for row in await rows.many(tx, table, tenant)]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


async def unit(
    tx: Transaction, keyring: Keyring, tenant: TenantId, id: TeamId | ContractorId, kind: type[U]
) -> U:
    """One of them. Raises NotFound."""
    row = await rows.one(tx, _TABLES[kind], tenant, id)
    key = await keyring.purpose_key(tenant, "personnel")
    return rows.open_document(key, tenant, _TABLES[kind], row, kind)


async def _unit_row(keyring: Keyring, unit: Unit) -> Row:
    key = await keyring.purpose_key(unit.tenant, "personnel")
    sealed = rows.seal_document(key, unit.tenant, _TABLES[type(unit)], unit.id, unit)
    return Row(scope=unit.tenant, id=unit.id, version=unit.version, sealed=sealed)
