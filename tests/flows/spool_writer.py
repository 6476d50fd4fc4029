"""A program that appends to a spool and says so on standard output: `next`, then `ack SEQ` or `fault CODE`.

    python spool_writer.py SPOOL COUNT [mutant: unsynced | early]

Its hub key is fixed, so that the test can open what it finds. The mutants are the faults that the tests must
catch: one does not make SQLite sync, one says `ack` before it appends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

from postern.agent.spool import Spool, SpoolOwner
from postern.errors import PosternError
from postern.ids import AgentId, SiteId
from postern.operations.ports import SealedPicture
from postern.records.model import Kind
from postern.sealing import hybrid

HUB_PRIVATE = bytes(range(32))
SIGN_PRIVATE = bytes(range(32, 64))
OWNER = SpoolOwner(
    site=SiteId(7), agent=AgentId(3), hub_public=hybrid.public_of(HUB_PRIVATE), sign_private=SIGN_PRIVATE
)
DAY = date(2026, 3, 2)


def say(words: str) -> None:
    os.write(1, words.encode() + b"\n")


def content(seq: int) -> bytes:
    return f"happening {seq} ".encode() * 20


async def write(path: Path, count: int, mutant: str) -> None:
    spool = Spool(path, OWNER)
    if mutant == "unsynced":
        spool._database.execute("PRAGMA synchronous = OFF")
    seq = (await spool.state()).highest_seq + 1
    for _ in range(count):
        say("next")
        if mutant == "early":
            say(f"ack {seq}")
        picture = SealedPicture(name=os.urandom(16).hex(), sealed=os.urandom(20_000))
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


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:4])))
