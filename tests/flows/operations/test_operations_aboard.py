"""Drivers say how many are aboard, at the gate's kiosk or on their own page; a muster counts them once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postern import documents
from postern.access.aboard import AT_KIOSK, Passage
from postern.access.presence import Presence
from postern.clock import SetClock
from postern.errors import BadInput, Conflict, NotFound
from postern.ids import DoorId, PersonId, TenantId, VehicleId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.admit import Entrance
from postern.operations.demo import Demo
from postern.operations.people import register
from postern.operations.presence import aboard, muster, muster_wire, occupancy
from postern.operations.presence.derive import present
from postern.operations.presence.muster_news import INFO, News, news_aad
from postern.operations.presence.roll import Roll, RollLine
from postern.operations.privacy import erase
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operations.sites import places as site_operations
from postern.operations.sites.kiosks import KnownKiosk
from postern.operators.model import Actor
from postern.privacy.member import JOURNAL_NAME, Member
from postern.sealing.hybrid import open_from
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_muster import ADA_CARD, PLATE, Walk, id_of

GATE, GATE_OUT = "Driveway barrier, in", "Driveway barrier, out"


@pytest.fixture
async def walk(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, clock: SetClock
) -> Walk:
    """At a site whose driveway asks, for at most five."""
    gate = next(one for one in places.access_points if one.name == GATE)
    await site_operations.change(hub, admin, replace(gate, asks_aboard=5))
    return Walk(hub, agent, entrance, places, clock)


@pytest.fixture
async def kiosk(hub: Services, admin: Actor, demo: Demo, places: SitePlan) -> KnownKiosk:
    gate = next(one for one in places.access_points if one.name == GATE)
    return await beside(hub, admin, demo, gate.door)


async def beside(hub: Services, admin: Actor, demo: Demo, door: DoorId) -> KnownKiosk:
    made = await kiosks.add_kiosk(hub, admin, site=demo.site, name="Gate", door=door)
    code = await kiosks.new_kiosk_code(hub, admin, site=demo.site, id=made.id)
    return await kiosks.known_kiosk(hub, await kiosks.open_kiosk(hub, code))


async def drives(walk: Walk, way: str = GATE) -> None:
    assert (await walk.goes(PLATE, way)).grants
    await walk.arrives()


async def asked(hub: Services, kiosk: KnownKiosk) -> Passage:
    found = await aboard.asked_at_kiosk(hub, kiosk)
    assert found is not None
    return found.passage


async def rolled(hub: Services, admin: Actor, demo: Demo) -> Roll:
    return await muster.roll(hub, admin, demo.site)


async def said_at_two_hubs_at_once(
    hub: Services, kiosk: KnownKiosk, passage: Passage, monkeypatch: pytest.MonkeyPatch
) -> int:
    """How many of two answers are taken that both found the question open."""
    other = Services(database=hub.database, keyring=hub.keyring, pictures=hub.pictures, clock=hub.clock)
    waiting = [asyncio.Barrier(2)] * 2

    async def at_once(*given: object) -> Presence:
        found = await present(*given)  # type: ignore[arg-type]  # what it is given
        if waiting:
            await waiting.pop().wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(aboard, "present", at_once)
        both = (aboard.say_at_kiosk(one, kiosk, passage, 3) for one in (hub, other))
        came = await asyncio.gather(*both, return_exceptions=True)
    late = [one for one in came if one is not None]
    assert all(isinstance(one, Conflict) and "said already" in str(one) for one in late)
    return len(came) - len(late)


def line(roll: Roll, name: str) -> RollLine:
    return next(one for one in roll.lines if one.name == name)


async def test_at_the_kiosk_a_driver_says_it_once_and_the_muster_and_the_agent_count_it(
    hub: Services,
    admin: Actor,
    demo: Demo,
    walk: Walk,
    kiosk: KnownKiosk,
    places: SitePlan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = next(one for one in places.access_points if one.name == "Front door, in")
    elsewhere = await beside(hub, admin, demo, front.door)
    assert await aboard.asks_here(hub, kiosk)
    assert not await aboard.asks_here(hub, elsewhere)
    assert await aboard.asked_at_kiosk(hub, kiosk) is None
    await drives(walk)
    passage = await asked(hub, kiosk)
    await muster.call(hub, admin, demo.site, drill=True)
    roll = await rolled(hub, admin, demo)
    assert (line(roll, "PDM1001").counted, roll.missing, roll.uncounted) == (False, 0, 1)
    known = await walk.agent.known()
    before = await muster_wire.news_for(hub, known, have=None)
    # What nobody may say.
    assert await aboard.asked_at_kiosk(hub, elsewhere) is None
    with pytest.raises(Conflict, match="nothing to say"):
        await aboard.say_at_kiosk(hub, elsewhere, passage, 3)
    with pytest.raises(Conflict, match="nothing to say"):
        await aboard.say_at_kiosk(hub, kiosk, replace(passage, seq=passage.seq + 1), 3)
    for people in (0, -1, 6):
        with pytest.raises(BadInput, match="1 to 5"):
            await aboard.say_at_kiosk(hub, kiosk, passage, people)
    assert await said_at_two_hubs_at_once(hub, kiosk, passage, monkeypatch) == 1
    with pytest.raises(Conflict, match="said already"):
        await aboard.say_at_kiosk(hub, kiosk, passage, 2)
    assert await aboard.asked_at_kiosk(hub, kiosk) is None

    roll = await rolled(hub, admin, demo)

    assert (line(roll, "PDM1001").more, roll.missing, roll.uncounted) == (3, 3, 0)
    assert [one.people for one in await occupancy.occupancy(hub, admin)] == [3]
    car = await id_of(hub, demo, "PDM1001")
    entries = await look.journal_page(hub, admin, before=None, limit=40)
    said = [one.entry for one in entries if one.entry.purpose == aboard.WHY]
    assert [(one.actor, one.act, one.subjects) for one in said] == [(kiosk.name, Act.MUSTERED, (car,))]
    # The agent fetches it, and has it in its own roll while the hub is away.
    assert before is not None
    news = await muster_wire.news_for(hub, known, have=before.digest)
    assert news is not None
    aad = news_aad(site=demo.site, agent=known.agent.id, digest=news.digest)
    told = documents.from_bytes(News, open_from(walk.agent.hpke_private, news.sealed, info=INFO, aad=aad))
    assert [one.load.more for one in told.known if one.subject == car and one.load] == [3]


async def test_an_answer_after_the_vehicle_left_or_too_late_is_refused_and_counts_nobody(
    hub: Services, admin: Actor, demo: Demo, walk: Walk, kiosk: KnownKiosk
) -> None:
    await drives(walk)
    first = await asked(hub, kiosk)
    await drives(walk, GATE_OUT)
    with pytest.raises(Conflict, match="has left since"):
        await aboard.say_at_kiosk(hub, kiosk, first, 3)
    await drives(walk)
    second = await asked(hub, kiosk)
    with pytest.raises(Conflict, match="has left since"):
        await aboard.say_at_kiosk(hub, kiosk, first, 3)
    # It leaves while the agent is cut off: the answer is taken, and is void once the leaving is heard.
    assert (await walk.goes(PLATE, GATE_OUT)).grants
    await aboard.say_at_kiosk(hub, kiosk, second, 4)
    assert [one.people for one in await occupancy.occupancy(hub, admin)] == [4]
    await drives(walk)
    await muster.call(hub, admin, demo.site, drill=True)
    roll = await rolled(hub, admin, demo)
    assert (line(roll, "PDM1001").counted, roll.missing) == (False, 0)
    third = await asked(hub, kiosk)
    walk.clock.advance(AT_KIOSK + timedelta(seconds=1))
    assert await aboard.asked_at_kiosk(hub, kiosk) is None
    with pytest.raises(Conflict, match="too late"):
        await aboard.say_at_kiosk(hub, kiosk, third, 3)
    # An erased vehicle takes with it what was said of it.
    car = VehicleId(await id_of(hub, demo, "PDM1001"))
    await muster.aboard(hub, admin, demo.site, car, more=2)
    await erase.erase_vehicle(hub, admin, car, reason="asked")
    assert (await rolled(hub, admin, demo)).lines == ()
    with pytest.raises(Conflict, match="has left since"):
        await aboard.say_at_kiosk(hub, kiosk, third, 3)


async def test_on_their_own_page_a_driver_counts_by_name_and_once(
    hub: Services, admin: Actor, demo: Demo, walk: Walk
) -> None:
    ada, car = await id_of(hub, demo, "Ada Nowak"), await id_of(hub, demo, "PDM1001")
    bo = await id_of(hub, demo, "林小雨")
    me, another = (Member(tenant=demo.tenant, person=PersonId(one), name="") for one in (ada, bo))
    async with hub.database.transaction(demo.tenant) as tx:
        vehicle = (await hub.registry.vehicles.all(tx, demo.tenant))[car]
    details = replace(vehicle.details, keeper=PersonId(ada))
    await register.change_vehicle(hub, admin, id=vehicle.id, version=vehicle.version, details=details)
    assert await aboard.own_questions(hub, me) == []
    await drives(walk)
    (question,) = await aboard.own_questions(hub, me)
    assert (question.plate, question.way_in, question.asked.most) == ("PDM1001", GATE, 5)
    passage = question.asked.passage
    assert await aboard.own_questions(hub, another) == []
    with pytest.raises(Conflict, match="nothing to say"):
        await aboard.say_own(hub, another, demo.site, passage, 3)
    stranger = Member(tenant=TenantId(999), person=PersonId(ada), name="")
    with pytest.raises(NotFound):
        await aboard.say_own(hub, stranger, demo.site, passage, 3)

    await aboard.say_own(hub, me, demo.site, passage, 3)

    assert await aboard.own_questions(hub, me) == []
    with pytest.raises(Conflict, match="said already"):
        await aboard.say_own(hub, me, demo.site, passage, 3)
    await muster.call(hub, admin, demo.site, drill=True)
    roll = await rolled(hub, admin, demo)
    assert (line(roll, "PDM1001").more, roll.missing) == (2, 3)
    assert (line(roll, "Ada Nowak").carrier, line(roll, "Ada Nowak").by) == (car, JOURNAL_NAME)
    # Through the front door they are counted there, and the others still in the vehicle.
    await walk.goes(ADA_CARD)
    await walk.arrives()
    roll = await rolled(hub, admin, demo)
    assert (line(roll, "Ada Nowak").carrier, roll.missing) == (None, 3)
    # Whoever says it after they went in is where they were seen last.
    await drives(walk, GATE_OUT)
    await drives(walk)
    await walk.goes(ADA_CARD)
    await walk.arrives()
    walk.clock.advance(timedelta(hours=2))
    (question,) = await aboard.own_questions(hub, me)
    await aboard.say_own(hub, me, demo.site, question.asked.passage, 1)
    roll = await rolled(hub, admin, demo)
    assert (line(roll, "Ada Nowak").carrier, line(roll, "PDM1001").more) == (None, 0)
    assert (line(roll, "PDM1001").counted, roll.missing) == (True, 1)
