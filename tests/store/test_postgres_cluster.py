"""The embedded server under our supervisor, with real processes and real kills."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from postern.errors import DatabaseUnavailable, StorageFull
from postern.postgres import embedded, postmaster, processes
from postern.postgres.bootstrap import SUPERVISOR
from postern.postgres.embedded import Cluster
from postern.postgres.identity import Identity
from postern.postgres.pool import Database
from postern.postgres.postmaster import Postmaster
from postern.postgres.processes import servers_in
from postern.postgres.programs import find_programs


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short name, as a data folder is."""
    with tempfile.TemporaryDirectory(prefix="postern-cluster-") as name:
        yield Path(name)


def cluster_in(folder: Path, **options: object) -> Cluster:
    return Cluster(
        folder / "pg" / "data",
        name="data",
        sockets=folder / "run",
        logs=folder / "log",
        **options,  # type: ignore[arg-type]  # the tests' own shorthand
    )


@pytest.fixture
async def started(folder: Path) -> AsyncIterator[Cluster]:
    """A durable cluster, watched."""
    cluster = cluster_in(folder)
    await cluster.start()
    watch = asyncio.create_task(cluster.supervise())
    try:
        yield cluster
    finally:
        await cluster.stop()
        await watch


async def none_left(folder: Path) -> bool:
    for _ in range(200):
        if not servers_in(folder / "pg" / "data"):
            return True
        await asyncio.sleep(0.1)
    return False


async def value_of(connection: psycopg.AsyncConnection[tuple[object, ...]], name: str) -> str:
    row = await (await connection.execute("SELECT current_setting(%s)", (name,))).fetchone()
    assert row is not None
    return str(row[0])


async def lost_by_a_kill(cluster: Cluster, folder: Path, *, rows: int = 100) -> int:
    """Acknowledged rows that are missing after every process of the server was killed at once."""
    async with await psycopg.AsyncConnection.connect(cluster.conninfo(), autocommit=True) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS promised (number int)")
        await connection.execute("TRUNCATE promised")
        for number in range(rows):
            await connection.execute("INSERT INTO promised VALUES (%s)", (number,))
        killed = cluster.pid
        for server in servers_in(folder / "pg" / "data"):
            os.kill(server.pid, signal.SIGKILL)
    while cluster.pid in (None, killed):
        await asyncio.sleep(0.05)
    async with Database.open(cluster.conninfo()) as database, database.transaction() as tx:
        row = await (await tx.execute("SELECT count(*) FROM promised")).fetchone()
    assert row is not None
    return rows - int(row[0])


async def test_a_killed_server_is_restarted_and_no_acknowledged_row_is_lost(
    started: Cluster, folder: Path
) -> None:
    for _ in range(3):
        assert await lost_by_a_kill(started, folder) == 0


async def test_a_server_that_acknowledges_before_it_is_durable_would_be_caught(folder: Path) -> None:
    mutant = cluster_in(folder, durable=False)
    await mutant.start()
    watch = asyncio.create_task(mutant.supervise())
    losses = []
    while sum(losses) == 0 and len(losses) < 10:
        losses.append(await lost_by_a_kill(mutant, folder))
    await mutant.stop()
    await watch
    assert sum(losses) > 0


async def test_a_transaction_waits_out_a_killed_server(started: Cluster) -> None:
    async with Database.open(started.conninfo(), timeout_seconds=20) as database:
        killed = started.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        while started.pid in (None, killed):
            await asyncio.sleep(0.05)
        async with database.transaction() as tx:
            await tx.execute("SELECT 1")


async def test_a_killed_parent_leaves_no_server_behind(folder: Path) -> None:
    script = """
        import asyncio
        from pathlib import Path
        from postern.postgres.embedded import Cluster

        async def main():
            folder = Path({folder!r})
            data, run, log = folder / "pg" / "data", folder / "run", folder / "log"
            cluster = Cluster(data, name="data", sockets=run, logs=log)
            await cluster.start()
            print("ready", flush=True)
            await cluster.supervise()

        asyncio.run(main())
    """
    program = textwrap.dedent(script.format(folder=str(folder)))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert await asyncio.to_thread(parent.stdout.readline) == b"ready\n"
        assert servers_in(folder / "pg" / "data")
        parent.kill()
    assert await none_left(folder)
    cluster = cluster_in(folder)
    await cluster.start()
    await cluster.stop()


async def test_a_second_start_in_the_same_folder_is_refused_in_words(started: Cluster, folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"Another Postern .* already runs on .*Stop it first"):
        await cluster_in(folder).start()
    assert started.pid is not None


async def test_a_stale_pid_file_that_names_another_process_does_not_hinder_the_start(folder: Path) -> None:
    cluster = cluster_in(folder, durable=False)
    await cluster.start()
    await cluster.stop()
    lines = [str(os.getpid()), "/elsewhere", "1", "5432", "/elsewhere", "", "1 1", "ready"]
    (folder / "pg" / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    await cluster.start()
    assert cluster.pid not in (None, os.getpid())
    await cluster.stop()


async def test_a_hanging_server_that_lost_its_parent_is_taken_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = ((signal.SIGINT, 0.3), (signal.SIGQUIT, 0.3), (signal.SIGKILL, 5.0))
    monkeypatch.setattr(processes, "_PATIENCE", patience)
    first = cluster_in(folder, durable=False)
    await first.start()
    left = first.pid
    assert left is not None
    os.kill(left, signal.SIGSTOP)
    first._lock.release()
    told: list[str] = []
    second = cluster_in(folder, durable=False, progress=told.append)
    await second.start()
    assert second.pid != left
    assert any("earlier PostgreSQL" in words for words in told)
    await first.stop()
    await second.stop()


async def test_a_start_that_is_given_up_leaves_no_server_and_no_lock(folder: Path) -> None:
    first, second = cluster_in(folder, durable=False), cluster_in(folder, durable=False)
    starting = asyncio.create_task(first.start())
    await asyncio.sleep(0.3)
    await first.stop()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await second.start()
    assert {server.pid for server in servers_in(folder / "pg" / "data")} >= {second.pid}
    await second.stop()
    assert await none_left(folder)


async def test_a_start_that_takes_long_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "_TELL_EVERY_SECONDS", 0.0)
    told: list[str] = []
    cluster = cluster_in(folder, durable=False, progress=told.append)
    await cluster.start()
    await cluster.stop()
    assert any("still starting (0 s); after a crash it replays its log first" in words for words in told)


