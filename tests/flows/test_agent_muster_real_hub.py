"""Lockdown and muster over the real hub: at once on the channel, and alone when the hub is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postern.access.model import CredentialKind
from postern.agent.channel import Present
from postern.agent.main import Agent
from postern.operations import lockdown
from postern.postgres.pool import Database
from tests.flows.real_hub import ALWAYS_CARD, RealHub, agent_of, running_agent, running_real_hub


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[RealHub]:
    async with running_real_hub(runtime_database, keystore_database, tmp_path) as running:
        yield running


async def presented(agent: Agent, hub: RealHub) -> str:
    command = Present(reader=hub.reader, kind=CredentialKind.CARD, value=ALWAYS_CARD)
    return (await agent.admissions.present(command)).detail


async def test_a_lockdown_holds_at_once_and_after_a_restart_until_it_is_released(
    hub: RealHub, tmp_path: Path
) -> None:
    async with running_agent(hub, tmp_path / "agent") as agent:
        assert await presented(agent, hub) == "granted"
        made = await lockdown.lock_down(
            hub.services, hub.admin, hub.demo.site, area=None, drill=False, reason="alarm"
        )
        # No policy is published here: it is the channel that brings it.
        while await presented(agent, hub) != "locked-down":
            await asyncio.sleep(0.02)
    async with agent_of(hub, tmp_path / "agent") as again:
        assert await presented(again, hub) == "locked-down"
    async with running_agent(hub, tmp_path / "agent") as agent:
        await lockdown.release(hub.services, hub.admin, hub.demo.site, made.id)
        while await presented(agent, hub) != "granted":
            await asyncio.sleep(0.02)
