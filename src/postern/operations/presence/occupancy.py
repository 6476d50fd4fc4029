"""How many are in each area, without anybody's name: nothing about a person is opened for an operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postern.access.model import SubjectKind
from postern.access.presence import Muster, Whereabouts
from postern.ids import AreaId
from postern.operations.presence.derive import present
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.sites import store as sites
from postern.sites.model import Area, Site


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaCount:
    """One area: people inside, unnamed passengers among them, and vehicles."""

    area: Area
    people: int
    vehicles: int

    @property
    def full(self) -> bool:
        """Whether more are inside than it is for, or just as many."""
        return self.area.limit is not None and self.people >= self.area.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """A site's areas. `elsewhere`: people in areas that were removed since."""

    site: Site
    at: datetime
    areas: tuple[AreaCount, ...]
    elsewhere: int
    muster: Muster | None

    @property
    def people(self) -> int:
        """On the whole site."""
        return sum(one.people for one in self.areas) + self.elsewhere


async def occupancy(services: Services, actor: Actor) -> list[Occupancy]:
    """Every site of the organisation, by name."""
    require(actor, Duty.SEE_OCCUPANCY)
    async with services.database.transaction(actor.tenant) as tx:
        plans = [
            (one, await sites.parts(tx, services.keyring, actor.tenant, one.id, Area))
            for one in await sites.sites(tx, services.keyring, actor.tenant)
        ]
    found = []
    for site, areas in plans:
        presence = await present(services, actor.tenant, site.id)
        inside = presence.inside()
        counted = counts(areas, inside)
        known = sum(one.people for one in counted)
        found.append(
            Occupancy(
                site=site,
                at=services.clock.now(),
                areas=tuple(counted),
                elsewhere=sum(one.people for one in inside) - known,
                muster=presence.muster,
            )
        )
    return found


def counts(areas: Sequence[Area], inside: Sequence[Whereabouts]) -> list[AreaCount]:
    """How many are in each area that is no part of the outside."""
    people: Counter[AreaId] = Counter()
    vehicles: Counter[AreaId] = Counter()
    for one in inside:
        people[one.area] += one.people
        vehicles[one.area] += one.kind is SubjectKind.VEHICLE
    return [
        AreaCount(area=one, people=people[one.id], vehicles=vehicles[one.id])
        for one in areas
        if not one.outside
    ]
