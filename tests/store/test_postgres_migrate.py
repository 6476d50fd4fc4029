"""Migrations: in order, once each, whole or not at all, and never on a database that is not ours to touch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from postern.postgres import migrate as module
from postern.postgres.bootstrap import SUPERVISOR
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import Migration, SchemaRefused, migrate, migrations
from postern.postgres.pool import Database

FIRST = Migration(
    number=1, name="0001_first.sql", text="CREATE TABLE first (a int); CREATE TABLE more (b int);"
)
SECOND = Migration(number=2, name="0002_second.sql", text="ALTER TABLE first ADD COLUMN c int;")
BROKEN = Migration(number=2, name="0002_broken.sql", text="CREATE TABLE half (a int); SELECT 1/0;")


@pytest.fixture
async def empty(cluster: Cluster) -> AsyncIterator[Database]:
    """A database without any table."""
    name = sql.Identifier(f"empty_{uuid4().hex}")
    supervisor = cluster.conninfo(database="postgres", role=SUPERVISOR)
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {} OWNER postern").format(name))
        async with Database.open(cluster.conninfo(database=name.as_string().strip('"'))) as database:
            yield database
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def use(monkeypatch: pytest.MonkeyPatch, *known: Migration) -> None:
    monkeypatch.setattr(module, "migrations", lambda folder: list(known))


async def tables(database: Database) -> set[str]:
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in await cursor.fetchall()}


async def test_an_empty_database_gets_everything_in_order(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST, SECOND)
    told: list[str] = []
    assert await migrate(empty, "hub", told.append) == ["0001_first.sql", "0002_second.sql"]
    assert told == [
        "Applying 0001_first.sql to the hub database",
        "Applying 0002_second.sql to the hub database",
    ]
    assert await tables(empty) == {"migration", "first", "more"}


async def test_what_was_applied_is_not_applied_again(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST)
    await migrate(empty, "hub")
    use(monkeypatch, FIRST, SECOND)
    assert await migrate(empty, "hub") == ["0002_second.sql"]
    assert await migrate(empty, "hub") == []


async def test_a_migration_that_fails_leaves_nothing_of_itself(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST, BROKEN)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(empty, "hub")
    assert await tables(empty) == {"migration", "first", "more"}
    use(monkeypatch, FIRST, SECOND)
    assert await migrate(empty, "hub") == ["0002_second.sql"]


async def test_a_newer_schema_is_refused_with_what_to_do(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST, SECOND)
    await migrate(empty, "hub")
    use(monkeypatch, FIRST)
    with pytest.raises(SchemaRefused, match=r"newer Postern \(it has 0002_second.sql\)\. Start that version"):
        await migrate(empty, "hub")


async def test_a_changed_migration_is_refused(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FIRST)
    await migrate(empty, "hub")
    use(monkeypatch, Migration(number=1, name=FIRST.name, text=FIRST.text + " -- reworded"))
    with pytest.raises(SchemaRefused, match="another wording"):
        await migrate(empty, "hub")


async def test_a_gap_is_refused(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    third = Migration(number=3, name="0003_third.sql", text="SELECT 1;")
    use(monkeypatch, FIRST, third)
    await migrate(empty, "hub")
    use(monkeypatch, FIRST, SECOND, third)
    with pytest.raises(SchemaRefused, match=r"0002_second\.sql is missing"):
        await migrate(empty, "hub")


async def test_two_hubs_that_start_at_once_apply_each_migration_once(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST, SECOND)
    both = await asyncio.gather(migrate(empty, "hub"), migrate(empty, "hub"))
    assert sorted(both) == [[], ["0001_first.sql", "0002_second.sql"]]


def test_our_own_migrations_are_numbered_without_gaps() -> None:
    for folder in ("hub", "keystore"):
        found = migrations(folder)
        assert [migration.number for migration in found] == list(range(1, len(found) + 1))
