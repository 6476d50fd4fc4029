"""What a garage's books go by, read from the database and kept until something of it changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from postern.ids import AccessPointId, SiteId, TenantId
from postern.parking import store
from postern.parking.naming import Naming
from postern.parking.rules import LaneFacts, Rules
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring
from postern.sites import store as sites
from postern.sites.model import AccessPoint, LaneKind, zone_of

NAMES = "parking/names"

# Whatever rules are made from: another answer after any change to it.
_PRINT = """
SELECT (SELECT version FROM parking_garage WHERE site_id = %(site)s),
    (SELECT max(number) FROM parking_tariff WHERE site_id = %(site)s),
    (SELECT version FROM site WHERE id = %(site)s),
    (SELECT sum(uuid_hash_extended(id, version)) FROM parking_permit WHERE site_id = %(site)s),
    (SELECT sum(uuid_hash_extended(id, version)) FROM parking_merchant WHERE site_id = %(site)s),
    (SELECT sum(uuid_hash_extended(id, version)) FROM access_point WHERE site_id = %(site)s)"""


@dataclass(kw_only=True)
class KeptRules:
    """Rules of one hub process; every answer is current as of its `tx`."""

    _kept: dict[SiteId, tuple[tuple[object, ...], Rules]] = field(default_factory=dict)

    async def current(
        self, tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId
    ) -> Rules:
        """The site's rules. Raises NotFound when it is no garage."""
        cursor = await tx.execute(_PRINT, {"site": site})
        print = await cursor.fetchone() or ()
        kept = self._kept.get(site)
        if kept is None or kept[0] != print:
            kept = print, await rules_of(tx, keyring, tenant, site)
            self._kept[site] = kept
        return kept[1]


async def rules_of(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, site: SiteId) -> Rules:
    """Everything that the books of the site go by. Raises NotFound when it is no garage."""
    settings = await store.garage(tx, site)
    place = await sites.site(tx, keyring, tenant, site)
    points = await sites.parts(tx, keyring, tenant, site, AccessPoint)
    return Rules(
        settings=settings,
        time_zone=zone_of(place.time_zone),
        country=place.country,
        naming=Naming(key=await keyring.purpose_key(tenant, NAMES)),
        lanes={AccessPointId(one.id): facts for one in points if (facts := _facts(one)) is not None},
        tariffs=await store.tariffs(tx, site),
        permits=await store.permits(tx, keyring, tenant, site),
        merchants=await store.merchants(tx, keyring, tenant, site),
    )


def _facts(point: AccessPoint) -> LaneFacts | None:
    if point.lane is None:
        return None
    return LaneFacts(
        door=point.door, way_out=point.lane.kind is LaneKind.EXIT, least_score=point.lane.least_score
    )
