"""Managers see and decide about the hours of the people whom they manage, and of nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

import pytest

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import CorrectionDeed, CorrectionState, Direction
from postern.errors import Conflict, NotFound, Refused
from postern.ids import OperatorId, PersonId, new_id
from postern.operations.attendance import close_period, corrections, punches, scope, timesheets
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance.people import employed
from postern.operations.attendance.scope import Scope
from postern.operations.attendance.timesheets import TeamWanted
from postern.operations.operators import who_they_are
from postern.operations.people import employments, teams
from postern.operations.privacy import erase
from postern.operators import person_store, store
from postern.operators.model import Actor, Operator, Role
from postern.people.employment import Terms
from tests.flows.attendance.worked import Worked, at

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
DAY = date(2026, 3, 3)


@dataclass(frozen=True, kw_only=True)
class Crew:
    """A team with its leader, somebody of another team, and the leader's own login."""

    lead: PersonId
    ours: PersonId
    theirs: PersonId
    manager: Actor
    other: Actor


async def login(works: Worked, name: str, role: Role) -> Actor:
    made = Operator(id=OperatorId(new_id()), tenant=works.tenant, login_name=name, role=role)
    async with works.services.database.transaction(works.tenant) as tx:
        await store.add(tx, works.services.keyring, made)
    return Actor(tenant=works.tenant, name=name, role=role, operator=made.id)


@pytest.fixture
async def crew(works: Worked) -> Crew:
    hub, admin = works.services, works.admin
    lead, ours, theirs = [await works.person(name) for name in ("Lea Lead", "Otto Ours", "Tara Theirs")]
    red = await teams.add_team(hub, admin, name="Red", manager=lead)
    blue = await teams.add_team(hub, admin, name="Blue")
    for who, team in ((lead, red), (ours, red), (theirs, blue)):
        terms = Terms(first=date(2026, 1, 1), team=team.id, site=works.site)
        await employments.add_employment(hub, admin, person=who, version=0, terms=terms)
    manager = await login(works, "lea", Role.MANAGER)
    assert manager.operator is not None
    await who_they_are.link_person(hub, admin, manager.operator, lead)
    other = await login(works, "hanna", Role.HR)
    return Crew(lead=lead, ours=ours, theirs=theirs, manager=manager, other=other)


def team(works: Worked) -> TeamWanted:
    return TeamWanted(site=works.site, first=FIRST, last=LAST)


def excuse() -> WantedCorrection:
    return WantedCorrection(day=DAY, deed=CorrectionDeed.EXCUSE, reason="was ill")


async def test_a_manager_sees_the_hours_of_their_own_team_and_is_not_listed_with_them(
    works: Worked, crew: Crew
) -> None:
    hub = works.services
    found = await timesheets.team_hours(hub, crew.manager, team(works))
    assert ([one.person for one in found.rows], found.total) == ([crew.ours], 1)
    assert found.rows[0].manager == crew.lead
    everybody = await timesheets.team_hours(hub, crew.other, team(works))
    assert {one.person for one in everybody.rows} == {crew.lead, crew.ours, crew.theirs}
    seen = await timesheets.person_hours(hub, crew.manager, crew.ours, first=FIRST, last=LAST)
    assert seen.person == crew.ours


async def deeds(works: Worked, crew: Crew, whose: PersonId) -> list[Callable[[], Awaitable[object]]]:
    hub, mine = works.services, crew.manager
    asked = await corrections.propose_correction(hub, crew.other, whose, excuse())
    return [
        lambda: timesheets.person_hours(hub, mine, whose, first=FIRST, last=LAST),
        lambda: timesheets.approve_month(hub, mine, whose, date(2026, 2, 1)),
        lambda: corrections.propose_correction(hub, mine, whose, excuse()),
        lambda: corrections.approve_correction(hub, mine, whose, asked),
        lambda: corrections.refuse_correction(hub, mine, whose, asked, reason="not that day"),
        lambda: punches.enter_punch(
            hub, mine, whose, at=at("03-03 07:00"), direction=Direction.IN, reason="forgot"
        ),
    ]


async def refusals(works: Worked, crew: Crew, whose: PersonId) -> list[bool]:
    found = []
    for deed in await deeds(works, crew, whose):
        try:
            await deed()
        except Refused:
            found.append(True)
        except Conflict:
            found.append(False)
        else:
            found.append(False)
    return found


async def test_everything_about_anybody_else_is_refused_to_a_manager_their_own_hours_too(
    works: Worked, crew: Crew
) -> None:
    assert all(await refusals(works, crew, crew.theirs))
    assert all(await refusals(works, crew, crew.lead))


