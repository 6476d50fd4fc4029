"""Publish to every agent what it decides on: frozen, signed by the tenant, sealed to that agent alone.

Whatever changes what a policy is made from calls `mark_stale` in its own transaction; a publication that
was cut short by a crash is made up for at the next start. Publishing is a job of its own in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel, CredentialKind, Holding, Schedule, SubjectKind
from postern.access.policy import Policy, gallery_parts
from postern.access.presence_store import lockdowns
from postern.biometrics.model import Reference, Template
from postern.errors import Unavailable
from postern.ids import AccessPointId, PersonId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.wire import POLICY_INFO, POLICY_PURPOSE, policy_aad, policy_message
from postern.operations.people.leavers import staying
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.people import store as people
from postern.postgres.pool import Transaction, confine
from postern.privacy import store as privacy
from postern.privacy.model import ConsentPurpose
from postern.sealed_rows import off_the_loop
from postern.sealing.hybrid import seal_to
from postern.sealing.signing import sign
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.agents import Agent, Bundle
from postern.sites.store import SitePlan
from postern.visitors import face_store

CHANNEL = "postern_policy"
JOB = "job:policy"
NEW_BUNDLE = "new-bundle"
"""Told to an agent when there is something for it to fetch: a policy, or who is where."""
IN_FORCE = timedelta(days=30)
"""How long an agent that cannot reach its hub goes on deciding by the policy it has."""
RENEWED_EVERY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A policy that agents can now fetch."""

    tenant: TenantId
    site: SiteId
    epoch: int
    version: int
    agents: int


async def mark_stale(services: Services, tx: Transaction, tenant: TenantId) -> None:
    """With `tx`, every site of the tenant needs a new policy, and the publisher is told."""
    await sites.mark_policies_stale(tx, tenant)
    await services.database.notify(tx, CHANNEL, str(tenant))


async def publish_stale(services: Services) -> list[Published]:
    """Publish for every site that needs it. Returns once agents can fetch what is new."""
    async with services.database.transaction() as tx:
        waiting = await sites.stale_policies(tx)
    return [await publish(services, tenant, site) for tenant, site in waiting]


async def publish(services: Services, tenant: TenantId, site: SiteId) -> Published:
    """Make the site's policy from what is stored now, and put a bundle ready for each of its agents."""
    async with services.database.transaction(tenant) as tx:
        version = await sites.next_policy_version(tx, site)
        policy = await build(services, tx, tenant, site, version=version)
        every = await agents.in_force(services.keyring, tenant, await agents.of_site(tx, site))
        receivers = [one for one in every if one.active]
        key = await services.keyring.signing_key(tenant, POLICY_PURPOSE)
        # In a thread: a policy of 50,000 holders is some 20 MB, and nobody's door waits for it.
        plaintext = await asyncio.to_thread(policy.to_bytes)
        for agent in receivers:
            bundle = await asyncio.to_thread(sealed_bundle, plaintext, policy, agent, key)
            await agents.put_bundle(tx, agent, bundle)
            await services.database.notify(tx, agent_channel(agent), NEW_BUNDLE)
        await trace_as(
            services,
            tx,
            tenant,
            JOB,
            Act.PUBLISHED,
            purpose="agents decide on it",
            # Whom it lets in is told by what changed it: to list everybody each time would only bury that.
            detail=f"site {site}, policy {policy.name}, {len(policy.holders)} holders,"
            f" {len(receivers)} agents",
        )
    return Published(tenant=tenant, site=site, epoch=policy.epoch, version=version, agents=len(receivers))


def agent_channel(agent: Agent) -> str:
    """The NOTIFY channel on which one agent's connection listens."""
    return f"postern_agent_{agent.id}"


def sealed_bundle(plaintext: bytes, policy: Policy, agent: Agent, signing_key: bytes) -> Bundle:
    """The policy for one agent: sealed to its key, signed by the tenant's."""
    aad = policy_aad(site=agent.site, agent=agent.id, epoch=policy.epoch, version=policy.version)
    sealed = seal_to(agent.hpke_public, plaintext, info=POLICY_INFO, aad=aad)
    message = policy_message(
        site=agent.site, agent=agent.id, epoch=policy.epoch, version=policy.version, sealed=sealed
    )
    return Bundle(
        epoch=policy.epoch,
        version=policy.version,
        sealed=sealed,
        signature=sign(signing_key, message, purpose=POLICY_PURPOSE),
    )


