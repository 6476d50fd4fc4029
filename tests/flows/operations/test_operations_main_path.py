"""From a registered person to a passage on the wall: the hub's and the agent's operations together."""

from __future__ import annotations

import asyncio

import pytest

from postern.access.decision import CodePresented, Granted, PinPresented, PlatePresented, Request
from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.errors import CannotVerify, KeyDestroyed, NotFound, Refused, StorageFull
from postern.ids import AccessPointId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import PIN, Demo, set_up_demo
from postern.operations.people import register, revoke
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operators.model import Actor, Role
from postern.records.model import Kind, Outcome, PassageRecord
from postern.records.sealed import encode
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent, DrawnController


def way(places: SitePlan, name: str) -> AccessPointId:
    return next(one.id for one in places.access_points if one.name == name)


def card(places: SitePlan, number: str, name: str = "Front door, in") -> Request:
    return Request(
        access_point=way(places, name), presented=CodePresented(kind=CredentialKind.CARD, value=number)
    )


async def test_setting_up_the_demo_twice_changes_nothing(hub: Services, demo: Demo) -> None:
    assert await set_up_demo(hub) == demo


async def test_a_card_opens_and_the_passage_is_on_the_wall_with_its_name(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    admitted = await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"), evidence=b"a jpeg")
    assert isinstance(admitted.decision, Granted)
    assert agent.log == ["recorded", "released"]
    passage = PassageRecord(at=admitted.at, decision_seq=1, outcome=Outcome.TAKEN)
    await agent.append(kind=Kind.PASSAGE, day=admitted.at.date(), plaintext=encode(passage))

    received = await receive(hub, await agent.known(), agent.entries, agent.pictures)

    assert received.acknowledged == (1, 2)
    shown = await look.wall(hub, admin, demo.site)
    (row,) = shown.rows
    assert isinstance(row, look.Passing)
    assert (row.who, row.granted, row.reason, row.outcome) == (
        "Ada Nowak",
        True,
        Reason.GRANTED,
        Outcome.TAKEN,
    )
    assert (row.access_point, row.door, row.has_picture) == ("Front door, in", "Front door", True)
    assert await look.evidence(hub, admin, row.key, purpose="who was it") == b"a jpeg"


async def test_a_batch_sent_again_is_acknowledged_and_stored_once(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"))

    first = await receive(hub, await agent.known(), agent.entries, agent.pictures)
    second = await receive(hub, await agent.known(), agent.entries, agent.pictures)

    assert first == second
    assert len((await look.wall(hub, admin, demo.site)).rows) == 1


async def test_a_pin_and_a_plate_open_their_doors(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    policy = await agent.policy()
    number = next(
        one.value for held in policy.holders for one in held.credentials if one.kind is CredentialKind.PIN
    )
    pin = Request(
        access_point=way(places, "Front door, in"), presented=PinPresented(keypad_number=number, pin=PIN)
    )
    plate = Request(
        access_point=way(places, "Driveway barrier, in"),
        presented=PlatePresented(text="P-DM-1OO1", score=0.9),
    )
    assert isinstance((await admit(entrance, policy, pin)).decision, Granted)
    assert isinstance((await admit(entrance, policy, plate)).decision, Granted)


async def test_an_agent_counts_wrong_pins_and_records_that_it_made_somebody_wait(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    policy = await agent.policy()
    number = next(
        one.value for held in policy.holders for one in held.credentials if one.kind is CredentialKind.PIN
    )

    def typed(pin: str) -> Request:
        return Request(
            access_point=way(places, "Front door, in"), presented=PinPresented(keypad_number=number, pin=pin)
        )

    tried = await asyncio.gather(*(admit(entrance, policy, typed("1234")) for _ in range(6)))
    last = await admit(entrance, policy, typed(PIN))

    reasons = [one.decision.reason for one in (*tried, last)]
    assert reasons == [Reason.WRONG_PIN] * 4 + [Reason.TOO_MANY_ATTEMPTS] * 3
    await receive(hub, await agent.known(), agent.entries)
    rows = [row for row in (await look.wall(hub, admin, demo.site)).rows if isinstance(row, look.Passing)]
    assert sorted(row.reason for row in rows) == sorted(reasons)


async def test_a_way_in_that_cannot_be_recorded_stays_shut(
    agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    policy = await agent.policy()
    agent.full = True
    with pytest.raises(StorageFull):
        await admit(entrance, policy, card(places, "0410A1B2C3"))
    assert agent.log == []


async def test_a_way_out_opens_first_even_when_it_cannot_be_recorded(
    agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    policy = await agent.policy()
    agent.full = True
    admitted = await admit(entrance, policy, card(places, "never issued", "Front door, out"))
    assert agent.log == ["released"]
    assert admitted.decision.reason is Reason.WAY_OUT
    assert admitted.seq is None
    assert isinstance(admitted.fault, StorageFull)


async def test_a_door_that_does_not_answer_is_told_and_the_decision_is_kept(
    agent: DrawnAgent, entrance: Entrance, controller: DrawnController, places: SitePlan
) -> None:
    controller.unplugged = True
    admitted = await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"))
    assert (admitted.seq, admitted.released) == (1, False)
    assert admitted.fault is not None


async def test_a_revoked_person_is_refused_by_the_next_policy(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    page = await look.find_people(hub, admin, text="ada")
    ada = page.rows[0].person
    await revoke.revoke_holder(hub, admin, subject=ada.id, kind=SubjectKind.PERSON, reason="left the company")
    admitted = await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"))
    assert admitted.decision.reason is Reason.CREDENTIAL_REVOKED
    assert agent.log == ["recorded"]


async def test_after_a_removal_nobody_can_tell_whose_record_it_was(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"), evidence=b"a jpeg")
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    ada = (await look.find_people(hub, admin, text="ada")).rows[0].person

    await register.remove_person(hub, admin, ada.id)

    (row,) = (await look.wall(hub, admin, demo.site)).rows
    assert isinstance(row, look.Passing)
    assert (row.who, row.subject, row.erased) == (None, None, True)
    with pytest.raises(KeyDestroyed):
        await look.evidence(hub, admin, row.key, purpose="who was it")
    with pytest.raises(NotFound):
        await look.person_file(hub, admin, ada.id)


async def test_looking_is_in_the_journal_with_whom_it_showed(
    hub: Services, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan, demo: Demo
) -> None:
    await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"))
    await receive(hub, await agent.known(), agent.entries)
    await look.wall(hub, admin, demo.site)
    await look.wall(hub, admin, demo.site)

    entries = [one.entry for one in await look.journal_page(hub, admin)]

    walls = [one for one in entries if one.act is Act.LOOKED and one.purpose == "live wall"]
    assert len(walls) == 1
    assert len(walls[0].subjects) == 1


async def test_a_tenant_never_sees_another_ones_site(hub: Services, stranger: Actor, demo: Demo) -> None:
    with pytest.raises(NotFound):
        await look.wall(hub, stranger, demo.site)


async def test_an_auditor_may_not_look_at_the_wall(hub: Services, admin: Actor, demo: Demo) -> None:
    auditor = Actor(tenant=admin.tenant, name="auditor", role=Role.AUDITOR)
    with pytest.raises(Refused):
        await look.wall(hub, auditor, demo.site)


async def test_a_request_passes_once(agent: DrawnAgent, hub: Services) -> None:
    request = agent.request()
    await agents.verify_request(hub, request)
    with pytest.raises(CannotVerify, match="made before"):
        await agents.verify_request(hub, request)


async def test_an_enrolment_code_is_good_once(hub: Services, admin: Actor, demo: Demo) -> None:
    code = await agents.new_code(hub, admin, demo.site)
    await agents.enrol(hub, code=code, sign_public=bytes(32), hpke_public=b"\x09" + bytes(31))
    with pytest.raises(Refused):
        await agents.enrol(hub, code=code, sign_public=bytes(32), hpke_public=b"\x09" + bytes(31))


async def test_an_agent_that_was_rolled_back_gets_a_new_number_and_may_send_what_is_left(
    hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    policy = await agent.policy()
    await admit(entrance, policy, card(places, "0410A1B2C3"))
    await receive(hub, await agent.known(), agent.entries)
    welcome = await agents.hello(hub, await agent.known(), highest_seq=0)
    assert welcome.renew
    fresh = await agents.renew(hub, await agent.known())
    assert fresh > agent.enrolled.agent
    agent.entries.clear()
    await admit(entrance, policy, card(places, "0410A1B2C4"))
    received = await receive(hub, await agent.known(), agent.entries)
    assert (received.acknowledged, received.quarantined) == ((), (1,))
