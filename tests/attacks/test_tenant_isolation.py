"""Two tenants in one database: with the hub's role, one of them finds and changes nothing of the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from postern import wiring
from postern.errors import DatabaseUnavailable
from postern.ids import TenantId
from postern.operations.demo import set_up_demo
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import (
    DOORKEEPERS,
    RUNTIME,
    TENANTLESS,
    as_runtime_role,
    ensure_runtime_role,
    work_apart,
)
from postern.postgres.pool import Database, Transaction
from postern.settings import Settings

OURS, THEIRS = TenantId(1), TenantId(2)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SAMPLES: dict[str, Any] = {
    "integer": 1,
    "bigint": 1,
    "smallint": 8,
    "text": "drawn",
    "boolean": False,
    "date": NOON.date(),
    "timestamp with time zone": NOON,
    "uuid": UUID(int=7),
    "ARRAY": [],
}

CHECKED = {"currency": "EUR", "state": "asked", "direction": "in"}
"""What the schema wants to read in columns of text that it checks."""
LENGTHS = {("parking_notice", "tag"): 32, ("payment_attempt", "session_tag"): 32}
"""How long it wants tags, in bytes, where it wants more than 16."""


@dataclass(frozen=True, kw_only=True)
class Column:
    table: str
    name: str
    type: str


async def schema(tx: Transaction) -> dict[str, list[Column]]:
    """Every table and its columns, as the server tells them; partitions count as their parent."""
    cursor = await tx.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
        " JOIN pg_class p ON p.relname = c.table_name AND NOT p.relispartition"
        " AND p.relnamespace = 'public'::regnamespace WHERE c.table_schema = 'public' ORDER BY 1, 2"
    )
    tables: dict[str, list[Column]] = {}
    for table, name, kind in await cursor.fetchall():
        tables.setdefault(table, []).append(Column(table=table, name=name, type=kind))
    return tables


def owner_column(table: str, columns: list[Column]) -> str | None:
    """The column that says whose a row is; tenants and sites carry the same number in these tests."""
    names = {column.name for column in columns}
    if table == "tenant":
        return "id"
    return next((name for name in ("tenant_id", "site_id") if name in names), None)


def drawn_row(table: str, columns: list[Column], tenant: TenantId) -> dict[str, Any]:
    """A row of that tenant that every column's type takes."""
    row = {
        column.name: bytes(32) if column.type == "bytea" else SAMPLES.get(column.type, "drawn")
        for column in columns
    }
    if table in ("site", "tenant"):
        row["id"] = tenant
    marked = {"tenant_id", "site_id"} & row.keys()
    texts = {
        column.name: f"of tenant {tenant}"
        for column in columns
        if column.type == "text" and column.name not in ("language", "role")
    }
    texts |= {name: word for name, word in CHECKED.items() if name in row}
    digests = {name: bytes([tenant]) * 32 for name in row if name in ("digest", "nonce")}
    digests |= {name: bytes(LENGTHS.get((table, name), 16)) for name in row if name in ("tag", "session_tag")}
    return row | texts | digests | {name: tenant for name in marked}


@pytest.fixture
async def filled(database: Database) -> Database:
    """A row of each of two tenants in every table that says whose its rows are."""
    async with database.transaction() as tx:
        await tx.execute("SELECT make_record_partition('record_y2026m03', '2026-03-01', '2026-04-01')")
    supervisor = make_conninfo(database.conninfo, user="supervisor")
    async with await psycopg.AsyncConnection.connect(supervisor) as connection:
        await connection.execute("SET session_replication_role = replica")  # without foreign keys
        for table, columns in (await schema(connection)).items():
            if owner_column(table, columns) is None:
                continue
            for tenant in (OURS, THEIRS):
                row = drawn_row(table, columns, tenant)
                insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(row)),
                )
                await connection.execute(insert, list(row.values()))
    return database


async def leaks(database: Database, tenant: TenantId | None) -> set[tuple[str, str]]:
    """(table, verb) for everything of THEIRS that a transaction of `tenant` can read, change or take."""
    found: set[tuple[str, str]] = set()
    async with database.transaction() as tx:
        tables = await schema(tx)
    for table, columns in tables.items():
        owner = owner_column(table, columns)
        if owner is None:
            continue
        for verb, statement in attempts(table, owner).items():
            try:
                async with database.transaction(tenant) as tx:
                    cursor = await tx.execute(statement, {"theirs": THEIRS, "ours": OURS})
                    if cursor.rowcount > 0:
                        found.add((table, verb))
                    raise _Undone
            except (_Undone, psycopg.errors.InsufficientPrivilege):
                continue
            except psycopg.errors.IntegrityError:
                found.add((table, verb))  # it got as far as a key
    return found


class _Undone(Exception):
    """Roll back what the attempt did."""


def attempts(table: str, owner: str) -> dict[str, sql.Composed]:
    """Statements that concern rows of THEIRS."""
    names = {"table": sql.Identifier(table), "owner": sql.Identifier(owner)}
    texts = {
        "read": "SELECT 1 FROM {table} WHERE {owner} = %(theirs)s",
        "update": "UPDATE {table} SET {owner} = {owner} WHERE {owner} = %(theirs)s",
        "take": "UPDATE {table} SET {owner} = %(ours)s WHERE {owner} = %(theirs)s",
        "give": "UPDATE {table} SET {owner} = %(theirs)s WHERE {owner} = %(ours)s",
        "delete": "DELETE FROM {table} WHERE {owner} = %(theirs)s",
    }
    return {verb: sql.SQL(text).format(**names) for verb, text in texts.items()}


