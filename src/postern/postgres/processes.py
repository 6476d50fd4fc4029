"""Find and stop what an earlier start left behind, looking at /proc and never believing a pid file."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
_STEP_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerProcess:
    """A process of PostgreSQL; `parent` tells the postmaster from its children."""

    pid: int
    parent: int


def servers_in(folder: Path) -> list[ServerProcess]:
    """The processes of PostgreSQL that work in `folder` at this moment, whoever started them.

    A server's working folder is its data folder, so a recycled pid or a copied pid file fools nobody.
    """
    try:
        wanted = folder.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # gone in the meantime, or another user's, which cannot be in our folder
            here = (entry / "cwd").stat()
            # Children retitle themselves, so the program is known by its name in stat: "(postgres)".
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            state, parent = rest.split()[:2]
            if (
                (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino)
                and name == "postgres"
                and state != "Z"
            ):
                found.append(ServerProcess(pid=int(entry.name), parent=int(parent)))
    return found


async def stop_servers_in(folder: Path, progress: Callable[[str], None]) -> None:
    """Stop what runs in `folder`: kindly, then firmly. Call it only while holding the folder's lock.

    The postmaster is asked first, its children only when they have lost it.
    """
    for number, seconds in _PATIENCE:
        if not servers_in(folder):
            return
        progress("An earlier PostgreSQL of this folder is still running; waiting until it has stopped")
        _signal_roots(servers_in(folder), number)
        for _ in range(int(seconds / _STEP_SECONDS)):
            if not servers_in(folder):
                return
            await asyncio.sleep(_STEP_SECONDS)


def _signal_roots(servers: list[ServerProcess], number: signal.Signals) -> None:
    pids = {server.pid for server in servers}
    for server in servers:
        orphan = server.parent not in pids
        if orphan or number is signal.SIGKILL:
            with suppress(ProcessLookupError):
                os.kill(server.pid, number)
