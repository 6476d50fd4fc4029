"""Connections, transactions and notifications, on a real server."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from postern.errors import DatabaseUnavailable, StorageFull
from postern.postgres import pool
from postern.postgres.bootstrap import SUPERVISOR
from postern.postgres.embedded import Cluster
from postern.postgres.pool import Database


async def numbers(database: Database) -> list[int]:
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT number FROM kept ORDER BY number")
        return [number for (number,) in await cursor.fetchall()]


async def refusal(conninfo: str) -> str:
    with pytest.raises(DatabaseUnavailable) as refused:
        async with Database.open(conninfo):
            pass
    return str(refused.value)


async def test_a_transaction_that_ends_is_there_afterwards(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (number int)")
        await tx.execute("INSERT INTO kept VALUES (7)")
    assert await numbers(database) == [7]


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (number int)")

    async def interrupted() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO kept VALUES (7)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await interrupted()
    assert await numbers(database) == []


async def test_a_lost_connection_is_told_and_the_next_transaction_works(
    database: Database, cluster: Cluster
) -> None:
    async def interrupted() -> None:
        async with database.transaction() as tx:
            other = cluster.conninfo(database="postgres", role=SUPERVISOR)
            async with await psycopg.AsyncConnection.connect(other) as killer:
                await killer.execute("SELECT pg_terminate_backend(%s)", (tx.info.backend_pid,))
            await tx.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable, match="connection to the database was lost"):
        await interrupted()
    async with database.transaction() as tx:
        await tx.execute("SELECT 1")


async def test_a_full_disk_is_told_as_such(database: Database) -> None:
    with pytest.raises(StorageFull, match="free some space"):
        async with database.transaction() as tx:
            await tx.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")


async def test_a_fault_of_our_own_sql_is_not_disguised(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with database.transaction() as tx:
            await tx.execute("SELECT 1 FROM nowhere")


async def test_a_listener_is_told_only_what_was_committed(database: Database) -> None:
    heard = database.listen("doors")
    assert await anext(heard) is None

    async def interrupted() -> None:
        async with database.transaction() as tx:
            await database.notify(tx, "doors", "never")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await interrupted()
    async with database.transaction() as tx:
        await database.notify(tx, "doors", "open")
    assert await anext(heard) == "open"
    await heard.aclose()


async def test_a_listener_outlives_a_lost_connection_and_says_that_it_may_have_missed_something(
    database: Database, cluster: Cluster
) -> None:
    heard = database.listen("doors")
    assert await anext(heard) is None
    following = asyncio.ensure_future(anext(heard))
    other = cluster.conninfo(database="postgres", role=SUPERVISOR)
    async with await psycopg.AsyncConnection.connect(other) as killer:
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%doors%%'"
        )
    assert await following is None
    async with database.transaction() as tx:
        await database.notify(tx, "doors", "again")
    assert await anext(heard) == "again"
    await heard.aclose()


async def test_a_url_that_is_none_is_told() -> None:
    assert "looks like postgresql://" in await refusal("postgresql://host:port:5/x?nonsense=1")


async def test_a_server_that_is_not_there_is_told() -> None:
    assert "127.0.0.1:1 does not answer" in await refusal("postgresql://postern@127.0.0.1:1/postern")


async def test_a_host_without_address_is_told() -> None:
    assert "cannot be resolved" in await refusal("postgresql://postern@nowhere.invalid/postern")


async def test_a_wrong_password_is_told_and_not_repeated(cluster: Cluster) -> None:
    wrong = psycopg.conninfo.make_conninfo(cluster.conninfo(), password="secret-word")
    words = await refusal(wrong)
    assert "refused the password" in words
    assert "secret-word" not in words


async def test_a_database_that_does_not_exist_is_told(cluster: Cluster) -> None:
    assert "has no such database" in await refusal(cluster.conninfo(database="nowhere"))


async def test_a_name_without_role_is_refused(cluster: Cluster) -> None:
    stranger = psycopg.conninfo.make_conninfo(cluster.conninfo(role="stranger"), password="guess")
    assert "refused the password" in await refusal(stranger)


async def test_a_server_that_is_too_old_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MINIMUM_VERSION", 990000)
    assert "Postern needs 99 or newer. Upgrade the server" in await refusal(cluster.conninfo())
