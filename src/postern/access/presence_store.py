"""Presence in the database: how far it is derived, lockdowns, and the key behind a muster code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from postern import documents
from postern.access.lockdown import Lockdowns
from postern.errors import Conflict
from postern.ids import AgentId, SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from postern.row_marks import MarkingKeyring, form, require
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.keyring import Keyring

LOCKDOWN = "lockdown"
"""What is marked here (`row_marks.py`)."""
PURPOSE = "presence"
"""The purpose key of lockdowns and of muster codes' keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeKey:
    """What a muster code was made into with `salt`: the `key` (40 bytes: id, then secret) of the roll."""

    salt: bytes
    key: bytes = field(repr=False)
    version: int = 0


async def book(tx: Transaction, site: SiteId) -> int:
    """The version of the site's presence, which nobody else derives until `tx` ends."""
    await tx.execute("INSERT INTO presence_book (site_id) VALUES (%s) ON CONFLICT DO NOTHING", (site,))
    cursor = await tx.execute("SELECT version FROM presence_book WHERE site_id = %s FOR UPDATE", (site,))
    found = await cursor.fetchone()
    return int(found[0]) if found is not None else 0


async def books(tx: Transaction) -> list[SiteId]:
    """The tenant's sites of which presence was ever derived."""
    cursor = await tx.execute("SELECT site_id FROM presence_book ORDER BY site_id")
    return [SiteId(site) for (site,) in await cursor.fetchall()]


async def outdate(tx: Transaction, site: SiteId) -> None:
    """Whoever has the site's presence in memory reads it again."""
    await tx.execute("UPDATE presence_book SET version = version + 1 WHERE site_id = %s", (site,))


async def progress(tx: Transaction, site: SiteId) -> dict[AgentId, Cursor]:
    """How far presence has come with each agent."""
    cursor = await tx.execute(
        "SELECT agent_id, upto, missing FROM presence_cursor WHERE site_id = %s", (site,)
    )
    return {
        AgentId(agent): Cursor(agent=AgentId(agent), upto=upto, missing=tuple(missing))
        for agent, upto, missing in await cursor.fetchall()
    }


async def put_progress(tx: Transaction, site: SiteId, moved: Iterable[Cursor]) -> None:
    """It has come so far: in the very transaction in which presence is written."""
    for one in moved:
        await tx.execute(
            "INSERT INTO presence_cursor (site_id, agent_id, upto, missing) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (site_id, agent_id) DO UPDATE SET upto = excluded.upto, missing = excluded.missing",
            (site, one.agent, one.upto, list(one.missing)),
        )


async def is_current(tx: Transaction, site: SiteId, *, version: int, known: dict[AgentId, Cursor]) -> bool:
    """Whether nothing has arrived since `known`, and nobody changed anything beside."""
    cursor = await tx.execute(
        "SELECT agent_id, coalesce(p.highest_seq, 0), c.upto, b.version"
        " FROM (SELECT * FROM record_progress WHERE site_id = %s) p"
        " FULL JOIN (SELECT * FROM presence_cursor WHERE site_id = %s) c USING (agent_id)"
        " LEFT JOIN presence_book b ON b.site_id = %s",
        (site, site, site),
    )
    found = await cursor.fetchall()
    reached = {AgentId(agent): upto for agent, _, upto, _ in found if upto is not None}
    return reached == {agent: one.upto for agent, one in known.items()} and all(
        highest <= (upto or 0) and stored == version for _, highest, upto, stored in found
    )


async def lockdowns(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId) -> Lockdowns:
    """What is locked down at the site, without the hub's epoch. NotInForce when that is not what the hub
    wrote last, or is gone."""
    cursor = await tx.execute("SELECT sealed FROM lockdown WHERE site_id = %s", (site,))
    found = await cursor.fetchone()
    if found is None:
        if UUID(int=site) in await keyring.marks.seen(tenant, LOCKDOWN):
            await require(keyring, tenant, LOCKDOWN, {UUID(int=site): b""})
        return Lockdowns()
    await require(keyring, tenant, LOCKDOWN, {UUID(int=site): form(bytes(found[0]))})
    key = await keyring.purpose_key(tenant, PURPOSE)
    plaintext = open_sealed(key, bytes(found[0]), _context(tenant, "lockdown", site))
    return documents.from_bytes(Lockdowns, plaintext)


async def put_lockdowns(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId, wanted: Lockdowns
) -> Lockdowns:
    """Replace what is locked down; `wanted.version` is that of what was read. Conflict when it is stale."""
    new = replace(wanted, version=wanted.version + 1)
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = seal(key, documents.to_bytes(new), _context(tenant, "lockdown", site))
    cursor = await tx.execute(
        "INSERT INTO lockdown AS l (site_id, version, sealed) VALUES (%s, %s, %s)"
        " ON CONFLICT (site_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed"
        " WHERE l.version = %s",
        (site, new.version, sealed, wanted.version),
    )
    if cursor.rowcount != 1:
        raise Conflict("somebody else locked down or released in the meantime; look again")
    await keyring.marks.note(tenant, LOCKDOWN, {UUID(int=site): form(sealed)})
    return new


async def forms(tx: Transaction, site: SiteId) -> dict[str, dict[UUID, bytes]]:
    """What is marked of the site's lockdowns, as it stands."""
    cursor = await tx.execute("SELECT sealed FROM lockdown WHERE site_id = %s", (site,))
    return {LOCKDOWN: {UUID(int=site): form(bytes(sealed)) for (sealed,) in await cursor.fetchall()}}


async def code_key(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> CodeKey | None:
    """What the site's muster code was made into; None while it has none."""
    cursor = await tx.execute("SELECT sealed FROM muster_code WHERE site_id = %s", (site,))
    found = await cursor.fetchone()
    if found is None:
        return None
    key = await keyring.purpose_key(tenant, PURPOSE)
    plaintext = open_sealed(key, bytes(found[0]), _context(tenant, "muster_code", site))
    return documents.from_bytes(CodeKey, plaintext)


async def put_code_key(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, wanted: CodeKey
) -> None:
    """The site has this muster code from now on, whatever it had before."""
    key: Key = await keyring.purpose_key(tenant, PURPOSE)
    before = await code_key(tx, keyring, tenant, site)
    new = replace(wanted, version=(before.version if before is not None else 0) + 1)
    sealed = seal(key, documents.to_bytes(new), _context(tenant, "muster_code", site))
    await tx.execute(
        "INSERT INTO muster_code (site_id, version, sealed) VALUES (%s, %s, %s)"
        " ON CONFLICT (site_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
        (site, new.version, sealed),
    )


def _context(tenant: TenantId, table: str, site: SiteId) -> Context:
    return Context(tenant=tenant, table=table, column="sealed", row=UUID(int=site).bytes)
