"""Attempts to sign in, in the database: when, how, from where, and what came of each. Sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from postern import sealed_rows as rows
from postern.clock import utc_day
from postern.ids import OperatorId, TenantId
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

KEPT = timedelta(days=180)
PURPOSE = "sign-ins"
_TABLE = Table(name="sign_in_attempt", thing="attempt to sign in")


@dataclass(frozen=True, kw_only=True, slots=True)
class CameFrom:
    """Where a request came from: the address as the hub saw it, and what the browser says it is."""

    address: str = ""
    browser: str = ""


NOWHERE = CameFrom()


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt. `id` of one that succeeded is its login's; `operator` None: nobody has that name.

    `how`: "password", "passkey", "one-time link", "provider".
    """

    id: UUID
    tenant: TenantId
    operator: OperatorId | None
    at: datetime
    how: str
    came_from: CameFrom
    succeeded: bool


async def add(tx: Transaction, keyring: Keyring, attempt: Attempt) -> None:
    """Store it; what is older than 180 days goes."""
    key = await keyring.purpose_key(attempt.tenant, PURPOSE)
    await tx.execute(
        "INSERT INTO sign_in_attempt (tenant_id, id, operator_id, day, version, sealed)"
        " VALUES (%s, %s, %s, %s, 1, %s)",
        (
            attempt.tenant,
            attempt.id,
            attempt.operator,
            utc_day(attempt.at),
            rows.seal_document(key, attempt.tenant, _TABLE, attempt.id, attempt),
        ),
    )
    await tx.execute(
        "DELETE FROM sign_in_attempt WHERE tenant_id = %s AND day < %s",
        (attempt.tenant, utc_day(attempt.at - KEPT)),
    )


async def since(
    tx: Transaction, keyring: Keyring, tenant: TenantId, first: date, *, operator: OperatorId | None = None
) -> Sequence[Attempt]:
    """Everybody's attempts from that UTC day on, or only `operator`'s, the latest first."""
    cursor = await tx.execute(
        "SELECT id, version, sealed FROM sign_in_attempt"
        " WHERE tenant_id = %s AND day >= %s AND (%s::uuid IS NULL OR operator_id = %s)",
        (tenant, first, operator, operator),
    )
    key = await keyring.purpose_key(tenant, PURPOSE)
    found = [
        rows.open_document(
            key, tenant, _TABLE, Row(scope=tenant, id=id, version=version, sealed=bytes(sealed)), Attempt
        )
        for id, version, sealed in await cursor.fetchall()
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)
