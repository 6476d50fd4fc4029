"""The demo site's wall after its first start: real decisions of its real agent, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from postern.access.reasons import Reason
from postern.agent.main import Agent
from postern.journal.model import Act
from postern.operations import look
from postern.operations.archive import demo_passages
from postern.operations.archive.demo_passages import STEPS, show_passages
from postern.operations.sites import places
from postern.postgres.pool import Database
from postern.sites.model import ControllerKind, ControllerSettings
from tests.flows.agent_site import TestDoor
from tests.flows.real_hub import RealHub, running_agent, running_real_hub


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path
) -> AsyncIterator[RealHub]:
    async with running_real_hub(runtime_database, keystore_database, tmp_path) as running:
        yield running


async def wall(hub: RealHub) -> list[look.Passing]:
    rows = (await look.wall(hub.services, hub.admin, hub.demo.site, limit=200)).rows
    return [row for row in sorted(rows, key=lambda row: row.key.seq) if isinstance(row, look.Passing)]


async def sent(agent: Agent) -> None:
    await agent.sync.push()


async def test_the_demo_sites_wall_shows_a_dozen_real_decisions(hub: RealHub, tmp_path: Path) -> None:
    async with running_agent(hub, tmp_path / "agent", TestDoor()) as agent:
        assert await show_passages(hub.services, pause=0) == len(STEPS) >= 12
        await sent(agent)
    rows = await wall(hub)
    assert len(rows) == len(STEPS)
    by_who = [(row.who, row.reason) for row in rows]
    assert by_who[:4] == [
        ("Bruno Keller", Reason.GRANTED),
        ("PDM2002", Reason.GRANTED),
        ("Bruno Keller", Reason.GRANTED),
        (None, Reason.UNKNOWN_CREDENTIAL),
    ]
    assert ("HHXY123", Reason.UNKNOWN_CREDENTIAL) in by_who
    assert (None, Reason.WRONG_PIN) in by_who
    assert ("Farah Aziz", Reason.GRANTED) in by_who
    assert {row.credential_kind for row in rows} == {"card", "pin", "plate", "qr"}
    ways_out = [(row.who, row.reason) for row in rows if row.way_out]
    assert ways_out == [("PDM2002", Reason.WAY_OUT), ("Bruno Keller", Reason.WAY_OUT)]


async def test_they_are_presented_once(hub: RealHub, tmp_path: Path) -> None:
    async with running_agent(hub, tmp_path / "agent", TestDoor()) as agent:
        await show_passages(hub.services, pause=0)
        await sent(agent)
        assert await show_passages(hub.services, pause=0) == 0
    assert len(await wall(hub)) == len(STEPS)


async def test_they_are_in_the_journal_under_the_jobs_own_name(hub: RealHub, tmp_path: Path) -> None:
    async with running_agent(hub, tmp_path / "agent", TestDoor()):
        await show_passages(hub.services, pause=0)
    entries = [one.entry for one in await look.journal_page(hub.services, hub.admin, limit=200)]
    presented = [one for one in entries if one.purpose == "simulated door"]
    assert [(one.actor, one.act) for one in presented] == [("job:demo", Act.OPENED_DOOR)] * len(STEPS)


async def test_at_real_doors_nothing_is_presented(hub: RealHub, tmp_path: Path) -> None:
    relay = ControllerSettings(kind=ControllerKind.HTTP_RELAY, url="http://10.0.0.5")
    for door in hub.places.doors:
        await places.change(hub.services, hub.admin, replace(door, controller=relay))
    assert await show_passages(hub.services, pause=0) == 0
    assert await wall(hub) == []


async def test_without_an_agent_it_gives_up_and_may_try_again(
    hub: RealHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_passages, "_TRIES", 0)
    assert await show_passages(hub.services, pause=0) == 0
    monkeypatch.undo()
    async with running_agent(hub, tmp_path / "agent", TestDoor()):
        assert await show_passages(hub.services, pause=0) == len(STEPS)
