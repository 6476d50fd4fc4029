"""Consents in the database, sealed under the person's identity key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import Conflict
from postern.ids import PersonId, TenantId
from postern.postgres.pool import Transaction
from postern.privacy.model import Consent, ConsentPurpose
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring, Purpose

CONSENT = Table(name="consent", thing="consent")


async def add(tx: Transaction, keyring: Keyring, consent: Consent) -> None:
    """Store a new consent."""
    await tx.execute(
        "INSERT INTO consent (tenant_id, id, person_id, version, sealed) VALUES (%s, %s, %s, %s, %s)",
        (consent.tenant, consent.id, consent.person, consent.version, await _sealed(keyring, consent)),
    )


async def change(tx: Transaction, keyring: Keyring, consent: Consent) -> Consent:
    """Replace the consent of that version; returns it with the next. Conflict when stale."""
    changed = replace(consent, version=consent.version + 1)
    cursor = await tx.execute(
        "UPDATE consent SET version = %s, sealed = %s WHERE tenant_id = %s AND id = %s AND version = %s",
        (changed.version, await _sealed(keyring, changed), consent.tenant, consent.id, consent.version),
    )
    if cursor.rowcount != 1:
        raise Conflict("this consent was changed meanwhile; reload it and try again")
    return changed


async def consents(tx: Transaction, keyring: Keyring, tenant: TenantId, person: PersonId) -> list[Consent]:
    """The person's consents, withdrawn ones too, latest first."""
    return (await _opened(tx, keyring, tenant, [person])).get(person, [])


async def consenting(
    tx: Transaction, keyring: Keyring, tenant: TenantId, purpose: ConsentPurpose
) -> set[UUID]:
    """Everyone of the tenant with a live consent for that purpose."""
    found = await _opened(tx, keyring, tenant, None)
    return {person for person, kept in found.items() if is_live(kept, purpose)}


def is_live(kept: Iterable[Consent], purpose: ConsentPurpose) -> bool:
    """Whether any of the consents is live for that purpose."""
    return any(one.covers(purpose) for one in kept)


async def _opened(
    tx: Transaction, keyring: Keyring, tenant: TenantId, people: list[PersonId] | None
) -> dict[UUID, list[Consent]]:
    cursor = await tx.execute(
        "SELECT id, person_id, version, sealed FROM consent"
        " WHERE tenant_id = %s AND (%s::uuid[] IS NULL OR person_id = ANY(%s))",
        (tenant, people, people),
    )
    found = [
        (person, Row(scope=tenant, id=id, version=version, sealed=bytes(sealed)))
        for id, person, version, sealed in await cursor.fetchall()
    ]
    keys = await keyring.subject_keys(tenant, list({person for person, _ in found}), Purpose.IDENTITY)
    kept: dict[UUID, list[Consent]] = {}
    for person, row in found:
        if person in keys:
            opened = rows.open_document(keys[person], tenant, CONSENT, row, Consent)
            kept.setdefault(person, []).append(opened)
    for one in kept.values():
        one.sort(key=lambda consent: consent.given_at, reverse=True)
    return kept


async def _sealed(keyring: Keyring, consent: Consent) -> bytes:
    key = await keyring.subject_key(consent.tenant, consent.person, Purpose.IDENTITY)
    return rows.seal_document(key, consent.tenant, CONSENT, consent.id, consent)
