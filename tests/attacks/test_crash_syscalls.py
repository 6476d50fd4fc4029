"""What kill -9 cannot show, as the kernel writes on: a missing fsync. System calls are watched, or fail."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from postern.prove.verdict import judge
from postern.prove.world import AgentUnderLoad, World, running_agent
from tests.attacks.calls import early_acknowledgements, early_releases, tracing
from tests.needs import needs

pytestmark = pytest.mark.slow

PASSAGES = 12


async def alone(agent: AgentUnderLoad, log: Path, *options: str) -> tuple[str, int]:
    """Let the agent admit a few without its hub, traced; what it said, and how many releases it wrote."""
    before = agent.released()
    command = [*tracing(log, *options), *agent.command("--alone", "--count", str(PASSAGES))]
    run = asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complaints = await (await run).communicate()
    assert not complaints, complaints.decode()
    return said.decode(), agent.released() - before


@needs("strace")
@pytest.mark.parametrize("mutant", ["", "unsynced", "early"])
async def test_a_decision_is_synced_before_its_door_moves(
    postern: World, tmp_path: Path, mutant: str
) -> None:
    """And the mutants that do not sync, or that write after the door has moved, are caught."""
    postern.start_hub()
    async with running_agent(postern) as agent:
        agent.kill()
        agent.mutant = mutant
        said, released = await alone(agent, tmp_path / "calls")
        assert (said.count("fault"), released) == (0, PASSAGES)
        early = early_releases((tmp_path / "calls").read_text().splitlines())
        assert early == (PASSAGES if mutant else 0)


@needs("strace")
async def test_a_door_stays_shut_when_the_disk_fails_and_what_it_opened_for_is_kept(
    postern: World, tmp_path: Path
) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        agent.kill()
        log = str(agent.folder / "spool.sqlite-wal")
        broken = ("-P", log, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=4..6")
        said, released = await alone(agent, tmp_path / "calls", *broken)
        faults = said.count("fault unavailable")
        assert faults == PASSAGES - released
        assert faults > 0
        agent.start()
        await agent.drain()
    verdict = await judge(postern, agent)
    assert verdict.sound


@needs("strace")
@pytest.mark.parametrize("mutant", ["", "unsynced"])
async def test_a_picture_is_synced_before_its_record_is_acknowledged(
    postern: World, tmp_path: Path, mutant: str
) -> None:
    """And the mutant of the hub that does not sync its pictures is caught."""
    postern.start_hub()
    async with running_agent(postern) as agent:
        agent.kill()
        postern.kill_hub()
        await alone(agent, tmp_path / "unused")
        postern.start_hub(mutant, under=tracing(tmp_path / "calls"))
        agent.start()
        await agent.drain()
        postern.kill_hub()
    calls = (tmp_path / "calls").read_text().splitlines()
    said, early = early_acknowledgements(calls, postern.folder / "pictures")
    assert said > 0
    assert bool(early) == bool(mutant)
