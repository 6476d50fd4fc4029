"""Presence, muster and lockdown at the hub: from passages to a roll; nothing is left after an erasure."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from postern.access.decision import CodePresented, PlatePresented, Request
from postern.access.model import CredentialKind, SubjectKind
from postern.access.presence import Evidence
from postern.access.reasons import Reason
from postern.clock import SetClock, utc_day
from postern.errors import Conflict, NotFound, Refused
from postern.ids import PersonId, VehicleId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.presence import lockdown, muster, muster_wire, occupancy
from postern.operations.presence.derive import present
from postern.operations.privacy import erase, retention
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from postern.records.model import Kind, Outcome, PassageRecord, PresenceDeed, PresenceRecord, kind_of
from postern.records.sealed import encode
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent

ADA_CARD, LIN_CARD, PLATE = "0410A1B2C3", "0410A1B2C5", "P-DM-1001"


class Walk:
    """People who go through doors, seen by the drawn agent."""

    def __init__(
        self, hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan, clock: SetClock
    ) -> None:
        self.hub, self.agent, self.entrance, self.places, self.clock = hub, agent, entrance, places, clock

    async def goes(self, code: str, name: str = "Front door, in", outcome: Outcome = Outcome.TAKEN) -> Reason:
        point = next(one.id for one in self.places.access_points if one.name == name)
        plate = code.startswith("P-")
        presented = (
            PlatePresented(text=code, score=0.95)
            if plate
            else CodePresented(kind=CredentialKind.CARD, value=code)
        )
        self.clock.advance(timedelta(minutes=1))
        request = Request(access_point=point, presented=presented)
        admitted = await admit(self.entrance, await self.agent.policy(), request)
        if admitted.decision.reason.grants:
            passage = PassageRecord(at=admitted.at, decision_seq=admitted.seq or 0, outcome=outcome)
            await self.agent.append(kind=Kind.PASSAGE, day=utc_day(admitted.at), plaintext=encode(passage))
        return admitted.decision.reason

    async def states(self, told: PresenceRecord) -> None:
        await self.agent.append(kind=kind_of(told), day=utc_day(told.at), plaintext=encode(told))

    async def arrives(self) -> None:
        await receive(self.hub, await self.agent.known(), self.agent.entries, self.agent.pictures)


@pytest.fixture
def walk(hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan, clock: SetClock) -> Walk:
    return Walk(hub, agent, entrance, places, clock)


async def names(hub: Services, admin: Actor, demo: Demo) -> dict[str | None, str]:
    found = await muster.roll(hub, admin, demo.site)
    return {one.name: one.area_name for one in found.lines}


async def id_of(hub: Services, demo: Demo, name: str) -> UUID:
    async with hub.database.transaction(demo.tenant) as tx:
        people = await hub.registry.people.everyone(tx, demo.tenant)
        vehicles = await hub.registry.vehicles.all(tx, demo.tenant)
    known: dict[UUID, str] = {id: one.details.name for id, one in people.items()}
    known |= {id: one.details.plate for id, one in vehicles.items()}
    return next(id for id, one in known.items() if one == name)


async def test_a_roll_says_who_is_where_and_why_and_only_while_a_muster_runs(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    await walk.goes(ADA_CARD)
    since = walk.clock.now()
    await walk.goes(LIN_CARD, outcome=Outcome.PRESUMED)
    await walk.goes("0410A1B2C6", outcome=Outcome.NOT_TAKEN)
    await walk.goes("0410A1B2C7")
    await walk.goes("0410A1B2C7", "Front door, out")
    await walk.arrives()
    with pytest.raises(Conflict, match="no muster runs"):
        await muster.roll(hub, admin, demo.site)
    (counted,) = await occupancy.occupancy(hub, admin)
    assert (counted.people, counted.muster) == (2, None)
    await muster.call(hub, admin, demo.site, drill=True, reason="spring drill")

    found = await muster.roll(hub, admin, demo.site)

    assert {one.name: one.evidence for one in found.lines} == {
        "Ada Nowak": Evidence.PASSED,
        "林小雨": Evidence.PRESUMED,
    }
    ada = next(one for one in found.lines if one.name == "Ada Nowak")
    assert (ada.since, ada.via, ada.presented) == (since, "Front door, in", "card")
    assert (found.muster.drill, found.missing) == (True, 2)
    entries = await look.journal_page(hub, admin, before=None, limit=20)
    looked = [one.entry for one in entries if one.entry.act is Act.LOOKED and one.entry.purpose == "muster"]
    assert len(looked) == 1
    assert len(looked[0].subjects) == 2


async def test_whoever_is_seen_safe_is_marked_or_stated_elsewhere_and_it_can_be_taken_back(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    await walk.goes(ADA_CARD)
    await walk.arrives()
    await muster.call(hub, admin, demo.site, drill=False)
    ada = await id_of(hub, demo, "Ada Nowak")
    await muster.mark(hub, admin, demo.site, ada, safe=True)
    (line,) = (await muster.roll(hub, admin, demo.site)).lines
    assert (line.safe_by, line.safe_at) == ("admin", walk.clock.now())
    walk.clock.advance(timedelta(seconds=5))
    await muster.mark(hub, admin, demo.site, ada, safe=False)
    assert (await muster.roll(hub, admin, demo.site)).missing == 1
    with pytest.raises(NotFound, match="not on the roll"):
        await muster.mark(hub, admin, demo.site, await id_of(hub, demo, "林小雨"), safe=True)
    outside = next(one for one in walk.places.areas if one.outside)
    await muster.state(hub, admin, demo.site, ada, outside.id, reason="telephoned from home")
    assert await names(hub, admin, demo) == {}


async def test_a_mark_made_at_the_agent_while_the_hub_was_away_counts(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    await walk.goes(ADA_CARD)
    ada, now = await id_of(hub, demo, "Ada Nowak"), walk.clock.now()
    opened = PresenceRecord(at=now, deed=PresenceDeed.ROLL_OPENED, by="Chief warden")
    called = PresenceRecord(at=now, deed=PresenceDeed.CALLED, by="Chief warden")
    safe = PresenceRecord(
        at=now + timedelta(seconds=30),
        deed=PresenceDeed.SAFE,
        by="Chief warden",
        subject=ada,
        subject_kind=SubjectKind.PERSON,
    )
    for told in (opened, called, safe):
        await walk.states(told)
    await walk.arrives()

    (line,) = (await muster.roll(hub, admin, demo.site)).lines

    assert line.safe_by == "Chief warden"
    entries = await look.journal_page(hub, admin, before=None, limit=20)
    assert [one.entry.actor for one in entries if one.entry.purpose == "muster at the agent"] == [
        f"agent:{walk.agent.enrolled.agent}"
    ]


async def test_passengers_come_and_go_with_their_vehicle(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    assert (await walk.goes(PLATE, "Driveway barrier, in")).grants
    await walk.arrives()
    car, ada = await id_of(hub, demo, "PDM1001"), await id_of(hub, demo, "Ada Nowak")
    await muster.aboard(hub, admin, demo.site, car, people=[ada], more=2)
    (found,) = await occupancy.occupancy(hub, admin)
    assert found.people == 3
    await muster.call(hub, admin, demo.site, drill=True)
    assert set(await names(hub, admin, demo)) == {"PDM1001", "Ada Nowak"}
    await muster.mark(hub, admin, demo.site, car, safe=True, place=2)
    roll = await muster.roll(hub, admin, demo.site)
    vehicle = next(one for one in roll.lines if one.kind is SubjectKind.VEHICLE)
    assert [(one.place, one.safe_by) for one in vehicle.others] == [(1, ""), (2, "admin")]
    assert (roll.missing, roll.safe) == (2, 1)
    # One went away on foot: it is the one whom nobody saw.
    await muster.aboard(hub, admin, demo.site, car, more=1)
    roll = await muster.roll(hub, admin, demo.site)
    assert (roll.missing, roll.safe) == (1, 1)
    with pytest.raises(NotFound, match="not on the roll"):
        await muster.mark(hub, admin, demo.site, car, safe=True, place=3)
    await walk.goes(PLATE, "Driveway barrier, out")
    await walk.arrives()
    assert await names(hub, admin, demo) == {}


async def test_presence_is_the_same_after_a_restart_of_the_hub_and_ends_with_its_retention(
    hub: Services, admin: Actor, demo: Demo, walk: Walk, database: Database
) -> None:
    await walk.goes(ADA_CARD)
    await walk.arrives()
    await muster.call(hub, admin, demo.site, drill=True)
    before = (await present(hub, demo.tenant, demo.site)).inside()
    restarted = Services(database=hub.database, keyring=hub.keyring, pictures=hub.pictures, clock=hub.clock)
    after = await present(restarted, demo.tenant, demo.site)
    assert (after.inside(), after.muster is not None) == (before, True)
    await walk.goes(LIN_CARD)
    await walk.arrives()
    for services in (restarted, hub):
        assert len((await present(services, demo.tenant, demo.site)).inside()) == 2
    # And when its day's retention has ended, nothing of it is left.
    assert (await kept(database, 20), await kept(database, 21)) == (2, 1)
    walk.clock.advance(timedelta(days=100))
    await retention.end_what_is_over(hub)
    assert (await kept(database, 20), await kept(database, 21)) == (0, 0)
    assert (await present(hub, demo.tenant, demo.site)).inside() == []


async def test_an_erasure_takes_the_whereabouts_with_it(
    hub: Services, admin: Actor, demo: Demo, walk: Walk, database: Database
) -> None:
    await walk.goes(ADA_CARD)
    assert (await walk.goes(PLATE, "Driveway barrier, in")).grants
    await walk.arrives()
    await muster.call(hub, admin, demo.site, drill=True)
    assert len(await names(hub, admin, demo)) == 2
    ada, car = await id_of(hub, demo, "Ada Nowak"), await id_of(hub, demo, "PDM1001")
    await muster.mark(hub, admin, demo.site, ada, safe=True)
    await present(hub, demo.tenant, demo.site)

    receipt = await erase.erase_person(hub, admin, PersonId(ada), reason="asked")
    await erase.erase_vehicle(hub, admin, VehicleId(car), reason="asked")

    tried = {one.what: (one.tried, one.opened) for one in receipt.tried}
    assert tried["whereabouts"] == (1, 0)
    assert await names(hub, admin, demo) == {}
    assert await kept(database, 20) == 0


async def kept(database: Database, kind: int) -> int:
    async with database.transaction() as tx:
        rows = await tx.execute("SELECT count(*) FROM projection WHERE kind = %s", (kind,))
        row = await rows.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_lockdown_is_in_the_next_policy_and_refuses_entries_until_it_is_released(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    made = await lockdown.lock_down(hub, admin, demo.site, area=None, drill=False)
    await publish_stale(hub)
    assert await walk.goes(ADA_CARD) is Reason.LOCKED_DOWN
    assert await walk.goes(ADA_CARD, "Front door, out") is Reason.WAY_OUT
    with pytest.raises(Conflict, match="already"):
        await lockdown.lock_down(hub, admin, demo.site, area=None, drill=False)
    await lockdown.release(hub, admin, demo.site, made.id)
    await publish_stale(hub)
    assert await walk.goes(ADA_CARD) is Reason.GRANTED
    with pytest.raises(NotFound, match="released already"):
        await lockdown.release(hub, admin, demo.site, made.id)


async def test_another_role_may_not_and_another_organisation_finds_nothing(
    hub: Services, demo: Demo, stranger: Actor
) -> None:
    hr = Actor(tenant=demo.tenant, name="hr", role=Role.HR)
    with pytest.raises(Refused):
        await muster.call(hub, hr, demo.site, drill=True)
    with pytest.raises(Refused):
        await lockdown.lock_down(hub, hr, demo.site, area=None, drill=True)
    with pytest.raises(Refused):
        await muster_wire.new_code(hub, hr, demo.site)
    with pytest.raises(NotFound):
        await muster.call(hub, stranger, demo.site, drill=True)
    with pytest.raises(NotFound):
        await lockdown.lock_down(hub, stranger, demo.site, area=None, drill=True)
    with pytest.raises(NotFound):
        await muster_wire.new_code(hub, stranger, demo.site)
    assert await occupancy.occupancy(hub, stranger) == []
