"""The registries kept open in this process's memory, and whose records a day's tags are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from postern.access.store import OpenHoldings
from postern.attendance.store import OpenAssignments
from postern.ids import AgentId, SiteId, TenantId
from postern.nature import Nature
from postern.people.employment_store import OpenEmployments
from postern.people.model import Person
from postern.people.store import OpenPeople
from postern.postgres.pool import Transaction
from postern.records.sealed import subjects_by_tag
from postern.row_marks import MarkingKeyring
from postern.sealed_rows import off_the_loop
from postern.sealing.envelope import Key
from postern.vehicles.model import Vehicle
from postern.vehicles.plates import comparison_form
from postern.vehicles.store import OpenVehicles
from postern.visitors.model import Visit
from postern.visitors.store import OpenVisits

_KEPT_DAYS = 64
_BAIT_KEPT = timedelta(minutes=1)


@dataclass(slots=True)
class ViewWindow:
    """Whom one operator has been shown on one site's wall since `since`."""

    since: datetime
    shown: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bait:
    """What was planted in a tenant's registry: subjects, and plates in their comparison form."""

    subjects: frozenset[UUID] = frozenset()
    plates: frozenset[str] = frozenset()


class Registry:
    """Opened registries and derived look-ups of one hub process; every answer is current as of its `tx`."""

    def __init__(self, keyring: MarkingKeyring) -> None:
        self.people = OpenPeople(keyring)
        self.vehicles = OpenVehicles(keyring)
        self.visits = OpenVisits(keyring)
        self.holdings = OpenHoldings(keyring)
        self.employments = OpenEmployments(keyring)
        self.assignments = OpenAssignments(keyring)
        self.tombstones_of: set[AgentId] = set()
        """Agents whose tombstones this process has taken."""
        self.windows: dict[tuple[str, SiteId], ViewWindow] = {}
        self._bait: dict[TenantId, tuple[datetime, Bait]] = {}
        self._tags: OrderedDict[tuple[SiteId, date], tuple[frozenset[UUID], dict[bytes, UUID]]] = (
            OrderedDict()
        )
        self._known: dict[
            TenantId,
            tuple[Mapping[UUID, Person], Mapping[UUID, Vehicle], Mapping[UUID, Visit], frozenset[UUID]],
        ] = {}

    async def bait(self, tx: Transaction, tenant: TenantId, at: datetime) -> Bait:
        """What is bait, as of a minute ago at most: reading the registry at each look would cost too much."""
        looked_at, found = self._bait.get(tenant, (None, Bait()))
        if looked_at is not None and abs(at - looked_at) < _BAIT_KEPT:
            return found
        people = (await self.people.everyone(tx, tenant)).values()
        vehicles = (await self.vehicles.all(tx, tenant)).values()
        planted = [one for one in vehicles if one.details.nature is Nature.BAIT]
        persons = [one.id for one in people if one.details.nature is Nature.BAIT]
        found = Bait(
            subjects=frozenset[UUID](persons) | {one.id for one in planted},
            plates=frozenset(comparison_form(one.details.plate) for one in planted),
        )
        self._bait[tenant] = (at, found)
        return found

    def forget_bait(self, tenant: TenantId) -> None:
        """Look again at the next look."""
        self._bait.pop(tenant, None)

    async def subjects_of(
        self, tx: Transaction, tenant: TenantId, *, site: SiteId, day: date, site_day: Key
    ) -> dict[bytes, UUID]:
        """The registered subject behind each tag of that site and day."""
        subjects = await self._subjects(tx, tenant)
        known, tags = self._tags.get((site, day), (frozenset[UUID](), {}))
        if known is not subjects:
            tags = {tag: one for tag, one in tags.items() if one in subjects}
            tags |= await off_the_loop(lambda fresh: subjects_by_tag(site_day, fresh), list(subjects - known))
        self._tags[site, day] = (subjects, tags)
        self._tags.move_to_end((site, day))
        while len(self._tags) > _KEPT_DAYS:
            self._tags.popitem(last=False)
        return tags

    async def _subjects(self, tx: Transaction, tenant: TenantId) -> frozenset[UUID]:
        """Everybody whose keys are not destroyed: the same set again while nothing changed."""
        people, vehicles = await self.people.everyone(tx, tenant), await self.vehicles.all(tx, tenant)
        visits = await self.visits.all(tx, tenant)
        before = self._known.get(tenant)
        same = before is not None and before[0] is people and before[1] is vehicles and before[2] is visits
        if before is None or not same:
            before = people, vehicles, visits, frozenset(people) | frozenset(vehicles) | frozenset(visits)
            self._known[tenant] = before
        return before[3]
