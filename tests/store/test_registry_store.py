"""Registries on a real PostgreSQL: nothing readable in the rows, nothing lost, nothing stale."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from postern import sealed_rows
from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, Holding, SubjectKind
from postern.biometrics.model import Template
from postern.errors import CannotOpen, Conflict, KeyDestroyed, NotFound
from postern.ids import AccessLevelId, CredentialId, PersonId, ReferenceId, VehicleId, new_id
from postern.keystore.keyring import PostgresKeyring
from postern.people import store as people
from postern.people.model import Person, PersonDetails
from postern.people.store import OpenPeople, StoredReference
from postern.postgres.pool import Database
from postern.sealing.keyring import Purpose
from postern.sites import store as sites
from postern.sites.model import Tenant
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails
from tests.store.drawn_keyring import TENANT, keyring_with

ADA = PersonId(new_id())
BOB = PersonId(new_id())
CAR = VehicleId(new_id())
DETAILS = PersonDetails(name="Ada Nowak", employee_number="1001", birth_date=date(1984, 5, 2), notes="窗边")


@pytest.fixture
async def keyring(database: Database, keystore_database: Database, tmp_path: Path) -> PostgresKeyring:
    made = await keyring_with(keystore_database, tmp_path, ADA, BOB, CAR)
    async with database.transaction() as tx:
        await sites.add_tenant(tx, made, Tenant(id=TENANT, name="Drawn"))
    return made


def person(id: PersonId = ADA, details: PersonDetails = DETAILS) -> Person:
    return Person(id=id, tenant=TENANT, version=1, details=details)


async def test_a_person_is_stored_and_found_by_number(database: Database, keyring: PostgresKeyring) -> None:
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        assert await people.get(tx, keyring, TENANT, ADA) == person()
        assert await people.find(tx, keyring, TENANT, field="employee_number", value="1001") == ADA
        assert await people.find(tx, keyring, TENANT, field="employee_number", value="1002") is None


async def test_a_row_shows_nothing_of_the_person(database: Database, keyring: PostgresKeyring) -> None:
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        cursor = await tx.execute("SELECT * FROM person, person_index")
        stored = repr(await cursor.fetchall()).encode()
    assert all(word not in stored for word in (b"Ada", b"Nowak", b"1001", b"1984", "窗".encode()))


async def test_a_number_of_somebody_else_is_a_conflict_and_changes_nothing(
    database: Database, keyring: PostgresKeyring
) -> None:
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
    with pytest.raises(Conflict, match="employee number"):
        async with database.transaction() as tx:
            await people.add(tx, keyring, person(BOB))
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await people.get(tx, keyring, TENANT, BOB)


async def test_a_changed_number_no_longer_finds_the_person(
    database: Database, keyring: PostgresKeyring
) -> None:
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        changed = replace(person(), details=replace(DETAILS, employee_number="2002"))
        assert (await people.change(tx, keyring, changed)).version == 2
        assert await people.find(tx, keyring, TENANT, field="employee_number", value="1001") is None
        with pytest.raises(Conflict):
            await people.change(tx, keyring, changed)


async def test_a_sealed_row_moved_to_another_person_does_not_open(
    database: Database, keyring: PostgresKeyring
) -> None:
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        row = await sealed_rows.one(tx, people.PERSON, TENANT, ADA)
        moved = replace(row, id=BOB)
        key = await keyring.subject_key(TENANT, ADA, Purpose.IDENTITY)
        with pytest.raises(CannotOpen):
            sealed_rows.open_document(key, TENANT, people.PERSON, moved, PersonDetails)


async def test_whose_key_is_destroyed_is_in_no_list(database: Database, keyring: PostgresKeyring) -> None:
    open_people = OpenPeople(keyring)
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        await people.add(tx, keyring, person(BOB, PersonDetails(name="Bob")))
        assert set(await open_people.everyone(tx, TENANT)) == {ADA, BOB}
        await people.remove(tx, TENANT, BOB)
        assert set(await open_people.everyone(tx, TENANT)) == {ADA}
        await keyring.destroy_subject_keys(TENANT, ADA, [Purpose.IDENTITY])
        assert set(await OpenPeople(keyring).everyone(tx, TENANT)) == set()
        with pytest.raises(KeyDestroyed):
            await people.get(tx, keyring, TENANT, ADA)


async def test_a_list_shows_changes_of_another_process_at_once(
    database: Database, keyring: PostgresKeyring
) -> None:
    ours, theirs = OpenPeople(keyring), OpenPeople(keyring)
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        await ours.everyone(tx, TENANT)
        await people.change(tx, keyring, replace(person(), details=PersonDetails(name="Ada Neu")))
        for one in (ours, theirs):
            assert (await one.everyone(tx, TENANT))[ADA].details.name == "Ada Neu"


async def test_references_open_with_the_face_key_only(database: Database, keyring: PostgresKeyring) -> None:
    template = Template(model="drawn", vector=np.array([1, 2, 3], dtype=np.float32))
    reference = StoredReference(
        id=ReferenceId(new_id()), person=ADA, model="drawn", template=template.to_bytes(), quality=0.9
    )
    async with database.transaction() as tx:
        await people.add(tx, keyring, person())
        await people.add_reference(tx, keyring, TENANT, reference)
        assert await people.references(tx, keyring, TENANT) == [reference]
        assert await people.reference_counts(tx, TENANT) == {ADA: 1}
        await keyring.destroy_subject_keys(TENANT, ADA, [Purpose.FACE])
        assert await people.references(tx, keyring, TENANT) == []
        assert (await people.get(tx, keyring, TENANT, ADA)).details == DETAILS


async def test_a_plate_is_found_with_o_read_as_zero_and_belongs_to_one_vehicle(
    database: Database, keyring: PostgresKeyring
) -> None:
    car = Vehicle(id=CAR, tenant=TENANT, version=1, details=VehicleDetails(plate="BO123"))
    async with database.transaction() as tx:
        await vehicles.add(tx, keyring, car)
        assert await vehicles.find_by_plate(tx, keyring, TENANT, "b-0123") == CAR
        assert await vehicles.find_by_plate(tx, keyring, TENANT, "B0124") is None
        await vehicles.remove(tx, TENANT, CAR)
        assert await vehicles.find_by_plate(tx, keyring, TENANT, "BO123") is None


async def test_a_card_is_found_until_it_is_revoked(database: Database, keyring: PostgresKeyring) -> None:
    card = Credential(id=CredentialId(new_id()), kind=CredentialKind.CARD, value="CA01")
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await access.holding(tx, keyring, TENANT, ADA, SubjectKind.PERSON)
        await people.add(tx, keyring, person())
        empty = await access.holding(tx, keyring, TENANT, ADA, SubjectKind.PERSON)
        assert empty == Holding(subject=ADA, kind=SubjectKind.PERSON)
        held = await access.put_holding(tx, keyring, TENANT, replace(empty, credentials=(card,)))
        assert await access.find_by_credential(tx, keyring, TENANT, card) == ADA
        with pytest.raises(Conflict):
            await access.put_holding(tx, keyring, TENANT, replace(empty, credentials=()))
        revoked = replace(held, credentials=(replace(card, revoked=True),))
        await access.put_holding(tx, keyring, TENANT, revoked)
        assert await access.find_by_credential(tx, keyring, TENANT, card) is None


async def test_an_access_level_is_kept_changed_and_removed(
    database: Database, keyring: PostgresKeyring
) -> None:
    level = AccessLevel(id=AccessLevelId(new_id()), tenant=TENANT, name="Staff")
    async with database.transaction() as tx:
        await access.add(tx, keyring, level)
        changed = await access.change(tx, keyring, replace(level, name="Everybody"))
        assert await access.rules(tx, keyring, TENANT, AccessLevel) == [changed]
        await access.remove(tx, keyring, changed)
        assert await access.rules(tx, keyring, TENANT, AccessLevel) == []
        with pytest.raises(NotFound):
            await access.remove(tx, keyring, changed)
