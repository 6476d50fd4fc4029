"""What a hub has beside its databases: pictures, certificates, settings, the desk's book, tombstones."""

from __future__ import annotations

import hashlib
import io
import os
import re
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from postern.backup.state import PICTURES

_PACK_BYTES = 16 * 2**20
_PICTURE = re.compile("[0-9a-f]{32}")
_SETTLED_NS = 1_000_000_000
"""A change within the clock's own step cannot be told from the one before it."""
_FOLDERS = ("tls",)
_FILES = ("postern.toml",)
_BOOK = "payments/desk.sqlite"


class Pictures:
    """Sealed pictures in the data folder, each backed up once. It remembers which, and looks only at change.

    A picture's file tells no hour (its time of change is set to the day), but the kernel's own does.
    """

    def __init__(self, data: Path, memory: Path) -> None:
        self._folder = data / "pictures"
        self._memory = memory / PICTURES
        self._known = set(self._memory.read_text("ascii").split()) if self._memory.exists() else set()
        self._looked: dict[str, int] = {}

    def forget(self) -> None:
        """A new life begins: every picture is backed up again."""
        self._memory.unlink(missing_ok=True)
        self._known, self._looked = set(), {}

    def packs(self) -> Iterator[tuple[bytes, list[str]]]:
        """New pictures, some at a time, as tars; with their names, for `keep` once they are backed up."""
        names: list[str] = []
        size = 0
        looked: dict[str, int] = {}
        for path in self._new(looked):
            names.append(path.name)
            size += path.stat().st_size
            if size > _PACK_BYTES:
                yield self._packed(names), names
                names, size = [], 0
        if names:
            yield self._packed(names), names
        self._looked |= looked  # not before all of it is backed up: what failed is looked for again

    def keep(self, names: list[str]) -> None:
        """These are in the backups."""
        descriptor = os.open(self._memory, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}\n" for name in names)
        self._known.update(names)

    def _new(self, looked: dict[str, int]) -> Iterator[Path]:
        if not self._folder.is_dir():
            return
        for folder in sorted(self._folder.iterdir()):
            changed = folder.stat().st_ctime_ns
            if self._looked.get(folder.name) == changed:
                continue
            for path in sorted(folder.iterdir()):
                if _PICTURE.fullmatch(path.name) and path.name not in self._known:
                    yield path
            if time.time_ns() - changed > _SETTLED_NS:
                looked[folder.name] = changed

    def _packed(self, names: list[str]) -> bytes:
        found = {}
        for name in names:
            path = self._folder / name[:2] / name
            if path.exists():  # its retention may have ended since
                found[f"{name[:2]}/{name}"] = path.read_bytes()
        return pack(found)


def files_beside(data: Path) -> bytes:
    """Certificates with their keys, settings and the desk's book, as a tar; the same while unchanged."""
    found = {name: (data / name).read_bytes() for name in _FILES if (data / name).is_file()}
    for folder in _FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(data))] = path.read_bytes()
    if (data / _BOOK).exists():
        with closing(sqlite3.connect(data / _BOOK)) as book:
            found[_BOOK] = book.serialize()
    return pack(found)


def digest(content: bytes) -> str:
    """By which a change is seen."""
    return hashlib.sha256(content).hexdigest()


def pack(files: dict[str, bytes]) -> bytes:
    """A tar of these files, without times or owners."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def unpack(content: bytes, folder: Path) -> int:
    """Write a pack's files below `folder`, never outside it; how many."""
    count = 0
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            if member.isfile():
                for part in reversed(Path(member.name).parents[:-1]):
                    (folder / part).mkdir(mode=0o700, exist_ok=True)
                tar.extract(member, folder, filter="data")
                count += 1
    return count
