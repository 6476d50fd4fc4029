"""Which jurisdiction profile each site has chosen, in the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from postern import sealed_rows as rows
from postern.ids import SiteId, TenantId
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.keyring import Keyring

SITE_PROFILE = Table(name="site_profile", thing="profile", scope="site_id")
PURPOSE = "privacy"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteProfile:
    """The site's choice; None: its country's. `version` 0: nothing was ever chosen."""

    site: SiteId
    profile: str | None = None
    version: int = 0


async def chosen(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> SiteProfile:
    """What the site has chosen."""
    found = await rows.many(tx, SITE_PROFILE, site, [UUID(int=site)])
    if not found:
        return SiteProfile(site=site)
    key = await keyring.purpose_key(tenant, PURPOSE)
    return replace(
        rows.open_document(key, tenant, SITE_PROFILE, found[0], SiteProfile), version=found[0].version
    )


async def put(tx: Transaction, keyring: Keyring, tenant: TenantId, wanted: SiteProfile) -> SiteProfile:
    """Store what was read at `wanted.version`, changed. Conflict when somebody else was faster."""
    stored = replace(wanted, version=wanted.version + 1)
    id = UUID(int=stored.site)
    key = await keyring.purpose_key(tenant, PURPOSE)
    sealed = rows.seal_document(key, tenant, SITE_PROFILE, id, stored)
    row = Row(scope=stored.site, id=id, version=stored.version, sealed=sealed)
    await (rows.insert if wanted.version == 0 else rows.update)(tx, SITE_PROFILE, row)
    return stored
