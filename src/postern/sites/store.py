"""Places in the database. Sealed under the tenant's "sites" key: readers' addresses often carry passwords."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from psycopg.errors import UniqueViolation

from postern import sealed_rows as rows
from postern.errors import Conflict, NotFound
from postern.ids import AccessPointId, AreaId, DoorId, ReaderId, SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring
from postern.sealed_rows import Row, Table
from postern.sites.model import AccessPoint, Area, Door, Reader, Site, Tenant

AREA = Table(name="area", thing="area", scope="site_id")
DOOR = Table(name="door", thing="door", scope="site_id")
ACCESS_POINT = Table(name="access_point", thing="access point", scope="site_id")
READER = Table(name="reader", thing="reader", scope="site_id")
_SITE = Table(name="site", thing="site")
_TENANT = Table(name="tenant", thing="organisation")

Part = Area | Door | AccessPoint | Reader
P = TypeVar("P", bound=Part)
_TABLES: dict[type[object], Table] = {Area: AREA, Door: DOOR, AccessPoint: ACCESS_POINT, Reader: READER}


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePlan:
    """A site with all that is in it."""

    site: Site
    areas: tuple[Area, ...]
    doors: tuple[Door, ...]
    access_points: tuple[AccessPoint, ...]
    readers: tuple[Reader, ...]


async def add_tenant(tx: Transaction, keyring: MarkingKeyring, tenant: Tenant) -> None:
    """Store a new tenant. Conflict when the number is taken."""
    key = await keyring.purpose_key(tenant.id, "sites")
    sealed = rows.seal_document(key, tenant.id, _TENANT, UUID(int=tenant.id), tenant)
    try:
        async with tx.transaction():
            await tx.execute("INSERT INTO tenant (id, sealed) VALUES (%s, %s)", (tenant.id, sealed))
    except UniqueViolation as fault:
        raise Conflict("this organisation is there already") from fault


async def tenant(tx: Transaction, keyring: MarkingKeyring, id: TenantId) -> Tenant:
    """The organisation. Raises NotFound."""
    cursor = await tx.execute("SELECT sealed FROM tenant WHERE id = %s", (id,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such organisation")
    row = Row(scope=id, id=UUID(int=id), version=1, sealed=bytes(found[0]))
    return rows.open_document(await keyring.purpose_key(id, "sites"), id, _TENANT, row, Tenant)


async def tenant_ids(tx: Transaction) -> list[TenantId]:
    """Every tenant of the hub."""
    cursor = await tx.execute("SELECT id FROM tenant ORDER BY id")
    return [TenantId(id) for (id,) in await cursor.fetchall()]


async def epoch_of(tx: Transaction, tenant: TenantId) -> int:
    """The tenant's epoch: it grows by one when the hub is restored from a backup."""
    cursor = await tx.execute("SELECT epoch FROM tenant WHERE id = %s", (tenant,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such organisation")
    return int(found[0])


async def next_site_id(tx: Transaction) -> SiteId:
    """A number no site has; taken by inserting the site in the same transaction."""
    await tx.execute("LOCK TABLE site IN SHARE ROW EXCLUSIVE MODE")
    cursor = await tx.execute("SELECT next_site_number()")
    found = await cursor.fetchone()
    return SiteId(found[0] if found else 1)


async def add_site(tx: Transaction, keyring: MarkingKeyring, site: Site) -> None:
    """Store a new site."""
    sealed = await _sealed_site(keyring, site)
    await tx.execute(
        "INSERT INTO site (id, tenant_id, version, sealed) VALUES (%s, %s, %s, %s)",
        (site.id, site.tenant, site.version, sealed),
    )


async def change_site(tx: Transaction, keyring: MarkingKeyring, site: Site) -> Site:
    """Replace the site of that version; returns it with the next. Conflict when it is stale."""
    changed = replace(site, version=site.version + 1)
    cursor = await tx.execute(
        "UPDATE site SET version = %s, sealed = %s WHERE id = %s AND tenant_id = %s AND version = %s",
        (changed.version, await _sealed_site(keyring, changed), site.id, site.tenant, site.version),
    )
    if cursor.rowcount != 1:
        raise Conflict("this site was changed or removed meanwhile; reload it and try again")
    return changed


async def _sealed_site(keyring: MarkingKeyring, site: Site) -> bytes:
    key = await keyring.purpose_key(site.tenant, "sites")
    return rows.seal_document(key, site.tenant, _SITE, UUID(int=site.id), site)


async def sites(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId) -> list[Site]:
    """Every site of the tenant, by number."""
    key = await keyring.purpose_key(tenant, "sites")
    cursor = await tx.execute(
        "SELECT id, version, sealed FROM site WHERE tenant_id = %s ORDER BY id", (tenant,)
    )
    found = [
        Row(scope=tenant, id=UUID(int=i), version=v, sealed=bytes(s)) for i, v, s in await cursor.fetchall()
    ]
    return [rows.open_document(key, tenant, _SITE, row, Site) for row in found]


async def site(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: SiteId) -> Site:
    """The site, if it is this tenant's. Raises NotFound."""
    for one in await sites(tx, keyring, tenant):
        if one.id == id:
            return one
    raise NotFound("there is no such site")


async def tenant_of(tx: Transaction, id: SiteId) -> TenantId:
    """Whose site it is. Raises NotFound."""
    cursor = await tx.execute("SELECT tenant_id FROM site WHERE id = %s", (id,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such site")
    return TenantId(found[0])


async def mark_policies_stale(tx: Transaction, tenant: TenantId) -> None:
    """Every site of the tenant needs a new policy: something that it was made from has changed."""
    await tx.execute("UPDATE site SET policy_stale = true WHERE tenant_id = %s", (tenant,))


async def stale_policies(tx: Transaction) -> list[tuple[TenantId, SiteId]]:
    """The sites whose policy is older than what it was made from."""
    cursor = await tx.execute("SELECT tenant_id, id FROM site WHERE policy_stale ORDER BY id")
    return [(TenantId(tenant), SiteId(id)) for tenant, id in await cursor.fetchall()]


async def next_policy_version(tx: Transaction, id: SiteId) -> int:
    """Count the site's policy up by one and call it fresh; concurrent publications wait here."""
    cursor = await tx.execute(
        "UPDATE site SET policy_version = policy_version + 1, policy_stale = false"
        " WHERE id = %s RETURNING policy_version",
        (id,),
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such site")
    return int(found[0])


async def add(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, part: Part) -> None:
    """Store a new area, door, access point or reader."""
    row = await _row(keyring, tenant, part)
    await rows.insert(tx, _TABLES[type(part)], row)
    await rows.note(keyring, tenant, _TABLES[type(part)], [row])


async def change(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, part: P) -> P:
    """Replace the part of that version; returns it with the next. Conflict when it is stale."""
    changed = replace(part, version=part.version + 1)
    row = await _row(keyring, tenant, changed)
    await rows.update(tx, _TABLES[type(part)], row)
    await rows.note(keyring, tenant, _TABLES[type(part)], [row])
    return changed


async def remove(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, part: Part) -> None:
    """Remove the part. Raises NotFound."""
    await rows.delete(tx, _TABLES[type(part)], part.site, part.id)
    await keyring.marks.forget(tenant, _TABLES[type(part)].name, [part.id])


async def _row(keyring: MarkingKeyring, tenant: TenantId, part: Part) -> Row:
    key = await keyring.purpose_key(tenant, "sites")
    sealed = rows.seal_document(key, tenant, _TABLES[type(part)], part.id, part)
    return Row(scope=part.site, id=part.id, version=part.version, sealed=sealed)


async def parts(
    tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId, kind: type[P]
) -> list[P]:
    """Every area, door, access point or reader of the site, by name. Raises NotInForce."""
    table = _TABLES[kind]
    key = await keyring.purpose_key(tenant, "sites")
    stored = await rows.many(tx, table, site)
    await rows.require_in_force(keyring, tenant, table, stored)
    opened = [rows.open_document(key, tenant, table, row, kind) for row in stored]
    return sorted(opened, key=lambda one: one.name)


async def part(
    tx: Transaction,
    keyring: MarkingKeyring,
    tenant: TenantId,
    kind: type[P],
    *,
    site: SiteId,
    id: AreaId | DoorId | AccessPointId | ReaderId,
) -> P:
    """One of them. Raises NotFound, or NotInForce."""
    table = _TABLES[kind]
    row = await rows.one(tx, table, site, id)
    await rows.require_in_force(keyring, tenant, table, [row])
    return rows.open_document(await keyring.purpose_key(tenant, "sites"), tenant, table, row, kind)


async def plan(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: SiteId) -> SitePlan:
    """The site with everything in it. Raises NotFound when it is not this tenant's."""
    found = await site(tx, keyring, tenant, id)
    return SitePlan(
        site=found,
        areas=tuple(await parts(tx, keyring, tenant, id, Area)),
        doors=tuple(await parts(tx, keyring, tenant, id, Door)),
        access_points=tuple(await parts(tx, keyring, tenant, id, AccessPoint)),
        readers=tuple(await parts(tx, keyring, tenant, id, Reader)),
    )
