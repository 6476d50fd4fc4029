"""Agents: let one enrol, know it by its signature, greet it, renew it after a rollback."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.clock import aware, utc_day
from postern.errors import BadInput, CannotVerify, NotFound, Refused
from postern.ids import AgentId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.wire import POLICY_PURPOSE, REQUEST_PURPOSE, TIME_WINDOW, request_message
from postern.operations.keys.mark_rows import put_back
from postern.operations.services import Services
from postern.operations.sites.publish_policy import agent_channel, publish
from postern.operations.trace import trace, trace_as
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction, confine
from postern.privacy import erasure_store as erasures
from postern.records import store as records
from postern.records.alarms import AlarmKind, put_alarm
from postern.sealing import hybrid, signing
from postern.sites import agents as store
from postern.sites import store as sites
from postern.sites.agents import Agent, Bundle

CODE_GOOD_FOR = timedelta(hours=24)
KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolled:
    """What a new agent needs to know: its number, its site, and whose keys to trust."""

    agent: AgentId
    site: SiteId
    tenant: TenantId
    hub_public: bytes
    policy_public: bytes
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRequest:
    """A request as it came in, with its `Postern-…` headers as text."""

    agent: str
    time: str
    nonce: str
    signature: str
    method: str
    path: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownAgent:
    """An agent whose signature was verified."""

    agent: Agent
    tenant: TenantId

    @property
    def name(self) -> str:
        """As the journal names it."""
        return f"agent:{self.agent.id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """The hub's answer to hello.

    `renew`: the hub knows more than the agent has, so it was rolled back and needs a new number.
    `ask_from`: the hub lost or never got what follows; send from this seq on, even what was acknowledged.
    """

    known_seq: int
    renew: bool
    ask_from: int | None


async def new_code(services: Services, actor: Actor, site: SiteId) -> str:
    """A one-time code with which one agent can enrol at the site, good for 24 hours. Shown once."""
    require(actor, Duty.CHANGE_AGENTS)
    code = f"{site}-{secrets.token_urlsafe(18)}"
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await store.add_code(
            tx,
            services.keyring,
            actor.tenant,
            site,
            digest=_digest(code),
            good_until=services.clock.now() + CODE_GOOD_FOR,
        )
        await trace(services, tx, actor, Act.ADDED, purpose="let an agent enrol", detail=f"site {site}")
    return code


async def enrol(services: Services, *, code: str, sign_public: bytes, hpke_public: bytes) -> Enrolled:
    """Take in a new agent under a number that was never used. Refused unless the code is good."""
    if len(sign_public) != KEY_BYTES or len(hpke_public) != KEY_BYTES:
        raise BadInput("an agent's public keys have 32 bytes each")
    site = _site_of(code)
    async with services.database.transaction() as tx:
        good = await _spend_code(services, tx, site, code)
    if not good:
        raise Refused("this enrolment code is not good (any more); make a new one in the console")
    async with services.database.transaction() as tx:
        tenant = await sites.tenant_of(tx, site)
        await confine(tx, tenant)
        agent = Agent(
            id=await store.next_agent_id(tx), site=site, sign_public=sign_public, hpke_public=hpke_public
        )
        await store.add(tx, services.keyring, tenant, agent)
        epoch = await sites.epoch_of(tx, tenant)
        await trace_as(
            services, tx, tenant, f"agent:{agent.id}", Act.ADDED, purpose="enrolled", detail=f"site {site}"
        )
    await publish(services, tenant, site)
    return Enrolled(
        agent=agent.id,
        site=site,
        tenant=tenant,
        hub_public=hybrid.public_of(await services.keyring.hub_key()),
        policy_public=signing.public_of(await services.keyring.signing_key(tenant, POLICY_PURPOSE)),
        epoch=epoch,
    )


async def _spend_code(services: Services, tx: Transaction, site: SiteId, code: str) -> bool:
    try:
        tenant = await sites.tenant_of(tx, site)
    except NotFound:
        return False
    return await store.spend_code(
        tx, services.keyring, tenant, site, digest=_digest(code), at=services.clock.now()
    )


async def verify_request(services: Services, request: SignedRequest) -> KnownAgent:
    """Who sent it. Raises CannotVerify for a wrong signature, a time out of window or a nonce seen before."""
    id, at, signature = _parsed(request)
    now = services.clock.now()
    if abs(now - at) > TIME_WINDOW:
        raise CannotVerify(
            f"the request's time is more than {TIME_WINDOW.seconds // 60} minutes off; set the agent's clock"
        )
    message = request_message(
        method=request.method, path=request.path, time=request.time, nonce=request.nonce, body=request.body
    )
    async with services.database.transaction() as tx:
        try:
            agent = await store.get(tx, id)
        except NotFound as fault:
            raise CannotVerify(str(fault)) from fault
        signing.verify(agent.sign_public, message, signature, purpose=REQUEST_PURPOSE)
        if agent.retired:
            raise CannotVerify("this agent's number was retired; enrol it again with a new code")
        tenant = await sites.tenant_of(tx, agent.site)
        await store.require_in_force(services.keyring, tenant, agent)
        if not await store.spend_nonce(tx, agent, hashlib.sha256(request.nonce.encode()).digest(), now):
            raise CannotVerify("this request was made before; a request is good once")
        await store.forget_nonces(tx, agent.site, now - 3 * TIME_WINDOW)
        return KnownAgent(agent=agent, tenant=tenant)


async def hello(services: Services, known: KnownAgent, *, highest_seq: int) -> Welcome:
    """Compare what the agent has with what the hub has of it."""
    async with services.database.transaction(known.tenant) as tx:
        stored = await records.highest_seq(tx, known.agent.site, known.agent.id)
    return Welcome(
        known_seq=stored,
        # A number that was renewed and whose answer got lost on the way is given no more policies either.
        renew=stored > highest_seq or known.agent.renewed_as is not None,
        ask_from=stored + 1 if highest_seq > stored else None,
    )


async def renew(services: Services, known: KnownAgent) -> AgentId:
    """Give a rolled-back agent a new number under its keys, and raise the alarm.

    What it still has under the old number it may send, and nothing else.
    """
    old = known.agent
    async with services.database.transaction(known.tenant) as tx:
        fresh = Agent(
            id=await store.next_agent_id(tx),
            site=old.site,
            sign_public=old.sign_public,
            hpke_public=old.hpke_public,
        )
        await store.add(tx, services.keyring, known.tenant, fresh)
        await store.note_renewal(tx, services.keyring, known.tenant, old, fresh.id)
        await erasures.ask_under_new_number(tx, old.site, old.id, fresh.id)
        day = utc_day(services.clock.now())
        await put_alarm(tx, old.site, AlarmKind.AGENT_ROLLED_BACK, day=day, agent=old.id)
        await trace_as(
            services,
            tx,
            known.tenant,
            known.name,
            Act.ALARMED,
            purpose="came back older than the hub knows it",
            detail=f"now agent:{fresh.id}",
        )
    await publish(services, known.tenant, old.site)
    return fresh.id


async def retire(services: Services, actor: Actor, *, site: SiteId, agent: AgentId) -> None:
    """Shut an agent out for good, for example after a theft; a replacement enrols with a new code."""
    require(actor, Duty.CHANGE_AGENTS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        found = await store.get(tx, agent)
        if found.site != site:
            raise NotFound("the site has no such agent")
        await store.retire(tx, services.keyring, actor.tenant, found)
        await services.database.notify(tx, agent_channel(found), "retired")  # its connection ends
        await trace(services, tx, actor, Act.REMOVED, purpose="shut out", detail=f"agent:{agent}")
    await put_back(services, actor.tenant)  # the row of before is good no more, from now on


async def agents(services: Services, actor: Actor, site: SiteId) -> list[Agent]:
    """The site's agents, retired ones too."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.of_site(tx, site)


async def bundle_for(services: Services, known: KnownAgent, *, have: str | None) -> Bundle | None:
    """The agent's newest bundle, or None when `have` ("epoch.version") is as new."""
    async with services.database.transaction(known.tenant) as tx:
        newest = await store.bundle(tx, known.agent)
    if newest is None or have == f"{newest.epoch}.{newest.version}":
        return None
    return newest


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _site_of(code: str) -> SiteId:
    number, dash, _ = code.strip().partition("-")
    if not dash or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise BadInput("this is no enrolment code; copy it again from the console")
    return SiteId(int(number))


def _parsed(request: SignedRequest) -> tuple[AgentId, datetime, bytes]:
    try:
        signature = base64.b64decode(request.signature, validate=True)
        return AgentId(int(request.agent)), aware(datetime.fromisoformat(request.time)), signature
    except ValueError as fault:
        raise CannotVerify("the request's Postern headers cannot be read; upgrade the agent") from fault
