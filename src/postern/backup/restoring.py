"""Put a hub back from its backups, into a folder of its own, as far as its log was backed up.

What is put back is marked (`restored.json`): a hub does not serve from a restore that was not finished, and
begins a new epoch on a finished one. Tombstones come from the newest backups, whatever point is restored.
"""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from postern.backup.beside import unpack
from postern.backup.catalogue import Catalogue, Chain, Piece, Plan
from postern.backup.keys import RestoreKeys
from postern.backup.objects import Opened
from postern.backup.servers import file_name
from postern.backup.state import save
from postern.backup.targets import Target
from postern.clock import Clock
from postern.errors import BadInput, CannotOpen, CannotVerify, Conflict, NotFound
from postern.postgres.embedded import Cluster
from postern.postgres.folders import private_folder
from postern.postgres.identity import Identity, identity_for
from postern.restored import MARK, Restored, mark_in

Say = Callable[[str], None]

_RECOVERY = "restore_command = 'false'\nrecovery_target_timeline = 'latest'\nhot_standby = 'off'\n"
_OWN = "postgresql.auto.conf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """From where and into which folder; `until`: not what came later. `base`: this one, not the newest."""

    target: Target
    keys: RestoreKeys
    into: Path
    clock: Clock
    until: datetime | None = None
    base: str | None = None
    tombstones: tuple[Path, ...] = ()
    programs: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How it went. `point`: all that the hub had until then is there."""

    mark: Restored
    seconds: float
    pictures: int
    tombstones: int
    warnings: tuple[str, ...]

    @property
    def point(self) -> datetime:
        """The moment that was reached."""
        return self.mark.point


async def restore(wanted: Wanted, say: Say = lambda _: None) -> Outcome:
    """Restore a hub. Raises Conflict for a folder in use, NotFound without a backup; else as it is named."""
    started = time.monotonic()
    _require_empty(wanted.into)
    catalogue = Catalogue(wanted.target, wanted.keys)
    plan = catalogue.plan(until=wanted.until, base=wanted.base)
    wanted.into.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = Restored(
        whole=False,
        life=plan.life,
        base=plan.data.base.name,
        point=plan.data.base.head.at,
        at=wanted.clock.now(),
    )
    save(wanted.into, MARK, mark)
    say(f"Restoring {plan.data.base.name}")
    points = []
    for chain in (plan.keystore, plan.data):
        points.append(await _database(wanted, catalogue, chain, say))
    mark = replace(mark, point=points[1])
    pictures = _pictures(wanted, catalogue, plan)
    _files(wanted, catalogue, plan)
    tombstones = _tombstones(wanted, catalogue)
    mark = replace(mark, whole=True)
    save(wanted.into, MARK, mark)
    return Outcome(
        mark=mark,
        seconds=time.monotonic() - started,
        pictures=pictures,
        tombstones=tombstones,
        warnings=tuple(catalogue.warnings),
    )


def _require_empty(folder: Path) -> None:
    mark = mark_in(folder)
    if mark is not None and not mark.whole:
        raise Conflict(
            f"{folder} holds a restore that was not finished: remove that folder and restore again. The "
            "backups are as they were."
        )
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: a restore never writes over what is there; name another")


async def _database(wanted: Wanted, catalogue: Catalogue, chain: Chain, say: Say) -> datetime:
    """One database's files, its log, and PostgreSQL's own recovery from them; the moment reached."""
    folder = wanted.into / "pg" / chain.name
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    identity = identity_for(folder, chain.name)
    private_folder(folder, identity)
    parts = (catalogue.opened(part).content for part in chain.base.head.parts)
    with tarfile.open(fileobj=cast(BinaryIO, _Parts(parts)), mode="r|") as tar:
        tar.extractall(folder, filter="data")
    point = _log(folder, catalogue, chain, wanted.until)
    own = (folder / _OWN).read_text("utf-8") if (folder / _OWN).exists() else ""
    (folder / _OWN).write_text(own + _RECOVERY, "utf-8")
    (folder / "recovery.signal").touch(mode=0o600)
    _hand_over(folder, identity)
    _passwords(folder.with_name(f"{chain.name}.password"), chain.base.head.passwords)
    say(f"PostgreSQL replays the {chain.name} database's log until {point:%Y-%m-%d %H:%M:%S} UTC")
    cluster = cluster_in(wanted.into, chain.name, wanted.programs)
    await cluster.start()
    await cluster.stop()
    (folder / _OWN).write_text(own, "utf-8")
    return point


