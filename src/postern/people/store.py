"""People in the database: one sealed document a row, a blind index on the two numbers, references apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern import blind_indexes as indexes
from postern import documents
from postern import sealed_rows as rows
from postern.blind_indexes import IndexTable, Value
from postern.ids import PersonId, ReferenceId, TenantId
from postern.people.model import Person, PersonDetails
from postern.postgres.pool import Transaction
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.keyring import Keyring, Purpose

PERSON = Table(name="person", thing="person")
INDEX = IndexTable(name="person_index", thing="person", owner="person_id")
MOST_PEOPLE = 50_000
"""People of one tenant whom this release keeps open in memory to find names."""


async def add(tx: Transaction, keyring: Keyring, person: Person) -> None:
    """Store a new person, whose keys exist. Conflict when a number is another's already."""
    await rows.insert(tx, PERSON, await _row(keyring, person))
    await _index(tx, keyring, person)


async def add_all(tx: Transaction, keyring: Keyring, tenant: TenantId, everyone: Sequence[Person]) -> None:
    """Store many new people of one tenant, whose keys exist. Conflict as in `add`; then nobody is."""
    await rows.insert_all(tx, PERSON, await _all_rows(keyring, tenant, everyone))
    found_by = [(person.id, value) for person in everyone for value in _values(person.details)]
    await indexes.add(tx, keyring, INDEX, tenant, found_by)


async def change_all(tx: Transaction, keyring: Keyring, tenant: TenantId, everyone: Sequence[Person]) -> None:
    """Replace many people of one tenant, each of that version. Conflict when one is stale or a number is
    another's, and then `tx` is to be undone."""
    changed = [replace(person, version=person.version + 1) for person in everyone]
    await rows.update_all(tx, PERSON, await _all_rows(keyring, tenant, changed))
    found_by: dict[UUID, list[Value]] = {person.id: _values(person.details) for person in changed}
    await indexes.put_all(tx, keyring, INDEX, tenant, found_by)


async def change(tx: Transaction, keyring: Keyring, person: Person) -> Person:
    """Replace the person of that version; returns them with the next. Conflict when stale, or NotFound."""
    changed = replace(person, version=person.version + 1)
    await rows.update(tx, PERSON, await _row(keyring, changed))
    await _index(tx, keyring, changed)
    return changed


async def remove(tx: Transaction, tenant: TenantId, id: PersonId) -> None:
    """Remove the person's row, index, references and consents. The keys are destroyed by the caller."""
    await rows.take_hold(tx, PERSON, tenant, id)
    await indexes.drop(tx, INDEX, tenant, id)
    await remove_references(tx, tenant, id)
    await tx.execute("DELETE FROM consent WHERE tenant_id = %s AND person_id = %s", (tenant, id))
    await rows.delete(tx, PERSON, tenant, id)


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, id: PersonId) -> Person:
    """The person. Raises NotFound, or KeyDestroyed after an erasure."""
    row = await rows.one(tx, PERSON, tenant, id)
    key = await keyring.subject_key(tenant, id, Purpose.IDENTITY)
    details = rows.open_document(key, tenant, PERSON, row, PersonDetails)
    return Person(id=id, tenant=tenant, version=row.version, details=details)


async def several(
    tx: Transaction, keyring: Keyring, tenant: TenantId, ids: Sequence[UUID]
) -> Mapping[UUID, Person]:
    """Those of `ids` who are there and whose key is not destroyed."""
    return await _opened(keyring, tenant, await rows.many(tx, PERSON, tenant, ids))


class OpenPeople:
    """The tenant's people, open in memory, so that a name can be found."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Person] = OpenedRows(PERSON)
        self._listed: dict[TenantId, tuple[Mapping[UUID, Person], _Listed]] = {}

    async def everyone(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Person]:
        """Every person whose key is not destroyed, by id."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Person]:
            return await _opened(self._keyring, tenant, changed)

        return await self._rows.current(tx, tenant, opener)

    async def by_name(self, tx: Transaction, tenant: TenantId, *, containing: str = "") -> list[Person]:
        """Those whose name or employee number contains the text (upper and lower case alike), by name."""
        everyone = await self.everyone(tx, tenant)
        before = self._listed.get(tenant)
        if before is None or before[0] is not everyone:
            before = everyone, await rows.off_the_loop(_listed, list(everyone.values()))
            self._listed[tenant] = before
        wanted = " ".join(containing.split()).casefold()
        return [person for name, number, person in before[1] if wanted in name or wanted in number]


_Listed = list[tuple[str, str, Person]]


