"""`postern backup …`, `postern restore` and `postern drill`: arguments only."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

backup_app = typer.Typer(help="Backups that survive whoever holds the hub.", no_args_is_help=True)

From = Annotated[str, typer.Option("--from", metavar="TARGET", help="a folder, or s3://bucket/folder")]
Identity = Annotated[Path, typer.Option("--identity", metavar="FILE", help="the file backup-restore.key")]
Base = Annotated[str | None, typer.Option(metavar="NAME", help="this base, not the newest")]

WRONG = 1


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@backup_app.command()
def keys(folder: Annotated[Path, typer.Argument(metavar="FOLDER")]) -> None:
    """Make the two key files. Run it where restores are made, not on the hub."""
    from postern.backup.keys import make_keys

    hub, restoring = make_keys(folder)
    _print(f"{hub}: bring it to the hub, and set POSTERN_BACKUP_KEY to its path there; then remove it here")
    _print(f"{restoring}: opens every backup. Keep two copies, neither of them on the hub")


@backup_app.command()
def now() -> None:
    """Copy both databases and all that is new, at once."""
    from postern import backup_jobs
    from postern.settings import Settings

    state = backup_jobs.now(Settings(), _say)
    _print(f"Done: life {state.life}")


@backup_app.command()
def status() -> None:
    """Print how old the backups are."""
    from postern import backup_jobs
    from postern.clock import SystemClock
    from postern.settings import Settings

    for line in backup_jobs.status(Settings(), SystemClock()):
        _print(line)


@backup_app.command()
def pull(
    source: From,
    identity: Identity,
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="where this host keeps them")],
    keep: Annotated[int, typer.Option("--keep", metavar="DAYS", min=2, help="the keystore: 35")] = 35,
) -> None:
    """On another host: take what is new, never write over, let go of what is too old. For a timer.

    Exit status 1 when objects were refused, or vanished where they came from.
    """
    from datetime import timedelta

    from postern import backup_jobs
    from postern.backup.keys import restore_keys
    from postern.backup.pulling import pull as work
    from postern.backup.targets import Folder
    from postern.clock import SystemClock
    from postern.settings import Settings

    own, hub = Folder(into.absolute()), restore_keys(identity).hub
    target = backup_jobs.target_of(Settings(), source)
    done = work(target, own, hub, at=SystemClock().now(), keep=timedelta(days=keep))
    for fault in done.refused:
        _say(f"REFUSED: {fault}")
    if done.vanished:
        _say(f"VANISHED: {len(done.vanished)} objects that are here are no longer where they came from")
    _print(f"{done.taken} taken, {done.removed} let go.")
    if done.refused or done.vanished:
        raise typer.Exit(WRONG)


@backup_app.command(hidden=True)
def run() -> None:
    """The process that makes backups; started by `postern up`."""
    from postern import backup_jobs
    from postern.logs import log_to_file
    from postern.settings import Settings
    from postern.supervise import end_with_parent, no_core_dumps, until_told_to_stop

    no_core_dumps()
    settings = Settings()
    end_with_parent()
    log_to_file(settings.folder("log") / "backup.log", settings.log_level)
    asyncio.run(until_told_to_stop(backup_jobs.run(settings)))


def restore(
    *,
    source: From,
    identity: Identity,
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="a new data folder")],
    until: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="not what came later, in UTC")
    ] = None,
    base: Base = None,
    tombstones: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="an agent's list of tombstones, too")
    ] = None,
) -> None:
    """Put a hub back from its backups into a new folder; says which point in time was reached."""
    from datetime import UTC

    from postern import backup_jobs
    from postern.backup.keys import restore_keys
    from postern.backup.restoring import Wanted
    from postern.backup.restoring import restore as work
    from postern.clock import SystemClock
    from postern.settings import Settings

    settings = Settings()
    wanted = Wanted(
        target=backup_jobs.target_of(settings, source),
        keys=restore_keys(identity),
        into=into.absolute(),
        clock=SystemClock(),
        until=until.replace(tzinfo=UTC) if until is not None else None,
        base=base,
        tombstones=tuple(tombstones or ()),
        programs=settings.postgres_bin,
    )
    done = asyncio.run(work(wanted, _say))
    for warning in done.warnings:
        _say(f"Passed over: {warning}")
    _print(
        f"Restored as it was at {done.point:%Y-%m-%d %H:%M:%S} UTC, in {done.seconds:.1f} s: {done.pictures} "
        f"pictures, {done.tombstones} tombstones."
    )
    _print(backup_jobs.keys_folder_hint(wanted.into))


def drill(
    source: From,
    identity: Identity,
    witness: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="what a witness saw; repeat it for several")
    ] = None,
    base: Base = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Restore into a folder that is thrown away and check it; exit status 1 when it is not as it must be."""
    from postern import backup_jobs
    from postern.backup.drill import drill as work
    from postern.backup.keys import restore_keys
    from postern.backup.restoring import Wanted
    from postern.backup.state import DRILL, Drilled, save
    from postern.clock import SystemClock
    from postern.journal.witness import read_seen
    from postern.settings import Settings

    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="postern-drill-") as scratch:
        wanted = Wanted(
            target=backup_jobs.target_of(settings, source),
            keys=restore_keys(identity),
            into=Path(scratch) / "hub",
            clock=SystemClock(),
            base=base,
            programs=settings.postgres_bin,
        )
        seen = [read_seen(path.read_bytes()) for path in witness or ()]
        done = asyncio.run(work(wanted, seen, _say))
    _print(done.as_json() if as_json else "\n".join(done.as_lines()))
    if not done.went_well:
        raise typer.Exit(WRONG)
    told = Drilled(at=done.at, recovery_point=done.recovery_point, seconds=done.recovery_seconds)
    save(settings.folder("backup"), DRILL, told)