async def build(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, *, version: int
) -> Policy:
    """The site's policy as of `tx`: only holders with business here, only faces with a live consent."""
    found = await sites.plan(tx, services.keyring, tenant, site)
    schedules = {one.id: one for one in await access.rules(tx, services.keyring, tenant, Schedule)}
    levels = _levels_here(await access.rules(tx, services.keyring, tenant, AccessLevel), found, schedules)
    leaving = await staying(services, tx, tenant)
    every = (await services.registry.holdings.all(tx, tenant)).values()
    holdings = [leaving.clipped(one) for one in every]
    holders = await off_the_loop(lambda every: _holders_here(every, levels), holdings)
    consenting = await privacy.consenting(tx, services.keyring, tenant, ConsentPurpose.FACE_RECOGNITION)
    consenting -= leaving.gone(consenting, services.clock.now())
    # A visit holds its face only while that is consented to and wanted at doors (`visitors/face.py`).
    visiting = [one.subject for one in holders if one.kind is SubjectKind.VISIT and _has_face(one)]
    consenting |= set(visiting)
    used = {level.schedule for level in levels}
    epoch = await sites.epoch_of(tx, tenant)
    return Policy(
        epoch=epoch,
        version=version,
        tenant=tenant,
        site=found.site,
        valid_until=services.clock.now() + IN_FORCE,
        areas=found.areas,
        doors=found.doors,
        access_points=found.access_points,
        readers=found.readers,
        holders=tuple(_without_face(one, consenting) for one in holders),
        levels=tuple(levels),
        schedules=tuple(one for id, one in schedules.items() if id in used),
        gallery=gallery_parts(
            [
                *await _references(services, tx, tenant, holders, consenting),
                *await _visitors(services, tx, tenant, visiting),
            ]
        ),
        lockdowns=replace(await lockdowns(tx, services.keyring, tenant, site), epoch=epoch),
    )


def _levels_here(
    levels: Iterable[AccessLevel], found: SitePlan, schedules: Collection[UUID]
) -> list[AccessLevel]:
    """The levels that open something at this site, without what they open elsewhere. One whose schedule is
    not in force opens nothing."""
    here: frozenset[AccessPointId] = frozenset(one.id for one in found.access_points)
    narrowed = [replace(one, access_points=one.access_points & here) for one in levels]
    return [
        one for one in narrowed if one.access_points and (one.schedule is None or one.schedule in schedules)
    ]


def _holders_here(holdings: Iterable[Holding], levels: list[AccessLevel]) -> list[Holding]:
    """Holders of any of the levels, with those of their grants that matter here."""
    here = {level.id for level in levels}
    narrowed = [
        replace(one, grants=tuple(grant for grant in one.grants if grant.level in here)) for one in holdings
    ]
    return sorted((one for one in narrowed if one.grants), key=lambda one: one.subject)


def _without_face(holder: Holding, consenting: set[UUID]) -> Holding:
    """Without a live consent a face counts for nothing, whatever else is stored."""
    if holder.subject in consenting:
        return holder
    kept = tuple(one for one in holder.credentials if one.kind is not CredentialKind.FACE)
    return replace(holder, credentials=kept)


async def _references(
    services: Services, tx: Transaction, tenant: TenantId, holders: list[Holding], consenting: set[UUID]
) -> list[Reference]:
    matched = [one.subject for one in holders if one.subject in consenting and not one.revoked]
    stored = await people.references(tx, services.keyring, tenant, matched)
    return [
        Reference(id=one.id, person=one.person, template=Template.from_bytes(one.template)) for one in stored
    ]


def _has_face(holder: Holding) -> bool:
    return any(one.kind is CredentialKind.FACE and not one.revoked for one in holder.credentials)


async def _visitors(
    services: Services, tx: Transaction, tenant: TenantId, visiting: list[UUID]
) -> list[Reference]:
    if not visiting:
        return []
    stored = await face_store.references(tx, services.keyring, tenant, visiting)
    # To a matcher whoever is known by a face is a subject like any other.
    return [
        Reference(id=one.id, person=PersonId(one.visit), template=Template.from_bytes(one.template))
        for one in stored
    ]


async def run_publisher(services: Services) -> None:
    """Publish whatever gets stale, at once and for ever, and anew every day, so that it stays in force."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_publish_when_told(services))
        tasks.create_task(_renew_daily(services))


async def _publish_when_told(services: Services) -> None:
    async for _ in services.database.listen(CHANNEL):
        with suppress(Unavailable):  # told again by the next change, at the latest by the daily renewal
            await publish_stale(services)


async def _renew_daily(services: Services) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY.total_seconds())
        with suppress(Unavailable):
            async with services.database.transaction() as tx:
                for tenant in await sites.tenant_ids(tx):
                    await confine(tx, tenant)
                    await mark_stale(services, tx, tenant)
