"""The databases as backups see them: as their superuser, and through the files of their write-ahead log.

Only the databases that Postern itself runs: a server given by URL is backed up by whoever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from postern.errors import DatabaseUnavailable
from postern.postgres.bootstrap import SUPERVISOR

SLOT = "postern_backup"
"""It keeps the server from deleting log that is not in the backups yet, up to max_slot_wal_keep_size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A running database: how to reach it, where it lies, and what its log's files are like."""

    chain: str
    folder: Path
    conninfo: str
    major: int
    segment_bytes: int
    timeline: int
    passwords: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """A piece of the log that is durable, within one of its files."""

    start: int
    end: int
    content: bytes


def server_of(chain: str, folder: Path, owner: str) -> Server:
    """The running database of the cluster in `folder`, reached as `owner` is."""
    conninfo = make_conninfo(owner, user=SUPERVISOR, dbname="postgres")
    with _asking(chain, conninfo) as connection:
        found = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, setting::bigint,"
            " (SELECT timeline_id FROM pg_control_checkpoint()) FROM pg_settings"
            " WHERE name = 'wal_segment_size'"
        ).fetchone()
    if found is None:
        raise DatabaseUnavailable(f"the {chain} database does not say what it is; restart Postern")
    return Server(
        chain=chain,
        folder=folder,
        conninfo=conninfo,
        major=found[0],
        segment_bytes=found[1],
        timeline=found[2],
        passwords=folder.with_name(f"{folder.name}.password").read_text("utf-8"),
    )


def hold_log(server: Server) -> int | None:
    """Have the server keep its log from where the slot stands: that place; None where it was let go.

    None means that log may be missing since the last round: then only a new life makes an unbroken chain.
    """
    with _asking(server.chain, server.conninfo) as connection:
        found = connection.execute(
            "SELECT (restart_lsn - '0/0')::bigint, (wal_status = 'lost')::int FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (SLOT,),
        ).fetchone()
        if found is not None and found[0] is not None and not found[1]:
            return int(found[0])
        if found is not None:
            connection.execute("SELECT pg_drop_replication_slot(%s)", (SLOT,))
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (SLOT,))
    return None


def flushed(server: Server) -> int:
    """How far the log is durable."""
    with _asking(server.chain, server.conninfo) as connection:
        found = connection.execute("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint").fetchone()
        return int(found[0]) if found is not None else 0


def let_go(server: Server, position: int) -> None:
    """The log before `position` is in the backups: the server may delete it."""
    with _asking(server.chain, server.conninfo) as connection:
        connection.execute(
            "SELECT pg_replication_slot_advance(%s, '0/0'::pg_lsn + %s::numeric)", (SLOT, position)
        )


def release_log(chain: str, owner: str) -> None:
    """No backups are made any more: the server need keep no log for them."""
    with _asking(chain, make_conninfo(owner, user=SUPERVISOR, dbname="postgres")) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s AND NOT active",
            (SLOT,),
        )


def ranges(server: Server, start: int, end: int) -> Iterator[Range]:
    """The log from `start` to `end`, cut where its files are."""
    while start < end:
        stop = min(end, (start // server.segment_bytes + 1) * server.segment_bytes)
        path = server.folder / "pg_wal" / file_name(server.timeline, start, server.segment_bytes)
        try:
            with path.open("rb") as file:
                file.seek(start % server.segment_bytes)
                content = file.read(stop - start)
        except OSError as fault:
            raise DatabaseUnavailable(
                f"the {server.chain} database's log cannot be read ({fault.strerror}); look at its disk"
            ) from fault
        yield Range(start=start, end=stop, content=content)
        start = stop


def file_name(timeline: int, position: int, segment_bytes: int) -> str:
    """The log's file that holds `position`, as PostgreSQL names it.

    >>> file_name(1, 0x2000060, 16 * 2**20)
    '000000010000000000000002'
    """
    number, each = position // segment_bytes, 2**32 // segment_bytes
    return f"{timeline:08X}{number // each:08X}{number % each:08X}"


@contextmanager
def _asking(chain: str, conninfo: str) -> Iterator[psycopg.Connection[tuple[int, ...]]]:
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            yield connection
    except psycopg.Error as fault:
        raise DatabaseUnavailable(
            f"the {chain} database does not answer the backup ({type(fault).__name__}); look at log/"
        ) from fault
