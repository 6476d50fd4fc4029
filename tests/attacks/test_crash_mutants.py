"""The crash tests find what they are for: an agent or a hub that acknowledges too early loses passages."""

from __future__ import annotations

import asyncio

import pytest

from postern.prove.verdict import judge, missing_at_hub
from postern.prove.world import World, running_agent
from tests.attacks.conftest import Measured

KILLS = 2


async def test_the_mutant_agent_that_opens_before_it_has_written_is_caught(
    postern: World, measured: Measured
) -> None:
    postern.start_hub()
    async with running_agent(postern, mutant="later") as agent:
        for _ in range(KILLS):
            await agent.has_released(20)
            agent.kill()
            agent.start()
        await agent.drain()
    verdict = await judge(postern, agent)
    measured(f"mutant: {verdict}")
    assert verdict.lost


@pytest.mark.parametrize("mutant", ["", "early"])
async def test_what_the_hub_acknowledged_is_there_when_all_is_killed_at_once(
    postern: World, measured: Measured, mutant: str
) -> None:
    """kill -9 of agent, hub and both databases in one moment; the mutant acknowledges before the commit."""
    missing: set[tuple[int, int]] = set()
    postern.start_hub(mutant)
    async with running_agent(postern) as agent:
        for _ in range(KILLS):
            await agent.has_acknowledged(20)
            agent.kill()
            postern.kill_hub()
            await asyncio.gather(*(postern.kill_database(name) for name in ("data", "keystore")))
            missing |= await missing_at_hub(postern, agent)
            postern.start_hub(mutant)
            agent.start()
        await agent.drain()
    verdict = await judge(postern, agent)
    measured(f"{mutant or 'sound'} hub: {len(missing)} of what it acknowledged was missing; {verdict}")
    assert bool(missing) == bool(mutant)
    assert verdict.sound or mutant
