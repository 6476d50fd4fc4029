"""Agents in the database: their public keys, their enrolment codes, their bundles, their spent nonces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from postern import documents
from postern.errors import NotFound
from postern.ids import AgentId, SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring, form, require

AGENT, CODE = "agent", "enrolment_code"
"""What is marked of agents (`row_marks.py`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """A program at a site. `sign_public` is its Ed25519, `hpke_public` its X25519 public key.

    `renewed_as`: it got a new number after a rollback, and may only hand over what is left under this one.
    """

    id: AgentId
    site: SiteId
    sign_public: bytes
    hpke_public: bytes
    retired: bool = False
    renewed_as: AgentId | None = None

    @property
    def active(self) -> bool:
        """Whether it works under this number."""
        return not self.retired and self.renewed_as is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """A policy sealed to one agent and signed by the tenant."""

    epoch: int
    version: int
    sealed: bytes
    signature: bytes


async def skip_agent_ids(tx: Transaction, count: int) -> None:
    """Leave out numbers that may have been given by a hub whose last minutes were lost."""
    await tx.execute("UPDATE agent_counter SET last = last + %s WHERE one = 1", (count,))


async def next_agent_id(tx: Transaction) -> AgentId:
    """A number that no agent ever had or will have."""
    cursor = await tx.execute("UPDATE agent_counter SET last = last + 1 WHERE one = 1 RETURNING last")
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("the hub's agent counter is missing; restore the database")
    return AgentId(found[0])


async def add(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, agent: Agent) -> None:
    """Store a new agent."""
    await tx.execute(
        "INSERT INTO agent (site_id, id, sign_public, hpke_public) VALUES (%s, %s, %s, %s)",
        (agent.site, agent.id, agent.sign_public, agent.hpke_public),
    )
    await _note(keyring, tenant, agent)


async def retire(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, agent: Agent) -> None:
    """The agent's number is never used again; its records stay."""
    await tx.execute("UPDATE agent SET retired = true WHERE site_id = %s AND id = %s", (agent.site, agent.id))
    await tx.execute("DELETE FROM bundle WHERE site_id = %s AND agent_id = %s", (agent.site, agent.id))
    await _note(keyring, tenant, replace(agent, retired=True))


async def change_bundle_key(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, agent: Agent) -> None:
    """Its policies are sealed to another public key from now on."""
    await tx.execute(
        "UPDATE agent SET hpke_public = %s WHERE site_id = %s AND id = %s",
        (agent.hpke_public, agent.site, agent.id),
    )
    await _note(keyring, tenant, agent)


async def note_renewal(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, old: Agent, fresh: AgentId
) -> None:
    """The agent goes on under another number."""
    await tx.execute(
        "UPDATE agent SET renewed_as = %s WHERE site_id = %s AND id = %s", (fresh, old.site, old.id)
    )
    await tx.execute("DELETE FROM bundle WHERE site_id = %s AND agent_id = %s", (old.site, old.id))
    await _note(keyring, tenant, replace(old, renewed_as=fresh))


async def in_force(keyring: MarkingKeyring, tenant: TenantId, found: Sequence[Agent]) -> list[Agent]:
    """Those of the agents whose rows are as they were written here last."""
    standing = await keyring.marks.standing(tenant, AGENT, {_place(one): _form(one) for one in found})
    return [one for one in found if _place(one) in standing]


async def require_in_force(keyring: MarkingKeyring, tenant: TenantId, agent: Agent) -> None:
    """Raises NotInForce unless its row is as it was written here last."""
    await require(keyring, tenant, AGENT, {_place(agent): _form(agent)})


async def forms(tx: Transaction, sites: Sequence[SiteId]) -> dict[str, dict[UUID, bytes]]:
    """What is marked of these sites' agents and their codes, as it stands: the forms by kind and id."""
    found = [agent for site in sites for agent in await of_site(tx, site)]
    cursor = await tx.execute(
        "SELECT site_id, digest, good_until FROM enrolment_code WHERE site_id = ANY(%s)", (list(sites),)
    )
    codes = {
        _code_id(bytes(digest)): _code_form(SiteId(site), bytes(digest), until)
        for site, digest, until in await cursor.fetchall()
    }
    return {AGENT: {_place(one): _form(one) for one in found}, CODE: codes}


async def _note(keyring: MarkingKeyring, tenant: TenantId, agent: Agent) -> None:
    await keyring.marks.note(tenant, AGENT, {_place(agent): _form(agent)})


def _place(agent: Agent) -> UUID:
    return UUID(int=agent.id)


def _form(agent: Agent) -> bytes:
    return form(documents.to_bytes(agent))


async def get(tx: Transaction, id: AgentId) -> Agent:
    """The agent of that number; whether its row is in force was not looked at. Raises NotFound."""
    cursor = await tx.execute(_SELECT + " WHERE id = %s", (id,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("the hub knows no such agent; enrol it again with a new code")
    return _agent(found)


async def of_site(tx: Transaction, site: SiteId) -> list[Agent]:
    """Every agent the site ever had, by number; whether their rows are in force was not looked at."""
    cursor = await tx.execute(_SELECT + " WHERE site_id = %s ORDER BY id", (site,))
    return [_agent(row) for row in await cursor.fetchall()]


_SELECT = "SELECT id, site_id, sign_public, hpke_public, retired, renewed_as FROM agent"


def _agent(row: tuple[Any, ...]) -> Agent:
    id, site, sign, hpke, retired, renewed_as = row
    return Agent(
        id=AgentId(id),
        site=SiteId(site),
        sign_public=bytes(sign),
        hpke_public=bytes(hpke),
        retired=retired,
        renewed_as=AgentId(renewed_as) if renewed_as is not None else None,
    )


async def add_code(
    tx: Transaction,
    keyring: MarkingKeyring,
    tenant: TenantId,
    site: SiteId,
    *,
    digest: bytes,
    good_until: datetime,
) -> None:
    """Let whoever knows the code enrol once, until then."""
    await tx.execute(
        "INSERT INTO enrolment_code (site_id, digest, good_until) VALUES (%s, %s, %s)",
        (site, digest, good_until),
    )
    await keyring.marks.note(tenant, CODE, {_code_id(digest): _code_form(site, digest, good_until)})


async def spend_code(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId, *, digest: bytes, at: datetime
) -> bool:
    """Whether the code was good; it is gone either way, and so are codes that are over. NotInForce when
    nobody made it here, or it was spent."""
    cursor = await tx.execute(
        "DELETE FROM enrolment_code WHERE site_id = %s AND (digest = %s OR good_until <= %s)"
        " RETURNING digest, good_until",
        (site, digest, at),
    )
    gone = {bytes(found): good_until for found, good_until in await cursor.fetchall()}
    good = digest in gone and gone[digest] > at
    if good:
        await require(keyring, tenant, CODE, {_code_id(digest): _code_form(site, digest, gone[digest])})
    await keyring.marks.forget(tenant, CODE, [_code_id(one) for one in gone])
    return good


def _code_id(digest: bytes) -> UUID:
    return UUID(bytes=digest[:16])


def _code_form(site: SiteId, digest: bytes, good_until: datetime) -> bytes:
    return form(site.to_bytes(4), digest, good_until.astimezone(UTC).isoformat().encode())


async def put_bundle(tx: Transaction, agent: Agent, bundle: Bundle) -> None:
    """The newest bundle for the agent; an older one is never put back."""
    await tx.execute(
        "INSERT INTO bundle (site_id, agent_id, epoch, version, sealed, signature)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (site_id, agent_id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version,"
        " sealed = excluded.sealed, signature = excluded.signature"
        " WHERE (bundle.epoch, bundle.version) < (excluded.epoch, excluded.version)",
        (agent.site, agent.id, bundle.epoch, bundle.version, bundle.sealed, bundle.signature),
    )


async def bundle(tx: Transaction, agent: Agent) -> Bundle | None:
    """The agent's newest bundle, if one was published yet."""
    cursor = await tx.execute(
        "SELECT epoch, version, sealed, signature FROM bundle WHERE site_id = %s AND agent_id = %s",
        (agent.site, agent.id),
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    return Bundle(epoch=found[0], version=found[1], sealed=bytes(found[2]), signature=bytes(found[3]))


async def spend_nonce(tx: Transaction, agent: Agent, nonce: bytes, at: datetime) -> bool:
    """Whether the nonce was never seen from this agent; from now on it was."""
    cursor = await tx.execute(
        "INSERT INTO agent_nonce (site_id, agent_id, nonce, seen_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (agent.site, agent.id, nonce, at),
    )
    return cursor.rowcount == 1


async def forget_nonces(tx: Transaction, site: SiteId, before: datetime) -> None:
    """Drop nonces whose requests are too old to pass anyway."""
    await tx.execute("DELETE FROM agent_nonce WHERE site_id = %s AND seen_at < %s", (site, before))
