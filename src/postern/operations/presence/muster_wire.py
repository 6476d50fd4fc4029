"""What an agent is told so that it can hold a muster alone: who is where by other evidence than its own, and
the roll of names, sealed under the key behind the muster code.

Sealed to the agent and signed like a policy; fetched only when it differs from what the agent has.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from uuid import UUID

from postern import documents
from postern.access import muster_code
from postern.access import presence_store as store
from postern.access import store as access
from postern.access.model import AccessLevel
from postern.access.presence import Known, Presence
from postern.errors import NotFound
from postern.ids import AgentId, SiteId
from postern.journal.model import Act
from postern.operations.archive.wire import POLICY_PURPOSE
from postern.operations.presence.derive import present
from postern.operations.presence.muster_news import (
    INFO,
    SIGNED,
    Name,
    News,
    Roll,
    SealedNews,
    news_aad,
    roll_context,
)
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.operations.trace import trace, trace_as
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sealing.envelope import KEY_ID_BYTES, Key, seal
from postern.sealing.hybrid import seal_to
from postern.sealing.signing import sign
from postern.sites import store as sites


async def new_code(services: Services, actor: Actor, site: SiteId) -> str:
    """A muster code for the site's agents, shown once. The former one is good until they fetch the roll."""
    require(actor, Duty.SET_UP_MUSTER)
    code, salt = muster_code.new_code(), muster_code.new_salt()
    key = await asyncio.to_thread(muster_code.key_of, code, salt)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        kept = store.CodeKey(salt=salt, key=key.id + key.secret)
        await store.put_code_key(tx, services.keyring, actor.tenant, site, kept)
        await trace(services, tx, actor, Act.CHANGED, purpose="muster code", detail=f"site {site}")
    return code


async def has_code(services: Services, actor: Actor, site: SiteId) -> bool:
    """Whether the site has a muster code."""
    require(actor, Duty.SEE_OCCUPANCY)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.code_key(tx, services.keyring, actor.tenant, site) is not None


async def news_for(services: Services, known: KnownAgent, *, have: str | None) -> SealedNews | None:
    """What is new to the agent; None when `have` is the digest of just that."""
    tenant, site = known.tenant, known.agent.site
    presence = await present(services, tenant, site)
    async with services.database.transaction(tenant) as tx:
        if await sites.tenant_of(tx, site) != tenant:
            raise NotFound("there is no such site")
        code = await store.code_key(tx, services.keyring, tenant, site)
        names = documents.to_bytes(await _roll(services, tx, known, presence)) if code is not None else b""
        told = _others(presence, known.agent.id)
        calls = tuple(sorted(presence.calls, key=lambda one: one.order))
        version = code.version if code is not None else 0
        news = News(known=told, calls=calls)
        # Not of what is sealed, which is new each time.
        content = b"".join(hashlib.sha256(one).digest() for one in (documents.to_bytes(news), names))
        digest = hashlib.sha256(content + version.to_bytes(8)).hexdigest()
        if digest == have:
            return None
        if code is not None:
            key = Key(id=code.key[:KEY_ID_BYTES], secret=code.key[KEY_ID_BYTES:])
            roll = seal(key, names, roll_context(tenant, site))
            news = replace(news, salt=code.salt, roll=roll)
        await trace_as(
            services,
            tx,
            tenant,
            "job:muster",
            Act.PUBLISHED,
            purpose="a muster while the hub is away",
            detail=f"site {site}, agent:{known.agent.id}, {len(told)} whereabouts",
        )
    aad = news_aad(site=site, agent=known.agent.id, digest=digest)
    sealed = seal_to(known.agent.hpke_public, documents.to_bytes(news), info=INFO, aad=aad)
    signing_key = await services.keyring.signing_key(tenant, POLICY_PURPOSE)
    return SealedNews(digest=digest, sealed=sealed, signature=sign(signing_key, aad + sealed, purpose=SIGNED))


def _others(presence: Presence, agent: AgentId) -> tuple[Known, ...]:
    """What this agent did not record itself."""
    found = [one for one in presence.known.values() if not _is_own(one, agent)]
    return tuple(sorted(found, key=lambda one: one.subject))


def _is_own(one: Known, agent: AgentId) -> bool:
    facts = (one.seen, one.asked, one.ride, one.load, one.mark)
    orders = [fact.order for fact in facts if fact is not None] + ([one.left] if one.left else [])
    return all(order.agent == agent for order in orders)


async def _roll(services: Services, tx: Transaction, known: KnownAgent, presence: Presence) -> Roll:
    """Names of whoever may open anything at the site, and of whoever was seen there."""
    people = await services.registry.people.everyone(tx, known.tenant)
    vehicles = await services.registry.vehicles.all(tx, known.tenant)
    policy_holders = await _holders_here(services, tx, known)
    wanted = policy_holders | set(presence.known)
    names: dict[UUID, str] = {id: one.details.name for id, one in people.items() if id in wanted}
    names |= {id: one.details.plate for id, one in vehicles.items() if id in wanted}
    visits = await services.registry.visits.all(tx, known.tenant)
    names |= {id: one.details.name for id, one in visits.items() if id in wanted}
    return Roll(names=tuple(Name(subject=id, name=name) for id, name in sorted(names.items())))


async def _holders_here(services: Services, tx: Transaction, known: KnownAgent) -> set[UUID]:
    plan = await sites.plan(tx, services.keyring, known.tenant, known.agent.site)
    here = {one.id for one in plan.access_points}
    levels = {
        one.id
        for one in await access.rules(tx, services.keyring, known.tenant, AccessLevel)
        if one.access_points & here
    }
    holdings = await services.registry.holdings.all(tx, known.tenant)
    return {one.subject for one in holdings.values() if any(grant.level in levels for grant in one.grants)}
