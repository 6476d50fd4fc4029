"""`postern hub` as a mutant: with one fault that the tests must catch.

    python -m postern.prove.mutant_hub MUTANT        (told on standard input what `postern up` would tell it)

`early` says that a batch is durable before PostgreSQL has committed it, `replacing` lets a second row of the
same key replace the first, `unsynced` does not sync pictures.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from postern.devices import picture_folder
from postern.operations.archive import receive as receiving
from postern.operations.archive.receive import Received, SpooledEntry
from postern.operations.ports import SealedPicture
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.records import store as records
from postern.web.api import agents as routes

LATER_SECONDS = 0.4


_storing: set[asyncio.Task[Received]] = set()


async def _acknowledge_first(
    services: Services,
    known: KnownAgent,
    entries: Sequence[SpooledEntry],
    pictures: Sequence[SealedPicture] = (),
) -> Received:
    """The mutant of `receive` that stores in its own good time."""

    async def store() -> Received:
        await asyncio.sleep(LATER_SECONDS)
        return await _receive(services, known, entries, pictures)

    task = asyncio.create_task(store())
    _storing.add(task)
    task.add_done_callback(_storing.discard)
    return Received(acknowledged=tuple(one.seq for one in entries), quarantined=())


_receive = receiving.receive


def become(mutant: str) -> None:
    """Change what the mutant changes in this process."""
    if mutant == "early":
        patched: Any = routes
        patched.receive = _acknowledge_first
    elif mutant == "replacing":
        records._INSERT = records._INSERT.replace(
            "DO NOTHING",
            "DO UPDATE SET kind = excluded.kind, tag = excluded.tag, digest = excluded.digest,"
            " sealed = excluded.sealed",
        )
    elif mutant == "unsynced":
        folder: Any = picture_folder
        real = folder.os
        folder.os = SimpleNamespace(
            **{name: getattr(real, name) for name in dir(real)} | {"fsync": lambda _: None}
        )
    else:
        raise ValueError(f"no such mutant: {mutant}")


if __name__ == "__main__":
    become(sys.argv[1])
    sys.argv = ["postern", "hub"]
    runpy.run_module("postern", run_name="__main__")
