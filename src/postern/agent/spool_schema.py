"""The spool's tables and how its file is opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from postern.errors import PosternError, SettingsInvalid, StorageFull, Unavailable

TABLES = """
CREATE TABLE IF NOT EXISTS owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    site INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    next_seq INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entry (
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    day TEXT NOT NULL,
    kind INTEGER NOT NULL,
    digest BLOB NOT NULL,
    signature BLOB NOT NULL,
    sealed BLOB NOT NULL,
    acknowledged TEXT,
    PRIMARY KEY (agent, seq)
);
CREATE INDEX IF NOT EXISTS entry_waiting ON entry (agent, seq) WHERE acknowledged IS NULL;
CREATE TABLE IF NOT EXISTS picture (
    name TEXT PRIMARY KEY,
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS picture_of_entry ON picture (agent, seq);
CREATE TABLE IF NOT EXISTS unsettled (
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (agent, seq)
);
CREATE TABLE IF NOT EXISTS set_aside (
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (agent, seq)
);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open, or make, the spool file. Its folder entry is on disk when this returns.

    Raises SettingsInvalid when another process holds it or it is damaged.
    """
    fresh = not path.exists()
    if fresh:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        _prepare(connection)
    except sqlite3.Error as fault:
        connection.close()
        raise _unusable(path, fault) from fault
    if fresh:
        sync_folder(path.parent)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # Exclusive: two agents on one spool would number twice; and no shared-memory file is needed.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("its pages contradict each other")
    connection.executescript(TABLES)


def _unusable(path: Path, fault: sqlite3.Error) -> PosternError:
    if "locked" in str(fault):
        return SettingsInvalid(f"{path} is held by another agent; stop that one first.")
    if isinstance(fault, sqlite3.OperationalError):
        return disk_fault(fault)
    return SettingsInvalid(
        f"{path} is damaged ({fault}). Keep a copy of it, move it away and start again: "
        "the agent takes a new number, and what the hub has acknowledged is safe there."
    )


def disk_fault(fault: sqlite3.Error) -> PosternError:
    """What a failed write means to whoever must act on it."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(
            "The disk of the agent's spool is full: no way in opens until there is space. "
            "Free some, or let the agent reach its hub."
        )
    return Unavailable(
        f"The agent's spool cannot be written ({fault}): no way in opens. Check the disk and its mount."
    )


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
