"""Two agents at one site: a command goes to the one that drives the door, over the real channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from postern.access.controller import DoorController
from postern.access.model import CredentialKind
from postern.agent.ports import AgentPorts
from postern.errors import BadInput
from postern.journal.model import Act
from postern.operations import look
from postern.operations.archive import present
from postern.operations.sites import agents, commands, open_door
from postern.operations.sites.agents import KnownAgent
from postern.operations.sites.commands import CommandOutcome
from postern.postgres.pool import Database
from postern.sites.model import Door
from tests.flows.agent_site import TestDoor, ports
from tests.flows.real_hub import ALWAYS_CARD, RealHub, running_agent, running_real_hub

FRONT_DOOR = "Front door"


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[RealHub]:
    async with running_real_hub(runtime_database, keystore_database, tmp_path) as running:
        yield running


def without_front_door() -> AgentPorts:
    """An agent on another network: it cannot drive the front door."""

    def open_controller(door: Door) -> DoorController:
        if door.name == FRONT_DOOR:
            raise BadInput("this relay is not on this network")
        return TestDoor()

    return replace(ports(TestDoor()), open_controller=open_controller)


async def let_in(hub: RealHub) -> CommandOutcome:
    return await open_door.open_door(
        hub.services, hub.admin, site=hub.demo.site, door=hub.door(FRONT_DOOR), reason="courier at the door"
    )


async def wall_news(hub: RealHub) -> list[tuple[str, str]]:
    rows = (await look.wall(hub.services, hub.admin, hub.demo.site)).rows
    return [(row.operator, row.reason) for row in rows if isinstance(row, look.DoorNews) and row.operator]


async def test_only_the_agent_that_drives_the_door_takes_the_command(hub: RealHub, tmp_path: Path) -> None:
    door = TestDoor()
    async with (
        running_agent(hub, tmp_path / "far", given=without_front_door()),
        running_agent(hub, tmp_path / "near", door) as near,
    ):
        for count in range(1, 5):
            assert await let_in(hub) == CommandOutcome(done=True, detail="released")
            assert len(door.released) == count
        while (await near.spool.state()).waiting:
            await asyncio.sleep(0.05)
    assert await wall_news(hub) == [("admin", "courier at the door")] * 4


async def test_when_no_agent_drives_the_door_the_operator_is_told_at_once_and_why(
    hub: RealHub, tmp_path: Path
) -> None:
    async with (
        running_agent(hub, tmp_path / "far", given=without_front_door()),
        running_agent(hub, tmp_path / "farther", given=without_front_door()),
    ):
        outcome = await let_in(hub)
    assert not outcome.done
    assert "no controller for it" in outcome.detail


async def test_a_credential_is_presented_at_one_agent_only(hub: RealHub, tmp_path: Path) -> None:
    doors = TestDoor(), TestDoor()
    async with (
        running_agent(hub, tmp_path / "one", doors[0]),
        running_agent(hub, tmp_path / "other", doors[1]),
    ):
        shown = await present.present(
            hub.services,
            hub.admin,
            site=hub.demo.site,
            reader=hub.reader,
            kind=CredentialKind.CARD,
            value=ALWAYS_CARD,
        )
    assert (shown.done, shown.detail) == (True, "granted")
    assert len(doors[0].released) + len(doors[1].released) == 1


async def two_known(hub: RealHub) -> list[KnownAgent]:
    """Two enrolled agents, as the hub knows them."""
    for number in (1, 2):
        code = await agents.new_code(hub.services, hub.admin, hub.demo.site)
        keys = bytes([number]) * 32
        await agents.enrol(hub.services, code=code, sign_public=keys, hpke_public=bytes([9]) + bytes(31))
    found = await agents.agents(hub.services, hub.admin, hub.demo.site)
    return [KnownAgent(agent=one, tenant=hub.demo.tenant) for one in found]


async def taken(hub: RealHub, known: KnownAgent) -> list[commands.Instruction]:
    async for one in commands.instructions(hub.services, known):
        if one.command == "open-door":
            return [one]
    return []


async def test_who_declined_is_not_asked_again_and_cannot_answer_for_the_other(hub: RealHub) -> None:
    one, other = await two_known(hub)
    opening = asyncio.create_task(let_in(hub))
    (asked,) = await taken(hub, one)
    await commands.declined(hub.services, one, asked.id, detail="not here")
    await commands.answered(hub.services, one, asked.id, done=True, detail="released, I say")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await taken(hub, one)
    (asked_too,) = await taken(hub, other)
    assert asked_too.id == asked.id
    await commands.answered(hub.services, other, asked.id, done=True, detail="released")
    assert await opening == CommandOutcome(done=True, detail="released")


async def test_a_stranger_cannot_decline_for_whoever_took_it(hub: RealHub) -> None:
    one, other = await two_known(hub)
    opening = asyncio.create_task(let_in(hub))
    (asked,) = await taken(hub, one)
    await commands.declined(hub.services, other, asked.id, detail="not here")
    await commands.answered(hub.services, one, asked.id, done=False, detail="the relay does not answer")
    assert await opening == CommandOutcome(done=False, detail="the relay does not answer")


async def test_the_journal_has_the_command_before_any_agent_does(hub: RealHub) -> None:
    one, _ = await two_known(hub)
    opening = asyncio.create_task(let_in(hub))
    (asked,) = await taken(hub, one)
    entries = await look.journal_page(hub.services, hub.admin)
    assert [each.entry.purpose for each in entries if each.entry.act is Act.OPENED_DOOR] == [
        "courier at the door"
    ]
    await commands.answered(hub.services, one, asked.id, done=True, detail="released")
    assert (await opening).done
