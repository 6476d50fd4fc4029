"""Who a provider's subjects are here, and the ways to the provider and back that are in progress."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.errors import UniqueViolation

from postern import sealed_rows as rows
from postern.errors import Conflict
from postern.ids import OperatorId, TenantId
from postern.operators import store
from postern.operators.model import Operator
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring, form, require
from postern.sealed_rows import Table

PURPOSE = "provider-links"
_TABLE = Table(name="provider_link", thing="link with the sign-in provider", id="operator_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSubject:
    """Somebody as a provider names them: `subject` never changes, `name` is for people to read."""

    issuer: str
    subject: str
    name: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of issuer and subject, each by its length."""
        parts = (self.issuer.encode(), self.subject.encode())
        return hashlib.sha256(b"".join(len(one).to_bytes(4) + one for one in parts)).digest()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderLink:
    """An operator who is that subject."""

    operator: OperatorId
    whose: ProviderSubject
    linked_at: datetime


class Wanted(StrEnum):
    """What a way to the provider and back is for."""

    SIGN_IN = "sign-in"
    PROFILE = "profile"
    ONE_TIME_LINK = "one-time-link"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceremony:
    """`bound`: SHA-256 of the secret of the login or the one-time link that it was begun with."""

    wanted: Wanted
    bound: bytes | None


async def put_link(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, link: ProviderLink) -> None:
    """Store it in place of the operator's link of before. Conflict when the subject is somebody else here."""
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = rows.seal_document(key, tenant, _TABLE, link.operator, link)
    try:
        async with tx.transaction():
            await _delete(tx, tenant, link.operator)
            await tx.execute(
                "INSERT INTO provider_link (tenant_id, operator_id, digest, version, sealed)"
                " VALUES (%s, %s, %s, 1, %s)",
                (tenant, link.operator, link.whose.digest, sealed),
            )
    except UniqueViolation as fault:
        raise Conflict("this identity at the provider is linked with another operator already") from fault
    await keyring.marks.note(tenant, _TABLE.name, {link.operator: form(link.whose.digest)})


async def remove_link(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, operator: OperatorId
) -> bool:
    """The operator's link is gone; whether there was one."""
    was_there = await _delete(tx, tenant, operator)
    await keyring.marks.forget(tenant, _TABLE.name, [operator])
    return was_there


async def _delete(tx: Transaction, tenant: TenantId, operator: OperatorId) -> bool:
    cursor = await tx.execute(
        "DELETE FROM provider_link WHERE tenant_id = %s AND operator_id = %s", (tenant, operator)
    )
    return cursor.rowcount == 1


async def link_of(tx: Transaction, keyring: MarkingKeyring, operator: Operator) -> ProviderLink | None:
    """The operator's link, if any."""
    found = await rows.many(tx, _TABLE, operator.tenant, [operator.id])
    if not found:
        return None
    key = await keyring.purpose_key(operator.tenant, PURPOSE)
    return rows.open_document(key, operator.tenant, _TABLE, found[0], ProviderLink)


async def operator_of(tx: Transaction, keyring: MarkingKeyring, whose: ProviderSubject) -> Operator | None:
    """The operator who is that subject, of whichever tenant. NotInForce when nobody linked them here."""
    cursor = await tx.execute(
        "SELECT tenant_id, operator_id FROM provider_link WHERE digest = %s", (whose.digest,)
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, operator = TenantId(found[0]), OperatorId(found[1])
    await require(keyring, tenant, _TABLE.name, {operator: form(whose.digest)})
    return await store.get(tx, keyring, tenant, operator)


async def forms(tx: Transaction, tenant: TenantId) -> dict[str, dict[UUID, bytes]]:
    """What is marked of the tenant's links, as it stands: the forms by kind and id."""
    cursor = await tx.execute("SELECT operator_id, digest FROM provider_link WHERE tenant_id = %s", (tenant,))
    return {_TABLE.name: {id: form(bytes(digest)) for id, digest in await cursor.fetchall()}}


async def put_ceremony(tx: Transaction, digest: bytes, ceremony: Ceremony, good_until: datetime) -> None:
    """Remember what the browser that holds the secret set out for."""
    await tx.execute(
        "INSERT INTO provider_ceremony (digest, wanted, bound, good_until) VALUES (%s, %s, %s, %s)",
        (digest, ceremony.wanted.value, ceremony.bound, good_until),
    )


async def take_ceremony(tx: Transaction, digest: bytes, at: datetime) -> Ceremony | None:
    """What it set out for, once, while it is good; forgotten ones go too."""
    cursor = await tx.execute(
        "DELETE FROM provider_ceremony WHERE digest = %s OR good_until <= %s"
        " RETURNING digest, wanted, bound, good_until",
        (digest, at),
    )
    return next(
        (
            Ceremony(wanted=Wanted(wanted), bound=None if bound is None else bytes(bound))
            for own, wanted, bound, until in await cursor.fetchall()
            if bytes(own) == digest and until > at
        ),
        None,
    )
