"""Visitors of the simulated site: invited for a day, let in by their code, followed until they have left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from postern.ids import AccessLevelId, PersonId, VisitId
from postern.operations.visitors import visits
from postern.operations.visitors.watch import follow_visits
from postern.simulation.site_script import Invitation, SiteScript, Walk
from postern.simulation.stage import Premises
from postern.spans import Span
from postern.visitors import store
from postern.visitors.model import Visit, VisitDetails, VisitState

_PASSES_WITHIN = timedelta(minutes=1)
"""From the reader to the other side of the door."""


@dataclass(kw_only=True)
class Stay:
    """When a visitor really came and left."""

    came: datetime | None = None
    left: datetime | None = None


@dataclass
class Visits:
    """Invites who is to come, and remembers who did."""

    where: Premises
    script: SiteScript
    level: AccessLevelId
    people: Sequence[PersonId]
    made: dict[int, Visit] = field(default_factory=dict)
    stays: dict[int, Stay] = field(default_factory=lambda: defaultdict(Stay))

    async def invite(self, day: date) -> None:
        """Everybody who is to come on that day; agents hear of it with the next policy."""
        for number, one in enumerate(self.script.invitations):
            if one.day == day and number not in self.made:
                self.made[number] = await self._invited(number, one)

    async def _invited(self, number: int, one: Invitation) -> Visit:
        details = VisitDetails(
            site=self.where.site,
            name=f"Visitor {number:03}",
            valid=Span(start=one.start, end=one.end),
            host=self.people[one.host],
            level=self.level,
        )
        return (await visits.invite(self.where.services, self.where.actor, details, mail=False)).visit

    def code(self, number: int) -> str:
        """What the visitor presents; nothing that opens, when the invitation is yet to be made."""
        return self.made[number].code if number in self.made else "not invited yet"

    def id(self, number: int) -> VisitId:
        """Whose visit it is."""
        return self.made[number].id

    def note(self, walk: Walk, at: datetime) -> None:
        """A visitor really went through a door."""
        if walk.visit is None:
            return
        if walk.out:
            self.stays[walk.visit].left = at
        else:
            self.stays[walk.visit].came = at

    async def follow(self) -> None:
        """Bring all visits up to what has arrived."""
        await follow_visits(self.where.services, self.where.tenant, self.where.site)

    async def wrong(self) -> int:
        """How many visits the site has otherwise than they were."""
        await self.follow()
        services, tenant = self.where.services, self.where.tenant
        async with services.database.transaction(tenant) as tx:
            known = [
                await store.get(tx, services.keyring, tenant, self.id(number))
                for number in range(len(self.script.invitations))
            ]
        return sum(not is_right(visit, self.stays.get(number)) for number, visit in enumerate(known))


def is_right(visit: Visit, stay: Stay | None) -> bool:
    """Whether the visit tells when somebody came and left, or that nobody came."""
    if stay is None:
        return (visit.state, visit.arrived_at, visit.left_at) == (VisitState.MISSED, None, None)
    return (
        visit.state is VisitState.LEFT
        and _near(visit.arrived_at, stay.came)
        and _near(visit.left_at, stay.left)
    )


def _near(told: datetime | None, real: datetime | None) -> bool:
    return told is not None and real is not None and abs(told - real) <= _PASSES_WITHIN