def _listed(everyone: Sequence[Person]) -> _Listed:
    """Name and employee number to search in, in the order of names."""
    found = [
        (one.details.name.casefold(), (one.details.employee_number or "").casefold(), one) for one in everyone
    ]
    return sorted(found, key=lambda one: (one[0], one[2].id))


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Person]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Person]:
        return {
            row.id: Person(
                id=PersonId(row.id),
                tenant=tenant,
                version=row.version,
                details=rows.open_document(keys[row.id], tenant, PERSON, row, PersonDetails),
            )
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def find(
    tx: Transaction, keyring: Keyring, tenant: TenantId, *, field: str, value: str
) -> PersonId | None:
    """Who has exactly that `employee_number` or `resident_id_number`, or None."""
    found = await indexes.find(tx, keyring, INDEX, tenant, _value(field, value))
    return None if found is None else PersonId(found)


async def find_all(
    tx: Transaction, keyring: Keyring, tenant: TenantId, *, field: str, values: Iterable[str]
) -> dict[str, PersonId]:
    """Who has exactly which of the values of `field`; one that nobody has is absent."""
    normalised = {value: _value(field, value) for value in values}
    found = await indexes.find_all(tx, keyring, INDEX, tenant, list(normalised.values()))
    return {value: PersonId(found[one]) for value, one in normalised.items() if one in found}


async def found_by(
    tx: Transaction, keyring: Keyring, tenant: TenantId, people: Sequence[UUID]
) -> dict[UUID, list[Value]]:
    """What finds each of `people`, from their opened rows, which stay so until `tx` ends; nothing finds one
    whose key is destroyed. LockNotAvailable when one is being changed."""
    held = await rows.held(tx, PERSON, tenant, people)
    opened = await _opened(keyring, tenant, held)
    return {row.id: _values(opened[row.id].details) if row.id in opened else [] for row in held}


async def _row(keyring: Keyring, person: Person) -> Row:
    return _sealed_row(await keyring.subject_key(person.tenant, person.id, Purpose.IDENTITY), person)


async def _all_rows(keyring: Keyring, tenant: TenantId, everyone: Sequence[Person]) -> list[Row]:
    keys = await keyring.subject_keys(tenant, [person.id for person in everyone], Purpose.IDENTITY)

    def sealed(everyone: Sequence[Person]) -> list[Row]:
        return [_sealed_row(keys[person.id], person) for person in everyone]

    return await rows.off_the_loop(sealed, everyone)


def _sealed_row(key: Key, person: Person) -> Row:
    sealed = rows.seal_document(key, person.tenant, PERSON, person.id, person.details)
    return Row(scope=person.tenant, id=person.id, version=person.version, sealed=sealed)


async def _index(tx: Transaction, keyring: Keyring, person: Person) -> None:
    await indexes.put(tx, keyring, INDEX, person.tenant, owner=person.id, values=_values(person.details))


def _values(details: PersonDetails) -> list[Value]:
    numbers = {
        "employee_number": details.employee_number,
        "resident_id_number": details.resident_id_number,
    }
    return [_value(field, number) for field, number in numbers.items() if number]


def _value(field: str, number: str) -> Value:
    return Value(field=field, text=number.strip().upper())


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredReference:
    """A face template as stored at enrolment: `template` are its bytes, `photo` names a kept picture."""

    id: ReferenceId
    person: PersonId
    model: str
    template: bytes
    quality: float
    photo: str | None = None


async def add_reference(
    tx: Transaction, keyring: Keyring, tenant: TenantId, reference: StoredReference
) -> None:
    """Seal the reference under the person's face key. KeyDestroyed without one."""
    key = await keyring.subject_key(tenant, reference.person, Purpose.FACE)
    sealed = seal(key, documents.to_bytes(reference), _reference_context(tenant, reference.id))
    await tx.execute(
        "INSERT INTO reference (tenant_id, id, person_id, model, sealed) VALUES (%s, %s, %s, %s, %s)",
        (tenant, reference.id, reference.person, reference.model, sealed),
    )


async def references(
    tx: Transaction, keyring: Keyring, tenant: TenantId, people: Sequence[UUID] | None = None
) -> list[StoredReference]:
    """The references of `people` (None: of everyone) whose face keys are not destroyed."""
    chosen = None if people is None else list(people)
    cursor = await tx.execute(
        "SELECT id, person_id, sealed FROM reference"
        " WHERE tenant_id = %s AND (%s::uuid[] IS NULL OR person_id = ANY(%s)) ORDER BY id",
        (tenant, chosen, chosen),
    )
    found = [(id, person, bytes(sealed)) for id, person, sealed in await cursor.fetchall()]
    keys = await keyring.subject_keys(tenant, list({person for _, person, _ in found}), Purpose.FACE)
    return [
        documents.from_bytes(
            StoredReference, open_sealed(keys[person], sealed, _reference_context(tenant, id))
        )
        for id, person, sealed in found
        if person in keys
    ]


async def remove_references(tx: Transaction, tenant: TenantId, person: PersonId) -> int:
    """Remove all of the person's references; returns how many there were."""
    cursor = await tx.execute(
        "DELETE FROM reference WHERE tenant_id = %s AND person_id = %s", (tenant, person)
    )
    return cursor.rowcount


async def reference_counts(tx: Transaction, tenant: TenantId) -> dict[UUID, int]:
    """How many references each enrolled person has."""
    cursor = await tx.execute(
        "SELECT person_id, count(*) FROM reference WHERE tenant_id = %s GROUP BY person_id", (tenant,)
    )
    return {person: count for person, count in await cursor.fetchall()}


def _reference_context(tenant: TenantId, id: UUID) -> Context:
    return Context(tenant=tenant, table="reference", column="sealed", row=id.bytes)
