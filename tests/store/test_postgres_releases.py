"""This release starts on the data of every release before it, and on its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from postern import __version__
from postern.postgres.bootstrap import SUPERVISOR
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.postgres.programs import find_programs
from tests.fixtures.releases.content import check, services_in
from tests.fixtures.releases.make import RELEASES

MADE = sorted(path.parent.name for path in RELEASES.glob("*/hub.sql"))


@asynccontextmanager
async def restored(cluster: Cluster, dump: Path) -> AsyncIterator[Database]:
    """A scratch database with a dump's content."""
    name = f"release_{uuid4().hex}"
    supervisor = cluster.conninfo(database="postgres", role=SUPERVISOR)
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {} OWNER postern").format(sql.Identifier(name)))
        program, conninfo = find_programs().folder / "psql", cluster.conninfo(database=name)
        options = ["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", str(dump), conninfo]
        done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        async with Database.open(conninfo) as database:
            yield database
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("release", MADE)
async def test_this_release_migrates_and_opens_the_data_of(
    release: str, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    shutil.copy(RELEASES / release / "unattended.key", tmp_path / "keys" / "unattended.key")
    (tmp_path / "keys" / "unattended.key").chmod(0o600)
    async with (
        restored(cluster, RELEASES / release / "hub.sql") as hub,
        restored(cluster, RELEASES / release / "keystore.sql") as keystore,
    ):
        await migrate(hub, "hub")
        await migrate(keystore, "keystore")
        await check(await services_in(tmp_path, hub, keystore))


def test_the_present_release_is_among_them() -> None:
    assert __version__ in MADE, "run python -m tests.fixtures.releases.make and commit what it writes"
