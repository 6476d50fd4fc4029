"""Ending a task never eats the cancellation of whoever ends it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from postern.ending import ended

SOURCES = Path(__file__).parents[2] / "src" / "postern"
EATING = re.compile(r"suppress\([^)]*CancelledError")


async def for_ever() -> None:
    await asyncio.Event().wait()


async def reluctant(leave: asyncio.Event) -> None:
    """Takes its time to go."""
    try:
        await for_ever()
    finally:
        await leave.wait()


async def failing() -> None:
    try:
        await for_ever()
    finally:
        raise RuntimeError("on its way out")


async def awaited_and_suppressed(task: asyncio.Task[object]) -> None:
    """The mutant."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def begun(task: asyncio.Task[object]) -> asyncio.Task[object]:
    await asyncio.sleep(0)
    return task


async def test_a_task_is_over_once_it_is_ended() -> None:
    task = await begun(asyncio.create_task(for_ever()))
    await ended(task)
    assert task.cancelled()


async def test_one_that_is_over_already_or_was_never_begun_is_ended_too() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await ended(task)
    never = asyncio.create_task(for_ever())
    await ended(never)
    assert never.cancelled()


async def test_what_it_failed_with_is_told() -> None:
    with pytest.raises(RuntimeError, match="on its way out"):
        await ended(await begun(asyncio.create_task(failing())))


async def goes_on_although_cancelled(end: Callable[[asyncio.Task[object]], Awaitable[None]]) -> bool:
    """Whether a caller that is cancelled while it ends a slow task does what comes after."""
    leave, went_on = asyncio.Event(), asyncio.Event()
    slow = await begun(asyncio.create_task(reluctant(leave)))

    async def caller() -> None:
        await end(slow)
        went_on.set()

    calling = await begun(asyncio.create_task(caller()))
    calling.cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.wait({calling, slow})
    return went_on.is_set()


async def test_a_caller_that_is_cancelled_meanwhile_stops() -> None:
    assert not await goes_on_although_cancelled(ended)


async def test_the_mutant_that_suppresses_the_tasks_cancellation_is_caught() -> None:
    assert await goes_on_although_cancelled(awaited_and_suppressed)


def test_nothing_in_the_program_suppresses_a_cancellation() -> None:
    assert [str(file) for file in SOURCES.rglob("*.py") if EATING.search(file.read_text())] == []
