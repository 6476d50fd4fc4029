"""An agent that is re-imaged, or rolled back to an old copy of its folder: what its hub has stays as it is.

What no hub had acknowledged yet goes with a disk that is destroyed; everything else must be there, once.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postern.operations.sites import agents
from postern.operations.sites.agents import KnownAgent
from postern.prove.verdict import judge, releases
from postern.prove.world import AgentUnderLoad, World, running_agent
from postern.records.alarms import AlarmKind
from postern.sites import agents as agents_store
from tests.attacks.conftest import Measured

pytestmark = pytest.mark.slow


async def highest_at_hub(postern: World, agent: AgentUnderLoad) -> int:
    """The highest number that the hub holds of the site's agents."""
    async with postern.services.database.transaction(agent.plan.tenant) as tx:
        rows = await tx.execute(
            "SELECT max(highest_seq) FROM record_progress WHERE site_id = %s", [agent.plan.site]
        )
        found = await rows.fetchone()
    return int(found[0] or 0) if found else 0


async def known_at_hub(postern: World, agent: AgentUnderLoad, seq: int) -> None:
    """Wait until the hub holds records up to that number."""
    while await highest_at_hub(postern, agent) < seq:
        postern.tend_hub()
        await asyncio.sleep(0.05)


async def copied_and_outrun(postern: World, agent: AgentUnderLoad, by: int) -> Path:
    """An old copy of the agent's folder; its hub knows so many more numbers than lie in it."""
    await known_at_hub(postern, agent, 20)
    agent.kill()
    copy, last = agent.copy_state(), agent.highest()
    agent.start()
    await known_at_hub(postern, agent, last + by)
    agent.kill()
    return copy


async def test_a_reimaged_agent_gets_a_new_number_and_loses_nothing_that_its_hub_had(
    postern: World, measured: Measured
) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        await known_at_hub(postern, agent, 50)
        agent.kill()
        gone = agent.wipe()
        await agent.new_code()
        agent.start()
        await agent.has_released(50)
        await agent.drain()
    verdict = await judge(postern, agent, gone=gone)
    measured(f"{verdict}; {len(gone)} were on the wiped disk alone")
    assert verdict.sound
    assert len(verdict.agents) == 2
    assert not verdict.alarms


async def test_a_rolled_back_agent_is_renewed_with_an_alarm_and_nothing_is_lost(
    postern: World, measured: Measured
) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        copy = await copied_and_outrun(postern, agent, by=300)
        gone = agent.roll_back(copy)
        agent.start()
        while len({one.agent for one in releases(agent)}) == 1:
            await agent.has_released(10)
        await agent.drain()
    verdict = await judge(postern, agent, gone=gone)
    measured(f"{verdict}; {len(gone)} were on the replaced disk alone")
    assert verdict.sound
    assert len(verdict.agents) == 2
    assert verdict.alarms[AlarmKind.AGENT_ROLLED_BACK] == 1
    # What it admitted before its hub told it who it is contradicts the archive, and is kept aside.
    assert verdict.alarms[AlarmKind.RECORD_CONTRADICTED] >= 1


async def test_a_renewal_whose_answer_was_lost_on_the_way_is_made_again(postern: World) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        agent.kill()
        async with postern.services.database.transaction(agent.plan.tenant) as tx:
            known = KnownAgent(
                agent=(await agents_store.of_site(tx, agent.plan.site))[0], tenant=agent.plan.tenant
            )
        await agents.renew(postern.services, known)
        agent.start()
        while len({one.agent for one in releases(agent)}) == 1:
            await agent.has_released(10)
        await agent.drain()
    verdict = await judge(postern, agent)
    assert verdict.sound
    assert len(verdict.agents) == 2


async def rolled_back_while_the_hub_is_away(postern: World, agent: AgentUnderLoad) -> set[tuple[int, int]]:
    """It goes on alone until its old numbers have run past what the hub knows: hello cannot tell."""
    gone = agent.roll_back(await copied_and_outrun(postern, agent, by=100))
    missing = await highest_at_hub(postern, agent) - agent.highest()
    postern.kill_hub()
    agent.start()
    await agent.has_released(missing + 20)
    return gone


async def test_records_that_contradict_the_archive_are_kept_aside_and_alarm(
    postern: World, measured: Measured
) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        gone = await rolled_back_while_the_hub_is_away(postern, agent)
        postern.start_hub()
        await agent.drain()
    verdict = await judge(postern, agent, gone=gone)
    measured(f"{verdict}")
    assert verdict.sound
    assert len(verdict.quarantined) >= 100
    assert verdict.alarms[AlarmKind.RECORD_CONTRADICTED] >= 1


async def test_the_mutant_that_lets_a_second_row_replace_the_first_is_caught(
    postern: World, measured: Measured
) -> None:
    postern.start_hub()
    async with running_agent(postern) as agent:
        gone = await rolled_back_while_the_hub_is_away(postern, agent)
        postern.start_hub("replacing")
        await agent.drain()
    verdict = await judge(postern, agent, gone=gone)
    measured(f"mutant: {verdict}")
    assert len(verdict.replaced) >= 50
