"""Whose hours a site keeps: by employment, or by home site where nobody is employed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern.attendance import store
from postern.errors import NotFound
from postern.ids import ContractorId, PersonId, SiteId, TeamId, TenantId
from postern.operations.services import Services
from postern.people import employment_store
from postern.people.employment import Employments, Team
from postern.people.model import Person
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Employed:
    """Somebody whose hours a site keeps. `employments`: None for one without any, whose every day counts."""

    person: Person
    site: SiteId
    employments: Employments | None = None
    profile: str = ""
    team: TeamId | None = None
    manager: PersonId | None = None
    """Whom the employment names, or else whoever leads the team."""
    contractor: ContractorId | None = None

    def works_here_on(self, day: date) -> bool:
        """Whether they are employed that day."""
        return self.employments is None or self.employments.on(day) is not None


async def employed_at(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, *, first: date, last: date
) -> list[Employed]:
    """Everybody whose hours of these days the site keeps, by name."""
    everyone = await services.registry.people.by_name(tx, tenant)
    books = await _books(services, tx, tenant)
    found = [_employed(one, books, first=first, last=last) for one in everyone]
    return [one for one in found if one is not None and one.site == site]


async def employed(
    services: Services, tx: Transaction, tenant: TenantId, person: PersonId, *, first: date, last: date
) -> Employed:
    """The person, and which site keeps their hours of these days. Raises NotFound."""
    found = (await services.registry.people.everyone(tx, tenant)).get(person)
    if found is None:
        raise NotFound("there is no such person; they may have been removed")
    there = _employed(found, await _books(services, tx, tenant), first=first, last=last)
    if there is None:
        raise NotFound("no hours are kept of this person; give them an employment at a site that keeps hours")
    return there


@dataclass(frozen=True, kw_only=True, slots=True)
class _Books:
    """Everybody's employments, who leads which team, and the sites that keep hours."""

    known: Mapping[UUID, Employments]
    leaders: Mapping[TeamId, PersonId | None]
    kept: Sequence[SiteId]


async def _books(services: Services, tx: Transaction, tenant: TenantId) -> _Books:
    teams = await employment_store.units(tx, services.keyring, tenant, Team)
    return _Books(
        known=await services.registry.employments.all(tx, tenant),
        leaders={one.id: one.manager for one in teams},
        kept=await store.attendance_sites(tx),
    )


def _employed(person: Person, books: _Books, *, first: date, last: date) -> Employed | None:
    """By the employment that is in force last in these days."""
    whole, kept = books.known.get(person.id), books.kept
    if whole is None or not whole.every:
        site = person.details.home_site
        return Employed(person=person, site=site) if site in kept and site is not None else None
    in_force = [one for one in whole.every if one.terms.first <= last and (one.terms.last or first) >= first]
    if not in_force:
        return None
    terms = in_force[-1].terms
    site = terms.site or person.details.home_site or (kept[0] if len(kept) == 1 else None)
    if site is None or site not in kept:
        return None
    return Employed(
        person=person,
        site=site,
        employments=whole,
        profile=terms.pay_profile,
        team=terms.team,
        manager=terms.manager or (books.leaders.get(terms.team) if terms.team is not None else None),
        contractor=terms.contractor,
    )
