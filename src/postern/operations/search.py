"""Find the passages of one person, vehicle or plate over a few days, with a purpose and a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from postern.clock import utc_day
from postern.errors import BadInput, Refused
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.opening import opened
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operations.wall import Row, rows_of
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.sealing.tags import day_tag
from postern.sites import store as sites
from postern.vehicles import store as vehicles
from postern.vehicles.plates import comparison_form

FARTHEST_BACK = timedelta(days=7)
"""More than this needs a second person's consent, which this release does not offer: it refuses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose passages: a registered subject, or the text of a plate that may belong to nobody registered."""

    subject: UUID | None = None
    plate: str | None = None

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.plate is None):
            raise BadInput("search for one person, one vehicle or one plate at a time")


async def search_passages(
    services: Services,
    actor: Actor,
    wanted: Wanted,
    *,
    site_ids: Sequence[SiteId],
    first: date,
    last: date,
    purpose: str,
    case: str,
) -> list[Row]:
    """Decisions about `wanted` at these sites from day `first` to `last` (UTC), newest first.

    Raises Refused for more than 7 days back, BadInput without a purpose and a case.
    """
    require(actor, Duty.SEARCH)
    purpose, case = stated(purpose), stated(case)
    if last < first:
        raise BadInput("the last day cannot be before the first")
    if first < utc_day(services.clock.now()) - FARTHEST_BACK:
        raise Refused("looking back more than 7 days needs a second person; choose fewer days")
    async with services.database.transaction(actor.tenant) as tx:
        subject = await _subject(services, tx, actor.tenant, wanted)
        for site in site_ids:
            await sites.site(tx, services.keyring, actor.tenant, site)
        await trace(
            services,
            tx,
            actor,
            Act.SEARCHED,
            purpose=purpose,
            case=case,
            subjects=[subject] if subject is not None else [],
            detail=f"{len(site_ids)} sites, {first} to {last}"
            + (f", plate {wanted.plate}" if wanted.plate else ""),
        )
    tagged = subject.bytes if subject is not None else comparison_form(wanted.plate or "").encode()
    found: list[Row] = []
    for site in site_ids:
        found += await _at_site(services, actor.tenant, site, first=first, last=last, tagged=tagged)
    return sorted(found, key=lambda row: row.at, reverse=True)


async def _subject(services: Services, tx: Transaction, tenant: TenantId, wanted: Wanted) -> UUID | None:
    if wanted.subject is not None:
        return wanted.subject
    return await vehicles.find_by_plate(tx, services.keyring, tenant, wanted.plate or "")


async def _at_site(
    services: Services, tenant: TenantId, site: SiteId, *, first: date, last: date, tagged: bytes
) -> list[Row]:
    keys = await services.keyring.site_day_keys([site], first=first, last=last)
    tags = [(day, day_tag(key, tagged)) for (_, day), key in keys.items()]
    async with services.database.transaction(tenant) as tx:
        plan = await sites.plan(tx, services.keyring, tenant, site)
        found = await opened(services, tx, tenant, await records.by_tags(tx, site, tags))
        return await rows_of(services, tx, plan, found)
