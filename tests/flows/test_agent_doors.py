"""What an agent records of a door with a handle inside, and of one whose controller comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from postern.access.controller import Contact, DoorState
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.agent.channel import Present
from postern.agent.main import Agent, AgentSettings, opened
from postern.records.model import DecisionRecord, DoorRecord, Outcome, PassageRecord
from tests.flows.agent_hub import CODE, TestHub, running_hub
from tests.flows.agent_site import CARD_IN, CARD_NUMBER, TestDoor, policy, ports


def fitted(version: int = 1, **door: bool) -> Policy:
    plain = policy(version)
    return replace(plain, doors=tuple(replace(one, **door) for one in plain.doors))  # type: ignore[arg-type]


@asynccontextmanager
async def agent_at(folder: Path, door: TestDoor, plan: Policy) -> AsyncIterator[tuple[Agent, TestHub]]:
    async with running_hub() as hub:
        hub.policy = plan
        settings = AgentSettings(folder=folder, hub_url=hub.url, code=CODE)
        async with opened(settings, ports(door)) as agent:
            running = asyncio.create_task(agent.run())
            try:
                while not agent.doors.controllers:
                    await asyncio.sleep(0.01)
                yield agent, hub
            finally:
                running.cancel()
                await asyncio.wait([running])


async def said(agent: Agent, hub: TestHub) -> list[str]:
    """What the door said by itself, once a passage that was presented after it is recorded, too."""
    await agent.admissions.present(Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER))
    while not any(not isinstance(one, DoorRecord) for one in hub.opened.values()):
        await asyncio.sleep(0.01)
    await agent.sync.push()
    found = [one for _, one in sorted(hub.opened.items(), key=lambda item: item[0])]
    return [one.state.value for one in found if isinstance(one, DoorRecord)]


async def test_somebody_who_leaves_by_the_handle_forces_nothing(tmp_path: Path) -> None:
    door = TestDoor()
    async with agent_at(tmp_path, door, fitted(free_exit=True)) as (agent, hub):
        door.tell(Contact.OPEN)
        door.tell(Contact.CLOSED)
        assert await said(agent, hub) == []


async def test_without_a_handle_the_same_opening_is_forced(tmp_path: Path) -> None:
    door = TestDoor()
    async with agent_at(tmp_path, door, fitted(free_exit=False)) as (agent, hub):
        door.tell(Contact.OPEN)
        door.tell(Contact.CLOSED)
        assert await said(agent, hub) == ["forced", "closed"]


async def test_a_door_without_a_contact_is_recorded_offline_and_online_again(tmp_path: Path) -> None:
    door = TestDoor()
    async with agent_at(tmp_path, door, fitted(contact_fitted=False)) as (agent, hub):
        for online in (False, True):
            state = DoorState(contact=Contact.UNKNOWN, at=datetime.now(UTC), online=online)
            door.states_told.put_nowait(state)
        assert await said(agent, hub) == ["offline", "online"]


class SilentDoor(TestDoor):
    """Let go, it says nothing more: the agent dies while somebody walks through."""

    async def release(self, *, seconds: float) -> None:
        self.released.append(seconds)


@asynccontextmanager
async def running(folder: Path, hub: TestHub, door: TestDoor) -> AsyncIterator[Agent]:
    async with opened(AgentSettings(folder=folder, hub_url=hub.url, code=CODE), ports(door)) as agent:
        task = asyncio.create_task(agent.run())
        try:
            while not agent.doors.controllers:
                await asyncio.sleep(0.01)
            yield agent
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_release_that_the_agent_did_not_outlive_is_presumed_a_passage(tmp_path: Path) -> None:
    async with running_hub() as hub:
        hub.policy = fitted()
        door = SilentDoor()
        async with running(tmp_path, hub, door) as agent:
            card = Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER)
            await agent.admissions.present(card)
            assert door.released
        for _ in range(2):  # told once, however often the agent starts
            async with running(tmp_path, hub, door) as agent:
                while await agent.spool.unsettled():
                    await asyncio.sleep(0.01)
                await agent.sync.push()

    found = [one for _, one in sorted(hub.opened.items(), key=lambda item: item[0])]
    decisions = [one for one in found if isinstance(one, DecisionRecord)]
    passages = [one for one in found if isinstance(one, PassageRecord)]
    assert len(decisions) == 1
    assert [(one.outcome, one.at) for one in passages] == [(Outcome.PRESUMED, decisions[0].at)]
