"""What agents send, told again; what reaches them, and how fast; a box that is shut out hears nothing."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.errors import CannotVerify
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.people import revoke
from postern.operations.services import Services
from postern.operations.sites import agents, commands
from postern.operators.model import Actor
from postern.sites import agents as store
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent

REPLAYS = int(os.environ.get("POSTERN_REPLAYS", "100"))
IN_TIME = 60.0
"""Seconds in which an agent that is online must know."""


def card(places: SitePlan) -> Request:
    door = next(one.id for one in places.access_points if one.name == "Front door, in")
    return Request(access_point=door, presented=CodePresented(kind=CredentialKind.CARD, value="0410A1B2C3"))


async def rows(hub: Services, demo: Demo) -> int:
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute("SELECT count(*) FROM record WHERE site_id = %s", (demo.site,))
        found = await cursor.fetchone()
    assert found is not None
    return int(found[0])


async def replayed(hub: Services, agent: DrawnAgent, times: int) -> int:
    """How many of the same request, told again, are taken."""
    request, taken = agent.request(), 0
    await agents.verify_request(hub, request)
    for _ in range(times):
        try:
            await agents.verify_request(hub, request)
        except CannotVerify:
            continue
        taken += 1
    return taken


async def test_a_batch_told_again_has_no_second_effect(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    await admit(entrance, await agent.policy(), card(places))
    known = await agent.known()
    first = await receive(hub, known, agent.entries, agent.pictures)
    before = await rows(hub, demo)
    for _ in range(REPLAYS):
        assert await receive(hub, known, agent.entries, agent.pictures) == first
    assert await rows(hub, demo) == before
    assert len((await look.wall(hub, admin, demo.site)).rows) == 1


@pytest.mark.slow
async def test_ten_thousand_batches_told_again_have_no_second_effect(
    hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    await admit(entrance, await agent.policy(), card(places))
    known = await agent.known()
    await receive(hub, known, agent.entries, agent.pictures)
    before = await rows(hub, demo)
    for _ in range(10_000):
        await receive(hub, known, agent.entries, agent.pictures)
    assert await rows(hub, demo) == before
    assert await replayed(hub, agent, 10_000) == 0


async def test_a_signed_request_is_good_once(hub: Services, agent: DrawnAgent) -> None:
    assert await replayed(hub, agent, REPLAYS) == 0


async def test_the_attack_catches_a_hub_that_forgets_what_it_was_asked(
    hub: Services, agent: DrawnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(*_: object) -> bool:
        return True

    monkeypatch.setattr(store, "spend_nonce", forgetful)
    assert await replayed(hub, agent, 3) == 3


async def until_announced(heard: asyncio.Queue[str], begun: float) -> float:
    """Seconds from `begun` until the agent's connection has told of a new policy."""
    async with asyncio.timeout(IN_TIME):
        while await heard.get() != "new-bundle":
            pass
    return time.monotonic() - begun


async def listening(hub: Services, agent: DrawnAgent, heard: asyncio.Queue[str]) -> None:
    async for one in commands.instructions(hub, await agent.known()):
        await heard.put(one.command)
    await heard.put("ended")


async def test_a_revocation_is_announced_to_an_agent_online_and_its_policy_refuses(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = asyncio.create_task(listening(hub, agent, heard))
    try:
        await until_announced(heard, time.monotonic())
        while not heard.empty():
            heard.get_nowait()
        page = await look.find_people(hub, admin, text="ada")
        begun = time.monotonic()
        await revoke.revoke_holder(
            hub, admin, subject=page.rows[0].person.id, kind=SubjectKind.PERSON, reason="lost card"
        )
        assert await until_announced(heard, begun) < IN_TIME
        admitted = await admit(entrance, await agent.policy(), card(places))
        assert admitted.decision.reason is Reason.CREDENTIAL_REVOKED
    finally:
        connection.cancel()
        await asyncio.wait([connection])


async def shut_out(
    hub: Services, admin: Actor, agent: DrawnAgent, demo: Demo, *, patience: float = 20.0
) -> bool:
    """Whether the connection that the box had open ends with its number."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = asyncio.create_task(listening(hub, agent, heard))
    try:
        await until_announced(heard, time.monotonic())
        await agents.retire(hub, admin, site=demo.site, agent=agent.enrolled.agent)
        async with asyncio.timeout(patience):
            while await heard.get() != "ended":
                pass
    except TimeoutError:
        return False
    else:
        return True
    finally:
        connection.cancel()
        await asyncio.wait([connection])


async def test_the_connection_of_a_stolen_box_ends_with_its_number(
    hub: Services, admin: Actor, agent: DrawnAgent, demo: Demo
) -> None:
    assert await shut_out(hub, admin, agent, demo)
    with pytest.raises(CannotVerify, match="retired"):
        await agent.known()


async def test_the_attack_catches_a_hub_that_leaves_the_connection_open(
    hub: Services, admin: Actor, agent: DrawnAgent, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trusting(*_: object) -> bool:
        return True

    monkeypatch.setattr(commands, "_is_welcome", trusting)
    assert not await shut_out(hub, admin, agent, demo, patience=1.0)
