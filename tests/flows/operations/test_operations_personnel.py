"""Personnel on a real database: who works here until when, teams, a file of new people, and who leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest

from postern.access.decision import Denied, Granted, PlatePresented, Request, decide
from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.errors import Conflict, NotFound, Refused
from postern.ids import PersonId
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.people import employments, register, teams
from postern.operations.people.enrol import enrol
from postern.operations.people.import_csv import ImportKind, apply_import, check_import
from postern.operations.people.leavers import Staying
from postern.operations.privacy import erase
from postern.operations.privacy.consent import give_consent
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale, publish_stale
from postern.operators.model import Actor, Role
from postern.people import employment_store
from postern.people.employment import Contractor, Team, Terms
from postern.people.model import PersonDetails
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import DrawnAgent

TODAY = date(2026, 3, 4)


async def someone(hub: Services, admin: Actor, name: str = "Gita Rao", number: str = "2001") -> PersonId:
    details = PersonDetails(name=name, employee_number=number)
    return (await register.add_person(hub, admin, details)).id


async def keeper_of_the_plate(hub: Services, admin: Actor) -> PersonId:
    """Somebody who may come in, and keeps a vehicle that may drive in."""
    ada = (await look.find_people(hub, admin, text="Ada")).rows[0].person.id
    vehicle = (await look.find_vehicles(hub, admin, text="PDM1001")).rows[0].vehicle
    kept = replace(vehicle.details, keeper=ada)
    await register.change_vehicle(hub, admin, id=vehicle.id, version=vehicle.version, details=kept)
    return ada


async def decided(agent: DrawnAgent, places: SitePlan, at: datetime) -> Granted | Denied:
    """What the agent, by the policy it holds, says to that plate at that time."""
    await publish_stale(agent.hub)
    policy = await agent.policy()
    holder = policy.holder_of(CredentialKind.PLATE, "PDM1001")
    assert holder is not None
    opened = {point for level in policy.levels for point in level.access_points}
    point = next(one for one in policy.access_points if one.id in opened and not one.way_out)
    request = Request(access_point=point.id, presented=PlatePresented(text="PDM1001", score=0.99))
    return decide(request, policy, at)


async def faces(agent: DrawnAgent) -> set[UUID]:
    """Whose references the agent's policy holds."""
    await publish_stale(agent.hub)
    return {person for part in (await agent.policy()).gallery for person in part.people}


