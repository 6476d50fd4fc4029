"""Ten thousand planted values go through Postern by every way that takes some, and lie readable nowhere.

What a thief finds is swept: both databases' folders with their write-ahead logs, the logs, the agent's
folder, the picture store, temporary files, and dumps of the databases. Mutants show that the sweep sees.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator

import psycopg
import pytest
import structlog

from postern.operations.people import register
from postern.people.model import PersonDetails
from postern.postgres.pool import Transaction
from postern.prove.planting import Planted, PlantedPerson
from postern.prove.sweep import Finding, Sweep
from postern.prove.ways import (
    by_a_crashing_database,
    by_looking,
    by_oneself,
    by_passages,
    by_the_console,
    logging_to,
    settle,
)
from postern.prove.world import World, build, world
from postern.sealing import xaes
from tests.attacks.conftest import Measured
from tests.attacks.planted_garage import by_a_garage, by_signing_in
from tests.attacks.planted_hours import by_hours
from tests.attacks.planted_muster import by_a_muster
from tests.attacks.planted_visits import by_visits

SEED = 20260302
PASSAGES = 300


@pytest.fixture
async def postern(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A Postern of its own, with its own folder for temporary files, and this process's log in its folder."""
    async with world("postern-planted-") as made:
        temporary = made.folder / "tmp"
        temporary.mkdir(mode=0o700)
        monkeypatch.setenv("TMPDIR", str(temporary))
        monkeypatch.setenv("POSTERN_LOG_LEVEL", "debug")
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        with logging_to(made.folder / "log" / "test.log"):
            yield made


def swept(postern: World, planted: Planted) -> tuple[list[Finding], int]:
    """Everything below the data folder but the test's own ledgers."""
    roots = [path for path in postern.folder.iterdir() if not path.name.startswith("agent-")]
    return Sweep(planted.values()).files(*roots, *(agent.folder for agent in postern.agents))


async def test_ten_thousand_planted_values_lie_readable_nowhere(postern: World, measured: Measured) -> None:
    planted = Planted.drawn(SEED)
    plan = await build(postern)
    postern.start_hub()
    await postern.hub_answers()
    await by_the_console(postern, plan, planted)
    await by_oneself(postern, plan, planted)
    agent = await by_passages(postern, plan, planted, PASSAGES)
    await by_looking(postern, plan, planted)
    await by_a_muster(postern, plan, planted, agent)
    await by_a_garage(postern, plan, planted)
    await by_visits(postern, plan, planted)
    await by_hours(postern, plan, planted)
    await by_signing_in(postern, planted)
    await by_a_crashing_database(postern, plan, planted)
    await settle(postern)
    found, size = swept(postern, planted)
    values = sum(1 for _ in planted.values())
    measured(f"{values} planted values, {size / 1e6:.0f} MB swept, {len({f.value for f in found})} found")
    assert values >= 10_000
    assert agent.released() >= PASSAGES
    assert not found, found[:10]


async def one_person(postern: World) -> tuple[Planted, PlantedPerson]:
    """Somebody registered by the real operation, all that was planted."""
    planted = Planted.drawn(SEED, people=1, vehicles=0)
    planted.templates.clear()
    person = planted.people[0]
    details = PersonDetails(
        name=person.name,
        employee_number=person.employee_number,
        resident_id_number=person.resident_id_number,
    )
    await register.add_person(postern.services, postern.actor(await build(postern)), details)
    return planted, person


async def test_the_mutant_that_seals_nothing_is_caught(
    postern: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xaes.Xaes, "encrypt", lambda key, nonce, plaintext, associated: plaintext + bytes(16))
    monkeypatch.setattr(xaes.Xaes, "decrypt", lambda key, nonce, ciphertext, associated: ciphertext[:-16])
    planted, person = await one_person(postern)
    await settle(postern)
    found, _ = swept(postern, planted)
    assert person.name in {one.value for one in found}
    assert {"pg", "dump-data.sql"} <= {one.path.relative_to(postern.folder).parts[0] for one in found}


async def test_the_mutant_that_logs_a_name_is_caught(postern: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add = register.people.add

    async def logging(tx: Transaction, keyring: object, person: object) -> None:
        structlog.get_logger().info("person added", person=repr(person))
        await add(tx, keyring, person)  # type: ignore[arg-type]  # passed on as they come

    monkeypatch.setattr(register.people, "add", logging)
    planted, _ = await one_person(postern)
    found, _ = swept(postern, planted)
    assert {one.path.name for one in found} == {"test.log"}


async def ask(postern: World, logged: str, statement: str, *values: str) -> None:
    """One statement, once its server process has taken up the settings, as it does in its own time."""
    async with postern.services.database.transaction() as tx, asyncio.timeout(30):
        while await (await tx.execute("SHOW log_statement")).fetchone() != (logged,):
            await asyncio.sleep(0.05)
        await tx.execute(statement, values or None)  # type: ignore[arg-type]


@pytest.mark.parametrize("mutant", [False, True])
async def test_a_database_that_logs_what_it_is_asked_is_caught(postern: World, mutant: bool) -> None:
    """A statement with a value in clear, which fails: only the mutant's settings let it into a log."""
    planted = Planted.drawn(SEED, people=1, vehicles=0)
    planted.templates.clear()
    cluster = postern.clusters["data"]
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        if mutant:
            for setting in ("log_statement = 'all'", "log_min_messages = 'warning'"):
                await connection.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
            await connection.execute("SELECT pg_reload_conf()")
    logged = "all" if mutant else "none"
    person = planted.people[0]
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await ask(postern, logged, "SELECT %s::int", person.name)
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await ask(postern, logged, f"SELECT '{person.employee_number}'::int")
    found, _ = swept(postern, planted)
    assert {one.path.name for one in found} == ({"postgres-data.log"} if mutant else set())
