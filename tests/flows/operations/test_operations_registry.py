"""The registry: adding, changing, finding, importing, searching; and doors opened from afar."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from postern.access.decision import PlatePresented, Request
from postern.access.model import CredentialKind
from postern.clock import SetClock, utc_day
from postern.errors import BadInput, Conflict, Refused
from postern.ids import DoorId
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.people import credentials, register
from postern.operations.people.import_csv import ImportKind, apply_import, check_import
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.operations.sites.open_door import open_door
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.sites.store import SitePlan
from postern.vehicles.model import VehicleDetails
from tests.flows.operations.drawn import DrawnAgent

RESIDENT_ID = "11010519491231002X"  # the example of GB 11643


async def test_a_stale_change_is_a_conflict(hub: Services, admin: Actor) -> None:
    person = await register.add_person(hub, admin, PersonDetails(name="Gita Rao"))
    changed = await register.change_person(
        hub, admin, id=person.id, version=person.version, details=PersonDetails(name="Gita Roy")
    )
    assert changed.version == 2
    with pytest.raises(Conflict, match="reload"):
        await register.change_person(
            hub, admin, id=person.id, version=person.version, details=PersonDetails(name="Gita Ray")
        )
    assert (await look.person_file(hub, admin, person.id)).person.details.name == "Gita Roy"


async def test_two_people_never_share_a_number(hub: Services, admin: Actor) -> None:
    await register.add_person(hub, admin, PersonDetails(name="One", resident_id_number=RESIDENT_ID))
    with pytest.raises(Conflict, match="resident id number"):
        await register.add_person(
            hub, admin, PersonDetails(name="Two", resident_id_number=RESIDENT_ID.lower())
        )


async def test_a_vehicle_is_found_by_a_part_of_its_plate(hub: Services, admin: Actor) -> None:
    page = await look.find_vehicles(hub, admin, text="dm 1OO1")
    assert [row.vehicle.details.plate for row in page.rows] == ["PDM1001"]


async def test_a_plate_that_cameras_cannot_tell_from_a_registered_one_is_a_conflict(
    hub: Services, admin: Actor
) -> None:
    with pytest.raises(Conflict, match="O and 0, I and 1 are read alike"):
        await register.add_vehicle(hub, admin, VehicleDetails(plate="P-DM IOO1"))
    other = await register.add_vehicle(hub, admin, VehicleDetails(plate="P-DM 3"))
    with pytest.raises(Conflict, match="read alike"):
        await register.change_vehicle(
            hub, admin, id=other.id, version=other.version, details=VehicleDetails(plate="p dm ioo1")
        )
    data = b"plate\nP-DM 1OOI\nX-O 1\nX-0 I\nX-Q 1\n"
    report = await check_import(hub, admin, kind=ImportKind.VEHICLES, data=data)
    assert [(one.line, "read alike" in one.problem) for one in report.bad] == [(2, True), (4, True)]
    assert (await look.find_vehicles(hub, admin, text="PDM3")).total == 1


async def test_whoever_holds_a_plate_in_the_policy_is_the_one_that_was_registered(
    hub: Services, admin: Actor, agent: DrawnAgent
) -> None:
    first = (await look.find_vehicles(hub, admin, text="PDM1001")).rows[0].vehicle
    with pytest.raises(Conflict):
        await register.add_vehicle(hub, admin, VehicleDetails(plate="PDM1O01"))
    found = (await agent.policy()).holder_of(CredentialKind.PLATE, "PDM-1O0I")
    assert found is not None
    assert found[0].subject == first.id


async def test_a_card_belongs_to_one_person(hub: Services, admin: Actor) -> None:
    person = await register.add_person(hub, admin, PersonDetails(name="Gita Rao"))
    with pytest.raises(Conflict, match="somebody else"):
        await credentials.issue_card(hub, admin, person=person.id, number="04:10:A1:B2:C3")


async def test_a_dry_run_tells_each_line_and_changes_nothing(hub: Services, admin: Actor) -> None:
    data = (
        "name,employee_number,resident_id_number,card,access_levels\n"
        f"Good One,2001,{RESIDENT_ID},CA01,Staff\n"
        f"Taken Number,2006,{RESIDENT_ID.lower()},,\n"
        "Wrong Id,2002,110105194912310021,,\n"
        "Same Card,2003,,ca-01,\n"
        "No Level,2004,,,Nowhere\n"
        ",2005,,,\n"
    ).encode()
    report = await check_import(hub, admin, kind=ImportKind.PEOPLE, data=data)
    assert [one.line for one in report.bad] == [3, 4, 5, 6, 7]
    assert report.bad[0].problem == "the resident ID number is in line 2 already"
    assert "last character" in report.bad[1].problem
    assert "line 2" in report.bad[2].problem
    assert (await look.find_people(hub, admin, text="Good")).total == 0


async def test_an_import_with_bad_lines_is_refused_unless_they_are_skipped(
    hub: Services, admin: Actor
) -> None:
    data = "name,card\nGood One,CA01\n,CA02\n".encode("utf-8-sig")
    with pytest.raises(BadInput, match="1 of 2"):
        await apply_import(hub, admin, kind=ImportKind.PEOPLE, data=data)
    done = await apply_import(hub, admin, kind=ImportKind.PEOPLE, data=data, skip_bad=True)
    assert done.applied == 1
    assert (await look.find_people(hub, admin, text="good one")).total == 1


async def test_vehicles_are_imported_with_their_keepers(hub: Services, admin: Actor) -> None:
    data = "plate;keeper_employee_number;access_levels\n沪B·12345;1003;Always\n".encode("gb18030")
    await apply_import(hub, admin, kind=ImportKind.VEHICLES, data=data)
    row = (await look.find_vehicles(hub, admin, text="沪B12345")).rows[0]
    assert (await look.vehicle_file(hub, admin, row.vehicle.id)).keeper == "林小雨"


async def test_a_file_without_its_heading_is_refused(hub: Services, admin: Actor) -> None:
    with pytest.raises(BadInput, match="columns"):
        await check_import(hub, admin, kind=ImportKind.PEOPLE, data=b"Ada,1\n")


async def test_passages_of_a_plate_nobody_registered_are_found_by_its_text(
    hub: Services,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: SetClock,
) -> None:
    drive = next(one for one in places.access_points if one.name == "Driveway barrier, in")
    policy = await agent.policy()
    for text in ("HH AB 123", "HH AB 124", "P DM 1001"):
        await admit(
            entrance, policy, Request(access_point=drive.id, presented=PlatePresented(text=text, score=0.9))
        )
    await receive(hub, await agent.known(), agent.entries)
    today = utc_day(clock.now())

    async def found(plate: str) -> list[str | None]:
        rows = await look.search_passages(
            hub,
            admin,
            look.Wanted(plate=plate),
            site_ids=[places.site.id],
            first=today,
            last=today,
            purpose="parked across the exit",
            case="C-17",
        )
        return [row.who for row in rows if isinstance(row, look.Passing)]

    assert await found("HH-AB-123") == ["HHAB123"]
    assert await found("P-DM-1001") == ["PDM1001"]
    assert await found("B-XX-1") == []


async def test_searching_more_than_a_week_back_is_refused(
    hub: Services, admin: Actor, places: SitePlan, clock: SetClock
) -> None:
    today = utc_day(clock.now())
    with pytest.raises(Refused, match="second person"):
        await look.search_passages(
            hub,
            admin,
            look.Wanted(plate="X1"),
            site_ids=[places.site.id],
            first=today - timedelta(days=8),
            last=today,
            purpose="theft of a bicycle",
            case="C-18",
        )


async def test_a_door_opens_from_afar_with_a_reason_and_the_agents_answer_comes_back(
    hub: Services, admin: Actor, agent: DrawnAgent, places: SitePlan
) -> None:
    door = places.doors[0]
    known = await agent.known()

    async def serve() -> None:
        async for one in commands.instructions(hub, known):
            if one.command == "open-door":
                assert one.fields == {
                    "door": str(door.id),
                    "operator": "admin",
                    "reason": "courier at the door",
                }
                await commands.answered(hub, known, one.id, done=True, detail="released")
                return

    serving = asyncio.create_task(serve())
    done = await open_door(hub, admin, site=places.site.id, door=door.id, reason="courier at the door")
    await serving
    assert done == commands.CommandOutcome(done=True, detail="released")


async def test_a_door_is_not_opened_without_a_reason(hub: Services, admin: Actor, places: SitePlan) -> None:
    with pytest.raises(BadInput, match="why"):
        await open_door(hub, admin, site=places.site.id, door=DoorId(places.doors[0].id), reason=" ")
