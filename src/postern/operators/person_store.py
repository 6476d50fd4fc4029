"""Who in the registry an operator is, in the database: sealed under the organisation's key of operators."""

from __future__ import annotations

from dataclasses import dataclass

from postern import sealed_rows as rows
from postern.errors import NotFound
from postern.ids import OperatorId, PersonId, TenantId
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

OPERATOR_PERSON = Table(name="operator_person", thing="link", id="operator_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Who:
    """What is sealed."""

    person: PersonId


async def person_of(
    tx: Transaction, keyring: Keyring, tenant: TenantId, operator: OperatorId
) -> PersonId | None:
    """Who the operator is; None while nobody said."""
    try:
        row = await rows.one(tx, OPERATOR_PERSON, tenant, operator)
    except NotFound:
        return None
    return await _opened(keyring, tenant, row)


async def people_of(tx: Transaction, keyring: Keyring, tenant: TenantId) -> dict[OperatorId, PersonId]:
    """Who the tenant's operators are, as far as it was said."""
    found = await rows.many(tx, OPERATOR_PERSON, tenant)
    return {OperatorId(row.id): await _opened(keyring, tenant, row) for row in found}


async def put(
    tx: Transaction, keyring: Keyring, tenant: TenantId, operator: OperatorId, person: PersonId | None
) -> None:
    """The operator is this person from now on, or nobody in particular."""
    await rows.take_hold(tx, OPERATOR_PERSON, tenant, operator)
    await tx.execute(
        "DELETE FROM operator_person WHERE tenant_id = %s AND operator_id = %s", (tenant, operator)
    )
    if person is None:
        return
    key = await keyring.purpose_key(tenant, "operators")
    sealed = rows.seal_document(key, tenant, OPERATOR_PERSON, operator, _Who(person=person))
    await rows.insert(tx, OPERATOR_PERSON, Row(scope=tenant, id=operator, version=1, sealed=sealed))


async def forget(tx: Transaction, keyring: Keyring, tenant: TenantId, person: PersonId) -> None:
    """Whichever operators were this person are nobody in particular any more."""
    for operator, who in (await people_of(tx, keyring, tenant)).items():
        if who == person:
            await put(tx, keyring, tenant, operator, None)


async def _opened(keyring: Keyring, tenant: TenantId, row: Row) -> PersonId:
    key = await keyring.purpose_key(tenant, "operators")
    return rows.open_document(key, tenant, OPERATOR_PERSON, row, _Who).person
