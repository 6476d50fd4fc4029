"""Visits in the database: one sealed document a row, found by nothing but the secret in a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from postern import sealed_rows as rows
from postern.access.store import VISIT
from postern.ids import SiteId, TenantId, VisitId
from postern.postgres.pool import Transaction
from postern.sealed_rows import OpenedRows, Row, Table
from postern.sealing.keyring import Keyring, Purpose
from postern.visitors import face_store
from postern.visitors.model import LetterKind, Terms, Visit, VisitRules

LETTER = Table(name="visit_letter", thing="letter")
RULES = Table(name="visit_rules", thing="rules for visits", scope="site_id")
TERMS = Table(name="visit_terms", thing="terms", scope="site_id")
PURPOSE = "sites"
_TERMS_BITS = 32


async def add(tx: Transaction, keyring: Keyring, visit: Visit) -> None:
    """Store a new visit, whose keys exist."""
    await rows.insert(tx, VISIT, await _row(keyring, visit))


async def change(tx: Transaction, keyring: Keyring, visit: Visit) -> Visit:
    """Replace the visit of that version; returns it with the next. Conflict when stale, or NotFound."""
    changed = replace(visit, version=visit.version + 1)
    await rows.update(tx, VISIT, await _row(keyring, changed))
    return changed


async def remove(tx: Transaction, tenant: TenantId, id: VisitId) -> None:
    """Remove the visit's row, letters and face. The keys are destroyed by the caller."""
    await rows.take_hold(tx, VISIT, tenant, id)
    await tx.execute("DELETE FROM visit_letter WHERE tenant_id = %s AND visit_id = %s", (tenant, id))
    await face_store.remove(tx, tenant, id)
    await rows.delete(tx, VISIT, tenant, id)


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, id: VisitId) -> Visit:
    """The visit. Raises NotFound, or KeyDestroyed after an erasure."""
    row = await rows.one(tx, VISIT, tenant, id)
    key = await keyring.subject_key(tenant, id, Purpose.IDENTITY)
    return rows.open_document(key, tenant, VISIT, row, Visit)


async def put_link(tx: Transaction, tenant: TenantId, id: VisitId, digest: bytes | None) -> None:
    """Whoever knows the secret of that SHA-256 is the visitor; an earlier link is void. None: nobody is."""
    await tx.execute(
        "UPDATE visit SET link_digest = %s WHERE tenant_id = %s AND id = %s", (digest, tenant, id)
    )


async def put_host_link(tx: Transaction, tenant: TenantId, id: VisitId, digest: bytes | None) -> None:
    """Whoever knows the secret of that SHA-256 answers for the host."""
    await tx.execute(
        "UPDATE visit SET host_digest = %s WHERE tenant_id = %s AND id = %s", (digest, tenant, id)
    )


async def by_link(tx: Transaction, tenant: TenantId, digest: bytes) -> VisitId | None:
    """Whose link that is, or None."""
    return await _found(tx, "SELECT id FROM visit WHERE tenant_id = %s AND link_digest = %s", tenant, digest)


async def by_host_link(tx: Transaction, tenant: TenantId, digest: bytes) -> VisitId | None:
    """About which visit the host was asked by that link, or None."""
    return await _found(tx, "SELECT id FROM visit WHERE tenant_id = %s AND host_digest = %s", tenant, digest)


async def _found(tx: Transaction, query: str, tenant: TenantId, digest: bytes) -> VisitId | None:
    cursor = await tx.execute(query, (tenant, digest))
    row = await cursor.fetchone()
    return None if row is None else VisitId(row[0])


