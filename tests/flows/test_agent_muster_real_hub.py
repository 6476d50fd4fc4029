"""Lockdown and muster over the real hub: at once on the channel, and alone when the hub is away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from postern.access.model import CredentialKind
from postern.agent.channel import Present
from postern.agent.main import Agent
from postern.agent.muster_server import MusterPages
from postern.clock import SystemClock
from postern.ids import PersonId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.presence import lockdown, muster, muster_wire
from postern.operations.privacy import erase
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


def pages(agent: Agent) -> httpx.AsyncClient:
    app = MusterPages(agent.musters, SystemClock()).app()
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://agent.example.org", follow_redirects=True
    )


def key_in(page: httpx.Response) -> str:
    found = re.search(r'data-key="([0-9a-f]+)"', page.text)
    assert found is not None, page.text
    return found.group(1)


async def inside(agent: Agent, count: int) -> None:
    while len(agent.musters.inside()) != count:
        await asyncio.sleep(0.02)


async def test_the_agent_holds_a_muster_alone_and_the_hub_hears_of_it_later(
    hub: RealHub, tmp_path: Path
) -> None:
    code = await muster_wire.new_code(hub.services, hub.admin, hub.demo.site)
    async with running_agent(hub, tmp_path / "agent") as agent:
        assert await presented(agent, hub) == "granted"
        await inside(agent, 1)
        while not agent.musters.has_roll:
            agent.sync.wake()
            await asyncio.sleep(0.02)
    # The hub is away from here on: the agent is opened again, as after a power cut, and not connected.
    async with agent_of(hub, tmp_path / "agent") as agent, pages(agent) as phone:
        assert len(agent.musters.inside()) == 1
        refused = await phone.post("/open", data={"name": "Wendy Warden", "code": "ABCDE-FGHJK"})
        assert refused.status_code == 403
        assert (await phone.get("/roll")).url.path == "/"
        opened = await phone.post("/open", data={"name": "Wendy Warden", "code": code.lower()})
        assert opened.url.path == "/roll"
        assert "Bruno Keller" not in opened.text, "names wait for a muster"
        key = key_in(opened)
        assert (await phone.post("/call", data={"key": "other"})).status_code == 403
        called = await phone.post("/call", data={"key": key})
        assert "Bruno Keller" in called.text
        subject = agent.musters.inside()[0].subject
        marked = await phone.post("/mark", data={"key": key, "subject": str(subject), "safe": "yes"})
        assert "Seen safe by Wendy Warden" in marked.text
        assert (await phone.post("/mark", data={"key": key, "subject": "no id"})).url.path == "/roll"
        closed = await phone.post("/close", data={"key": key})
        assert "Bruno Keller" not in closed.text
        # The hub is back.
        await agent.sync.once()
    roll = await muster.roll(hub.services, hub.admin, hub.demo.site)
    assert [(one.name, one.safe_by) for one in roll.lines] == [("Bruno Keller", "Wendy Warden")]
    entries = await look.journal_page(hub.services, hub.admin, before=None, limit=50)
    acts = [one.entry.act for one in entries if one.entry.purpose == "muster at the agent"]
    assert sorted(acts) == [Act.LOOKED, Act.REFUSED]


async def test_nothing_of_an_erased_person_is_left_at_the_agent(hub: RealHub, tmp_path: Path) -> None:
    code = await muster_wire.new_code(hub.services, hub.admin, hub.demo.site)
    async with running_agent(hub, tmp_path / "agent") as agent:
        assert await presented(agent, hub) == "granted"
        await inside(agent, 1)
        subject = agent.musters.inside()[0].subject
        await agent.sync.once()
        assert subject in await agent.musters.unlock(code, "Wendy Warden")
        await erase.erase_person(hub.services, hub.admin, PersonId(subject), reason="asked")
        while agent.musters.holds(subject) or not agent.musters.has_roll:
            agent.sync.wake()
            await asyncio.sleep(0.02)
        assert subject not in await agent.musters.unlock(code, "Wendy Warden")
        left = await agent.spool.beside(
            lambda database: database.execute("SELECT count(*) FROM whereabouts").fetchone()
        )
        assert left == (0,)
