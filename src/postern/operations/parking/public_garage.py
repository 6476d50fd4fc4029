"""The code on a garage's posters: which garage a driver stands in. Not secret, but not countable either."""

from __future__ import annotations

import base64
import hmac

from postern.errors import NotFound
from postern.ids import SiteId, TenantId
from postern.operations.parking.books import PublicGarage
from postern.operations.services import Services
from postern.sealing.tags import blind_index
from postern.sites import store as sites
from postern.sites.model import zone_of

_CHECK = 6
_UNKNOWN = "this code belongs to no garage; scan the poster again"


async def garage_code(services: Services, tenant: TenantId, site: SiteId) -> str:
    """What a QR at the lane or bay carries in `/pay?g=`."""
    return f"{site}-{await _check(services, tenant, site)}"


async def garage_by_code(services: Services, code: str) -> PublicGarage:
    """The garage of a code. Raises NotFound."""
    number, _, check = code.strip().partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise NotFound(_UNKNOWN)
    site = SiteId(int(number))
    try:
        async with services.database.transaction() as tx:
            tenant = await sites.tenant_of(tx, site)
    except NotFound as fault:
        raise NotFound(_UNKNOWN) from fault
    if not hmac.compare_digest(check.upper().encode(), (await _check(services, tenant, site)).encode()):
        raise NotFound(_UNKNOWN)
    return await garage_of(services, tenant, site)


async def garage_of(services: Services, tenant: TenantId, site: SiteId) -> PublicGarage:
    """A garage as its drivers know it."""
    async with services.database.transaction(tenant) as tx:
        found = await sites.site(tx, services.keyring, tenant, site)
    return PublicGarage(tenant=tenant, site=site, name=found.name, time_zone=zone_of(found.time_zone))


async def _check(services: Services, tenant: TenantId, site: SiteId) -> str:
    key = await services.keyring.purpose_key(tenant, "garage-code")
    return base64.b32encode(blind_index(key, str(site))).decode()[:_CHECK]
