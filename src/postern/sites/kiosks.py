"""Kiosks: tablets at a lane, each known by the secret in its cookie. They call for help, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern import sealed_rows as rows
from postern.errors import NotFound
from postern.ids import DoorId, KioskId, SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

KIOSK = Table(name="kiosk", thing="kiosk", scope="site_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kiosk:
    """A tablet beside a barrier. `door`: the one that an attendant opens for whoever calls from it."""

    id: KioskId
    site: SiteId
    name: str
    door: DoorId
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class KioskState:
    """A kiosk as it stands. `opened`: a tablet has it; `call`: the call for help that waits there."""

    kiosk: Kiosk
    opened: bool
    call: UUID | None


async def add(tx: Transaction, keyring: Keyring, tenant: TenantId, kiosk: Kiosk) -> None:
    """Store a new kiosk, which no tablet has yet."""
    key = await keyring.purpose_key(tenant, "sites")
    sealed = rows.seal_document(key, tenant, KIOSK, kiosk.id, kiosk)
    await rows.insert(tx, KIOSK, Row(scope=kiosk.site, id=kiosk.id, version=1, sealed=sealed))


async def remove(tx: Transaction, site: SiteId, id: KioskId) -> None:
    """The kiosk is gone, and the tablet that had it is known no more. Raises NotFound."""
    await rows.delete(tx, KIOSK, site, id)


async def of_site(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> list[KioskState]:
    """Every kiosk of the site, by name."""
    key = await keyring.purpose_key(tenant, "sites")
    cursor = await tx.execute(
        "SELECT id, version, sealed, secret_digest IS NOT NULL, call_id FROM kiosk WHERE site_id = %s",
        (site,),
    )
    found = [
        KioskState(
            kiosk=rows.open_document(
                key, tenant, KIOSK, Row(scope=site, id=id, version=version, sealed=bytes(sealed)), Kiosk
            ),
            opened=opened,
            call=call,
        )
        for id, version, sealed, opened, call in await cursor.fetchall()
    ]
    return sorted(found, key=lambda one: one.kiosk.name)


async def one(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, id: KioskId) -> KioskState:
    """The kiosk of that id. Raises NotFound."""
    for state in await of_site(tx, keyring, tenant, site):
        if state.kiosk.id == id:
            return state
    raise NotFound("there is no such kiosk; it may have been removed")


async def put_code(tx: Transaction, site: SiteId, id: KioskId, digest: bytes, good_until: datetime) -> None:
    """Whoever knows the code makes their tablet this kiosk, once, until then."""
    await tx.execute(
        "UPDATE kiosk SET code_digest = %s, code_until = %s WHERE site_id = %s AND id = %s",
        (digest, good_until, site, id),
    )


async def spend_code(
    tx: Transaction, site: SiteId, digest: bytes, secret_digest: bytes, at: datetime
) -> KioskId | None:
    """Give the kiosk of that code to the tablet of that secret, and to no other; None when it is not good."""
    cursor = await tx.execute(
        "UPDATE kiosk SET code_digest = NULL, code_until = NULL, secret_digest = %s, call_id = NULL"
        " WHERE site_id = %s AND code_digest = %s AND code_until > %s RETURNING id",
        (secret_digest, site, digest, at),
    )
    found = await cursor.fetchone()
    return None if found is None else KioskId(found[0])


async def by_secret(tx: Transaction, site: SiteId, secret_digest: bytes) -> KioskId | None:
    """Which kiosk the tablet of that secret is, or None."""
    cursor = await tx.execute(
        "SELECT id FROM kiosk WHERE site_id = %s AND secret_digest = %s", (site, secret_digest)
    )
    found = await cursor.fetchone()
    return None if found is None else KioskId(found[0])


async def put_call(tx: Transaction, site: SiteId, id: KioskId, call: UUID | None) -> None:
    """The call for help that waits at the kiosk from now on; None: nobody waits."""
    await tx.execute("UPDATE kiosk SET call_id = %s WHERE site_id = %s AND id = %s", (call, site, id))
