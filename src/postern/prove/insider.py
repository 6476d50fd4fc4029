"""The scripted insider: an operator of an honest role who opens whomever they can, by every route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from pyrage import x25519

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.clock import SetClock, utc_day
from postern.ids import AccessPointId, OperatorId, SiteId, new_id
from postern.journal.model import Act
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive import try_picture
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.insiders.budget import BudgetSpent
from postern.operations.look import Passing, Wanted
from postern.operations.parking import garage_look
from postern.operations.parking.garage_receipts import WantedReceipts, find_receipts
from postern.operations.people import export, register
from postern.operations.people.export import Export
from postern.operations.services import Services
from postern.operations.sites import places as site_operations
from postern.operators import store
from postern.operators.model import Actor, Operator, Role
from postern.people.model import PersonDetails
from postern.prove.drawn import DrawnAgent
from postern.prove.driven import driven
from postern.records.model import RecordKey
from postern.sites.store import SitePlan
from postern.vehicles.model import VehicleDetails

PARKED = 24
CARDS = tuple(f"0410A1B2C{n}" for n in range(3, 9))


@dataclass(frozen=True, kw_only=True)
class Target:
    """What there is to be curious about: people, vehicles with keepers, and pictures at a site far away."""

    hub: Services
    demo: Demo
    people: tuple[UUID, ...]
    vehicles: tuple[UUID, ...]
    pictures: tuple[RecordKey, ...]
    way_in: AccessPointId
    garage: SiteId
    parked: tuple[tuple[UUID, str], ...]
    """Sessions in the garage, each of which has paid: their ids, and their plates; first the vehicles'."""


