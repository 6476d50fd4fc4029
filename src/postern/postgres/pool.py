"""Connections and transactions, for an embedded cluster and for a server given by URL alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from postern.errors import DatabaseUnavailable, StorageFull
from postern.ids import TenantId

Transaction: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
"""What stores take: a connection on which a transaction is open."""

MINIMUM_VERSION = 160000
"""PostgreSQL 16. Our SQL uses nothing that 15 lacks, but Citus 14 starts at 16 and so do our tests."""

_WRITTEN: ContextVar[set[object] | None] = ContextVar("written", default=None)
_RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Database:
    """A pool of connections to one database. Make it with `Database.open`."""

    def __init__(self, conninfo: str, pool: AsyncConnectionPool[Transaction]) -> None:
        self.conninfo = conninfo
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(
        cls, conninfo: str, *, size: int = 10, timeout_seconds: float = 30
    ) -> AsyncIterator[Database]:
        """Connect to the database that the URL or conninfo string names, with at most `size` connections.

        Raises DatabaseUnavailable, in words, for a wrong URL or password, a server that does not answer
        and one older than PostgreSQL 16. The words never carry the password.
        """
        conninfo = make_complete(conninfo)
        await _try(conninfo)
        pool: AsyncConnectionPool[Transaction] = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=size,
            timeout=timeout_seconds,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        try:
            await pool.open()
            yield cls(conninfo, pool)
        finally:
            await pool.close()

    @asynccontextmanager
    async def transaction(self, tenant: TenantId | None = None) -> AsyncIterator[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises.

        It sees and changes the rows of `tenant` and of nobody else (`isolation.py`). Without one it reaches
        only the tables by which the hub finds out whose a request is, until `confine` states it.

        Raises StorageFull when the disk is full, DatabaseUnavailable when the server went away; in the
        second case, only when the commit itself was under way may it have been done.
        """
        connection: Transaction | None = None
        around = _WRITTEN.get()
        _WRITTEN.set(set())
        try:
            # Begun explicitly: otherwise a savepoint that comes first would be the whole transaction.
            async with self._pool.connection() as connection, connection.transaction():
                if tenant is not None:
                    await confine(connection, tenant)
                yield connection
        except psycopg.errors.DiskFull as fault:
            raise StorageFull("The database's disk is full; free some space and try again.") from fault
        except PoolTimeout as fault:
            raise DatabaseUnavailable("The database does not answer; it is tried again by itself.") from fault
        except psycopg.OperationalError as fault:
            if connection is None or connection.broken:
                raise DatabaseUnavailable("The connection to the database was lost; try again.") from fault
            raise
        finally:
            _WRITTEN.set(around)

    async def notify(self, tx: Transaction, channel: str, payload: str = "") -> None:
        """Tell every listener on `channel`, once `tx` commits. At most 7,999 bytes, never personal data."""
        await tx.execute("SELECT pg_notify(%s, %s)", (channel, payload))

    async def listen(self, channel: str) -> AsyncGenerator[str | None, None]:
        """Payloads of `channel`, for as long as the caller iterates, across restarts of the server.

        The first item, and the first after every reconnection, is None: it says that listening has
        begun, and that whatever was told before must be looked up.
        """
        failures = 0
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self.conninfo, autocommit=True)
                async with connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    failures = 0
                    yield None
                    async for notice in connection.notifies():
                        yield notice.payload
            except psycopg.OperationalError:
                await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
                failures += 1


def written() -> set[object]:
    """What was noted as written by the transaction that this code runs in, and may yet be rolled back; to be
    added to. Outside of any, a set that nobody keeps."""
    found = _WRITTEN.get()
    return set() if found is None else found


async def confine(tx: Transaction, tenant: TenantId) -> None:
    """From here to its end `tx` sees and changes rows of `tenant` only. A later call names another."""
    await tx.execute("SELECT set_config('postern.tenant', %s, true)", (str(tenant),))


def make_complete(conninfo: str) -> str:
    """The conninfo string with our defaults added. Raises DatabaseUnavailable when it cannot be read."""
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as fault:
        raise DatabaseUnavailable(
            "The database URL cannot be read; it looks like postgresql://postern@host:5432/postern."
        ) from fault
    timeout = given.get("connect_timeout", 10)
    return make_conninfo(
        conninfo,
        connect_timeout=int(str(timeout)),
        application_name=str(given.get("application_name", "postern")),
    )


async def _try(conninfo: str) -> None:
    """Connect once, so that what is wrong is said at once and in words."""
    try:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as fault:
        raise DatabaseUnavailable(_explain(conninfo, str(fault))) from fault
    if version < MINIMUM_VERSION:
        raise DatabaseUnavailable(
            f"{_where(conninfo)} runs PostgreSQL {version // 10000}; "
            f"Postern needs {MINIMUM_VERSION // 10000} or newer. Upgrade the server or give another URL."
        )


def _where(conninfo: str) -> str:
    given = conninfo_to_dict(conninfo)
    return f"The database server at {given.get('host', 'the default socket')}:{given.get('port', 5432)}"


def _explain(conninfo: str, message: str) -> str:
    """What the driver's message means and what to do; the driver's own words may repeat secrets."""
    where = _where(conninfo)
    for sign, words in (
        ("password authentication failed", "refused the password; check the URL's name and password."),
        ("no password supplied", "wants a password; add it to the URL or to a password file."),
        ("no pg_hba.conf entry", "does not allow this machine in; allow it in the server's pg_hba.conf."),
        ("Peer authentication failed", "does not let this system user in under that name; check the URL."),
        ("permission denied for database", "does not let the URL's role into the database; grant CONNECT."),
        ('role "', "does not know the name in the URL; create the role or correct the URL."),
        ('database "', "has no such database; create it or correct the URL."),
        ("could not translate host name", "has a name that cannot be resolved; check the URL's host."),
        ("failed to resolve host", "has a name that cannot be resolved; check the URL's host."),
        ("SSL", "does not agree on encryption; check the URL's sslmode and the server's certificate."),
        ("too many clients", "takes no more connections; raise its max_connections."),
        ("remaining connection slots", "takes no more connections; raise its max_connections."),
        ("starting up", "is still starting; try again in a moment."),
    ):
        if sign in message:
            return f"{where} {words}"
    return f"{where} does not answer; check that it runs, and the URL's host and port."
