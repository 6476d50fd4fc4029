"""Erasures and withdrawals in the database: what is under way, its receipt, and the agents' proofs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from postern import sealed_rows as rows
from postern.ids import AgentId, SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.privacy.receipt import AgentProof, DestroyedKey, Receipt
from postern.privacy.statutory import StatutoryKeep
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring, Purpose

ERASURE = Table(name="erasure", thing="erasure")
PURPOSE = "erasures"


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePolicy:
    """The first policy of a site that was made without the subject."""

    site: SiteId
    epoch: int
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """What is to be destroyed of whom, how far it is, and at last the receipt.

    `purposes` are keystore purposes by number; `pictures` are to be deleted. `destroyed` keys are told to
    everybody who keeps tombstones. A withdrawal concerns only the face, and leaves the person.
    """

    id: UUID
    tenant: TenantId
    subject: UUID
    subject_kind: str
    begun_at: datetime
    by: str
    reason: str
    purposes: tuple[int, ...]
    pictures: tuple[str, ...] = ()
    destroyed: tuple[DestroyedKey, ...] = ()
    keeps: StatutoryKeep | None = None
    statutory_over: bool = False
    policies: tuple[SitePolicy, ...] = ()
    receipt: Receipt | None = None
    version: int = 1

    @property
    def is_withdrawal(self) -> bool:
        """Whether the subject stays, without a face."""
        return Purpose.IDENTITY not in self.purposes


async def add(tx: Transaction, keyring: Keyring, erasure: Erasure) -> None:
    """Store what is begun."""
    await rows.insert(tx, ERASURE, await _row(keyring, erasure))


async def change(tx: Transaction, keyring: Keyring, erasure: Erasure) -> Erasure:
    """Replace the one of that version; returns it with the next. One with a receipt is finished."""
    changed = replace(erasure, version=erasure.version + 1)
    await rows.update(tx, ERASURE, await _row(keyring, changed))
    await tx.execute(
        "UPDATE erasure SET finished = %s WHERE tenant_id = %s AND id = %s",
        (changed.receipt is not None, changed.tenant, changed.id),
    )
    return changed


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, id: UUID) -> Erasure:
    """The erasure. Raises NotFound."""
    return await _opened(keyring, tenant, await rows.one(tx, ERASURE, tenant, id))


async def every(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[Erasure]:
    """All of the tenant's, latest first."""
    found = [await _opened(keyring, tenant, row) for row in await rows.many(tx, ERASURE, tenant)]
    return sorted(found, key=lambda one: one.begun_at, reverse=True)


async def unfinished(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[Erasure]:
    """Those that a crash cut short."""
    cursor = await tx.execute("SELECT id FROM erasure WHERE tenant_id = %s AND NOT finished", (tenant,))
    ids = [id for (id,) in await cursor.fetchall()]
    return [await get(tx, keyring, tenant, id) for id in ids]


async def _row(keyring: Keyring, erasure: Erasure) -> Row:
    key = await keyring.purpose_key(erasure.tenant, PURPOSE)
    sealed = rows.seal_document(key, erasure.tenant, ERASURE, erasure.id, erasure)
    return Row(scope=erasure.tenant, id=erasure.id, version=erasure.version, sealed=sealed)


async def _opened(keyring: Keyring, tenant: TenantId, row: Row) -> Erasure:
    key = await keyring.purpose_key(tenant, PURPOSE)
    return rows.open_document(key, tenant, ERASURE, row, Erasure)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An agent that must prove it. `bundle_key`: the public key its bundles were sealed to before."""

    site: SiteId
    agent: AgentId
    erasure: UUID
    bundle_key: bytes


async def ask(tx: Transaction, tenant: TenantId, asked: Asked) -> None:
    """Ask that agent for its proof, once."""
    await tx.execute(
        "INSERT INTO erasure_proof (site_id, agent_id, tenant_id, erasure_id, bundle_key)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (asked.site, asked.agent, tenant, asked.erasure, asked.bundle_key),
    )


async def awaited(tx: Transaction, site: SiteId, agent: AgentId) -> list[Asked]:
    """What the agent has not proved yet."""
    cursor = await tx.execute(
        "SELECT erasure_id, bundle_key FROM erasure_proof WHERE site_id = %s AND agent_id = %s AND at IS NULL"
        " ORDER BY erasure_id",
        (site, agent),
    )
    return [
        Asked(site=site, agent=agent, erasure=erasure, bundle_key=bytes(key))
        for erasure, key in await cursor.fetchall()
    ]


async def note_proof(tx: Transaction, asked: Asked, *, at: datetime, policy: str, signature: bytes) -> None:
    """The agent has proved it."""
    await tx.execute(
        "UPDATE erasure_proof SET at = %s, policy = %s, signature = %s"
        " WHERE site_id = %s AND agent_id = %s AND erasure_id = %s",
        (at, policy, signature, asked.site, asked.agent, asked.erasure),
    )


async def ask_again(tx: Transaction, site: SiteId, agent: AgentId, *, bundle_key: bytes) -> None:
    """The agent is back with a bundle key of before: what it proved since, an older copy has not done."""
    await tx.execute(
        "UPDATE erasure_proof SET at = NULL, policy = NULL, signature = NULL"
        " WHERE site_id = %s AND agent_id = %s AND bundle_key = %s",
        (site, agent, bundle_key),
    )


async def ask_under_new_number(tx: Transaction, site: SiteId, old: AgentId, fresh: AgentId) -> None:
    """A rolled-back agent got a new number, and must prove everything anew."""
    await tx.execute(
        "UPDATE erasure_proof SET agent_id = %s, at = NULL, policy = NULL, signature = NULL"
        " WHERE site_id = %s AND agent_id = %s",
        (fresh, site, old),
    )


async def proofs(tx: Transaction, tenant: TenantId, erasure: UUID) -> tuple[AgentProof, ...]:
    """What each agent has said, those shut out left out: they get no policy and no answer."""
    cursor = await tx.execute(
        "SELECT p.site_id, p.agent_id, p.at, p.policy, p.signature, a.sign_public"
        " FROM erasure_proof p JOIN agent a ON a.site_id = p.site_id AND a.id = p.agent_id"
        " WHERE p.tenant_id = %s AND p.erasure_id = %s ORDER BY p.site_id, p.agent_id",
        (tenant, erasure),
    )
    return tuple(
        AgentProof(
            site=SiteId(site),
            agent=AgentId(agent),
            confirmed_at=at,
            policy=policy,
            signature=bytes(signature) if signature is not None else None,
            sign_public=bytes(public),
        )
        for site, agent, at, policy, signature, public in await cursor.fetchall()
    )
