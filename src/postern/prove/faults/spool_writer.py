"""A program that appends to a spool and says so: `next`, then `ack SEQ` or `fault CODE`.

    python -m postern.prove.faults.spool_writer SPOOL COUNT [MUTANT]
    python -m postern.prove.faults.spool_writer      (reads jobs: the nursery, which forks a writer for each)

Its hub key is fixed, so that what it wrote can be opened. The mutants are faults that must be caught:
`unsynced` does not make SQLite sync, `early` says `ack` before it appends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from postern.agent.spool import Spool, SpoolLimits, SpoolOwner
from postern.errors import PosternError
from postern.ids import AgentId, SiteId
from postern.operations.ports import SealedPicture
from postern.prove.faults.calls import hand_over
from postern.records.model import Kind
from postern.sealing import hybrid

HUB_PRIVATE = bytes(range(32))
SIGN_PRIVATE = bytes(range(32, 64))
OWNER = SpoolOwner(
    site=SiteId(7), agent=AgentId(3), hub_public=hybrid.public_of(HUB_PRIVATE), sign_private=SIGN_PRIVATE
)
DAY = date(2026, 3, 2)
PICTURE_BYTES = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What one writer is to do. `tap`: the socket where its calls are asked about, if they are."""

    spool: str
    count: int
    said: str
    mutant: str = ""
    tap: str = ""

    def to_bytes(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def say(words: str) -> None:
    os.write(1, words.encode() + b"\n")


def content(seq: int) -> bytes:
    return f"happening {seq} ".encode() * 20


async def write(path: Path, count: int, mutant: str) -> None:
    spool = Spool(path, OWNER, SpoolLimits(reserve=0))
    if mutant == "unsynced":
        spool._database.execute("PRAGMA synchronous = OFF")
    seq = (await spool.state()).highest_seq + 1
    for _ in range(count):
        say("next")
        if mutant == "early":
            say(f"ack {seq}")
        picture = SealedPicture(name=os.urandom(16).hex(), sealed=os.urandom(PICTURE_BYTES))
        try:
            given = await spool.append(
                kind=Kind.DECISION, day=DAY, plaintext=content(seq), pictures=[picture]
            )
        except PosternError as fault:
            say(f"fault {fault.code}")
            continue
        if mutant != "early":
            say(f"ack {given}")
        seq = given + 1
    await spool.close()


def nurse() -> None:
    """Fork a writer for each job on standard input, and say the status that it ended with."""
    for line in sys.stdin.buffer:
        job = Job(**json.loads(line))
        child = os.fork()
        if child == 0:
            _work(job)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _work(job: Job) -> None:
    status = 1
    try:
        os.dup2(os.open(job.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
        if job.tap:
            hand_over(Path(job.tap))
        asyncio.run(write(Path(job.spool), job.count, job.mutant))
        status = 0
    except PosternError as fault:  # a disk that fails while the file is made, or opened
        say(f"fault {fault.code}")
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:4])))
    else:
        nurse()
