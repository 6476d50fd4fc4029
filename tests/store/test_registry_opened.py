"""Registries kept open in memory: read again only where something changed, and never stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from postern import sealed_rows
from postern.ids import PersonId, new_id
from postern.keystore.keyring import PostgresKeyring
from postern.people import store as people
from postern.people.model import Person, PersonDetails
from postern.people.store import OpenPeople
from postern.postgres.pool import Database
from postern.sites import store as sites
from postern.sites.model import Tenant
from tests.store.drawn_keyring import TENANT, keyring_with

IDS = [PersonId(new_id()) for _ in range(120)]


@pytest.fixture
async def keyring(database: Database, keystore_database: Database, tmp_path: Path) -> PostgresKeyring:
    made = await keyring_with(keystore_database, tmp_path)
    await made.new_keys_of_all(TENANT, IDS)
    async with database.transaction() as tx:
        await sites.add_tenant(tx, made, Tenant(id=TENANT, name="Drawn"))
        everyone = [person(number) for number in range(len(IDS))]
        await people.add_all(tx, made, TENANT, everyone)
    return made


def person(number: int, name: str = "") -> Person:
    details = PersonDetails(name=name or f"Person {number:03}", employee_number=f"E{number:03}")
    return Person(id=IDS[number], tenant=TENANT, version=1, details=details)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were read at each time that rows were read at all."""
    counts: list[int] = []
    many = sealed_rows.many

    async def counting(tx: object, table: object, scope: int, ids: Sequence[object] | None = None) -> object:
        counts.append(-1 if ids is None else len(ids))
        return await many(tx, table, scope, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(sealed_rows, "many", counting)
    return counts


async def test_nobody_is_there_before_somebody_was_added(
    database: Database, keystore_database: Database, tmp_path: Path
) -> None:
    made = await keyring_with(keystore_database, tmp_path)
    async with database.transaction() as tx:
        assert await OpenPeople(made).by_name(tx, TENANT) == []


async def test_while_nothing_changes_nothing_is_opened_again(
    database: Database, keyring: PostgresKeyring, opened: list[int]
) -> None:
    registry = OpenPeople(keyring)
    async with database.transaction() as tx:
        first = await registry.everyone(tx, TENANT)
        assert await registry.everyone(tx, TENANT) is first
    assert len(first) == len(IDS)
    assert opened == [len(IDS)]


async def test_only_who_changed_is_opened_again_and_who_is_gone_is_forgotten(
    database: Database, keyring: PostgresKeyring, opened: list[int]
) -> None:
    registry = OpenPeople(keyring)
    async with database.transaction() as tx:
        before = await registry.everyone(tx, TENANT)
        await people.change(tx, keyring, person(7, "Changed"))
        await people.remove(tx, TENANT, IDS[9])
        after = await registry.everyone(tx, TENANT)
    assert opened == [len(IDS), 1]
    assert after[IDS[7]].details.name == "Changed"
    assert IDS[9] not in after
    assert before[IDS[7]].details.name == "Person 007"
    assert len(after) == len(IDS) - 1


async def test_one_who_goes_while_another_comes_is_noticed(
    database: Database, keyring: PostgresKeyring
) -> None:
    registry = OpenPeople(keyring)
    async with database.transaction() as tx:
        await people.remove(tx, TENANT, IDS[3])
        await registry.everyone(tx, TENANT)
        await people.add(tx, keyring, person(3))
        await people.remove(tx, TENANT, IDS[4])
        assert set(await registry.everyone(tx, TENANT)) == set(IDS) - {IDS[4]}


async def test_what_was_rolled_back_is_not_shown(database: Database, keyring: PostgresKeyring) -> None:
    registry = OpenPeople(keyring)
    async with database.transaction() as tx:
        await people.remove(tx, TENANT, IDS[0])
        assert IDS[0] not in await registry.everyone(tx, TENANT)
        raise psycopg.Rollback
    async with database.transaction() as tx:
        assert IDS[0] in await registry.everyone(tx, TENANT)


@pytest.mark.parametrize(
    ("text", "found"), [("person 01", 10), ("PERSON  011", 1), ("e119", 1), ("nobody", 0), ("", 120)]
)
async def test_people_are_found_by_part_of_their_name_or_number(
    database: Database, keyring: PostgresKeyring, text: str, found: int
) -> None:
    async with database.transaction() as tx:
        listed = await OpenPeople(keyring).by_name(tx, TENANT, containing=text)
    assert len(listed) == found
    assert listed == sorted(listed, key=lambda one: one.details.name)


async def test_a_list_follows_a_changed_name(database: Database, keyring: PostgresKeyring) -> None:
    registry = OpenPeople(keyring)
    async with database.transaction() as tx:
        await registry.by_name(tx, TENANT)
        await people.change(tx, keyring, replace(person(119), details=PersonDetails(name="Aaron")))
        listed = await registry.by_name(tx, TENANT)
        assert listed[0].details.name == "Aaron"
        assert await registry.by_name(tx, TENANT, containing="119") == []