async def test_whoever_leaves_is_refused_from_that_minute_also_by_an_agent_that_is_away(
    hub: Services,
    admin: Actor,
    agent: DrawnAgent,
    places: SitePlan,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = await keeper_of_the_plate(hub, admin)
    await give_consent(hub, admin, person=person)
    await enrol(hub, admin, person=person, photos=[b"pic\xff\0\0"])
    await employments.add_employment(
        hub, admin, person=person, version=0, terms=Terms(first=TODAY - timedelta(days=400))
    )
    await employments.end_employment(hub, admin, person=person, last=TODAY, until=time(12, 30))
    ends = datetime(2026, 3, 4, 11, 30, tzinfo=hub.clock.now().tzinfo)
    assert isinstance(await decided(agent, places, ends - timedelta(seconds=1)), Granted)
    assert await faces(agent) == {person}
    refused = await decided(agent, places, ends)
    assert isinstance(refused, Denied)
    assert refused.reason is Reason.EXPIRED

    clock.advance(ends - clock.now())
    async with hub.database.transaction(admin.tenant) as tx:
        await mark_stale(hub, tx, admin.tenant)
    assert await faces(agent) == set()  # a leaver's face has no business at a site

    async def forgetful(*_: object) -> Staying:
        return Staying(spans={})

    monkeypatch.setattr("postern.operations.sites.publish_policy.staying", forgetful)
    await employments.end_employment(hub, admin, person=person, last=TODAY, until=time(12, 30))
    assert isinstance(await decided(agent, places, ends), Granted)  # the mutant is seen


async def test_employments_are_kept_by_version_without_overlap_and_not_by_security(
    hub: Services, admin: Actor, demo: Demo
) -> None:
    person = await someone(hub, admin)
    known = await employments.add_employment(hub, admin, person=person, version=0, terms=Terms(first=TODAY))
    with pytest.raises(Conflict, match="meanwhile"):
        await employments.add_employment(hub, admin, person=person, version=0, terms=Terms(first=TODAY))
    with pytest.raises(Conflict, match="overlap"):
        await employments.add_employment(hub, admin, person=person, version=1, terms=Terms(first=TODAY))
    with pytest.raises(NotFound):
        await employments.end_employment(hub, admin, person=person, last=TODAY - timedelta(days=1))
    gone = await employments.remove_employment(hub, admin, person=person, version=1, id=known.every[0].id)
    assert (gone.version, gone.every) == (2, ())

    guard = Actor(tenant=demo.tenant, name="guard", role=Role.SECURITY)
    with pytest.raises(Refused):
        await employments.employment_file(hub, guard, person)
    data = b"name,first_day\nWei Zhang,2026-03-01\n"
    with pytest.raises(Refused, match="change-employments"):
        await check_import(hub, guard, kind=ImportKind.PEOPLE, data=data)
    data = b"name,first_day\nWei Zhang,\n"
    assert not (await check_import(hub, guard, kind=ImportKind.PEOPLE, data=data)).bad


async def test_a_team_is_counted_by_the_day_and_kept_while_hours_name_it(hub: Services, admin: Actor) -> None:
    person, leader = await someone(hub, admin), await someone(hub, admin, "Ada Boss", "2002")
    team = await teams.add_team(hub, admin, name="Roof", manager=leader)
    with pytest.raises(Conflict, match="this name"):
        await teams.add_team(hub, admin, name="roof")
    terms = Terms(first=TODAY, last=TODAY, team=team.id, occupation="Roofer")
    await employments.add_employment(hub, admin, person=person, version=0, terms=terms)
    (counted,) = await teams.teams(hub, admin, TODAY)
    assert (counted.unit.name, counted.people) == ("Roof", 1)
    file = await teams.team_file(hub, admin, team.id, TODAY)
    assert [(one.name, one.occupation) for one in file.members] == [("Gita Rao", "Roofer")]
    assert file.manager is not None
    assert file.manager.id == leader
    assert (await teams.team_file(hub, admin, team.id, TODAY + timedelta(days=1))).members == ()
    with pytest.raises(Conflict, match="hours name it"):
        await teams.remove_team(hub, admin, team.id)


HEADING = "name,employee_number,first_day,last_day,contractor,team,manager_employee_number,occupation"


async def test_a_file_brings_employments_and_each_refused_line_says_why(hub: Services, admin: Actor) -> None:
    await teams.add_team(hub, admin, name="Roof")
    await teams.add_contractor(hub, admin, name="Nord Bau", contract="N-17")
    lines = [
        "Ada Boss,b1,2026-03-01,,Nord Bau,Roof,,Foreman",
        "Gita Rao,2001,2026-03-01,2026-12-31,nord bau,ROOF,B1,Roofer",
        "Wei Zhang,2002,,,Nord Bau,,,",
        "Eva Kern,2003,2026-03-01,2026-02-01,,,,",
        "Tom Alt,2004,2026-03-01,,,Cellar,,",
        "Uwe Neu,2005,2026-03-01,,,,9999,",
        "Ivo Tief,2006,2026-03-01,,,,2005,",
        "Jo Selbst,2007,2026-03-01,,,,2007,",
    ]
    data = "\n".join([HEADING, *lines]).encode()
    report = await check_import(hub, admin, kind=ImportKind.PEOPLE, data=data)
    assert {one.line: one.problem.split(";")[0][:40] for one in report.bad} == {
        4: "an employment needs its first_day",
        5: "the last day lies before the first",
        6: "there is no team 'Cellar'",
        7: "nobody has the manager's employee number",
        8: "nobody has the manager's employee number",
        9: "nobody has the manager's employee number",
    }
    await apply_import(hub, admin, kind=ImportKind.PEOPLE, data=data, skip_bad=True)
    gita, ada = [
        (await look.find_people(hub, admin, text=name)).rows[0].person.id for name in ("Gita", "Ada")
    ]
    (one,) = (await employments.employment_file(hub, admin, gita)).employments.every
    assert one.terms.manager == ada
    assert one.terms.occupation == "Roofer"
    (counted,) = await teams.contractors(hub, admin, TODAY)
    assert counted.people == 2


async def test_an_erased_manager_manages_nobody_and_leaves_no_employment(hub: Services, admin: Actor) -> None:
    person, leader = await someone(hub, admin), await someone(hub, admin, "Ada Boss", "2002")
    await teams.add_team(hub, admin, name="Roof", manager=leader)
    terms = Terms(first=TODAY, manager=leader)
    await employments.add_employment(hub, admin, person=person, version=0, terms=terms)
    await employments.add_employment(hub, admin, person=leader, version=0, terms=Terms(first=TODAY))
    receipt = await erase.erase_person(hub, admin, leader)
    assert ("employment", 1) in [(one.what, one.count) for one in receipt.removed]
    async with hub.database.transaction(admin.tenant) as tx:
        every = await hub.registry.employments.all(tx, admin.tenant)
        (team,) = await employment_store.units(tx, hub.keyring, admin.tenant, Team)
        assert await employment_store.units(tx, hub.keyring, admin.tenant, Contractor) == []
    assert team.manager is None
    assert leader not in every
    assert every[person].every[0].terms.manager is None
