"""The embedded PostgreSQL: a cluster that this program makes, starts, watches and stops.

The server is a direct child and dies with its parent. It is reached only through a Unix socket in a 0700
folder, with a random password that lies in a 0600 file.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo

from postern.errors import DatabaseUnavailable, PosternError, StorageFull
from postern.postgres.bootstrap import (
    OWNER,
    SUPERVISOR,
    create_cluster,
    password_file,
    passwords_in,
    run_program,
    server_path,
)
from postern.postgres.configuration import ACCESS, as_text, server_settings, write_into
from postern.postgres.folders import SOCKET_LOCK, SOCKET_NAME, FolderLock, private_folder, socket_folder
from postern.postgres.identity import Identity, identity_for
from postern.postgres.isolation import RUNTIME, ensure_runtime_login
from postern.postgres.postmaster import Postmaster
from postern.postgres.processes import stop_servers_in
from postern.postgres.programs import Programs, copied, find_programs

Progress = Callable[[str], None]

_LEAST_FREE_BYTES = 48 * 1024 * 1024  # three segments of write-ahead log
_RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_STEADY_SECONDS = 60.0


class Cluster:
    """One PostgreSQL cluster in `folder`.

    `name` ("data" or "keystore") chooses its settings and, for root, its system user. The socket goes to
    `sockets`/`name` and the server's log to `logs`/postgres-`name`.log. `durable=False` is for scratch
    clusters of tests only. `progress` is told in words what takes time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        sockets: Path,
        logs: Path,
        programs: Path | None = None,
        progress: Progress = lambda _: None,
        durable: bool = True,
    ) -> None:
        if not re.fullmatch("[a-z]{1,12}", name):
            raise ValueError(f"{name!r} is no name for a cluster")
        self._folder = folder.absolute()
        self._name = name
        self._sockets = sockets.absolute() / name
        self._log = logs.absolute() / f"postgres-{name}.log"
        self._explicit = programs
        self._progress = progress
        self._durable = durable
        self._lock = FolderLock(self._folder.with_name(f"{self._folder.name}.lock"))
        self._passwords = self._folder.with_name(f"{self._folder.name}.password")
        self._reach = self._sockets
        self._server: Postmaster | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._server.pid if self._server is not None and self._server.running else None

    def conninfo(self, *, database: str = OWNER, role: str = OWNER) -> str:
        """How to reach `database` as `role`; it names the password's file, never the password."""
        return make_conninfo(
            host=str(self._reach), port=5432, user=role, dbname=database, passfile=str(self._passwords)
        )

    async def start(self) -> str:
        """Make the cluster when there is none, start it, wait until it is ready and return its conninfo.

        Recovery after a crash takes as long as it takes; progress says so. Raises DatabaseUnavailable when
        another Postern runs here or the server cannot start, StorageFull when the disk is full.
        """
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.take()
        self._starting = asyncio.create_task(self._start_server())
        try:
            await self._starting
        except BaseException:
            await self.stop()
            raise
        return self.conninfo()

    async def stop(self) -> None:
        """Stop the server with a checkpoint, or a start that is under way, and let others use the folder."""
        running, self._server = self._server, None
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})
        late, self._server = self._server, None  # the start may have succeeded before it was cancelled
        for server in (running, late):
            if server is not None:
                await server.stop(self._progress)
        self._lock.release()

    async def supervise(self) -> None:
        """Restart the server, ever less often, whenever it ends by itself; returns once `stop` was called."""
        failures = 0
        while (server := self._server) is not None:
            if await server.ended() >= _STEADY_SECONDS:
                failures = 0
            while self._server is server:
                delay = _RESTART_SECONDS[min(failures, len(_RESTART_SECONDS) - 1)]
                failures += 1
                self._starting = asyncio.create_task(self._restart(delay))
                try:
                    await asyncio.wait({self._starting})
                finally:
                    self._starting.cancel()

    async def _restart(self, delay: float) -> None:
        self._progress(f"PostgreSQL ({self._name}) ended by itself; restarting it in {delay:g} s")
        await asyncio.sleep(delay)
        try:
            await self._start_server()
        except PosternError as fault:
            self._progress(str(fault))

    async def _start_server(self) -> None:
        identity = await asyncio.to_thread(identity_for, self._folder, self._name)
        programs = await asyncio.to_thread(self._find_programs, identity)
        await stop_servers_in(self._folder, self._progress)
        self._require_space()
        if not self._folder.exists():
            self._progress(
                f"Making the {self._name} database (PostgreSQL {programs.version}); this happens once"
            )
            await self._create(identity, programs)
        private_folder(self._folder, identity)
        self._reach = socket_folder(self._sockets, identity)
        server = self._spawn(identity, programs)
        try:
            await server.ready(self._progress)
            await self._ensure_runtime_login()
        except BaseException:
            await server.stop(self._progress)
            raise
        self._server = server

    async def _ensure_runtime_login(self) -> None:
        """The role that the hub works as; clusters of earlier releases lack it."""
        if self._name != "data":
            return  # the keystore has one role, which nobody but its own tables' owner needs
        passwords = passwords_in(password_file(self._passwords))
        supervisor = self.conninfo(database="postgres", role=SUPERVISOR)
        await ensure_runtime_login(supervisor, passwords[RUNTIME])

    async def _create(self, identity: Identity, programs: Programs) -> None:
        """Make the cluster; a start that is given up meanwhile waits for its end."""
        password_file(self._passwords)
        making = asyncio.ensure_future(
            asyncio.to_thread(
                create_cluster, self._folder, identity, programs, self._passwords, durable=self._durable
            )
        )
        try:
            await asyncio.shield(making)
        finally:
            await asyncio.wait({making})

    def _find_programs(self, identity: Identity) -> Programs:
        """Programs of the version that made the cluster, where the server's system user can reach them."""
        version = self._folder / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        programs = find_programs(self._explicit, major=major)
        if not identity.is_other:
            return programs
        try:
            run_program(identity, [str(programs.folder / "initdb"), "--version"])
        except DatabaseUnavailable:
            programs = copied(programs, self._progress)
        return programs

    def _require_space(self) -> None:
        free = shutil.disk_usage(self._folder.parent).free
        if free < _LEAST_FREE_BYTES:
            raise StorageFull(
                f"The disk of {self._folder.parent} has {free // 2**20} MB left; PostgreSQL needs at least "
                f"{_LEAST_FREE_BYTES // 2**20} MB to start. Free some space and start again."
            )

    def _spawn(self, identity: Identity, programs: Programs) -> Postmaster:
        """Write the configuration and start the server on it."""
        data_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        socket_fd = os.open(self._reach, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Nothing runs here: we hold the lock and looked at /proc. A pid file that stayed behind would
            # stop the server if its number now belongs to some other process.
            for fd, stale in (
                (data_fd, "postmaster.pid"),
                (socket_fd, SOCKET_NAME),
                (socket_fd, SOCKET_LOCK),
            ):
                with suppress(FileNotFoundError):
                    os.unlink(stale, dir_fd=fd)
            self._configure(data_fd, server_path(self._reach, socket_fd, identity), identity)
            data = server_path(self._folder, data_fd, identity)
            return Postmaster.spawn(
                [str(programs.folder / "postgres"), "-D", data],
                identity=identity,
                folder=self._folder,
                fds=(data_fd, socket_fd),
                log=self._log,
            )
        finally:
            os.close(data_fd)
            os.close(socket_fd)

    def _configure(self, data_fd: int, sockets: str, identity: Identity) -> None:
        settings = server_settings(self._name, sockets=sockets, durable=self._durable)
        write_into(data_fd, "postgresql.conf", as_text(settings), identity)
        write_into(data_fd, "pg_hba.conf", ACCESS, identity)
