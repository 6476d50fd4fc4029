"""A destroyed key leaves no byte in the keystore's files: deleting its row is not enough, nor is VACUUM."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from postern.ids import SiteId, TenantId
from postern.keystore import store
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.embedded import Cluster
from postern.postgres.pool import Database
from postern.sealing.keyring import ERASABLE, Purpose

TENANT, SITE, DAY = TenantId(1), SiteId(10), date(2026, 3, 1)

Destroy = Callable[[PostgresKeyring, Database, UUID], Awaitable[None]]


@pytest.fixture
async def keyring(keystore_database: Database, tmp_path: Path) -> PostgresKeyring:
    made = PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key"))
    await made.add_site(TENANT, SITE)
    return made


Files = Callable[[], Awaitable[bytes]]


@pytest.fixture
async def supervisor(cluster: Cluster, keystore_database: Database) -> str:
    """The conninfo of the one who may see statistics and write checkpoints."""
    async with keystore_database.transaction() as tx:
        name = tx.info.dbname
    return cluster.conninfo(database=name, role="supervisor")


@pytest.fixture
def files(supervisor: str) -> Files:
    """Every byte of every file of this database, tables, indexes, catalogues and statistics alike."""

    async def read() -> bytes:
        async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
            await connection.execute("ANALYZE")
            await connection.execute("CHECKPOINT")
            cursor = await connection.execute(
                "SELECT pg_read_binary_file(folder || '/' || name, 0, 1 << 28, true)"
                " FROM (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()),"
                " LATERAL pg_ls_dir(folder) AS name"
            )
            return b"".join(row[0] for row in await cursor.fetchall() if row[0] is not None)

    return read


async def _wrapped(database: Database, table: str) -> list[bytes]:
    async with database.transaction() as tx:
        cursor = await tx.execute(sql.SQL("SELECT wrapped FROM {}").format(sql.Identifier(table)))
        return [row[0] for row in await cursor.fetchall()]


async def _real(keyring: PostgresKeyring, _database: Database, subject: UUID) -> None:
    await keyring.destroy_subject_keys(TENANT, subject, ERASABLE)


async def _plain_vacuum(_keyring: PostgresKeyring, database: Database, subject: UUID) -> None:
    """The mutant: what one would write first."""
    async with database.transaction() as tx:
        await store.delete_subject_keys(tx, TENANT, subject, ERASABLE)
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as connection:
        await connection.execute("VACUUM subject_key")


async def _remains_of_ten_erased(
    keyring: PostgresKeyring, database: Database, files: Files, destroy: Destroy
) -> int:
    """Of 60 subjects the latest 10 are erased: how many of their 30 wrapped keys can still be found."""
    subjects = [uuid4() for _ in range(60)]
    before: list[bytes] = []
    for n, subject in enumerate(subjects):
        if n == 50:
            before = await _wrapped(database, "subject_key")
        await keyring.new_subject_keys(TENANT, subject)
    everything = await _wrapped(database, "subject_key")
    content = await files()
    assert all(wrapped in content for wrapped in everything)

    for subject in subjects[50:]:
        await destroy(keyring, database, subject)

    kept = await _wrapped(database, "subject_key")
    content = await files()
    assert all(wrapped in content for wrapped in kept)
    erased = set(everything) - set(kept)
    assert len(erased) == 30
    assert not erased & set(before)
    return sum(wrapped in content for wrapped in erased)


async def test_an_erased_subjects_wrapped_keys_are_in_no_file(
    keyring: PostgresKeyring, keystore_database: Database, files: Files
) -> None:
    assert await _remains_of_ten_erased(keyring, keystore_database, files, _real) == 0


async def test_the_erasure_test_catches_a_plain_vacuum(
    keyring: PostgresKeyring, keystore_database: Database, files: Files
) -> None:
    assert await _remains_of_ten_erased(keyring, keystore_database, files, _plain_vacuum) > 0


async def test_ended_site_days_are_in_no_file(
    keyring: PostgresKeyring, keystore_database: Database, files: Files
) -> None:
    for n in range(10):
        await keyring.site_day_key(SITE, DAY + timedelta(days=n))
    everything = await _wrapped(keystore_database, "site_day_key")

    await keyring.destroy_site_day_keys(SITE, before=DAY + timedelta(days=10))

    content = await files()
    assert not any(wrapped in content for wrapped in everything)


async def test_statistics_keep_no_samples_of_wrapped_keys(keyring: PostgresKeyring, supervisor: str) -> None:
    for _ in range(40):
        await keyring.new_subject_keys(TENANT, uuid4())
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        await connection.execute("ANALYZE")
        cursor = await connection.execute(
            "SELECT count(*) FILTER (WHERE attname = 'wrapped'), count(*) FROM pg_stats"
            " WHERE tablename LIKE 'subject_key%'"
        )
        of_wrapped, of_all = (await cursor.fetchall())[0]
    assert of_all > 0
    assert of_wrapped == 0


async def test_what_a_crash_left_unswept_is_swept_later(
    keyring: PostgresKeyring, keystore_database: Database, files: Files
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    everything = await _wrapped(keystore_database, "subject_key")
    async with keystore_database.transaction() as tx:
        await store.delete_subject_keys(tx, TENANT, subject, list(Purpose))
    # here the power fails, before the sweep
    content = await files()
    assert all(wrapped in content for wrapped in everything)

    assert await store.sweep(keystore_database) == 0

    content = await files()
    assert not any(wrapped in content for wrapped in everything)


async def test_a_dump_that_still_sees_the_key_is_waited_for_and_not_forgotten(
    keyring: PostgresKeyring, keystore_database: Database
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    async with await psycopg.AsyncConnection.connect(keystore_database.conninfo) as dump:
        await dump.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await dump.execute("SELECT count(*) FROM tenant_key")
        await keyring.destroy_subject_keys(TENANT, subject, [Purpose.FACE])
        assert await store.sweep(keystore_database) == 1

    assert await store.sweep(keystore_database) == 0


async def test_every_destroyed_key_has_a_tombstone(
    keyring: PostgresKeyring, keystore_database: Database
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    await keyring.site_day_key(SITE, DAY)

    told = await keyring.destroy_subject_keys(TENANT, subject, ERASABLE)
    told += await keyring.destroy_site_day_keys(SITE, before=DAY + timedelta(days=1))

    async with keystore_database.transaction() as tx:
        cursor = await tx.execute("SELECT key_id FROM tombstone WHERE tenant_id = %s AND swept", (TENANT,))
        assert {row[0] for row in await cursor.fetchall()} == set(told)
    assert len(told) == 4
