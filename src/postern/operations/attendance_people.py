"""Whose hours a site keeps: by employment, or by home site where nobody is employed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from postern.attendance import store
from postern.errors import NotFound
from postern.ids import PersonId, SiteId, TenantId
from postern.operations.services import Services
from postern.people.model import Person
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Employed:
    """Somebody whose hours are kept. `profile`: the pay profile that their employment names."""

    person: Person
    site: SiteId
    profile: str = ""
    team: UUID | None = None
    manager: PersonId | None = None
    contractor: UUID | None = None


async def employed_at(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> list[Employed]:
    """Everybody whose hours the site keeps, by name."""
    everyone = await services.registry.people.by_name(tx, tenant)
    return [Employed(person=one, site=site) for one in everyone if one.details.home_site == site]


async def employed(services: Services, tx: Transaction, tenant: TenantId, person: PersonId) -> Employed:
    """The person, and which site keeps their hours. Raises NotFound."""
    found = (await services.registry.people.everyone(tx, tenant)).get(person)
    if found is None:
        raise NotFound("there is no such person; they may have been removed")
    sites = await store.attendance_sites(tx)
    site = found.details.home_site
    if site is None and len(sites) == 1:
        site = sites[0]
    if site not in sites or site is None:
        raise NotFound("no hours are kept of this person; give them an employment at a site that keeps hours")
    return Employed(person=found, site=site)
