"""Bring a database's schema to this program's version: numbered SQL files, each in one transaction.

Only forward and only in order. A file that was applied is never changed: its SHA-256 is kept and compared.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast

import psycopg

from postern.errors import DatabaseUnavailable
from postern.postgres.isolation import isolate
from postern.postgres.pool import Database, Transaction

Folder = Literal["hub", "keystore"]
Progress = Callable[[str], None]

_LOCK = 0x706F7374  # "post": one migration at a time per database, whatever the number of hubs


class SchemaRefused(DatabaseUnavailable):
    """The database's schema is not one that this program may work on; nothing was changed."""

    code = "schema-refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One SQL file: `0002_records.sql` has the number 2."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).digest()


def migrations(folder: Folder) -> list[Migration]:
    """The program's own migrations of `folder`, in order. Raises ValueError when two share a number."""
    files = resources.files("postern.postgres") / "migrations" / folder
    found = [
        Migration(number=int(file.name[:4]), name=file.name, text=file.read_text("utf-8"))
        for file in files.iterdir()
        if file.name.endswith(".sql")
    ]
    found.sort(key=lambda migration: migration.number)
    if len({migration.number for migration in found}) != len(found):
        raise ValueError(f"two migrations of {folder!r} share a number")
    return found


async def migrate(database: Database, folder: Folder, progress: Progress = lambda _: None) -> list[str]:
    """Apply what is missing and return the names applied, in order.

    Raises SchemaRefused when the database is newer than this program or when an applied file differs.
    Progress is told in words. A second hub starting at the same moment waits for the first.
    """
    wanted = migrations(folder)
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as lock:
        await _lock(lock, progress)
        async with database.transaction() as tx:
            done = await _applied(tx)
        _check(done, wanted)
        applied = []
        for migration in wanted[len(done) :]:
            progress(f"Applying {migration.name} to the {folder} database")
            await _apply(database, migration)
            applied.append(migration.name)
        if folder == "hub":
            async with database.transaction() as tx:
                await isolate(tx)
    return applied


async def _lock(connection: Transaction, progress: Progress) -> None:
    told = False
    while True:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
        row = await cursor.fetchone()
        if row is not None and row[0]:
            return
        if not told:
            progress("Another hub is migrating the database; waiting for it")
            told = True
        await asyncio.sleep(0.2)


async def _applied(tx: Transaction) -> list[tuple[int, str, bytes]]:
    await tx.execute(
        "CREATE TABLE IF NOT EXISTS migration"
        " (number int PRIMARY KEY, name text NOT NULL, digest bytea NOT NULL,"
        " applied timestamptz NOT NULL DEFAULT now())"
    )
    cursor = await tx.execute("SELECT number, name, digest FROM migration ORDER BY number")
    return [(number, name, bytes(digest)) for number, name, digest in await cursor.fetchall()]


def _check(done: list[tuple[int, str, bytes]], wanted: list[Migration]) -> None:
    """What was applied must be the beginning of what this program knows, byte for byte."""
    known = {migration.number: migration for migration in wanted}
    for position, (number, name, digest) in enumerate(done):
        if number not in known:
            raise SchemaRefused(
                f"The database was migrated by a newer Postern (it has {name}). Start that version or a "
                "newer one, or restore the backup that was made before the upgrade; nothing was changed."
            )
        if known[number].digest != digest:
            raise SchemaRefused(
                f"{name} was applied to the database in another wording than this program's. Start the "
                "version that applied it, or an official release; nothing was changed."
            )
        if wanted[position].number != number:
            raise SchemaRefused(
                f"{wanted[position].name} is missing in the database although {name} is there. Restore the "
                "database from a backup, or start the version that made it; nothing was changed."
            )


async def _apply(database: Database, migration: Migration) -> None:
    async with database.transaction() as tx:
        # The text comes from our own package, never from outside.
        await tx.execute(cast(Any, migration.text))
        await tx.execute(
            "INSERT INTO migration (number, name, digest) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.digest),
        )
