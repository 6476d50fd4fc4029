"""kill -9 of agent, hub and both databases under load: nothing acknowledged is lost, doubled or replaced."""

from __future__ import annotations

import asyncio
import random

from postern.prove.model import Outcome, Size
from postern.prove.verdict import judge
from postern.prove.world import AgentUnderLoad, World, running_agent

VICTIMS = ("agent", "hub", "data", "keystore")


async def kills(world: World, size: Size, chance: random.Random) -> Outcome:
    """Each in turn at a random moment, started again as its supervisor would; then the ledger is compared."""
    rounds = size.of(4, 60, 600)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(rounds)]
    chance.shuffle(victims)
    world.start_hub()
    async with running_agent(world) as agent:
        for victim in victims:
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            await kill(world, agent, victim, down=chance.uniform(0, 0.3))
        await agent.has_released(10)
        await world.hub_answers()
        await agent.drain()
    verdict = await judge(world, agent)
    return Outcome(
        tries=rounds,
        leaks=len(verdict.doubled) + len(verdict.replaced),
        losses=len(verdict.lost),
        mutant_caught=await _opens_before_it_has_written(world),
        notes=(f"{rounds} kills, {verdict}",),
    )


async def kill(world: World, agent: AgentUnderLoad, victim: str, down: float) -> None:
    """kill -9, a while without it, and again as its supervisor would start it."""
    match victim:
        case "agent":
            agent.kill()
            await asyncio.sleep(down)
            agent.start()
        case "hub":
            world.kill_hub()
            await asyncio.sleep(down)
            world.start_hub()
        case _:
            await world.kill_database(victim, down)


async def _opens_before_it_has_written(world: World) -> bool:
    """The mutant agent moves the door first: what it acknowledged must be missed."""
    world.start_hub()
    async with running_agent(world, mutant="later") as agent:
        await agent.has_released(20)
        agent.kill()
        agent.start()
        await agent.drain()
    return bool((await judge(world, agent)).lost)
