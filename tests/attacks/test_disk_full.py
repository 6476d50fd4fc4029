"""A full disk under the agent's spool, the hub's pictures and the databases: clear faults, nothing half done.

All goes on once there is space. The disks are small ones, really full.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from postern.prove.verdict import judge, missing_at_hub
from postern.prove.world import PATIENCE, AgentUnderLoad, World, build, running_agent, world


class SmallDisk:
    """A file system of a few megabytes, mounted on a folder."""

    def __init__(self, folder: Path, megabytes: float) -> None:
        self._folder = folder
        _mount("-t", "tmpfs", "-o", _size(megabytes), "tmpfs", str(folder))

    def grow(self, megabytes: float) -> None:
        """Somebody frees space."""
        _mount("-o", f"remount,{_size(megabytes)}", str(self._folder))

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True, capture_output=True)


def _size(megabytes: float) -> str:
    return f"size={int(megabytes * 1024)}k,mode=0700"


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@cache
def may_mount() -> bool:
    with tempfile.TemporaryDirectory() as name:
        try:
            SmallDisk(Path(name), 1).remove()
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


pytestmark = pytest.mark.skipif(
    not may_mount(), reason="this system may not mount a small disk: run as root, outside of a container"
)


@contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[SmallDisk]:
    disk = SmallDisk(folder, megabytes)
    try:
        yield disk
    finally:
        disk.remove()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.05)


def tells_of_a_full_disk(agent: AgentUnderLoad) -> bool:
    return "fault storage-full" in agent.said()


async def test_doors_stay_shut_while_the_spools_disk_is_full_and_nothing_acknowledged_is_lost(
    postern: World,
) -> None:
    postern.start_hub()
    agent = AgentUnderLoad(postern, await build(postern))
    await agent.new_code()
    agent.folder.mkdir(mode=0o700)
    with small_disk(agent.folder, 2) as disk:
        agent.start()
        await agent.has_released(10)
        postern.kill_hub()
        await until(lambda: tells_of_a_full_disk(agent))
        released = agent.released()
        await asyncio.sleep(0.2)
        assert agent.released() <= released + 1
        agent.kill()
        disk.grow(16)
        agent.start()
        await agent.has_released(10)
        postern.start_hub()
        await agent.drain()
    assert (await judge(postern, agent)).sound


async def test_nothing_is_acknowledged_while_the_pictures_disk_is_full(postern: World) -> None:
    postern.kill_hub()
    pictures = postern.folder / "pictures"
    with small_disk(pictures, 1) as disk:
        postern.start_hub()
        async with running_agent(postern) as agent:
            await until(lambda: _is_full(pictures))
            await asyncio.sleep(0.5)
            agent.kill()
            assert not await missing_at_hub(postern, agent)
            disk.grow(64)
            agent.start()
            await agent.drain()
        assert (await judge(postern, agent)).sound
        assert not [path for path in pictures.rglob(".*") if path.is_file()]
        postern.kill_hub()


def _is_full(folder: Path) -> bool:
    """Whether a picture would not fit any more."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(8192))
            file.flush()
    except OSError:
        return True
    return False


async def test_all_goes_on_by_itself_after_the_databases_disk_was_full() -> None:
    disks: list[SmallDisk] = []

    @contextmanager
    def disk(folder: Path) -> Iterator[None]:
        with small_disk(folder, 400) as made:
            disks.append(made)
            yield

    async with world("postern-full-", databases_on=disk) as postern:
        postern.start_hub()
        async with running_agent(postern) as agent:
            await agent.has_acknowledged(20)
            ballast = postern.folder / "pg" / "ballast"
            _fill(ballast)
            await until(lambda: "storage-full" in agent.said())
            agent.kill()
            ballast.unlink()
            assert not await missing_at_hub(postern, agent)
            agent.start()
            await agent.drain()
        assert (await judge(postern, agent)).sound


def _fill(ballast: Path) -> None:
    """Take all the space that is left."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