class OpenVisits:
    """The tenant's visits, open in memory: for lists, and to know whose a passage was."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OpenedRows[Visit] = OpenedRows(VISIT)

    async def all(self, tx: Transaction, tenant: TenantId) -> Mapping[UUID, Visit]:
        """Every visit whose key is not destroyed, by id."""

        async def opener(changed: Sequence[Row]) -> Mapping[UUID, Visit]:
            return await _opened(self._keyring, tenant, changed)

        return await self._rows.current(tx, tenant, opener)


async def _opened(keyring: Keyring, tenant: TenantId, found: Sequence[Row]) -> Mapping[UUID, Visit]:
    keys = await keyring.subject_keys(tenant, [row.id for row in found], Purpose.IDENTITY)

    def opened(found: Sequence[Row]) -> Mapping[UUID, Visit]:
        return {
            row.id: rows.open_document(keys[row.id], tenant, VISIT, row, Visit)
            for row in found
            if row.id in keys
        }

    return await rows.off_the_loop(opened, found)


async def _row(keyring: Keyring, visit: Visit) -> Row:
    key = await keyring.subject_key(visit.tenant, visit.id, Purpose.IDENTITY)
    sealed = rows.seal_document(key, visit.tenant, VISIT, visit.id, visit)
    return Row(scope=visit.tenant, id=visit.id, version=visit.version, sealed=sealed)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLetter:
    """A letter that waits to be sent. `secret`: of the link in it; it is kept nowhere else.

    `to` is an address. `due`: not before then; `tries`: how often it could not be sent.
    """

    id: UUID
    visit: VisitId
    kind: LetterKind
    to: str
    due: datetime
    made_at: datetime
    secret: str = ""
    tries: int = 0


async def put_letter(tx: Transaction, keyring: Keyring, tenant: TenantId, letter: WaitingLetter) -> None:
    """Store it, or what became of it."""
    key = await keyring.subject_key(tenant, letter.visit, Purpose.IDENTITY)
    sealed = rows.seal_document(key, tenant, LETTER, letter.id, letter)
    await tx.execute(
        "INSERT INTO visit_letter (tenant_id, id, visit_id, version, sealed) VALUES (%s, %s, %s, 1, %s)"
        " ON CONFLICT (tenant_id, id)"
        " DO UPDATE SET version = visit_letter.version + 1, sealed = excluded.sealed",
        (tenant, letter.id, letter.visit, sealed),
    )


async def letters(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[WaitingLetter]:
    """Every letter that waits."""
    cursor = await tx.execute(
        "SELECT id, visit_id, version, sealed FROM visit_letter WHERE tenant_id = %s ORDER BY id",
        (tenant,),
    )
    return await _opened_letters(keyring, tenant, await cursor.fetchall())


async def letters_of(
    tx: Transaction, keyring: Keyring, tenant: TenantId, visit: VisitId
) -> list[WaitingLetter]:
    """Those about one visit."""
    cursor = await tx.execute(
        "SELECT id, visit_id, version, sealed FROM visit_letter WHERE tenant_id = %s AND visit_id = %s",
        (tenant, visit),
    )
    return await _opened_letters(keyring, tenant, await cursor.fetchall())


async def _opened_letters(
    keyring: Keyring, tenant: TenantId, stored: Sequence[TupleRow]
) -> list[WaitingLetter]:
    found = [
        (visit, Row(scope=tenant, id=id, version=version, sealed=bytes(sealed)))
        for id, visit, version, sealed in stored
    ]
    keys = await keyring.subject_keys(tenant, list({visit for visit, _ in found}), Purpose.IDENTITY)
    return [
        rows.open_document(keys[visit], tenant, LETTER, row, WaitingLetter)
        for visit, row in found
        if visit in keys
    ]


async def take_letter(tx: Transaction, keyring: Keyring, tenant: TenantId, id: UUID) -> WaitingLetter | None:
    """The letter, which nobody else sends until `tx` ends; None when somebody does, or it is gone."""
    cursor = await tx.execute(
        "SELECT id, visit_id, version, sealed FROM visit_letter WHERE tenant_id = %s AND id = %s"
        " FOR UPDATE SKIP LOCKED",
        (tenant, id),
    )
    found = await _opened_letters(keyring, tenant, await cursor.fetchall())
    return found[0] if found else None


async def drop_letter(tx: Transaction, tenant: TenantId, id: UUID) -> None:
    """It was sent, or is given up."""
    await tx.execute("DELETE FROM visit_letter WHERE tenant_id = %s AND id = %s", (tenant, id))


async def visit_rules(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> VisitRules:
    """How the site takes visitors, or the defaults (version 0)."""
    found = await rows.many(tx, RULES, site, [UUID(int=site)])
    if not found:
        return VisitRules(site=site)
    return rows.open_document(await keyring.purpose_key(tenant, PURPOSE), tenant, RULES, found[0], VisitRules)


async def put_visit_rules(
    tx: Transaction, keyring: Keyring, tenant: TenantId, wanted: VisitRules
) -> VisitRules:
    """Store what was read at `wanted.version`, changed. Conflict when somebody else was faster."""
    stored = replace(wanted, version=wanted.version + 1)
    id = UUID(int=stored.site)
    sealed = rows.seal_document(await keyring.purpose_key(tenant, PURPOSE), tenant, RULES, id, stored)
    row = Row(scope=stored.site, id=id, version=stored.version, sealed=sealed)
    await (rows.insert if wanted.version == 0 else rows.update)(tx, RULES, row)
    return stored


async def add_terms(tx: Transaction, keyring: Keyring, tenant: TenantId, terms: Terms) -> None:
    """Store a text under its number, for good: signatures name it. Conflict when the number is taken."""
    id = _terms_id(terms.site, terms.number)
    sealed = rows.seal_document(await keyring.purpose_key(tenant, PURPOSE), tenant, TERMS, id, terms)
    await rows.insert(tx, TERMS, Row(scope=terms.site, id=id, version=1, sealed=sealed))


async def every_terms(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> list[Terms]:
    """Every text of the site, the newest first."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = [rows.open_document(key, tenant, TERMS, row, Terms) for row in await rows.many(tx, TERMS, site)]
    return sorted(found, key=lambda one: one.number, reverse=True)


def _terms_id(site: SiteId, number: int) -> UUID:
    """The site is in it, so that a row moved to another site does not open there."""
    return UUID(int=site << _TERMS_BITS | number)
