"""A garage on a real PostgreSQL, into which cars are driven by records of drawn agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.clock import SetClock, utc_day
from postern.ids import AccessPointId, AgentId, AreaId, DoorId, SiteId, TenantId, new_id
from postern.money import Money
from postern.operations.archive.receive import receive
from postern.operations.parking.pay_session import PaymentNotice, note_payment
from postern.operations.parking.rows import CASES, SESSIONS, Desk, load
from postern.operations.parking.settle import settle_site, settled
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operations.sites import places as sites
from postern.operations.sites.agents import KnownAgent
from postern.operators.model import Actor
from postern.parking import ledger_store, store
from postern.parking.cases import Case
from postern.parking.garage import Garage
from postern.parking.ledger_store import Line
from postern.parking.rules import GarageSettings, TariffInForce
from postern.parking.session import Session
from postern.parking.tariff_data import load_tariff
from postern.prove.drawn import DrawnAgent
from postern.records.model import (
    CommandRecord,
    DecisionRecord,
    Deed,
    Happening,
    Outcome,
    PassageRecord,
    kind_of,
)
from postern.records.sealed import encode
from postern.sealing import hybrid, signing
from postern.sites import agents as agents_store
from postern.sites.model import AccessPoint, Area, Door, DoorKind, Lane, LaneKind

BATCH = 200
TARIFF = """
id: t1
name: An hour two euros
currency: EUR
vat_percent: 19
grace_after_paying: 15 min
vehicle_classes: [car]
periods:
  - from: 2020-01-01
    day_cap: {label: Most for one day, amount: 20.00}
    lines:
      - {label: Each started hour, price: 2.00, each: 60 min}
"""


@dataclass
class Driven:
    """A garage with an entry and an exit, each with an agent of its own."""

    services: Services
    admin: Actor
    site: SiteId
    way_in: AccessPointId
    way_out: AccessPointId
    doors: tuple[DoorId, DoorId]
    agents: dict[AccessPointId, DrawnAgent]
    clock: SetClock
    sent: dict[AgentId, int] = field(default_factory=dict)

    @property
    def tenant(self) -> TenantId:
        return self.admin.tenant

    async def record(self, lane: AccessPointId, happening: Happening) -> int:
        """One entry of the lane's agent's spool; its number."""
        return await self.agents[lane].append(
            kind=kind_of(happening), day=utc_day(happening.at), plaintext=encode(happening)
        )

    async def decided(
        self,
        lane: AccessPointId,
        plate: str,
        at: datetime,
        *,
        reason: Reason | None = None,
        score: float = 0.95,
        vehicle: UUID | None = None,
    ) -> int:
        out = lane == self.way_out
        reason = reason or (Reason.CLEARED_TO_LEAVE if out else Reason.PARKING_ENTRY)
        decision = DecisionRecord(
            at=at,
            access_point=lane,
            door=self.doors[1 if out else 0],
            direction_out=out,
            credential_kind=CredentialKind.PLATE,
            subject=vehicle,
            subject_kind="vehicle" if vehicle is not None else None,
            plate=plate,
            granted=reason.grants,
            reason=reason,
            score=score,
            policy="1.1",
        )
        return await self.record(lane, decision)

    async def drives(
        self,
        lane: AccessPointId,
        plate: str,
        at: datetime,
        *,
        outcome: Outcome = Outcome.TAKEN,
        score: float = 0.95,
        vehicle: UUID | None = None,
    ) -> None:
        """A decision and its passage."""
        seq = await self.decided(lane, plate, at, score=score, vehicle=vehicle)
        await self.record(lane, PassageRecord(at=at, decision_seq=seq, outcome=outcome))

    async def let_through(self, lane: AccessPointId, at: datetime) -> None:
        """Somebody opens from afar, and who stood there drives."""
        door = self.doors[1 if lane == self.way_out else 0]
        command = CommandRecord(at=at, door=door, operator="anna", reason="ticket lost", done=True)
        seq = await self.record(lane, command)
        await self.record(lane, PassageRecord(at=at, decision_seq=seq, outcome=Outcome.TAKEN))

    async def send(self, *lanes: AccessPointId) -> None:
        """The agents of these lanes, or all, hand in what they have not yet."""
        for lane in lanes or tuple(self.agents):
            agent = self.agents[lane]
            id = agent.enrolled.agent
            async with self.services.database.transaction(self.tenant) as tx:
                known = KnownAgent(agent=await agents_store.get(tx, id), tenant=self.tenant)
            while self.sent.get(id, 0) < len(agent.entries):
                start = self.sent.get(id, 0)
                batch = agent.entries[start : start + BATCH]
                await receive(self.services, known, batch)
                self.sent[id] = start + len(batch)

    async def send_some(self, lane: AccessPointId, count: int) -> None:
        """The lane's agent hands in its next entries; once more, if it never heard that they were taken."""
        agent = self.agents[lane]
        id = agent.enrolled.agent
        async with self.services.database.transaction(self.tenant) as tx:
            known = KnownAgent(agent=await agents_store.get(tx, id), tenant=self.tenant)
        start = self.sent.get(id, 0)
        batch = agent.entries[start : start + count]
        if batch:
            await receive(self.services, known, batch)
            self.sent[id] = start + len(batch)

    def all_sent(self) -> bool:
        """Whether nothing lies in a spool any more."""
        return all(self.sent.get(one.enrolled.agent, 0) == len(one.entries) for one in self.agents.values())

    async def settle(self) -> Garage:
        return await settle_site(self.services, self.tenant, self.site)

    async def pays(
        self, session: UUID | None, amount: int, reference: str, *, quoted_at: datetime | None = None
    ) -> bool:
        notice = PaymentNotice(
            deed=Deed.PAID,
            session=session,
            amount=Money(amount, "EUR"),
            provider="stripe",
            reference=reference,
            quoted_at=quoted_at,
        )
        return await note_payment(self.services, self.tenant, self.site, notice)

    async def session_of(self, plate: str) -> Session:
        (found,) = [one for one in (await self.settle()).sessions.values() if one.who.plate == plate]
        return found

    async def lines(self) -> list[Line]:
        """Every line of the ledger."""
        key = await self.services.keyring.purpose_key(self.tenant, store.PURPOSE)
        day = utc_day(self.clock.now())
        async with self.services.database.transaction(self.tenant) as tx:
            return await ledger_store.lines(
                tx, self.tenant, self.site, key, first=day.replace(year=2000), last=day.replace(year=2100)
            )

    async def balances(self) -> dict[str, int]:
        """Cents by account."""
        found: dict[str, int] = {}
        for one in await self.lines():
            found[one.account.value] = found.get(one.account.value, 0) + one.amount.amount
        return {name: amount for name, amount in found.items() if amount}

    async def stored(self) -> tuple[list[Session], list[Case]]:
        """Sessions and cases as they lie in the projection, opened."""
        _, rules = await settled(self.services, self.tenant, self.site)
        async with self.services.database.transaction(self.tenant) as tx:
            desk = Desk(services=self.services, tx=tx, tenant=self.tenant, site=self.site, rules=rules)
            return await load(desk, SESSIONS, Session), await load(desk, CASES, Case)


