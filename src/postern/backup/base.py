"""A base of one database: what PostgreSQL's own pg_basebackup copies, cut into sealed parts.

The base counts only with its list of parts, which is written last: a base that was cut off is none.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from postern.backup.keys import HubKeys
from postern.backup.objects import Head, seal_object, stamp, unique
from postern.backup.servers import Server, flushed
from postern.backup.targets import Target
from postern.errors import DatabaseUnavailable
from postern.postgres.programs import find_programs

PART_BYTES = 32 * 2**20


def push_base(
    target: Target, life: str, server: Server, keys: HubKeys, *, at: datetime, programs: Path | None
) -> str:
    """Copy the database to the target; the name of its list of parts.

    Raises DatabaseUnavailable when the server cannot be copied, or what the target raises.
    """
    start = flushed(server)
    # The name says from where log is needed, for whoever lets go of old objects and can open none.
    needs = start // server.segment_bytes * server.segment_bytes
    stem = unique(f"{life}/{server.chain}/base/{stamp(at)}.{needs:016X}")
    parts = []
    for number, content in enumerate(_tar(server, programs)):
        name = f"{stem}/{number:05d}"
        target.put(name, seal_object(name, Head(at=at), content, keys))
        parts.append(name)
    name = f"{stem}/list"
    head = Head(
        at=at,
        start=start,
        end=flushed(server),
        parts=tuple(parts),
        major=server.major,
        segment_bytes=server.segment_bytes,
        timeline=server.timeline,
        passwords=server.passwords,
    )
    target.put(name, seal_object(name, head, b"", keys))
    return name


def _tar(server: Server, programs: Path | None) -> Iterator[bytes]:
    """The database's files as a tar, in parts."""
    program = find_programs(programs, major=server.major).folder / "pg_basebackup"
    command = [str(program), "-d", server.conninfo, "--pgdata=-", "--format=tar", "--wal-method=none"]
    command += ["--checkpoint=fast", "--no-manifest", "--no-password"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise TypeError("both were asked for")
        while part := process.stdout.read(PART_BYTES):
            yield part
        said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    if process.returncode != 0:
        raise DatabaseUnavailable(
            f"the {server.chain} database cannot be copied: {said[-1] if said else 'no reason given'}"
        )
