"""Transactions and notifications, on a real server."""

from __future__ import annotations

from postern.postgres.pool import Database


async def test_a_transaction_that_ends_is_there_afterwards(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (number int)")
        await tx.execute("INSERT INTO kept VALUES (7)")
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT number FROM kept")
        assert await cursor.fetchall() == [(7,)]


async def test_the_keystore_database_opens(keystore_database: Database) -> None:
    async with keystore_database.transaction() as tx:
        cursor = await tx.execute("SELECT count(*) FROM migration")
        assert await cursor.fetchone() is not None
