"""Index keys are rotated while people, vehicles and cards are looked up; killed anywhere, nothing is lost."""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from postern.access import store as access
from postern.errors import Conflict, NotFound, PosternError, Unavailable
from postern.ids import PersonId, TenantId
from postern.journal import store as journal
from postern.keystore import rotation_store
from postern.keystore.ages import key_ages
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.demo import Demo
from postern.operations.keys import rotate_index
from postern.operations.keys.rotate_keys import rotate_index_key, rotate_tenant_key
from postern.operations.people import register
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.people import store as people
from postern.people.model import PersonDetails
from postern.postgres.pool import Database
from postern.vehicles import store as vehicles
from tests.flows.operations import index_worker

MOST_STEPS = 120


def quietly(_: str) -> None:
    """No word."""


def keyring_of(hub: Services) -> PostgresKeyring:
    assert isinstance(hub.keyring, PostgresKeyring)
    return hub.keyring


def restarted(hub: Services, folder: Path) -> Services:
    """The hub with nothing in its memory."""
    root = UnattendedKeyFile.read(folder / "unattended.key")
    return replace(hub, keyring=PostgresKeyring(keyring_of(hub).database, root))


async def problems(hub: Services, tenant: TenantId) -> list[str]:
    """What a look-up by number, plate or card does not find as it should; empty when all is well."""
    wrong = []
    async with hub.database.transaction(tenant) as tx:
        for person in (await hub.registry.people.everyone(tx, tenant)).values():
            number = person.details.employee_number or ""
            found = await people.find(tx, hub.keyring, tenant, field="employee_number", value=number)
            if found != person.id:
                wrong.append(f"{number} is not found")
            try:
                async with tx.transaction():
                    twin = replace(person, id=PersonId(register.new_id()))
                    await hub.keyring.new_subject_keys(tenant, twin.id)
                    await people.add(tx, hub.keyring, twin)
                    wrong.append(f"{number} was given twice")
                    raise Conflict("taken back")
            except Conflict:
                pass
        for vehicle in (await hub.registry.vehicles.all(tx, tenant)).values():
            if await vehicles.find_by_plate(tx, hub.keyring, tenant, vehicle.details.plate) != vehicle.id:
                wrong.append(f"{vehicle.details.plate} is not found")
        for held in (await hub.registry.holdings.all(tx, tenant)).values():
            for one in held.credentials:
                if one.kind in access.INDEXED_FIELDS:
                    found_by = await access.find_by_credential(tx, hub.keyring, tenant, one)
                    if found_by != held.subject:
                        wrong.append(f"a {one.kind} finds {found_by}")
    return wrong


async def tags(hub: Services, tenant: TenantId) -> dict[str, set[bytes]]:
    found = {}
    async with hub.database.transaction(tenant) as tx:
        for table, _ in rotate_index.INDEXES:
            cursor = await tx.execute(sql.SQL("SELECT tag FROM {}").format(sql.Identifier(table.name)))
            found[table.name] = {bytes(tag) for (tag,) in await cursor.fetchall()}
    return found


async def secrets_of(keyring: PostgresKeyring) -> list[int]:
    async with keyring.database.transaction() as tx:
        cursor = await tx.execute("SELECT version FROM derivation_key ORDER BY version")
        return [version for (version,) in await cursor.fetchall()]


async def test_every_index_is_computed_anew_and_finds_what_it_found(hub: Services, demo: Demo) -> None:
    keyring = keyring_of(hub)
    before = await tags(hub, demo.tenant)
    assert await problems(hub, demo.tenant) == []

    done = await rotate_index_key(hub, keyring, demo.tenant, batch=3, progress=quietly)

    after = await tags(hub, demo.tenant)
    assert (done.version, done.swept) == (2, True)
    for name, old in before.items():
        assert len(old) > 0, name
        assert len(after[name]) == len(old), name
        assert not after[name] & old, name
    assert await problems(hub, demo.tenant) == []
    (index,) = [one for one in await key_ages(keyring.database, demo.tenant) if one.kind == "index"]
    assert (index.version, index.under_way) == (2, False)
    assert index.rotated is not None


async def test_a_retired_version_is_destroyed_and_the_first_one_finds_nothing(
    hub: Services, demo: Demo
) -> None:
    keyring = keyring_of(hub)
    for _ in range(3):
        await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    assert await secrets_of(keyring) == [1, 4]
    for version in (2, 3):
        with pytest.raises(NotFound):
            await keyring.purpose_key(demo.tenant, "index/person.employee_number", version=version)


async def test_a_run_has_one_journal_entry_before_it_opens_and_one_at_its_end(
    hub: Services, demo: Demo
) -> None:
    await rotate_index_key(hub, keyring_of(hub), demo.tenant, batch=2, progress=quietly)
    async with hub.database.transaction(demo.tenant) as tx:
        told = await journal.read(tx, hub.keyring, demo.tenant, before=None, limit=2)
    assert [one.entry.actor for one in told] == ["job:keys", "job:keys"]
    assert told[1].entry.detail == ("index keys: rotation begins; it opens every person, vehicle and holding")
    assert told[0].entry.detail.startswith("index keys: version 2 holds")


async def test_what_the_journal_says_of_somebody_is_found_after_rotating_tenant_and_index_keys(
    hub: Services, demo: Demo, admin: Actor, tmp_path: Path
) -> None:
    keyring = keyring_of(hub)
    ada = await register.add_person(hub, admin, PersonDetails(name="Ida Falk", employee_number="9001"))
    signing = await keyring.signing_key(demo.tenant, "journal")
    async with hub.database.transaction(demo.tenant) as tx:
        before = await journal.read_about(tx, hub.keyring, demo.tenant, ada.id)
    assert before

    await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    await rotate_tenant_key(hub, keyring, demo.tenant, progress=quietly)
    await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)

    fresh = restarted(hub, tmp_path)
    async with fresh.database.transaction(demo.tenant) as tx:
        assert await journal.read_about(tx, fresh.keyring, demo.tenant, ada.id) == before
    assert await fresh.keyring.signing_key(demo.tenant, "journal") == signing
    assert await problems(fresh, demo.tenant) == []


