"""The agent's spool on a disk that fails at each of its calls in turn."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from postern.agent.spool import Spool, SpoolEntry
from postern.operations.archive.wire import SPOOL_INFO, SPOOL_PURPOSE, spool_aad, spool_message
from postern.prove.faults.calls import Tap
from postern.prove.faults.disk import Disk, DiskFault, Harm
from postern.prove.faults.spool_writer import HUB_PRIVATE, OWNER, PICTURE_BYTES, SIGN_PRIVATE, Job, content
from postern.sealing import hybrid, signing

_APPENDS = 4
_LATER = datetime(2026, 3, 3, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What came of one fault. `doubled`: numbers said twice; `broken`: entries that are not whole, or
    numbered with a gap, and a spool that takes no more."""

    fault: DiskFault
    happened: bool
    acknowledged: int
    lost: int
    doubled: int
    broken: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing acknowledged is lost, numbered twice or broken."""
        return not (self.lost or self.doubled or self.broken)

    def __str__(self) -> str:
        return f"{self.fault}: {self.lost} lost, {self.doubled} doubled, {self.broken} broken"


class Nursery:
    """Writers, each forked for its job."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0

    async def try_out(self, fault: DiskFault, chance: random.Random, mutant: str = "") -> Trial:
        """Append to a new spool on that disk, then once more on a good one, and look at what is there."""
        self._count += 1
        home = self._folder / f"{self._count}"
        home.mkdir()
        said = home / "said"
        disk = await self._append(home, said, fault, chance, mutant)
        before = _acknowledged(said)
        found, whole = await survivors(home / "disk" / "spool")
        await self._told(Job(spool=str(home / "disk" / "spool"), count=1, said=str(said)))
        told = _acknowledged(said)
        gaps = len(found) - len(set(found) & set(range(1, len(found) + 1)))
        return Trial(
            fault=fault,
            happened=disk.happened.is_set(),
            acknowledged=len(before),
            lost=len(set(before) - set(found)),
            doubled=len(told) - len(set(told)),
            broken=gaps + len(found) - whole + (len(told) != len(before) + 1),
        )

    async def count_calls(self) -> tuple[int, int]:
        """How many writes, and how many syncs, the same takes on a good disk."""
        self._count += 1
        home = self._folder / f"{self._count}"
        home.mkdir()
        counts = []
        for number, harm in enumerate((Harm.FULL, Harm.UNSYNCED)):
            (home / f"{number}").mkdir()
            fault = DiskFault(harm=harm, at=sys.maxsize)
            disk = await self._append(home / f"{number}", home / "said", fault, random.Random(0), "")
            counts.append(disk.calls)
        return counts[0], counts[1]

    async def _append(
        self, home: Path, said: Path, fault: DiskFault, chance: random.Random, mutant: str
    ) -> Disk:
        disk = Disk(home / "disk", fault, chance)
        tap = Tap(home / "tap", disk.answer)
        job = Job(
            spool=str(home / "disk" / "spool"),
            count=_APPENDS,
            said=str(said),
            mutant=mutant,
            tap=str(tap.path),
        )
        try:
            await self._told(job)
        finally:
            await asyncio.to_thread(tap.close)
            disk.close()
        return disk

    async def _told(self, job: Job) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(job.to_bytes())
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """One, with a folder for its spools."""
    with tempfile.TemporaryDirectory(prefix="postern-spools-") as name:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "postern.prove.faults.spool_writer"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield Nursery(process, Path(name))
        finally:
            if process.stdin:
                process.stdin.close()
            await process.wait()


def every_fault(writes: int, syncs: int) -> list[DiskFault]:
    """Each harm at each call that it can happen to."""
    most = {harm: writes + syncs for harm in Harm} | {Harm.FULL: writes, Harm.SHORT: writes}
    most[Harm.UNSYNCED] = syncs
    return [DiskFault(harm=harm, at=at) for harm in Harm for at in range(1, most[harm] + 1)]


def drawn_faults(every: Sequence[DiskFault], count: int, chance: random.Random) -> list[DiskFault]:
    """So many of them, of each harm about as many; every one, and some again, when there are not so many."""
    if count >= len(every):
        return [*every, *chance.choices(every, k=count - len(every))]
    sorted_out = [[one for one in every if one.harm is harm] for harm in Harm]
    by_harm = [ones for ones in sorted_out if ones]
    return [chance.choice(by_harm[number % len(by_harm)]) for number in range(count)]


def opened(entry: SpoolEntry) -> bytes:
    """As the hub opens it, after checking digest and signature."""
    assert entry.digest == hashlib.sha256(entry.sealed).digest()
    message = spool_message(site=OWNER.site, agent=entry.agent, seq=entry.seq, digest=entry.digest)
    signing.verify(signing.public_of(SIGN_PRIVATE), message, entry.signature, purpose=SPOOL_PURPOSE)
    aad = spool_aad(site=OWNER.site, agent=entry.agent, seq=entry.seq, day=entry.day, kind=entry.kind)
    return hybrid.open_from(HUB_PRIVATE, entry.sealed, info=SPOOL_INFO, aad=aad)


def _acknowledged(said: Path) -> list[int]:
    return [int(line.split()[1]) for line in said.read_text().splitlines() if re.fullmatch(r"ack \d+", line)]


async def survivors(path: Path) -> tuple[list[int], int]:
    """The seqs that lie in the spool, and how many of them are whole, picture and all."""
    spool = Spool(path, OWNER)
    found, whole = [], 0
    try:
        while entries := await spool.pending(1000):
            for entry in entries:
                pictures = [len(picture.sealed) for picture in entry.pictures]
                whole += opened(entry) == content(entry.seq) and pictures == [PICTURE_BYTES]
            found += [entry.seq for entry in entries]
            await spool.acknowledge(OWNER.agent, [entry.seq for entry in entries], _LATER)
    finally:
        await spool.close()
    return found, whole
