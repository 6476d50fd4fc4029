"""kill -9 of agent, hub and both databases at random moments under load: nothing acknowledged is lost, none
doubled, none silently replaced. POSTERN_CRASH_ROUNDS sets the number of kills,
POSTERN_CRASH_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from postern.prove.attacks.kills import VICTIMS, kill
from postern.prove.verdict import judge
from postern.prove.world import World, running_agent
from tests.attacks.conftest import Measured

ROUNDS = int(os.environ.get("POSTERN_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("POSTERN_CRASH_SEED", str(random.SystemRandom().randrange(1_000_000))))


async def test_nothing_acknowledged_is_lost_doubled_or_replaced_whatever_is_killed(
    postern: World, measured: Measured
) -> None:
    chance = random.Random(SEED)
    postern.start_hub()
    victims = [VICTIMS[n % len(VICTIMS)] for n in range(ROUNDS)]
    chance.shuffle(victims)
    async with running_agent(postern) as agent:
        for victim in victims:
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            await kill(postern, agent, victim, down=chance.uniform(0, 0.3))
        await agent.has_released(10)
        await postern.hub_answers()
        await agent.drain()
    verdict = await judge(postern, agent)
    measured(f"seed {SEED}: {len(victims)} kills, {verdict}")
    assert verdict.sound
    assert not verdict.quarantined
    assert len(verdict.unacknowledged) <= victims.count("agent")
    assert len(verdict.agents) == 1


async def test_a_crash_leaves_no_core_dump_with_keys_and_templates_in_it(postern: World) -> None:
    postern.start_hub()
    await postern.hub_answers()
    assert postern.hub
    limits = Path(f"/proc/{postern.hub.pid}/limits").read_text().splitlines()
    (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]
