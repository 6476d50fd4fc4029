"""API keys in the database: the digest of a random secret, and a sealed document of what it may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import NotFound
from postern.ids import OperatorId, TenantId
from postern.nature import Nature
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring, form, require
from postern.sealed_rows import Row, Table

_TABLE = Table(name="api_key", thing="API key")
_SELECT = "SELECT tenant_id, id, digest, version, sealed, last_day, used_day FROM api_key"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyDetails:
    """What a key is for. It asks for `operator` and may do no more than they and `scopes` (duties) both may.

    `nature`: bait is made like any other key and given to nobody.
    """

    name: str
    operator: OperatorId
    scopes: frozenset[str]
    ended: bool = False
    nature: Nature = Nature.REAL


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key, without its secret. Good until the end of `last_day` (UTC); `used_day`: last used on."""

    id: UUID
    tenant: TenantId
    details: KeyDetails
    last_day: date
    used_day: date | None = None
    version: int = 1

    def is_good(self, today: date) -> bool:
        """Whether it opens anything on that day."""
        return not self.details.ended and today <= self.last_day


async def add(tx: Transaction, keyring: MarkingKeyring, key: ApiKey, digest: bytes) -> None:
    """Store a new key by the digest of its secret."""
    sealed = await _sealed(keyring, key)
    await tx.execute(
        "INSERT INTO api_key (tenant_id, id, digest, last_day, used_day, version, sealed)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (key.tenant, key.id, digest, key.last_day, key.used_day, key.version, sealed),
    )
    await keyring.marks.note(key.tenant, _TABLE.name, {key.id: _form(digest, key.last_day, sealed)})


async def end(tx: Transaction, keyring: MarkingKeyring, key: ApiKey) -> ApiKey:
    """The key is good no more. Conflict when it was changed meanwhile."""
    ended = replace(key, version=key.version + 1, details=replace(key.details, ended=True))
    row = Row(scope=key.tenant, id=key.id, version=ended.version, sealed=await _sealed(keyring, ended))
    await rows.update(tx, _TABLE, row)
    cursor = await tx.execute(
        "SELECT digest FROM api_key WHERE tenant_id = %s AND id = %s", (key.tenant, key.id)
    )
    found = await cursor.fetchone()
    digest = bytes(found[0]) if found is not None else b""
    await keyring.marks.note(key.tenant, _TABLE.name, {key.id: _form(digest, key.last_day, row.sealed)})
    return ended


def _form(digest: bytes, last_day: date, sealed: bytes) -> bytes:
    return form(digest, last_day.isoformat().encode(), sealed)


async def forms(tx: Transaction, tenant: TenantId) -> dict[str, dict[UUID, bytes]]:
    """What is marked of the tenant's keys, as it stands: the forms by kind and id."""
    cursor = await tx.execute(
        "SELECT id, digest, last_day, sealed FROM api_key WHERE tenant_id = %s", (tenant,)
    )
    found = await cursor.fetchall()
    return {_TABLE.name: {id: _form(bytes(digest), day, bytes(sealed)) for id, digest, day, sealed in found}}


async def note_use(tx: Transaction, key: ApiKey, today: date) -> None:
    """It was used today; written once a day."""
    if key.used_day != today:
        await tx.execute(
            "UPDATE api_key SET used_day = %s WHERE tenant_id = %s AND id = %s", (today, key.tenant, key.id)
        )


async def by_digest(tx: Transaction, keyring: MarkingKeyring, digest: bytes) -> ApiKey | None:
    """The key with that secret's digest, of whichever tenant, however old. NotInForce when it was not made
    here, or was put back."""
    cursor = await tx.execute(_SELECT + " WHERE digest = %s", (digest,))
    found = await cursor.fetchone()
    return None if found is None else await _in_force(keyring, found)


async def get(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: UUID) -> ApiKey:
    """The key. Raises NotFound."""
    cursor = await tx.execute(_SELECT + " WHERE tenant_id = %s AND id = %s", (tenant, id))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such API key; it may have been removed")
    return await _in_force(keyring, found)


async def every(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId) -> list[ApiKey]:
    """The tenant's keys, ended ones too, by name; whether each is in force was not looked at."""
    cursor = await tx.execute(_SELECT + " WHERE tenant_id = %s", (tenant,))
    found = [await _opened(keyring, row) for row in await cursor.fetchall()]
    return sorted(found, key=lambda one: one.details.name.casefold())


async def _in_force(keyring: MarkingKeyring, row: tuple[Any, ...]) -> ApiKey:
    tenant, id, digest, _, sealed, last_day, _ = row
    await require(keyring, tenant, _TABLE.name, {id: _form(bytes(digest), last_day, bytes(sealed))})
    return await _opened(keyring, row)


async def _opened(keyring: MarkingKeyring, row: tuple[Any, ...]) -> ApiKey:
    tenant, id, _, version, sealed, last_day, used_day = row
    secret = await keyring.purpose_key(TenantId(tenant), "api-keys")
    stored = Row(scope=tenant, id=id, version=version, sealed=bytes(sealed))
    return ApiKey(
        id=id,
        tenant=TenantId(tenant),
        details=rows.open_document(secret, tenant, _TABLE, stored, KeyDetails),
        last_day=last_day,
        used_day=used_day,
        version=version,
    )


async def _sealed(keyring: MarkingKeyring, key: ApiKey) -> bytes:
    secret = await keyring.purpose_key(key.tenant, "api-keys")
    return rows.seal_document(secret, key.tenant, _TABLE, key.id, key.details)
