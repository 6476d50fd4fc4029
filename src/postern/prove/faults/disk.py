"""A disk that fails a program at one chosen call: full, short, torn, not synced, or cut off from its power.

What kill -9 cannot show, as the kernel writes on, a power cut does: each write since the last sync of its
file is kept or lost, as the seed has it. Renames and new names are taken as durable at once.
"""

from __future__ import annotations

import errno
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from postern.prove.faults.calls import Call, kill

_LONGEST_DEATH_SECONDS = 20.0
_FULL_FOR = 6
"""Writes that find no space, one after the other."""


class Harm(StrEnum):
    """What the disk does."""

    FULL = "full"
    """Some writes find no space."""
    SHORT = "short"
    """One write takes half of what it was given, and the next finds no space."""
    UNSYNCED = "unsynced"
    """A sync fails, and what it should have made durable is gone (as on Linux, which drops such pages)."""
    KILLED = "killed"
    """The program is killed while it writes: half of that write is there."""
    CUT = "cut"
    """The power is cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskFault:
    """`at`: with which call it happens, counted from 1 among those that it can happen to."""

    harm: Harm
    at: int

    def __str__(self) -> str:
        return f"{self.harm.value} at {self.at}"

    def concerns(self, call: Call) -> bool:
        """Whether it could happen with this call."""
        match self.harm:
            case Harm.FULL | Harm.SHORT:
                return not call.is_sync
            case Harm.UNSYNCED:
                return call.is_sync
            case Harm.KILLED | Harm.CUT:
                return True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Write:
    offset: int
    before: bytes
    after: bytes


@dataclass(kw_only=True, slots=True)
class _File:
    """What was written to a file since it was last synced, and how long it was then."""

    descriptor: int
    size: int
    writes: list[_Write] = field(default_factory=list)

    def lose(self, keep: Callable[[], bool]) -> None:
        """Take back what was never synced, except what `keep` says of."""
        kept = [one for one in self.writes if keep()]
        for one in reversed(self.writes):
            os.pwrite(self.descriptor, one.before, one.offset)
        os.ftruncate(self.descriptor, self.size)
        for one in kept:
            os.pwrite(self.descriptor, one.after, one.offset)
        self.writes.clear()


def own_process(call: Call) -> list[int]:
    """The process of the calling thread."""
    for line in Path(f"/proc/{call.thread}/status").read_text().splitlines():
        if line.startswith("Tgid:"):
            return [int(line.split()[1])]
    return []


class Disk:
    """The disk of what lies `beneath` a folder. `answer` is for a `Tap`; `victims` all die of a power cut."""

    def __init__(
        self,
        beneath: Path,
        fault: DiskFault | None,
        chance: random.Random,
        victims: Callable[[Call], Iterable[int]] = own_process,
    ) -> None:
        self._beneath = f"{beneath}{os.sep}"
        self._fault = fault
        self._chance = chance
        self._victims = victims
        self._files: dict[tuple[int, int], _File] = {}
        self._is_dead = False
        self.calls = 0
        """Calls so far that the fault could have happened with; without a fault, all."""
        self.happened = threading.Event()
        """Set once the fault has happened, and is over for those it kills."""

    def answer(self, call: Call) -> int | None:
        """See `calls.Answer`."""
        if self._is_dead or not call.path.startswith(self._beneath):
            return None
        with suppress(FileNotFoundError, ProcessLookupError):
            concerned = self._fault is None or self._fault.concerns(call)
            self.calls += concerned
            if self._fault is not None and concerned and self.calls >= self._fault.at:
                return self._harm(self._fault.harm, call, self.calls - self._fault.at)
            self._note(call)
        return None

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            os.close(file.descriptor)
        self._files.clear()

    def _note(self, call: Call) -> None:
        """The kernel will make it: remember what a power cut would take back."""
        file = self._file(call)
        if call.is_sync:
            file.writes.clear()
            file.size = os.fstat(file.descriptor).st_size
        elif not call.name.endswith("v"):
            offset = _offset(call, file.descriptor)
            before = os.pread(file.descriptor, call.length, offset)
            file.writes.append(_Write(offset=offset, before=before, after=call.data(call.length)))

    def _harm(self, harm: Harm, call: Call, late: int) -> int | None:
        match harm:
            case Harm.FULL if late < _FULL_FOR:
                self.happened.set()
                return -errno.ENOSPC
            case Harm.SHORT if late == 0:
                self.happened.set()
                return self._half(call)
            case Harm.SHORT if late == 1:
                return -errno.ENOSPC
            case Harm.UNSYNCED if late == 0:
                self._file(call).lose(lambda: False)
                self.happened.set()
                return -errno.EIO
            case Harm.KILLED if late == 0:
                if not call.is_sync and call.offset is not None:
                    self._half(call)
                self._die(call)
            case Harm.CUT if late == 0:
                self._die(call)
                most = self._chance.choice((0.0, 0.5))
                for file in self._files.values():
                    file.lose(lambda: self._chance.random() < most)
                self.happened.set()
            case _:
                self._note(call)
        return None

    def _half(self, call: Call) -> int:
        """Write the first half in the program's stead, where that says where; else nothing."""
        if call.offset is None or call.name.endswith("v") or call.length < 2:
            return -errno.ENOSPC
        descriptor = self._file(call).descriptor
        return os.pwrite(descriptor, call.data(call.length // 2), call.offset)

    def _die(self, call: Call) -> None:
        self._is_dead = True
        victims = list(self._victims(call))
        for one in victims:
            kill(one)
        until = time.monotonic() + _LONGEST_DEATH_SECONDS
        while any(_lives(one) for one in victims) and time.monotonic() < until:
            time.sleep(0.001)
        if self._fault is not None and self._fault.harm is Harm.KILLED:
            self.happened.set()

    def _file(self, call: Call) -> _File:
        status = call.link.stat()
        key = (status.st_dev, status.st_ino)
        if key not in self._files:
            descriptor = os.open(call.link, os.O_RDWR | os.O_CLOEXEC)
            self._files[key] = _File(descriptor=descriptor, size=status.st_size)
        return self._files[key]


def _offset(call: Call, descriptor: int) -> int:
    """Where a write will go."""
    if call.offset is not None:
        return call.offset
    told = Path(f"/proc/{call.thread}/fdinfo/{call.descriptor}").read_text().split()
    if int(told[3], 8) & os.O_APPEND:
        return os.fstat(descriptor).st_size
    return int(told[1])


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
