"""Tasks that come and go with the policy, and whose unforeseen end must end the agent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine

from postern.ending import ended


class Tasks:
    """Starts tasks and tells of the first that failed."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._faults: asyncio.Queue[BaseException] = asyncio.Queue()

    def start(self, work: Coroutine[None, None, None], *, name: str) -> asyncio.Task[None]:
        """Run it beside everything else."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def failure(self) -> None:
        """Wait for the first fault that nobody foresaw, and raise it."""
        raise await self._faults.get()

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in list(self._running):
            await cancelled(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.put_nowait(fault)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended, however it ends."""
    with contextlib.suppress(Exception):
        await ended(task)
