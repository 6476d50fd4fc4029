"""`postern journal`: the journal as a file, and the check of it without the hub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from postern.errors import BadInput, NotFound, SettingsInvalid, StorageFull
from postern.ids import TenantId
from postern.journal import checkpoints
from postern.journal.export import export
from postern.journal.notes import NoteKey
from postern.journal.verify import Report, check
from postern.journal.witness import read_seen
from postern.postgres.pool import Database, confine
from postern.settings import Settings
from postern.supervise import running_on

Say = Callable[[str], None]


# On the hub's machine: the journal's key, and an export. Nothing is opened, and no key is needed.


async def public_keys(settings: Settings) -> dict[TenantId, NoteKey]:
    """The public key of every journal of this machine's hub."""
    async with Database.open(_database(settings), size=1) as database, database.transaction() as tx:
        return await checkpoints.public_keys(tx)


async def export_to(settings: Settings, file: Path, tenant: int | None) -> int:
    """Write a tenant's journal to `file`, which appears when it is complete; the number of lines."""
    async with Database.open(_database(settings), size=1) as database, database.transaction() as tx:
        await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found, key = _one_of(await checkpoints.public_keys(tx), tenant)
        await confine(tx, found)
        count = 0
        with _new_file(file) as written:
            async for line in export(tx, found, key.text):
                written.write(line)
                count += 1
    return count


def _database(settings: Settings) -> str:
    running = running_on(settings.data)
    if running is not None and "data" in running.servers:
        return running.servers["data"]
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    raise SettingsInvalid(
        f"no Postern runs on {settings.data}: start it with `postern up`, or set POSTERN_DATABASE_URL"
    )


def _one_of(keys: dict[TenantId, NoteKey], tenant: int | None) -> tuple[TenantId, NoteKey]:
    wanted = {one: key for one, key in keys.items() if tenant in (None, one)}
    if not wanted:
        raise NotFound("there is no signed journal yet; the hub signs one within a second of its first entry")
    if len(wanted) > 1:
        raise BadInput(f"this hub keeps {len(wanted)} journals; choose one with --tenant")
    return next(iter(wanted.items()))


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A private file that takes its name when everything in it is on disk."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as fault:
        raise StorageFull(f"{path} cannot be written ({fault.strerror}); choose another folder.") from fault
    finally:
        beside.unlink(missing_ok=True)


# Anywhere: nothing but files, and the public key that the auditor was given.


def key_from(text: str) -> NoteKey:
    """A public key as text, or in a file of that name."""
    return NoteKey.parse(Path(text).read_text("utf-8") if "+" not in text and Path(text).is_file() else text)


def verify(file: Path, key: NoteKey, *, witnesses: Sequence[Path], cosigners: Sequence[NoteKey]) -> Report:
    """Check an export against the key, and against what each of the witnesses' files has seen."""
    seen = [one for path in witnesses for one in read_seen(_bytes(path))]
    with opened(file) as lines:
        return check(lines, key, seen=seen, cosigners=cosigners)


def tell(report: Report, say: Say) -> None:
    """The report in lines."""
    for finding in report.findings:
        say(f"{finding.what.upper()}: {finding.words}")
    say(f"{report.entries} entries, {report.checkpoints} checkpoints.")
    if report.newest is not None:
        say(f"Newest checkpoint: {report.newest.size} entries, root {report.newest.root.hex()}.")
    for name, size in report.cosigned.items():
        say(f"{name} has seen {size} entries.")
    if report.is_whole and report.covered < report.entries:
        say(
            f"The last {report.entries - report.covered} entries are not signed yet. Checkpoints are made "
            "every second: if they are missing in the next export, too, ask why."
        )
    say("The journal is whole." if report.is_whole else "The journal is NOT whole.")


def _bytes(path: Path) -> bytes:
    with opened(path) as file:
        return file.read()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file to read. Raises BadInput when it cannot be."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as fault:
        raise BadInput(f"{path} cannot be read ({fault.strerror})") from fault