async def test_another_rotation_must_wait(hub: Services, demo: Demo) -> None:
    keyring = keyring_of(hub)
    async with rotation_store.one_at_a_time(keyring.database):
        with pytest.raises(Conflict):
            await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)


async def test_somebody_whose_key_is_destroyed_is_found_by_nothing_afterwards(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    ida = await register.add_person(hub, admin, PersonDetails(name="Ida Falk", employee_number="9001"))
    await hub.keyring.destroy_subject_keys(demo.tenant, ida.id, list(people.Purpose))
    await rotate_index_key(hub, keyring_of(hub), demo.tenant, progress=quietly)
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute("SELECT count(*) FROM person_index WHERE person_id = %s", (ida.id,))
        assert await cursor.fetchone() == (0,)


async def test_indexes_whose_key_a_restore_took_away_are_mended(
    hub: Services, demo: Demo, keystore_database: Database
) -> None:
    keyring = keyring_of(hub)
    await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    assert not await rotate_index.must_rotate(hub, keyring, demo.tenant)
    async with keystore_database.transaction() as tx:  # an older keystore knows nothing of it
        await tx.execute("DELETE FROM derivation_key")
        await tx.execute("DELETE FROM rotation")
    keyring.forget_tenants()

    assert await rotate_index.must_rotate(hub, keyring, demo.tenant)
    with pytest.raises(Unavailable, match="rotate index"):
        await problems(hub, demo.tenant)
    done = await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    assert done.version == 3
    assert await problems(hub, demo.tenant) == []
    assert not await rotate_index.must_rotate(hub, keyring, demo.tenant)


async def test_indexes_that_a_restore_brought_back_under_a_destroyed_key_are_mended(
    hub: Services, demo: Demo, database: Database
) -> None:
    keyring = keyring_of(hub)
    await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    async with database.transaction() as tx:
        for table, _ in rotate_index.INDEXES:
            name = sql.Identifier(table.name)
            kept = sql.Identifier(f"kept_{table.name}")
            await tx.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM {}").format(kept, name))
    await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)
    async with database.transaction() as tx:  # older data, whose version 2 is destroyed meanwhile
        for table, _ in rotate_index.INDEXES:
            name = sql.Identifier(table.name)
            kept = sql.Identifier(f"kept_{table.name}")
            await tx.execute(sql.SQL("DELETE FROM {}").format(name))
            await tx.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(name, kept))
        await tx.execute("UPDATE index_version SET version = 2")

    with pytest.raises(Unavailable, match="rotate index"):
        await problems(hub, demo.tenant)
    assert await rotate_index.must_rotate(hub, keyring, demo.tenant)
    assert (await rotate_index_key(hub, keyring, demo.tenant, progress=quietly)).version == 4
    assert await problems(hub, demo.tenant) == []


async def test_every_table_with_an_index_version_is_rotated(database: Database) -> None:
    async with database.transaction() as tx:
        cursor = await tx.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name = 'version' AND table_name LIKE '%\\_index'"
        )
        named = {name for (name,) in await cursor.fetchall()}
    assert named == {table.name for table, _ in rotate_index.INDEXES}


def _killed(hub: Services, tenant: TenantId, folder: Path, step: int, mutant: str | None = None) -> bool:
    """Rotate in a process that dies at that step. False when it was done before it came to it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.flows.operations.index_worker"])
    given = (
        hub.database.conninfo,
        keyring_of(hub).database.conninfo,
        str(folder),
        tenant,
        step,
        mutant,
    )
    process = context.Process(target=index_worker.rotate, args=given)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.slow
async def test_a_rotation_killed_at_every_step_loses_no_look_up(
    hub: Services, demo: Demo, tmp_path: Path
) -> None:
    for step in range(1, MOST_STEPS):
        was_killed = _killed(hub, demo.tenant, tmp_path, step)
        fresh = restarted(hub, tmp_path)
        assert await problems(fresh, demo.tenant) == [], f"killed at step {step}"
        done = await rotate_index_key(fresh, keyring_of(fresh), demo.tenant, batch=100, progress=quietly)
        assert done.swept
        assert await secrets_of(keyring_of(fresh)) == [1, done.version]
        assert not await rotate_index.must_rotate(fresh, keyring_of(fresh), demo.tenant)
        if not was_killed:
            break
    assert await problems(restarted(hub, tmp_path), demo.tenant) == []
    assert 20 < step < MOST_STEPS - 1


@pytest.mark.parametrize(
    "mutant", ["forgets the old version", "destroys the old key first", "leaves rows behind"]
)
async def test_a_rotation_that_would_lose_look_ups_is_caught(
    hub: Services, demo: Demo, tmp_path: Path, mutant: str
) -> None:
    await rotate_index_key(hub, keyring_of(hub), demo.tenant, progress=quietly)  # to a version that can go
    caught = False
    for step in range(6, MOST_STEPS, 2):
        was_killed = _killed(hub, demo.tenant, tmp_path, step, mutant)
        fresh = restarted(hub, tmp_path)
        try:
            caught = bool(await problems(fresh, demo.tenant))
        except PosternError:
            caught = True
        if caught or not was_killed:
            break
        await rotate_index_key(fresh, keyring_of(fresh), demo.tenant, batch=100, progress=quietly)
    assert caught