def cluster_in(data: Path, name: str, programs: Path | None) -> Cluster:
    """A restored folder's database."""
    return Cluster(data / "pg" / name, name=name, sockets=data / "run", logs=data / "log", programs=programs)


class _Parts:
    """The parts of a base as one stream, as far as reading a tar needs one."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._part = io.BytesIO()

    def read(self, size: int = -1, /) -> bytes:
        taken = self._part.read(size)
        while len(taken) < size:
            following = next(self._parts, None)
            if following is None:
                break
            self._part = io.BytesIO(following)
            taken += self._part.read(size - len(taken))
        return taken


def _log(folder: Path, catalogue: Catalogue, chain: Chain, until: datetime | None) -> datetime:
    """Write the log's files, as far as its pieces follow each other and are the hub's; the moment reached."""
    position, point = chain.begins, chain.base.head.at
    for piece in chain.pieces:
        if piece.end <= position:
            continue
        found = _trusted(catalogue, piece)
        if found is None:
            continue
        if piece.start > position:
            catalogue.warnings.append(f"the {chain.name} database's log has a gap before {piece.name}")
            break
        if until is not None and found.head.at > until and position >= chain.base.head.end:
            break
        _write(folder / "pg_wal", found, chain.base.head.segment_bytes)
        position, point = piece.end, max(point, found.head.at)
    if position < chain.base.head.end:
        raise NotFound(f"the {chain.name} database's log ends before its base does; choose an earlier --base")
    return point


def _trusted(catalogue: Catalogue, piece: Piece) -> Opened | None:
    try:
        found = catalogue.opened(piece.name)
    except (CannotVerify, CannotOpen, NotFound, BadInput) as fault:
        catalogue.warnings.append(str(fault))
        return None
    whole = (found.head.start, found.head.end) == (piece.start, piece.end)
    return found if whole and len(found.content) == piece.end - piece.start else None


def _write(folder: Path, piece: Opened, segment_bytes: int) -> None:
    path = folder / file_name(piece.head.timeline, piece.head.start, segment_bytes)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, segment_bytes)
        os.pwrite(descriptor, piece.content, piece.head.start % segment_bytes)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hand_over(folder: Path, identity: Identity) -> None:
    """The database's system user owns its files."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
        if identity.is_other:
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _passwords(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _pictures(wanted: Wanted, catalogue: Catalogue, plan: Plan) -> int:
    """The pictures that were there at that point, a round more or less."""
    folder = wanted.into / "pictures"
    folder.mkdir(mode=0o700)
    count = 0
    for name in catalogue.of("data", "pictures", life=plan.life):
        try:
            found = catalogue.opened(name)
        except (CannotVerify, CannotOpen) as fault:
            catalogue.warnings.append(str(fault))
            continue
        if wanted.until is None or found.head.at <= wanted.until:
            count += unpack(found.content, folder)
    return count


def _files(wanted: Wanted, catalogue: Catalogue, plan: Plan) -> None:
    """The newest of what lay beside the databases at that point."""
    for name in reversed(catalogue.of("keystore", "files", life=plan.life)):
        try:
            found = catalogue.opened(name)
        except (CannotVerify, CannotOpen) as fault:
            catalogue.warnings.append(str(fault))
            continue
        if wanted.until is None or found.head.at <= wanted.until:
            unpack(found.content, wanted.into)
            return


def _tombstones(wanted: Wanted, catalogue: Catalogue) -> int:
    """Every tombstone of every life, whatever was restored, and what agents or witnesses kept."""
    lines: dict[str, None] = {}
    for name in catalogue.of("data", "tombstones"):
        try:
            content = catalogue.opened(name).content
        except (CannotVerify, CannotOpen) as fault:
            catalogue.warnings.append(f"{fault}. Erasures may be in it: ask the agents' lists, too")
            continue
        lines.update(dict.fromkeys(content.decode("ascii").splitlines()))
    for path in wanted.tombstones:
        lines.update(dict.fromkeys(path.read_text("ascii").splitlines()))
    folder = wanted.into / "tombstones"
    folder.mkdir(mode=0o700)
    if lines:
        descriptor = os.open(folder / "list", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    return len(lines)
