"""Commands to a site's agents: kept until their outcome is back, never carried out late.

One agent takes a command at a time. One that does not drive the door gives it back, and the next may take it
while it is good.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from postern import documents
from postern.ids import SiteId, TenantId, new_id
from postern.operations.presence import lockdown
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.operations.sites.publish_policy import NEW_BUNDLE, agent_channel
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sites import agents as agents_store

GOOD_FOR = timedelta(seconds=15)
"""A command that no agent took by then is void: no door moves minutes after somebody asked."""
_LOOK_EVERY = 0.1
ASK_AGAIN = "ask-again"
"""Told to the agents of a site when a vehicle that stands at a lane may be free to leave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One message to an agent: `command` and its `fields` go out as JSON beside the id."""

    id: UUID
    command: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What an agent answered; `done` False with detail "no-answer" when none did in time."""

    done: bool
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    command: str
    fields: tuple[_Field, ...]


async def send(
    services: Services,
    tx: Transaction,
    *,
    tenant: TenantId,
    site: SiteId,
    command: str,
    fields: Mapping[str, str],
) -> UUID:
    """Hand a command to every agent of the site once `tx` commits; returns its id for `outcome`."""
    id = new_id()
    stored = _Stored(
        command=command, fields=tuple(_Field(name=name, value=value) for name, value in fields.items())
    )
    key = await services.keyring.purpose_key(tenant, "commands")
    sealed = seal(key, documents.to_bytes(stored), _context(tenant, id))
    now = services.clock.now()
    await tx.execute("DELETE FROM command WHERE site_id = %s AND good_until < %s", (site, now - GOOD_FOR))
    await tx.execute(
        "INSERT INTO command (site_id, id, good_until, sealed) VALUES (%s, %s, %s, %s)",
        (site, id, now + GOOD_FOR, sealed),
    )
    await _tell(services, tx, site, str(id))
    return id


async def have_lanes_ask(services: Services, tx: Transaction, site: SiteId) -> None:
    """Once `tx` commits, every agent of the site asks anew about whoever stands at a lane's barrier."""
    await _tell(services, tx, site, ASK_AGAIN)


async def have_agents_look(services: Services, tx: Transaction, site: SiteId) -> None:
    """Once `tx` commits, every agent of the site fetches what is new to it."""
    await _tell(services, tx, site, NEW_BUNDLE)


async def _tell(services: Services, tx: Transaction, site: SiteId, word: str) -> None:
    for agent in await agents_store.of_site(tx, site):
        if agent.active:
            await services.database.notify(tx, agent_channel(agent), word)


async def outcome(services: Services, tenant: TenantId, site: SiteId, id: UUID) -> CommandOutcome:
    """Wait for an agent's answer, at most as long as the command is good."""
    for _ in range(int(GOOD_FOR.total_seconds() / _LOOK_EVERY)):
        async with services.database.transaction(tenant) as tx:
            cursor = await tx.execute(
                "SELECT outcome FROM command WHERE site_id = %s AND id = %s", (site, id)
            )
            found = await cursor.fetchone()
        if found is None:
            break
        if found[0] is not None:
            done, _, detail = found[0].partition("|")
            return CommandOutcome(done=done == "done", detail=detail)
        await asyncio.sleep(_LOOK_EVERY)
    return CommandOutcome(done=False, detail="no-answer")


async def instructions(services: Services, known: KnownAgent) -> AsyncGenerator[Instruction, None]:
    """What the agent is to do, as it comes: for the connection on which the hub speaks first.

    Whenever listening begins anew, the bundle is announced and commands that are still good are given again.
    It ends when the agent was shut out.
    """
    async for told in services.database.listen(agent_channel(known.agent)):
        if not await _is_welcome(services, known):
            return
        if told is None or told == NEW_BUNDLE:
            yield Instruction(id=new_id(), command=NEW_BUNDLE)
        if told is None or told == ASK_AGAIN:
            yield Instruction(id=new_id(), command=ASK_AGAIN)
        if told is None or told == lockdown.TOLD:
            state = await lockdown.told(services, known.tenant, known.agent.site)
            yield Instruction(id=new_id(), command=lockdown.TOLD, fields={"state": state})
        for one in await _waiting(services, known):
            yield one


async def _is_welcome(services: Services, known: KnownAgent) -> bool:
    """Whether its number still counts: a connection may be older than the theft of its box."""
    async with services.database.transaction(known.tenant) as tx:
        return not (await agents_store.get(tx, known.agent.id)).retired


async def _waiting(services: Services, known: KnownAgent) -> list[Instruction]:
    """Commands still good that no agent took; taking one is exclusive, so that no door moves twice."""
    async with services.database.transaction(known.tenant) as tx:
        cursor = await tx.execute(
            "UPDATE command SET taken_by = %s WHERE site_id = %s AND taken_by IS NULL AND good_until > %s"
            " AND %s <> ALL (declined_by) RETURNING id, sealed",
            (known.agent.id, known.agent.site, services.clock.now(), known.agent.id),
        )
        found = [(id, bytes(sealed)) for id, sealed in await cursor.fetchall()]
    key = await services.keyring.purpose_key(known.tenant, "commands")
    return [_instruction(id, open_sealed(key, sealed, _context(known.tenant, id))) for id, sealed in found]


def _instruction(id: UUID, plaintext: bytes) -> Instruction:
    stored = documents.from_bytes(_Stored, plaintext)
    return Instruction(id=id, command=stored.command, fields={one.name: one.value for one in stored.fields})


async def answered(services: Services, known: KnownAgent, id: UUID, *, done: bool, detail: str) -> None:
    """Keep what the agent answered, for whoever waits; an answer to somebody else's command is ignored."""
    text = f"{'done' if done else 'failed'}|{detail[:300]}"
    async with services.database.transaction(known.tenant) as tx:
        await tx.execute(
            "UPDATE command SET outcome = %s"
            " WHERE site_id = %s AND id = %s AND taken_by = %s AND outcome IS NULL",
            (text, known.agent.site, id, known.agent.id),
        )


async def declined(services: Services, known: KnownAgent, id: UUID, *, detail: str) -> None:
    """The agent does not drive what the command is about: offer it to the others.

    When all have declined, the command has failed for what the last one says. Of one that is away, nothing is
    heard until the command is void.
    """
    async with services.database.transaction(known.tenant) as tx:
        cursor = await tx.execute(
            "UPDATE command SET taken_by = NULL, declined_by = array_append(declined_by, taken_by)"
            " WHERE site_id = %s AND id = %s AND taken_by = %s AND outcome IS NULL RETURNING declined_by",
            (known.agent.site, id, known.agent.id),
        )
        found = await cursor.fetchone()
        if found is None:
            return
        active = [one for one in await agents_store.of_site(tx, known.agent.site) if one.active]
        others = [one for one in active if one.id not in found[0]]
        for one in others:
            await services.database.notify(tx, agent_channel(one), str(id))
        if not others:
            await tx.execute(
                "UPDATE command SET outcome = %s WHERE site_id = %s AND id = %s",
                (f"failed|{detail[:300]}", known.agent.site, id),
            )


def _context(tenant: TenantId, id: UUID) -> Context:
    return Context(tenant=tenant, table="command", column="sealed", row=id.bytes)