@pytest.fixture
async def at_work(filled: Database) -> AsyncIterator[Database]:
    async with Database.open(make_conninfo(filled.conninfo, user=RUNTIME)) as made:
        yield made


async def test_nothing_of_another_tenant_can_be_read_changed_taken_given_or_deleted(
    at_work: Database,
) -> None:
    assert await leaks(at_work, OURS) == set()


async def test_one_s_own_rows_are_there_so_the_attack_did_look(at_work: Database) -> None:
    async with at_work.transaction(THEIRS) as tx:
        tables = await schema(tx)
        for table, columns in tables.items():
            owner = owner_column(table, columns)
            if owner is not None:
                query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {} = %s) FROM {}")
                counted = await tx.execute(
                    query.format(sql.Identifier(owner), sql.Identifier(table)), (THEIRS,)
                )
                assert await counted.fetchone() == (1, 1), table


async def test_before_a_tenant_is_stated_only_the_doorkeepers_tables_can_be_read(at_work: Database) -> None:
    assert {table for table, verb in await leaks(at_work, None) if verb == "read"} == DOORKEEPERS


async def test_the_mutant_that_works_as_the_owner_is_caught(filled: Database) -> None:
    found = await leaks(filled, OURS)
    assert {table for table, verb in found if verb == "read"} >= {"person", "record", "journal_entry"}
    async with filled.transaction() as tx:
        assert not await work_apart(tx)


async def test_the_mutant_of_one_table_without_its_policy_is_caught(
    filled: Database, at_work: Database
) -> None:
    async with filled.transaction() as tx:
        await tx.execute("ALTER TABLE consent DISABLE ROW LEVEL SECURITY")
    assert {table for table, _ in await leaks(at_work, OURS)} == {"consent"}


async def test_every_table_has_an_owner_column_or_is_listed_as_nobodys(database: Database) -> None:
    async with database.transaction() as tx:
        tables = await schema(tx)
    assert {table for table, columns in tables.items() if owner_column(table, columns) is None} == TENANTLESS


async def test_the_hubs_role_owns_nothing_and_cannot_become_the_owner(runtime_database: Database) -> None:
    async with runtime_database.transaction() as tx:
        assert await work_apart(tx)
        cursor = await tx.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE r.rolname = current_user"
        )
        assert await cursor.fetchone() == (0,)
    for statement in ("SET ROLE postern", "ALTER TABLE person DISABLE ROW LEVEL SECURITY", "TRUNCATE person"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with runtime_database.transaction() as tx:
                await tx.execute(sql.SQL(statement))


async def test_the_setting_ends_with_its_transaction(at_work: Database) -> None:
    async with at_work.transaction(OURS) as tx:
        assert await (await tx.execute("SELECT postern_tenant()")).fetchone() == (OURS,)
    for _ in range(12):  # more than the pool has connections
        async with at_work.transaction() as tx:
            assert await (await tx.execute("SELECT postern_tenant()")).fetchone() == (None,)


async def test_a_server_given_by_url_turns_its_role_into_the_one_that_owns_nothing(
    database: Database, cluster: Cluster
) -> None:
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    name = f"landlord_{uuid4().hex[:8]}"
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'drawn-password'")
        await connection.execute(made.format(sql.Identifier(name)))
        url = make_conninfo(database.conninfo, user=name, password="drawn-password")
        try:
            with pytest.raises(DatabaseUnavailable, match="CREATE ROLE postern_app; GRANT"):
                await ensure_runtime_role(url)
            await connection.execute(sql.SQL("GRANT postern_app TO {}").format(sql.Identifier(name)))
            await ensure_runtime_role(url)
            async with Database.open(as_runtime_role(url)) as opened, opened.transaction() as tx:
                assert await (await tx.execute("SELECT current_user")).fetchone() == (RUNTIME,)
                assert await work_apart(tx)
        finally:
            await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


async def test_the_hub_on_servers_given_by_url_owns_nothing_there(cluster: Cluster, tmp_path: Path) -> None:
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    name = f"landlord_{uuid4().hex[:8]}"
    role = sql.Identifier(name)
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'drawn-password'").format(role))
        await connection.execute(sql.SQL("GRANT postern_app TO {}").format(role))
        urls = {}
        for kind in ("data", "keys"):
            database = f"{name}_{kind}"
            made = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), role)
            await connection.execute(made)
            where = make_conninfo(cluster.conninfo(database=database), user=name, password="drawn-password")
            urls[kind] = SecretStr(where)
        settings = Settings(data=tmp_path, mode="demo", database_url=urls["data"], keystore_url=urls["keys"])
        try:
            async with (
                wiring.databases(settings, lambda _: None) as handover,
                wiring.services(settings, handover) as services,
            ):
                assert b"owner" not in handover.to_bytes().replace(b'"owner": ""', b"")
                await wiring.require_apart(services)
                await wiring.make_room(services)
                demo = await set_up_demo(services)
                async with services.database.transaction(demo.tenant) as tx:
                    assert len(await services.registry.people.everyone(tx, demo.tenant)) == 6
                async with Database.open(handover.owner) as owner:
                    unbound = replace(services, database=owner)
                    with pytest.raises(DatabaseUnavailable, match="row-level security"):
                        await wiring.require_apart(unbound)
        finally:
            for kind in ("data", "keys"):
                gone = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(f"{name}_{kind}"))
                await connection.execute(gone)
            await connection.execute(sql.SQL("DROP ROLE {}").format(role))
