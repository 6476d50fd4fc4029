"""The doctor looks at the role that the hub works as: the real one, and with one planted fault at a time."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from postern.doctor import tenants
from postern.doctor.finding import Finding, Level
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.pool import Database
from postern.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


async def as_supervisor(cluster: Cluster, database: Database, *statements: str) -> None:
    """Run them as the server's administrator, in that database."""
    name = psycopg.conninfo.conninfo_to_dict(database.conninfo)["dbname"]
    conninfo = cluster.conninfo(database=str(name), role="supervisor")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(sql.SQL(statement))  # type: ignore[arg-type]


async def looked_at(settings: Settings, database: Database) -> list[Finding]:
    return await tenants.examine(settings, {"data": database.conninfo})


async def test_the_role_of_an_untouched_hub_is_well(settings: Settings, database: Database) -> None:
    (found,) = await looked_at(settings, database)
    assert (found.level, found.cure) == (Level.OK, "")


async def test_without_a_running_database_there_is_nothing_to_say(settings: Settings) -> None:
    assert await tenants.examine(settings, {}) == []


@pytest.mark.parametrize(
    ("fault", "said", "cure"),
    [
        (f"ALTER TABLE person OWNER TO {RUNTIME}", "owns person", "OWNER TO another role"),
        (f"GRANT UPDATE ON journal_entry TO {RUNTIME}", "journal_entry", "REVOKE UPDATE"),
        (f"GRANT CREATE ON SCHEMA public TO {RUNTIME}", "make tables", "REVOKE CREATE"),
        ("ALTER TABLE vehicle DISABLE ROW LEVEL SECURITY", "does not guard vehicle", "restart Postern"),
        ("DROP POLICY own_rows ON record", "does not guard record", "restart Postern"),
    ],
)
async def test_a_planted_fault_is_a_danger_with_its_cure(
    cluster: Cluster, database: Database, settings: Settings, fault: str, said: str, cure: str
) -> None:
    await as_supervisor(cluster, database, fault)
    (found,) = await looked_at(settings, database)
    assert found.level is Level.DANGER
    assert said in found.message
    assert cure in found.cure


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
async def test_a_role_that_the_policies_do_not_bind_is_a_danger(
    cluster: Cluster, database: Database, settings: Settings, attribute: str
) -> None:
    try:
        await as_supervisor(cluster, database, f"ALTER ROLE {RUNTIME} {attribute}")
        (found,) = await looked_at(settings, database)
    finally:
        await as_supervisor(cluster, database, f"ALTER ROLE {RUNTIME} NO{attribute}")
    assert found.level is Level.DANGER
    assert f"ALTER ROLE {RUNTIME} NOSUPERUSER" in found.cure


async def test_a_role_that_may_act_as_the_owner_is_a_danger(
    cluster: Cluster, database: Database, settings: Settings
) -> None:
    try:
        await as_supervisor(cluster, database, f"GRANT postern TO {RUNTIME}")
        (found,) = await looked_at(settings, database)
    finally:
        await as_supervisor(cluster, database, f"REVOKE postern FROM {RUNTIME}")
    assert found.level is Level.DANGER
    assert "may act as their owner" in found.message


async def test_a_login_of_its_own_is_looked_at_as_it_is(database: Database, settings: Settings) -> None:
    own = settings.model_copy(update={"database_runtime_url": SecretStr(database.conninfo)})
    (found,) = await looked_at(own, database)
    assert "the hub's role postern owns" in found.message
    good = make_conninfo(database.conninfo, user=RUNTIME)
    (found,) = await looked_at(
        settings.model_copy(update={"database_runtime_url": SecretStr(good)}), database
    )
    assert found.level is Level.OK


async def test_a_login_that_does_not_work_is_told(database: Database, settings: Settings) -> None:
    own = settings.model_copy(
        update={"database_runtime_url": SecretStr("host=/nonexistent dbname=postern user=postern_app")}
    )
    (found,) = await looked_at(own, database)
    assert found.level is Level.DANGER
    assert "POSTERN_DATABASE_RUNTIME_URL" in found.cure
