"""Planted people are mustered: at the agent and at the hub, with a roll of names, marks and a lockdown."""

from __future__ import annotations

from uuid import UUID

from postern.access.model import CredentialKind
from postern.access.muster_code import key_of
from postern.agent.bundle import BundleStore
from postern.agent.files import site_key
from postern.agent.identity import load_identity
from postern.agent.presence_book import PresenceBook
from postern.agent.spool import Spool, SpoolLimits
from postern.clock import SystemClock, utc_day
from postern.operations.presence import lockdown, muster, muster_wire
from postern.operations.presence.derive import present
from postern.prove.planting import Planted
from postern.prove.ways import AgentUnderLoad
from postern.prove.world import Plan, World
from postern.records.model import (
    DecisionRecord,
    Happening,
    Outcome,
    PassageRecord,
    PresenceDeed,
    PresenceRecord,
    kind_of,
)
from postern.records.sealed import encode

WARDEN, WHY = "Wilhelmina Quernstone-Jax", "smoke above the Quernstone kiln"
INSIDE = 20


async def by_a_muster(postern: World, plan: Plan, planted: Planted, agent: AgentUnderLoad) -> None:
    """Some come in, the agent's warden marks one, and the hub takes over."""
    services, actor = postern.services, postern.actor(plan)
    code = await muster_wire.new_code(services, actor, plan.site)
    planted.more += [WARDEN, WHY, code, code.replace("-", "")]
    people = await _come_in(agent)
    agent.start()
    await agent.drain()
    if (await present(services, plan.tenant, plan.site)).muster is None:
        await muster.call(services, actor, plan.site, drill=False, reason=WHY)
    roll = await muster.roll(services, actor, plan.site)
    assert {one.subject for one in roll.lines} >= set(people)
    assert roll.lines[-1].safe_by == WARDEN
    await muster.mark(services, actor, plan.site, people[1], safe=True)
    outside = next(one for one in roll.plan.areas if one.outside)
    await muster.state(services, actor, plan.site, people[2], outside.id, reason=WHY)
    await lockdown.lock_down(services, actor, plan.site, area=None, drill=True, reason=WHY)
    assert key_of(code, bytes(16)).secret not in (agent.folder / "muster.sealed").read_bytes()


async def _come_in(agent: AgentUnderLoad) -> list[UUID]:
    key = site_key(agent.folder / "site.key")
    identity = load_identity(agent.folder / "identity", key)
    assert identity is not None
    policy = BundleStore(agent.folder / "policy", key).load(identity)
    assert policy is not None
    book = PresenceBook(key)
    book.apply(policy)
    spool = Spool(agent.folder / "spool.sqlite", identity.owner, SpoolLimits(reserve=0), presence=book)
    clock = SystemClock()
    point = next(one for one in policy.access_points if not one.way_out)
    people = [one.subject for one in policy.holders if one.kind == "person"][:INSIDE]

    async def write(happening: Happening, *, releases: bool = False, settles: int | None = None) -> int:
        return await spool.append(
            kind=kind_of(happening),
            day=utc_day(happening.at),
            plaintext=encode(happening),
            releases_at=happening.at if releases else None,
            settles=settles,
        )

    for person in people:
        decision = DecisionRecord(
            at=clock.now(),
            access_point=point.id,
            door=point.door,
            credential_kind=CredentialKind.CARD,
            subject=person,
            subject_kind="person",
            granted=True,
            reason="granted",
            policy=policy.name,
        )
        seq = await write(decision, releases=True)
        await write(PassageRecord(at=clock.now(), decision_seq=seq, outcome=Outcome.TAKEN), settles=seq)
    await write(PresenceRecord(at=clock.now(), deed=PresenceDeed.CALLED, by=WARDEN))
    safe = PresenceRecord(
        at=clock.now(), deed=PresenceDeed.SAFE, by=WARDEN, subject=people[0], subject_kind="person"
    )
    await write(safe)
    assert len(book.inside()) >= len(people)
    await spool.close()
    return people
