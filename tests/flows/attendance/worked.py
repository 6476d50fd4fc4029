"""A site on a real PostgreSQL whose people walk in and out by records of a drawn agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.attendance import store
from postern.attendance.books import MonthBook
from postern.attendance.model import Direction
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.settings import AttendancePoint, AttendanceSettings
from postern.clock import SetClock, utc_day
from postern.ids import AccessPointId, AreaId, DoorId, PersonId, SiteId, TenantId, new_id
from postern.operations.archive.receive import receive
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance.rows import Page, load_books
from postern.operations.attendance.settle import settle_hours
from postern.operations.people import register
from postern.operations.services import Services
from postern.operations.sites import places as sites
from postern.operations.sites.agents import KnownAgent
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.records.model import DecisionRecord, Happening, Outcome, PassageRecord, kind_of
from postern.records.sealed import encode
from postern.sites import agents as agents_store
from postern.sites.model import AccessPoint, Area, Door
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.parking.driven import enrolled

BERLIN = PayProfile(jurisdiction=Jurisdiction("de"))


@dataclass
class Worked:
    """A site with a way in and a way out, both attendance points, and an agent."""

    services: Services
    admin: Actor
    site: SiteId
    door: DoorId
    way_in: AccessPointId
    way_out: AccessPointId
    agent: DrawnAgent
    clock: SetClock
    people: list[PersonId] = field(default_factory=list)
    sent: int = 0

    @property
    def tenant(self) -> TenantId:
        return self.admin.tenant

    async def person(self, name: str) -> PersonId:
        made = await register.add_person(
            self.services, self.admin, PersonDetails(name=name, home_site=self.site)
        )
        self.people.append(made.id)
        return made.id

    async def record(self, happening: Happening) -> int:
        return await self.agent.append(
            kind=kind_of(happening), day=utc_day(happening.at), plaintext=encode(happening)
        )

    async def decided(
        self,
        point: AccessPointId,
        who: PersonId | None,
        at: datetime,
        *,
        by: CredentialKind = CredentialKind.CARD,
        granted: bool = True,
    ) -> int:
        return await self.record(
            DecisionRecord(
                at=at,
                access_point=point,
                door=self.door,
                direction_out=point == self.way_out,
                credential_kind=by,
                subject=who,
                subject_kind="person" if who is not None else None,
                granted=granted,
                reason=Reason.GRANTED if granted else Reason.NO_ACCESS_LEVEL,
                policy="1.1",
            )
        )

    async def passes(
        self,
        point: AccessPointId,
        who: PersonId | None,
        at: datetime,
        *,
        by: CredentialKind = CredentialKind.CARD,
        outcome: Outcome = Outcome.TAKEN,
    ) -> None:
        """A decision and its passage."""
        seq = await self.decided(point, who, at, by=by)
        await self.record(PassageRecord(at=at, decision_seq=seq, outcome=outcome))

    async def works(self, who: PersonId, start: datetime, end: datetime) -> None:
        await self.passes(self.way_in, who, start)
        await self.passes(self.way_out, who, end)

    async def send(self, most: int | None = None) -> None:
        """The agent hands in what it has not yet, or its next entries."""
        async with self.services.database.transaction(self.tenant) as tx:
            agent = await agents_store.get(tx, self.agent.enrolled.agent)
        batch = self.agent.entries[self.sent :][:most]
        for start in range(0, len(batch), 200):
            await receive(
                self.services, KnownAgent(agent=agent, tenant=self.tenant), batch[start : start + 200]
            )
        self.sent += len(batch)

    async def settle(self) -> None:
        await settle_hours(self.services, self.tenant, self.site)

    async def books(self, who: PersonId, *months: date) -> list[MonthBook]:
        pages = [Page(site=self.site, person=who, month=month) for month in months]
        async with self.services.database.transaction(self.tenant) as tx:
            found = await load_books(self.services, tx, self.tenant, pages)
        return [found[page] for page in pages if page in found]

    async def times(self, who: PersonId, month: date) -> list[tuple[datetime, Direction]]:
        return [
            (punch.at, punch.direction) for book in await self.books(who, month) for punch in book.punches
        ]


def at(text: str) -> datetime:
    """A moment in UTC, as `03-04 07:58` of 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


async def worked(
    services: Services,
    admin: Actor,
    clock: SetClock,
    *,
    pay: PayProfile = BERLIN,
    faces: bool = False,
    time_zone: str = "Europe/Berlin",
    country: str = "DE",
) -> Worked:
    """A new site, at which hours are kept from now on."""
    place = await sites.create_site(services, admin, name="Works", time_zone=time_zone, country=country)
    outside, inside = [
        await sites.add(
            services, admin, Area(id=AreaId(new_id()), site=place.id, name=name, outside=name == "Street")
        )
        for name in ("Street", "Inside")
    ]
    door = await sites.add(services, admin, Door(id=DoorId(new_id()), site=place.id, name="Door"))
    ways = [
        AccessPoint(
            id=AccessPointId(new_id()),
            site=place.id,
            door=door.id,
            name=name,
            from_area=start.id,
            to_area=end.id,
            way_out=name == "Out",
        )
        for name, start, end in (("In", outside, inside), ("Out", inside, outside))
    ]
    for one in ways:
        await sites.add(services, admin, one)
    await attendance_setup.set_attendance(
        services, admin, AttendanceSettings(site=place.id, pay=pay, faces=faces)
    )
    await attendance_setup.set_points(services, admin, place.id, points(ways[0].id, ways[1].id))
    return Worked(
        services=services,
        admin=admin,
        site=place.id,
        door=door.id,
        way_in=ways[0].id,
        way_out=ways[1].id,
        agent=await enrolled(services, admin, place.id),
        clock=clock,
    )


def points(way_in: AccessPointId, way_out: AccessPointId) -> Sequence[AttendancePoint]:
    return (
        AttendancePoint(access_point=way_in, direction=Direction.IN),
        AttendancePoint(access_point=way_out, direction=Direction.OUT),
    )


async def cursors(works: Worked) -> dict[int, int]:
    async with works.services.database.transaction(works.tenant) as tx:
        return {agent: one.upto for agent, one in (await store.cursors(tx, works.site)).items()}


def unknown() -> UUID:
    return new_id()