async def test_the_mutant_that_takes_every_person_for_the_managers_own_is_caught(
    works: Worked, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope.Scope, "holds", lambda self, one: True)
    assert not all(await refusals(works, crew, crew.theirs))


async def test_a_manager_decides_about_an_absence_of_their_people(works: Worked, crew: Crew) -> None:
    hub = works.services
    asked = await corrections.propose_correction(hub, crew.other, crew.ours, excuse())
    await corrections.approve_correction(hub, crew.manager, crew.ours, asked)
    seen = await timesheets.person_hours(hub, crew.manager, crew.ours, first=FIRST, last=LAST)
    assert [one.state for one in seen.corrections] == [CorrectionState.APPROVED]
    await timesheets.approve_month(hub, crew.manager, crew.ours, date(2026, 2, 1))


async def test_whom_an_employment_names_goes_before_the_leader_of_the_team(works: Worked, crew: Crew) -> None:
    hub, admin = works.services, works.admin
    file = (await employments.employment_file(hub, admin, crew.ours)).employments
    named = Terms(first=date(2026, 1, 1), team=file.every[0].terms.team, site=works.site, manager=crew.theirs)
    await employments.change_employment(
        hub, admin, person=crew.ours, version=file.version, id=file.every[0].id, terms=named
    )
    assert (await timesheets.team_hours(hub, crew.manager, team(works))).total == 0
    with pytest.raises(Refused, match="somebody else manages"):
        await timesheets.person_hours(hub, crew.manager, crew.ours, first=FIRST, last=LAST)


async def test_a_manager_who_is_linked_to_nobody_or_left_sees_nobody(works: Worked, crew: Crew) -> None:
    hub, admin = works.services, works.admin
    loose = await login(works, "loose", Role.MANAGER)
    assert (await timesheets.team_hours(hub, loose, team(works))).total == 0
    file = (await employments.employment_file(hub, admin, crew.lead)).employments
    left = Terms(first=date(2026, 1, 1), last=date(2026, 3, 1), site=works.site)
    await employments.change_employment(
        hub, admin, person=crew.lead, version=file.version, id=file.every[0].id, terms=left
    )
    assert (await timesheets.team_hours(hub, crew.manager, team(works))).total == 0


async def test_a_manager_sees_no_periods_and_no_rosters_of_anybody(works: Worked, crew: Crew) -> None:
    hub = works.services
    with pytest.raises(Refused):
        await close_period.closed_periods(hub, crew.manager, works.site)
    with pytest.raises(Refused):
        await attendance_setup.rosters(hub, crew.manager, works.site)
    with pytest.raises(Refused):
        await attendance_setup.assignment_of(hub, crew.manager, crew.ours)


async def test_nobody_who_is_linked_decides_about_their_own_hours(works: Worked, crew: Crew) -> None:
    hub = works.services
    assert crew.other.operator is not None
    await who_they_are.link_person(hub, works.admin, crew.other.operator, crew.theirs)
    with pytest.raises(Refused, match="their own hours"):
        await timesheets.approve_month(hub, crew.other, crew.theirs, date(2026, 2, 1))
    with pytest.raises(Refused, match="their own hours"):
        await punches.enter_punch(
            hub, crew.other, crew.theirs, at=at("03-03 07:00"), direction=Direction.IN, reason="forgot"
        )


async def test_a_link_is_an_administrators_and_dies_with_the_person(works: Worked, crew: Crew) -> None:
    hub = works.services
    assert crew.manager.operator is not None
    with pytest.raises(Refused):
        await who_they_are.link_person(hub, crew.other, crew.manager.operator, crew.lead)
    with pytest.raises(NotFound):
        await who_they_are.link_person(hub, works.admin, crew.manager.operator, PersonId(new_id()))
    linked = await who_they_are.linked_people(hub, works.admin)
    assert {one.name for one in linked.values()} == {"Lea Lead"}
    await erase.erase_person(hub, works.admin, crew.lead)
    async with hub.database.transaction(works.tenant) as tx:
        assert await person_store.people_of(tx, hub.keyring, works.tenant) == {}
    assert (await timesheets.team_hours(hub, crew.manager, team(works))).total == 0


async def test_an_empty_scope_holds_nobody(works: Worked) -> None:
    who = await works.person("Nobody's")
    async with works.services.database.transaction(works.tenant) as tx:
        found = await employed(works.services, tx, works.tenant, who, first=FIRST, last=LAST)
    assert not Scope().holds(found)
    assert not Scope(own=who).holds(found)
    assert Scope(everybody=True).holds(found)
