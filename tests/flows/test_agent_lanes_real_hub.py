"""A lane from the console's setting to the barrier, over the real hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from postern.access.lanes import Clearance
from postern.access.model import CredentialKind
from postern.agent.channel import Present
from postern.agent.lanes import Question
from postern.agent.main import Agent
from postern.errors import BadInput, Refused
from postern.ids import AccessPointId, new_id
from postern.operations.sites import commands
from postern.operations.sites import places as sites
from postern.operations.sites.agents import KnownAgent
from postern.operations.sites.publish_policy import publish_stale
from postern.postgres.pool import Database
from postern.sites.agents import of_site
from postern.sites.model import AccessPoint, Lane, LaneKind
from tests.flows.real_hub import RealHub, agent_of, running_real_hub


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[RealHub]:
    async with running_real_hub(runtime_database, keystore_database, tmp_path) as running:
        yield running


def point(hub: RealHub, name: str) -> AccessPoint:
    return next(one for one in hub.places.access_points if one.name == name)


@pytest.fixture
async def exit_lane(hub: RealHub) -> AccessPoint:
    """The driveway as a garage's entry and exit lanes; the exit is given."""
    way_in, way_out = point(hub, "Driveway barrier, in"), point(hub, "Driveway barrier, out")
    await sites.change(hub.services, hub.admin, replace(way_in, lane=Lane(kind=LaneKind.ENTRY)))
    changed = await sites.change(
        hub.services, hub.admin, replace(way_out, way_out=False, lane=Lane(kind=LaneKind.EXIT))
    )
    await publish_stale(hub.services)
    return changed


async def shown(agent: Agent, point: AccessPoint, plate: str) -> str:
    reader = next(one for one in agent.admissions.policy.readers if one.access_point == point.id)
    command = Present(reader=reader.id, kind=CredentialKind.PLATE, value=plate)
    return (await agent.admissions.present(command)).detail


async def test_a_visitor_drives_in_and_out_through_the_demo_s_driveway(
    hub: RealHub, exit_lane: AccessPoint, tmp_path: Path
) -> None:
    async with agent_of(hub, tmp_path / "agent") as agent:
        await agent.sync.once()
        assert await shown(agent, point(hub, "Driveway barrier, in"), "BXY123") == "parking-entry"
        assert await shown(agent, exit_lane, "BXY123") == "settle-later"
        await agent.sync.push()
        assert (await agent.spool.state()).waiting == 0


async def test_the_hub_answers_for_exit_lanes_of_the_agent_s_own_site_only(
    hub: RealHub, exit_lane: AccessPoint, tmp_path: Path
) -> None:
    async with agent_of(hub, tmp_path / "agent") as agent:
        good = Question(access_point=exit_lane.id, plate="BXY123", score=0.9)
        assert await agent.hub.clearance(good) is Clearance.UNCERTAIN
        assert await agent.hub.clearance(replace(good, plate="")) is Clearance.UNCERTAIN
        with pytest.raises(Refused):
            await agent.hub.clearance(replace(good, access_point=AccessPointId(new_id())))
        for wrong in (
            replace(good, access_point=point(hub, "Driveway barrier, in").id),
            replace(good, access_point=point(hub, "Front door, in").id),
            replace(good, plate="B" * 50),
            replace(good, score=2.0),
        ):
            with pytest.raises(BadInput):
                await agent.hub.clearance(wrong)


async def test_the_hub_has_the_agents_of_a_site_ask_again(hub: RealHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path / "agent") as agent:
        async with hub.services.database.transaction(hub.demo.tenant) as tx:
            (stored,) = await of_site(tx, hub.demo.site)
        assert stored.id == agent.hub.identity.agent
        known = KnownAgent(agent=stored, tenant=hub.demo.tenant)
        given = commands.instructions(hub.services, known)
        first = [(await anext(given)).command for _ in range(3)]
        assert first == ["new-bundle", "ask-again", "lockdown"]
        async with hub.services.database.transaction(hub.demo.tenant) as tx:
            await commands.have_lanes_ask(hub.services, tx, hub.demo.site)
        assert (await anext(given)).command == "ask-again"
        await given.aclose()
