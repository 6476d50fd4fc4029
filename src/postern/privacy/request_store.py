"""Requests of people about themselves, in the database: sealed under their own identity keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import Conflict, NotFound
from postern.ids import PersonId, TenantId
from postern.postgres.pool import Transaction
from postern.privacy.requests import OwnRequest, RequestState
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring, Purpose

MEMBER_REQUEST = Table(name="member_request", thing="request")


async def add(tx: Transaction, keyring: Keyring, request: OwnRequest) -> None:
    """Store a new request."""
    await tx.execute(
        "INSERT INTO member_request (tenant_id, id, person_id, version, waiting, sealed)"
        " VALUES (%s, %s, %s, %s, true, %s)",
        (request.tenant, request.id, request.person, request.version, await _sealed(keyring, request)),
    )


async def change(tx: Transaction, keyring: Keyring, request: OwnRequest) -> OwnRequest:
    """Replace the one of that version; returns it with the next. Conflict when stale."""
    changed = replace(request, version=request.version + 1)
    cursor = await tx.execute(
        "UPDATE member_request SET version = %s, waiting = %s, sealed = %s"
        " WHERE tenant_id = %s AND id = %s AND version = %s",
        (
            changed.version,
            changed.state is RequestState.WAITING,
            await _sealed(keyring, changed),
            changed.tenant,
            changed.id,
            request.version,
        ),
    )
    if cursor.rowcount != 1:
        raise Conflict("this request was answered meanwhile; reload and look")
    return changed


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, id: UUID) -> OwnRequest:
    """The request. Raises NotFound, also when the person is erased."""
    cursor = await tx.execute(
        "SELECT id, person_id, version, sealed FROM member_request WHERE tenant_id = %s AND id = %s",
        (tenant, id),
    )
    found = await _opened(keyring, tenant, await cursor.fetchall())
    if not found:
        raise NotFound("there is no such request; the person may have been erased")
    return found[0]


async def of_person(
    tx: Transaction, keyring: Keyring, tenant: TenantId, person: PersonId
) -> list[OwnRequest]:
    """All of the person's, latest first."""
    cursor = await tx.execute(
        "SELECT id, person_id, version, sealed FROM member_request WHERE tenant_id = %s AND person_id = %s",
        (tenant, person),
    )
    return await _opened(keyring, tenant, await cursor.fetchall())


async def waiting(tx: Transaction, keyring: Keyring, tenant: TenantId) -> list[OwnRequest]:
    """Those that nobody has answered, the longest waiting first."""
    cursor = await tx.execute(
        "SELECT id, person_id, version, sealed FROM member_request WHERE tenant_id = %s AND waiting",
        (tenant,),
    )
    return list(reversed(await _opened(keyring, tenant, await cursor.fetchall())))


async def count_waiting(tx: Transaction, tenant: TenantId) -> int:
    """How many wait; nothing is opened."""
    cursor = await tx.execute(
        "SELECT count(*) FROM member_request WHERE tenant_id = %s AND waiting", (tenant,)
    )
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def _opened(
    keyring: Keyring, tenant: TenantId, stored: Sequence[tuple[UUID, UUID, int, bytes]]
) -> list[OwnRequest]:
    keys = await keyring.subject_keys(tenant, sorted({person for _, person, *_ in stored}), Purpose.IDENTITY)
    opened = [
        rows.open_document(
            keys[person],
            tenant,
            MEMBER_REQUEST,
            Row(scope=tenant, id=id, version=version, sealed=bytes(sealed)),
            OwnRequest,
        )
        for id, person, version, sealed in stored
        if person in keys
    ]
    return sorted(opened, key=lambda one: one.asked_at, reverse=True)


async def _sealed(keyring: Keyring, request: OwnRequest) -> bytes:
    key = await keyring.subject_key(request.tenant, request.person, Purpose.IDENTITY)
    return rows.seal_document(key, request.tenant, MEMBER_REQUEST, request.id, request)