async def test_a_folder_made_halfway_is_made_anew(folder: Path) -> None:
    (folder / "pg" / "data.new" / "base").mkdir(parents=True)
    cluster = cluster_in(folder, durable=False)
    await cluster.start()
    assert not (folder / "pg" / "data.new").exists()
    await cluster.stop()


async def test_the_server_is_reached_only_by_a_private_socket_and_a_password(
    started: Cluster, folder: Path
) -> None:
    async with await psycopg.AsyncConnection.connect(started.conninfo(role=SUPERVISOR)) as connection:
        assert await value_of(connection, "listen_addresses") == ""
        assert await value_of(connection, "data_checksums") == "on"
        assert await value_of(connection, "fsync") == "on"
        rules = await connection.execute("SELECT DISTINCT type, auth_method FROM pg_hba_file_rules")
        assert await rules.fetchall() == [("local", "scram-sha-256")]
    for private in ("run/data", "pg", "pg/data"):
        assert stat.S_IMODE((folder / private).stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "pg" / "data.password").stat().st_mode) == 0o600
    other = psycopg.conninfo.make_conninfo(started.conninfo(), passfile="/dev/null")
    with pytest.raises(DatabaseUnavailable, match="wants a password"):
        async with Database.open(other):
            pass


async def test_the_hub_works_as_a_role_that_is_no_superuser(started: Cluster) -> None:
    async with await psycopg.AsyncConnection.connect(started.conninfo()) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")


async def test_no_value_of_a_failed_statement_reaches_the_log(started: Cluster, folder: Path) -> None:
    planted = "planted-d41d8cd98f"
    async with await psycopg.AsyncConnection.connect(started.conninfo(), autocommit=True) as connection:
        await connection.execute("CREATE TABLE kept (name text PRIMARY KEY)")
        await connection.execute("INSERT INTO kept VALUES (%s)", (planted,))
        for statement in ("INSERT INTO kept VALUES (%s)", "SELECT %s::uuid", f"SELECT '{planted}' + %s::int"):
            with pytest.raises(psycopg.Error):
                await connection.execute(statement, (planted,))
    logs = b"".join(path.read_bytes() for path in (folder / "log").iterdir())
    assert b"database system is ready" in logs
    assert planted.encode() not in logs


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(folder: Path) -> None:
    deep = folder / ("deep-" * 20) / "here"
    cluster = Cluster(
        deep / "pg" / "data", name="data", sockets=deep / "run", logs=deep / "log", durable=False
    )
    async with Database.open(await cluster.start()):
        reached = (deep / "run" / "data").resolve()
        assert len(str(reached)) < 60
        assert stat.S_IMODE(reached.stat().st_mode) == 0o700
    await cluster.stop()
    reached.rmdir()


async def test_a_full_disk_is_told_before_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_LEAST_FREE_BYTES", 2**60)
    with pytest.raises(StorageFull, match="MB left; PostgreSQL needs at least"):
        await cluster_in(folder).start()


async def test_a_server_that_finds_the_disk_full_says_so(folder: Path) -> None:
    said = "echo 'PANIC:  could not write to file \"pg_wal/xlogtemp.7\": No space left on device' >&2; exit 1"
    identity = Identity(uid=os.geteuid(), gid=os.getegid())
    server = Postmaster.spawn(
        ["/bin/sh", "-c", said], identity=identity, folder=folder, fds=[], log=folder / "log"
    )
    with pytest.raises(StorageFull, match="is full: PostgreSQL cannot start"):
        await server.ready(lambda _: None)


async def test_a_server_that_does_not_start_tells_its_reason(folder: Path) -> None:
    cluster = cluster_in(folder, durable=False)
    await cluster.start()
    await cluster.stop()
    (folder / "pg" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL cannot start: .*Its log is"):
        await cluster.start()


async def test_the_parent_that_is_gone_starts_no_server(folder: Path) -> None:
    launch = Path(embedded.__file__).with_name("launch.py")
    who = [str(os.getpid() + 100_000), str(os.geteuid()), str(os.getegid())]
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(launch), *who, "/bin/echo", "started"], check=False
    )
    assert done.returncode == 3


def test_a_wrong_folder_of_programs_is_told(folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="correct POSTERN_POSTGRES_BIN or unset it"):
        find_programs(folder)


def test_programs_of_a_version_that_is_not_here_are_told_by_name() -> None:
    with pytest.raises(DatabaseUnavailable, match="No PostgreSQL 99 was found"):
        find_programs(major=99)


def test_an_old_version_is_refused_by_name(folder: Path) -> None:
    for name in ("postgres", "initdb"):
        (folder / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.4'\n")
        (folder / name).chmod(0o755)
    with pytest.raises(DatabaseUnavailable, match=r"holds PostgreSQL 13\.4; Postern needs 16 or newer"):
        find_programs(folder)
