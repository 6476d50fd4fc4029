"""Ending a task that runs beside others."""

from __future__ import annotations

import asyncio


async def ended(task: asyncio.Task[object]) -> None:
    """Cancel it and wait until it is over; raises what it failed with, if it did.

    Awaiting a cancelled task raises the same CancelledError whether the task was cancelled or the caller, so
    that whoever suppresses the one eats the other, and goes on although it was told to stop.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (fault := task.exception()) is not None:
        raise fault