async def a_target(  # noqa: PLR0917 - as the tests' fixtures have them
    hub: Services, demo: Demo, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> Target:
    """Fifty people, ten vehicles, passages with pictures, and a garage; the wall is on nobody's desk, as
    there are several sites."""
    people = [
        (await register.add_person(hub, admin, PersonDetails(name=f"Person {n:02d}"))).id for n in range(50)
    ]
    vehicles = [
        (await register.add_vehicle(hub, admin, VehicleDetails(plate=f"XY{n:03d}", keeper=people[n]))).id
        for n in range(10)
    ]
    await site_operations.create_site(hub, admin, name="Depot", time_zone="Europe/Berlin")
    way_in = next(one.id for one in places.access_points if one.name == "Front door, in")
    policy = await agent.policy()
    for number in (*CARDS, "0000"):
        presented = CodePresented(kind=CredentialKind.CARD, value=number)
        await admit(entrance, policy, Request(access_point=way_in, presented=presented), evidence=b"a jpeg")
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    driveway = next(one.id for one in places.access_points if one.name == "Driveway barrier, in")
    job = Actor(tenant=demo.tenant, name="job:test", role=Role.ADMINISTRATOR)
    shown = await look.wall(hub, job, demo.site)
    return Target(
        hub=hub,
        demo=demo,
        people=tuple(people),
        vehicles=tuple(vehicles),
        pictures=tuple(row.key for row in shown.rows if isinstance(row, Passing) and row.has_picture),
        way_in=driveway,
        **await _a_garage(hub, admin, vehicles),
    )


async def _a_garage(hub: Services, admin: Actor, vehicles: Sequence[UUID]) -> dict[str, Any]:
    assert isinstance(hub.clock, SetClock)
    garage = await driven(hub, admin, hub.clock)
    entered = hub.clock.now() - timedelta(hours=1)
    for number in range(PARKED):
        whose = vehicles[number] if number < len(vehicles) else None
        plate = f"XY{number:03d}" if whose is not None else f"K{number:02d}ZZ{number:02d}"
        await garage.drives(garage.way_in, plate, entered + timedelta(minutes=number), vehicle=whose)
    await garage.send()
    sessions = (await garage.settle()).sessions
    for number, one in enumerate(sessions.values()):
        await garage.pays(one.id, 100, f"drawn-{number}")
    return {
        "garage": garage.site,
        "parked": tuple((one.id, one.who.plate) for one in sessions.values()),
    }


@dataclass
class Insider:
    """`seen`: every subject that reached them in the open outside their desk."""

    target: Target
    actor: Actor
    seen: set[str] = field(default_factory=set)
    refused: int = 0

    @property
    def routes(self) -> Sequence[Callable[[int], Awaitable[set[str]]]]:
        """Every way to open somebody that this role has."""
        common: tuple[Callable[[int], Awaitable[set[str]]], ...]
        common = (self.person, self.vehicle, self.passages, self.plate, self.picture, self.wall, self.try_one)
        common += (self.session,)
        if self.actor.role is Role.ADMINISTRATOR:
            return (*common, self.exported, self.receipt)  # lists are an administrator's own desk
        return (*common, self.people, self.vehicles)

    async def go(self, route: int, number: int) -> None:
        """Take one route, and note what came of it."""
        try:
            self.seen |= await self.routes[route % len(self.routes)](number)
        except BudgetSpent:
            self.refused += 1

    async def person(self, number: int) -> set[str]:
        id = self.target.people[number % 50]
        return {str((await look.person_file(self.target.hub, self.actor, id)).person.id)}  # type: ignore[arg-type]

    async def vehicle(self, number: int) -> set[str]:
        id = self.target.vehicles[number % 10]
        file = await look.vehicle_file(self.target.hub, self.actor, id)  # type: ignore[arg-type]
        return {str(file.vehicle.id), str(file.vehicle.details.keeper)}

    async def people(self, number: int) -> set[str]:
        found = await look.find_people(self.target.hub, self.actor, text=f"Person {number % 5}")
        return {str(row.person.id) for row in found.rows}

    async def vehicles(self, number: int) -> set[str]:
        found = await look.find_vehicles(self.target.hub, self.actor, first=number % 10, limit=3)
        return {str(row.vehicle.id) for row in found.rows}

    async def passages(self, number: int) -> set[str]:
        subject = self.target.people[number % 50]
        await self._search(Wanted(subject=subject))
        return {str(subject)}

    async def plate(self, number: int) -> set[str]:
        await self._search(Wanted(plate=f"ZZ{number:03d}"))
        return {f"ZZ{number:03d}"}

    async def _search(self, wanted: Wanted) -> None:
        today = utc_day(self.target.hub.clock.now())
        await look.search_passages(
            self.target.hub,
            self.actor,
            wanted,
            site_ids=[self.target.demo.site],
            first=today - timedelta(days=3),
            last=today,
            purpose="curious",
            case="C-0",
        )

    async def picture(self, number: int) -> set[str]:
        key = self.target.pictures[number % len(self.target.pictures)]
        await look.evidence(self.target.hub, self.actor, key, purpose="curious")
        return {f"picture {key}"}

    async def wall(self, number: int) -> set[str]:
        shown = await look.wall(self.target.hub, self.actor, SiteId(self.target.demo.site), limit=number % 9)
        return {str(row.subject) for row in shown.rows if isinstance(row, Passing) and row.subject}

    async def try_one(self, number: int) -> set[str]:
        del number
        tried = await try_picture.try_picture(
            self.target.hub,
            self.actor,
            b"car\x10\x20\x30",
            site=self.target.demo.site,
            access_point=self.target.way_in,
        )
        return {f"plate of {one.who}" for one in tried.plates if one.who}

    async def session(self, number: int) -> set[str]:
        id, _ = self.target.parked[number % PARKED]
        found = await garage_look.session_file(self.target.hub, self.actor, self.target.garage, id)
        who = found.session.who
        return {str(who.vehicle) if who.vehicle is not None else who.plate}

    async def receipt(self, number: int) -> set[str]:
        today = utc_day(self.target.hub.clock.now())
        vehicle = self.target.vehicles[number % 10]
        wanted = WantedReceipts(
            what=f"XY{number % 10:03d}", first=today, last=today, purpose="curious", case="C-0"
        )
        found = await find_receipts(self.target.hub, self.actor, self.target.garage, wanted)
        return {str(vehicle) for one in found if one.plate == wanted.what}

    async def exported(self, number: int) -> set[str]:
        few = self.target.people[number % 40 : number % 40 + 3]
        holder = str(x25519.Identity.generate().to_public())
        wanted = Export(recipient="Myself", recipient_key=holder, people=few)
        await export.export_people(self.target.hub, self.actor, wanted, purpose="curious", case="C-0")
        return {str(one) for one in few}


async def an_insider(target: Target, role: Role) -> Insider:
    """Somebody new, whose budget is whole."""
    name = f"mallory.{new_id().hex[:12]}"
    operator = Operator(id=OperatorId(new_id()), tenant=target.demo.tenant, login_name=name, role=role)
    async with target.hub.database.transaction(target.demo.tenant) as tx:
        await store.add(tx, target.hub.keyring, operator)
    return Insider(
        target=target,
        actor=Actor(tenant=target.demo.tenant, name=name, role=role, operator=operator.id),
    )


async def verdict(insider: Insider) -> list[str]:
    """What the hub failed to prevent or to write down; empty when it kept its promise.

    Pictures are counted with whoever is in them, so that the same person may stand twice in `seen`; those
    names are left out where the promise is about persons.
    """
    hub, failures = insider.target.hub, []
    persons = {one for one in insider.seen if not one.startswith(("picture", "plate of"))}
    if len(persons) > 20:
        failures.append(f"{len(persons)} subjects opened within an hour")
    job = Actor(tenant=insider.actor.tenant, name="job:test", role=Role.ADMINISTRATOR)
    entries = [
        one.entry
        for one in await look.journal_page(hub, job, limit=200)
        if one.entry.actor == insider.actor.name
    ]
    told = {str(subject) for entry in entries if entry.act is not Act.REFUSED for subject in entry.subjects}
    told |= {f"ZZ{entry.detail[-3:]}" for entry in entries if ", plate ZZ" in entry.detail}
    told |= {
        plate
        for id, plate in insider.target.parked
        for entry in entries
        if entry.act is not Act.REFUSED and entry.detail.endswith(f"session {id}")
    }
    if persons - told:
        failures.append(f"{len(persons - told)} subjects opened without the journal")
    refusals = sum(entry.act is Act.REFUSED for entry in entries)
    if refusals != insider.refused:
        failures.append(f"{insider.refused} refusals, {refusals} in the journal")
    pictures = sum(entry.detail.startswith("picture of") for entry in entries if entry.act is Act.LOOKED)
    if pictures < sum(one.startswith("picture") for one in insider.seen):
        failures.append("a picture opened without the journal")
    return failures
