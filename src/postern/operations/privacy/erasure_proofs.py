"""What agents do for an erasure: keep its tombstones, change the key of their bundles, give their word.

Old policy bundles, with templates in them, lie in backups of the data for years, sealed to an agent's key.
So an agent that proves an erasure has first made a new key and forgotten the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern.errors import BadInput, CannotVerify, Conflict, NotFound
from postern.journal.model import Act
from postern.keystore.tombstones import Tombstone
from postern.operations.archive.wire import ERASURE_PURPOSE, erasure_message
from postern.operations.privacy import tombstones
from postern.operations.services import Services
from postern.operations.sites.agents import KEY_BYTES, KnownAgent
from postern.operations.sites.publish_policy import publish
from postern.operations.trace import trace_as
from postern.postgres.pool import Transaction
from postern.privacy import erasure_store as store
from postern.privacy.erasure_store import Asked, Erasure
from postern.sealing.signing import verify
from postern.sites import agents


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An erasure that the agent has yet to prove.

    `face_only`: a withdrawal, after which the subject may still hold cards. `bundle_key`: the public key
    that must not be the agent's any more.
    """

    id: UUID
    subject: UUID
    face_only: bool
    bundle_key: bytes
    tombstones: tuple[Tombstone, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """An agent's word: with `policy` in force, nothing of the erasure's subject is left with it."""

    erasure: UUID
    policy: str
    signature: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The hub's answer. `bundle_key`: what the agent's bundles are sealed to from now on."""

    bundle_key: bytes
    orders: tuple[Order, ...]
    wants_tombstones: bool


async def settle(
    services: Services, known: KnownAgent, *, bundle_key: bytes, proofs: Sequence[Proof]
) -> Settled:
    """Take the agent's bundle key and its proofs; say what is still awaited of it.

    Raises CannotVerify for a signature that is not its own, Conflict for a policy that is too old.
    """
    if len(bundle_key) != KEY_BYTES:
        raise BadInput(f"an agent's public keys have {KEY_BYTES} bytes each")
    if bundle_key != known.agent.hpke_public:
        known = await _change_key(services, known, bundle_key)
    async with services.database.transaction(known.tenant) as tx:
        for proof in proofs:
            await _take_proof(services, tx, known, proof)
        awaited = await store.awaited(tx, known.agent.site, known.agent.id)
        found = [(one, await _of(services, tx, known, one)) for one in awaited]
    orders = [await _order(services, asked, erasure) for asked, erasure in found if erasure is not None]
    return Settled(
        bundle_key=bundle_key,
        orders=tuple(orders),
        wants_tombstones=known.agent.id not in services.registry.tombstones_of,
    )


async def take_tombstones(services: Services, known: KnownAgent, kept: Sequence[Tombstone]) -> int:
    """What the agent kept: a keystore that was put back learns from it. How many keys had come back."""
    destroyed = await tombstones.take(services, known.tenant, kept, by=known.name)
    services.registry.tombstones_of.add(known.agent.id)
    return destroyed


async def _change_key(services: Services, known: KnownAgent, bundle_key: bytes) -> KnownAgent:
    """Seal to the agent's new key from now on. An earlier key means an older copy of the agent: it must
    prove again what it proved since."""
    changed = replace(known, agent=replace(known.agent, hpke_public=bundle_key))
    async with services.database.transaction(known.tenant) as tx:
        await agents.change_bundle_key(tx, services.keyring, known.tenant, changed.agent)
        await store.ask_again(tx, known.agent.site, known.agent.id, bundle_key=bundle_key)
        await trace_as(
            services,
            tx,
            known.tenant,
            known.name,
            Act.CHANGED,
            purpose="a new key for its policies",
            detail=f"site {known.agent.site}",
        )
    await publish(services, known.tenant, known.agent.site)
    return changed


async def _of(services: Services, tx: Transaction, known: KnownAgent, asked: Asked) -> Erasure | None:
    """The erasure, once it is finished: before, its policy may not be out yet."""
    try:
        erasure = await store.get(tx, services.keyring, known.tenant, asked.erasure)
    except NotFound:
        return None
    return erasure if erasure.receipt is not None else None


async def _order(services: Services, asked: Asked, erasure: Erasure) -> Order:
    keys = [bytes.fromhex(one.key) for one in erasure.destroyed]
    return Order(
        id=erasure.id,
        subject=erasure.subject,
        face_only=erasure.is_withdrawal,
        bundle_key=asked.bundle_key,
        tombstones=tuple(await tombstones.made(services.keyring, erasure.tenant, keys)),
    )


async def _take_proof(services: Services, tx: Transaction, known: KnownAgent, proof: Proof) -> None:
    agent = known.agent
    awaited = {one.erasure: one for one in await store.awaited(tx, agent.site, agent.id)}
    asked = awaited.get(proof.erasure)
    if asked is None:
        return  # given before; the answer got lost on its way
    # 1. The erasure is finished, and the statement about it is the agent's own.
    erasure = await _of(services, tx, known, asked)
    if erasure is None:
        raise Conflict("that erasure is not finished; prove it later")
    message = erasure_message(
        site=agent.site,
        agent=agent.id,
        erasure=erasure.id,
        subject=erasure.subject,
        policy=proof.policy,
    )
    verify(agent.sign_public, message, proof.signature, purpose=ERASURE_PURPOSE)
    # 2. The policy in force there was made without the subject.
    needed = next((one for one in erasure.policies if one.site == agent.site), None)
    if needed is None or _version(proof.policy) < (needed.epoch, needed.version):
        raise Conflict("the policy in force at the agent is older than the erasure; fetch the newest first")
    # 3. Bundles of before are not sealed to its present key.
    if agent.hpke_public == asked.bundle_key:
        raise Conflict(
            "the agent still has the key that policies were sealed to before; make a new one first"
        )
    at = services.clock.now()
    await store.note_proof(tx, asked, at=at, policy=proof.policy, signature=proof.signature)
    await trace_as(
        services,
        tx,
        known.tenant,
        known.name,
        Act.ERASED,
        purpose="proved an erasure",
        subjects=[erasure.subject],
        detail=f"erasure {erasure.id}, policy {proof.policy}",
    )


def _version(policy: str) -> tuple[int, int]:
    try:
        epoch, version = policy.split(".")
        return int(epoch), int(version)
    except ValueError:
        raise CannotVerify("the policy that the agent names is none") from None
