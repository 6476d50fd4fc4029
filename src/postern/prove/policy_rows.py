"""What a writer in the hub's database may put where an agent's policy lies: forged, changed, old rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from postern.access.decision import CodePresented, Granted, Request, decide
from postern.access.model import CredentialKind, SubjectKind
from postern.agent.bundle import BundleStore, SealedBundle
from postern.agent.identity import Identity
from postern.errors import PosternError
from postern.operations import look
from postern.operations.people import register, revoke
from postern.operations.sites import agents
from postern.operations.sites.agents import KnownAgent
from postern.operations.sites.publish_policy import mark_stale, publish_stale, sealed_bundle
from postern.people.model import PersonDetails
from postern.prove.drawn import DrawnAgent
from postern.prove.scratch import DrawnSite, enrolled
from postern.sealing import signing
from postern.sites import agents as store

THIEF, THIEFS_CARD = "Ada", "0410A1B2C3"
"""Somebody of the demo site, whom its policies let in until she is revoked."""
OLD = 4
"""Policies of before, which are kept to be put back."""


@dataclass(frozen=True, kw_only=True)
class Loot:
    """An agent's rows from before the thief was revoked, forged ones, and the one that is in force."""

    identity: Identity
    old: tuple[SealedBundle, ...]
    forged: tuple[SealedBundle, ...]
    in_force: SealedBundle
    way_in: Request
    at: datetime

    @property
    def rows(self) -> tuple[SealedBundle, ...]:
        """All that name the thief."""
        return *self.old, *self.forged

    def drawn(self, chance: random.Random) -> Iterator[SealedBundle]:
        """For ever: each as it is, then changed at random."""
        yield from self.rows
        while True:
            row = chance.choice(self.rows)
            newer = self.in_force.version + 1
            match chance.randrange(5):
                case 0:
                    yield replace(row, version=chance.randrange(newer, 1 << 31))
                case 1:
                    yield replace(row, epoch=chance.randrange(self.in_force.epoch + 1, 1 << 31))
                case 2:
                    yield replace(row, sealed=_flipped(chance, row.sealed), version=newer)
                case 3:
                    yield replace(row, signature=_flipped(chance, row.signature), version=newer)
                case _:
                    yield replace(self.in_force, sealed=row.sealed, version=newer)

    def opens(self, bundles: BundleStore, row: SealedBundle) -> bool:
        """Whether the thief's card opens the door after the agent was offered the row, and took it."""
        try:
            bundles.accept(self.identity, row)
        except PosternError:
            return False
        return self.is_let_in(bundles)

    def is_let_in(self, bundles: BundleStore) -> bool:
        """Whether the policy in force opens to the thief's card."""
        policy = bundles.policy
        return policy is not None and isinstance(decide(self.way_in, policy, self.at), Granted)


async def loot(site: DrawnSite) -> Loot:
    """Published with the thief a few times over, then without."""
    neighbour = await enrolled(site.hub, site.admin, site.demo)
    old, mine = [], await site.agent.known()
    for number in range(OLD):
        await register.add_person(site.hub, site.admin, PersonDetails(name=f"Newcomer {number}"))
        await _publish_anew(site)
        old.append(await fetched(site, mine))
    of_another = await fetched(site, await neighbour.known())
    forged = [await _forged(site, *place) for place in ((0, 9), (1, 9), (99, 1))]
    page = await look.find_people(site.hub, site.admin, text=THIEF)
    await revoke.revoke_holder(
        site.hub, site.admin, subject=page.rows[0].person.id, kind=SubjectKind.PERSON, reason="an attack"
    )
    await _publish_anew(site)
    door = next(one.id for one in site.places.access_points if one.name == "Front door, in")
    return Loot(
        identity=_identity(site.agent),
        old=tuple(old),
        forged=(of_another, *forged),
        in_force=await fetched(site, mine),
        way_in=Request(
            access_point=door, presented=CodePresented(kind=CredentialKind.CARD, value=THIEFS_CARD)
        ),
        at=site.clock.now(),
    )


async def fetched(site: DrawnSite, agent: KnownAgent) -> SealedBundle:
    """What the hub hands an agent that asks, whatever lies in the row."""
    found = await agents.bundle_for(site.hub, agent, have=None)
    assert found is not None
    return SealedBundle(
        epoch=found.epoch, version=found.version, sealed=found.sealed, signature=found.signature
    )


async def _publish_anew(site: DrawnSite) -> None:
    async with site.hub.database.transaction(site.demo.tenant) as tx:
        await mark_stale(site.hub, tx, site.demo.tenant)
    await publish_stale(site.hub)


async def _forged(site: DrawnSite, epochs: int, versions: int) -> SealedBundle:
    """A newer policy with the thief in it, by whoever has every public key and not the one that signs."""
    policy = await site.agent.policy()
    newer = replace(policy, epoch=policy.epoch + epochs, version=policy.version + versions)
    async with site.owner.transaction() as tx:
        every = await store.of_site(tx, site.demo.site)
    agent = next(one for one in every if one.id == site.agent.enrolled.agent)
    made = sealed_bundle(newer.to_bytes(), newer, agent, signing.generate())
    return SealedBundle(epoch=made.epoch, version=made.version, sealed=made.sealed, signature=made.signature)


def _identity(agent: DrawnAgent) -> Identity:
    known = agent.enrolled
    return Identity(
        agent=known.agent,
        site=known.site,
        tenant=known.tenant,
        hub_public=known.hub_public,
        policy_public=known.policy_public,
        sign_private=agent.sign_private,
        hpke_private=agent.hpke_private,
    )


def _flipped(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
