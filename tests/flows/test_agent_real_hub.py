"""The agent against the real hub: its application, its operations, its PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postern.access.model import CredentialKind
from postern.agent.channel import Present
from postern.agent.main import Agent, AgentSettings, opened
from postern.errors import Refused
from postern.operations import look
from postern.operations.archive import present
from postern.operations.sites import agents, open_door
from postern.postgres.pool import Database
from postern.records.model import Outcome
from tests.flows.agent_site import FRONT, TestDoor, ports
from tests.flows.real_hub import ALWAYS_CARD, RealHub, agent_of, running_real_hub


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[RealHub]:
    async with running_real_hub(runtime_database, keystore_database, tmp_path) as running:
        yield running


async def show_card(agent: Agent, hub: RealHub, number: str = ALWAYS_CARD) -> bool:
    command = Present(reader=hub.reader, kind=CredentialKind.CARD, value=number)
    return (await agent.admissions.present(command)).done


async def wall(hub: RealHub) -> list[look.Passing]:
    shown = await look.wall(hub.services, hub.admin, hub.demo.site)
    return [row for row in shown.rows if isinstance(row, look.Passing)]


async def test_a_card_at_the_demo_door_is_a_passage_on_the_wall(hub: RealHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path / "agent") as agent:
        await agent.sync.once()
        assert await show_card(agent, hub)
        assert not await show_card(agent, hub, "0000")
        while (await agent.spool.state()).highest_seq < 3:
            await asyncio.sleep(0.01)
        await agent.sync.push()
        assert (await agent.spool.state()).waiting == 0
    rows = await wall(hub)
    assert sorted((row.who, row.granted) for row in rows if row.who) == [("Bruno Keller", True)]
    assert Outcome.TAKEN in [row.outcome for row in rows]
    assert [row.granted for row in rows].count(False) == 1


async def test_a_rolled_back_agent_is_renewed_and_loses_and_replaces_nothing(
    hub: RealHub, tmp_path: Path
) -> None:
    now, old = tmp_path / "now", tmp_path / "old"
    async with agent_of(hub, now) as agent:
        await agent.sync.once()
        await show_card(agent, hub)
        await agent.doors.close()
        await agent.sync.push()
    shutil.copytree(now, old)
    async with agent_of(hub, now) as agent:
        await agent.apply(agent.admissions.policy)
        for _ in range(5):
            await show_card(agent, hub)
        await agent.sync.push()
        first_number = (await agent.spool.state()).agent
    before = {row.key for row in await wall(hub)}
    async with agent_of(hub, old) as agent:
        await agent.apply(agent.admissions.policy)
        await agent.sync.once()
        await show_card(agent, hub)
        await agent.sync.push()
        state = await agent.spool.state()
        assert state.agent > first_number
        assert state.waiting == 0
    after = {row.key for row in await wall(hub)}
    assert before < after
    assert {key.agent for key in after - before} == {state.agent}


async def test_the_hub_opens_a_door_through_the_channel_and_presents_a_card(
    hub: RealHub, tmp_path: Path
) -> None:
    door = TestDoor()
    async with agent_of(hub, tmp_path / "agent", door) as agent:
        running = asyncio.create_task(agent.run())
        try:
            while not agent.doors.controllers:
                await asyncio.sleep(0.01)
            opened_door = await open_door.open_door(
                hub.services,
                hub.admin,
                site=hub.demo.site,
                door=next(one.id for one in hub.places.doors if one.name in FRONT),
                reason="delivery at the door",
            )
            shown = await present.present(
                hub.services,
                hub.admin,
                site=hub.demo.site,
                reader=hub.reader,
                kind=CredentialKind.CARD,
                value=ALWAYS_CARD,
            )
        finally:
            running.cancel()
            await asyncio.wait([running])
    assert (opened_door.done, opened_door.detail) == (True, "released")
    assert (shown.done, shown.detail) == (True, "granted")
    assert len(door.released) == 2


async def test_the_channel_of_a_box_that_is_shut_out_is_closed(hub: RealHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path / "agent") as agent, agent.hub.channel() as socket:
        await socket.recv()
        number = agent.hub.identity.agent
        await agents.retire(hub.services, hub.admin, site=hub.demo.site, agent=number)
        async with asyncio.timeout(20):
            await socket.wait_closed()
    assert socket.close_code == 1008


async def test_a_code_is_good_for_one_agent_only(hub: RealHub, tmp_path: Path) -> None:
    code = await agents.new_code(hub.services, hub.admin, hub.demo.site)
    for name in ("one", "two"):
        settings = AgentSettings(folder=tmp_path / name, hub_url=hub.url, code=code)
        if name == "one":
            async with opened(settings, ports(TestDoor())):
                continue
        with pytest.raises(Refused):
            async with opened(settings, ports(TestDoor())):
                pass