async def enrolled(services: Services, admin: Actor, site: SiteId) -> DrawnAgent:
    """An agent of the site."""
    sign_private, hpke_private = signing.generate(), hybrid.generate()
    made = await agents.enrol(
        services,
        code=await agents.new_code(services, admin, site),
        sign_public=signing.public_of(sign_private),
        hpke_public=hybrid.public_of(hpke_private),
    )
    return DrawnAgent(hub=services, sign_private=sign_private, hpke_private=hpke_private, enrolled=made)


async def driven(services: Services, admin: Actor, clock: SetClock, *, one_agent: bool = False) -> Driven:
    """A new garage at a site of its own."""
    place = await sites.create_site(services, admin, name="Garage", time_zone="Europe/Berlin", country="DE")
    outside, inside = [
        await sites.add(
            services, admin, Area(id=AreaId(new_id()), site=place.id, name=name, outside=name == "Street")
        )
        for name in ("Street", "Inside")
    ]
    lanes, doors = [], []
    for name, kind in (("In", LaneKind.ENTRY), ("Out", LaneKind.EXIT)):
        door = Door(id=DoorId(new_id()), site=place.id, name=name, kind=DoorKind.BOOM)
        await sites.add(services, admin, door)
        ends = (outside.id, inside.id) if kind is LaneKind.ENTRY else (inside.id, outside.id)
        point = AccessPoint(
            id=AccessPointId(new_id()),
            site=place.id,
            door=door.id,
            name=name,
            from_area=ends[0],
            to_area=ends[1],
            lane=Lane(kind=kind),
        )
        await sites.add(services, admin, point)
        lanes.append(point.id)
        doors.append(door.id)
    async with services.database.transaction(admin.tenant) as tx:
        await store.put_garage(tx, GarageSettings(site=place.id, bays=200, currency="EUR"))
        tariff = TariffInForce(number=1, since=clock.now().replace(year=2020), tariff=load_tariff(TARIFF))
        await store.add_tariff(tx, place.id, tariff)
    first = await enrolled(services, admin, place.id)
    second = first if one_agent else await enrolled(services, admin, place.id)
    return Driven(
        services=services,
        admin=admin,
        site=place.id,
        way_in=lanes[0],
        way_out=lanes[1],
        doors=(doors[0], doors[1]),
        agents={lanes[0]: first, lanes[1]: second},
        clock=clock,
    )


def balanced(lines: Sequence[Line]) -> bool:
    """Whether every movement adds up to zero, as often as it was written."""
    sums: dict[tuple[UUID, int], int] = {}
    for one in lines:
        key = (one.movement, one.nth)
        sums[key] = sums.get(key, 0) + one.amount.amount
    return not any(sums.values())
