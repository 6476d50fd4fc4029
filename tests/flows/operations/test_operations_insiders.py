"""Against curious insiders: budgets, second persons, sealed exports, API keys, bait, unusual looking."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest
from pyrage import decrypt, x25519

from postern.clock import SetClock, utc_day
from postern.errors import BadInput, Conflict, NotFound, Refused
from postern.ids import OperatorId, PersonId, SiteId, new_id
from postern.journal.model import Act, NumberedEntry
from postern.operations import look
from postern.operations.archive import search
from postern.operations.archive.search import PassageSearch
from postern.operations.demo import Demo
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.insiders import approvals, budget
from postern.operations.insiders.approvals import State
from postern.operations.insiders.budget import BudgetSpent
from postern.operations.look import Wanted
from postern.operations.people import export, register
from postern.operations.people.export import Export, FileKind
from postern.operations.services import Services
from postern.operations.sites import places as site_operations
from postern.operators import store as operators
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Operator, Role
from postern.people.model import PersonDetails
from tests.flows.operations.drawn import NOON

WHY = {"purpose": "a stolen bicycle", "case": "C-1"}


async def seated(hub: Services, demo: Demo, name: str, role: Role) -> Actor:
    """An operator of the organisation."""
    operator = Operator(id=OperatorId(new_id()), tenant=demo.tenant, login_name=name, role=role)
    async with hub.database.transaction(demo.tenant) as tx:
        await operators.add(tx, hub.keyring, operator)
    return Actor(tenant=demo.tenant, name=name, role=role, operator=operator.id)


@pytest.fixture
async def guard(hub: Services, demo: Demo) -> Actor:
    return await seated(hub, demo, "gil", Role.SECURITY)


@pytest.fixture
async def officer(hub: Services, demo: Demo) -> Actor:
    return await seated(hub, demo, "paula", Role.PRIVACY_OFFICER)


@pytest.fixture
async def people(hub: Services, admin: Actor) -> list[PersonId]:
    """Thirty people whom no test's guard has added."""
    return [
        (await register.add_person(hub, admin, PersonDetails(name=f"Person {n:02d} Drawn"))).id
        for n in range(30)
    ]


async def journal_of(hub: Services, admin: Actor, name: str) -> list[NumberedEntry]:
    return [one for one in await look.journal_page(hub, admin, limit=200) if one.entry.actor == name]


async def concerns(hub: Services, officer: Actor) -> list[Concern]:
    return sorted({one.concern for one in await insider_alarms.insider_alarms(hub, officer)})


async def test_the_twenty_first_subject_of_an_hour_is_refused_journalled_and_told_the_officer(
    hub: Services, admin: Actor, guard: Actor, officer: Actor, people: list[PersonId], clock: SetClock
) -> None:
    for one in people[:20]:
        await look.person_file(hub, guard, one)
    with pytest.raises(BudgetSpent, match=r"20 people and vehicles .* within an hour"):
        await look.person_file(hub, guard, people[20])

    assert (await look.person_file(hub, guard, people[3])).person.id == people[3]  # again: not one more
    mine = await journal_of(hub, admin, "gil")
    refused = [one.entry for one in mine if one.entry.act is Act.REFUSED]
    assert [entry.subjects for entry in refused] == [(people[20],)]
    assert Concern.BUDGET_SPENT in await concerns(hub, officer)

    clock.advance(timedelta(hours=1))
    await look.person_file(hub, guard, people[20])


async def test_sixty_a_day_and_no_more_however_slowly(
    hub: Services, admin: Actor, guard: Actor, people: list[PersonId], clock: SetClock
) -> None:
    more = [
        (await register.add_person(hub, admin, PersonDetails(name=f"Another {n:02d}"))).id for n in range(31)
    ]
    everyone = people + more
    for start in range(0, 60, 15):
        for one in everyone[start : start + 15]:
            await look.person_file(hub, guard, one)
        clock.advance(timedelta(hours=4))  # over midnight, where a subject's tag changes
    assert [line.used for line in await budget.own_budget(hub, guard)] == [0, 60]
    await look.person_file(hub, guard, everyone[50])
    with pytest.raises(BudgetSpent, match=r"60 people and vehicles .* within 24 hours"):
        await look.person_file(hub, guard, everyone[60])


async def test_requests_at_the_same_moment_do_not_overrun_the_budget(
    hub: Services, guard: Actor, people: list[PersonId]
) -> None:
    answers = await asyncio.gather(
        *(look.person_file(hub, guard, one) for one in people), return_exceptions=True
    )
    assert sum(isinstance(one, look.PersonFile) for one in answers) == 20
    assert sum(isinstance(one, BudgetSpent) for one in answers) == 10


async def test_whom_one_added_oneself_is_on_ones_own_desk(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    for one in people:
        await look.person_file(hub, admin, one)
    assert [line.used for line in await budget.own_budget(hub, admin)] == [0, 0]


async def test_names_in_a_list_are_free_at_the_registry_desk_and_counted_elsewhere(
    hub: Services, demo: Demo, guard: Actor, people: list[PersonId]
) -> None:
    clerk = await seated(hub, demo, "hanna", Role.HR)
    assert len((await look.find_people(hub, clerk, limit=50)).rows) == 36
    assert [line.used for line in await budget.own_budget(hub, clerk)] == [0, 0]

    assert len((await look.find_people(hub, guard, limit=50)).rows) == 10
    assert [line.used for line in await budget.own_budget(hub, guard)] == [10, 10]
    await look.find_people(hub, guard, first=10)
    with pytest.raises(BudgetSpent):
        await look.find_people(hub, guard, first=20)


async def test_a_fault_while_looking_leaves_nothing_counted_and_nothing_shown(
    hub: Services, guard: Actor, people: list[PersonId], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_journal(*args: object, **named: object) -> NoReturn:
        raise Conflict("the journal is away")

    monkeypatch.setattr(budget, "trace", no_journal)
    with pytest.raises(Conflict):
        await look.person_file(hub, guard, people[0])
    monkeypatch.undo()
    assert [line.used for line in await budget.own_budget(hub, guard)] == [0, 0]


async def test_the_wall_of_a_site_that_is_not_on_ones_desk_is_counted(
    hub: Services, demo: Demo, admin: Actor, guard: Actor
) -> None:
    async with hub.database.transaction(demo.tenant) as tx:
        assert await budget.is_on_desk(hub, tx, guard, demo.site)  # the only site
    other = await site_operations.create_site(hub, admin, name="Depot", time_zone="Europe/Berlin")
    assert guard.operator is not None
    async with hub.database.transaction(demo.tenant) as tx:
        assert not await budget.is_on_desk(hub, tx, guard, demo.site)
    await budget.set_desk(hub, admin, guard.operator, [other.id])
    async with hub.database.transaction(demo.tenant) as tx:
        assert await budget.is_on_desk(hub, tx, guard, other.id)
        assert not await budget.is_on_desk(hub, tx, guard, demo.site)
    with pytest.raises(NotFound):
        await budget.set_desk(hub, admin, guard.operator, [SiteId(77)])
    with pytest.raises(Refused):
        await budget.set_desk(hub, guard, guard.operator, [demo.site])


def far_search(demo: Demo, subject: PersonId) -> PassageSearch:
    return PassageSearch(
        wanted=Wanted(subject=subject),
        sites=(demo.site,),
        first=utc_day(NOON) - timedelta(days=30),
        last=utc_day(NOON),
    )


async def searched(hub: Services, actor: Actor, wanted: PassageSearch, **approval: object) -> object:
    return await look.search_passages(
        hub,
        actor,
        wanted.wanted,
        site_ids=wanted.sites,
        first=wanted.first,
        last=wanted.last,
        **WHY,
        **approval,  # type: ignore[arg-type]
    )


async def test_looking_far_back_needs_a_second_person_once_and_for_exactly_this(
    hub: Services, demo: Demo, guard: Actor, officer: Actor, people: list[PersonId]
) -> None:
    wanted = far_search(demo, people[0])
    with pytest.raises(Refused, match="second person"):
        await searched(hub, guard, wanted)
    asked = await search.ask_to_search(hub, guard, wanted, **WHY)
    with pytest.raises(Refused, match="nobody has agreed"):
        await searched(hub, guard, wanted, approval=asked.id)
    (shown,) = await approvals.waiting(hub, officer)
    assert (shown.asked_by, shown.case, shown.asked.subjects) == ("gil", "C-1", (people[0],))
    await approvals.decide(hub, officer, asked.id, approved=True, reason="police request")

    with pytest.raises(Refused, match="something else"):
        await searched(hub, guard, replace(wanted, wanted=Wanted(subject=people[1])), approval=asked.id)
    assert await searched(hub, guard, wanted, approval=asked.id) == []
    with pytest.raises(Refused, match="was used"):
        await searched(hub, guard, wanted, approval=asked.id)
    assert [one.state for one in await approvals.own_requests(hub, guard)] == [State.USED]


async def test_nobody_is_their_own_second_person(
    hub: Services, demo: Demo, admin: Actor, guard: Actor, people: list[PersonId]
) -> None:
    boss = await seated(hub, demo, "bea", Role.ADMINISTRATOR)
    asked = await search.ask_to_search(hub, boss, far_search(demo, people[0]), **WHY)
    assert await approvals.waiting(hub, boss) == []
    with pytest.raises(Refused, match="own request"):
        await approvals.decide(hub, boss, asked.id, approved=True, reason="I said so")
    by_key = replace(boss, name="bea/robot", scopes=frozenset({"approve"}))
    with pytest.raises(Refused, match="own request"):
        await approvals.decide(hub, by_key, asked.id, approved=True, reason="I said so")
    with pytest.raises(Refused, match="approve"):
        await approvals.decide(hub, guard, asked.id, approved=True, reason="why not")
    await approvals.decide(hub, admin, asked.id, approved=False, reason="no case")
    with pytest.raises(Conflict):
        await approvals.decide(hub, admin, asked.id, approved=True, reason="after all")
    with pytest.raises(Refused):
        await searched(hub, boss, far_search(demo, people[0]), approval=asked.id)


async def test_an_approval_is_over_after_a_day_and_serves_one_of_two_at_once(
    hub: Services, demo: Demo, guard: Actor, officer: Actor, people: list[PersonId], clock: SetClock
) -> None:
    wanted = far_search(demo, people[0])
    late = await search.ask_to_search(hub, guard, wanted, **WHY)
    await approvals.decide(hub, officer, late.id, approved=True, reason="police request")
    clock.advance(timedelta(hours=24))
    with pytest.raises(Refused, match="is over"):
        await searched(hub, guard, wanted, approval=late.id)

    asked = await search.ask_to_search(hub, guard, wanted, **WHY)
    await approvals.decide(hub, officer, asked.id, approved=True, reason="police request")
    answers = await asyncio.gather(
        *(searched(hub, guard, wanted, approval=asked.id) for _ in range(4)), return_exceptions=True
    )
    assert sum(answer == [] for answer in answers) == 1
    assert all(isinstance(one, Refused | Conflict) for one in answers if one != [])


async def test_an_export_is_sealed_to_its_recipient_and_in_bulk_needs_a_second_person(
    hub: Services, demo: Demo, officer: Actor, people: list[PersonId], guard: Actor
) -> None:
    clerk = await seated(hub, demo, "hanna", Role.HR)
    holder = x25519.Identity.generate()
    wanted = Export(recipient="Payroll", recipient_key=str(holder.to_public()), kind=FileKind.JSON)
    with pytest.raises(Refused, match="second person"):
        await export.export_people(hub, clerk, wanted, **WHY)
    asked = await export.ask_to_export(hub, clerk, wanted, **WHY)
    await approvals.decide(hub, officer, asked.id, approved=True, reason="monthly run")
    with pytest.raises(Refused, match="something else"):
        await export.export_people(hub, clerk, replace(wanted, recipient="Me"), **WHY, approval=asked.id)
    made = await export.export_people(hub, clerk, wanted, **WHY, approval=asked.id)

    assert b"Ada Nowak" not in made.sealed
    assert made.sealed.startswith(b"age-encryption.org/v1\n")
    names = [one["name"] for one in json.loads(decrypt(made.sealed, [holder]))]
    assert (len(names), made.people) == (36, 36)
    assert "Ada Nowak" in names
    assert [line.used for line in await budget.own_budget(hub, clerk)] == [0, 0]

    few = replace(wanted, people=tuple(people[:5]), kind=FileKind.CSV)
    small = await export.export_people(hub, clerk, few, **WHY)
    assert decrypt(small.sealed, [holder]).decode().splitlines()[0].startswith("id,name,employee_number")
    assert [line.used for line in await budget.own_budget(hub, clerk)] == [5, 5]
    with pytest.raises(BadInput, match="age1"):
        await export.export_people(hub, clerk, replace(few, recipient_key="age1nobody"), **WHY)
    with pytest.raises(Refused):
        await export.export_people(hub, guard, few, **WHY)


async def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_text(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    evil = await register.add_person(hub, admin, PersonDetails(name="=cmd|' /C calc'!A0"))
    holder = x25519.Identity.generate()
    wanted = Export(recipient="Payroll", recipient_key=str(holder.to_public()), people=(evil.id,))
    made = await export.export_people(hub, admin, wanted, **WHY)
    assert ",'=cmd" in decrypt(made.sealed, [holder]).decode()


async def test_unusual_looking_is_told_once_a_day_and_never_to_oneself(
    hub: Services, demo: Demo, officer: Actor, people: list[PersonId], clock: SetClock
) -> None:
    clock.advance(timedelta(hours=11))  # 23:00 in Berlin
    for _ in range(2):
        for one in people[:3]:
            await look.person_file(hub, officer, one)
    other = await seated(hub, demo, "petra", Role.PRIVACY_OFFICER)
    assert await insider_alarms.insider_alarms(hub, officer) == []
    (alarm,) = await insider_alarms.insider_alarms(hub, other)
    assert (alarm.concern, alarm.about) == (Concern.AT_NIGHT, "paula")
    with pytest.raises(NotFound):
        await insider_alarms.look_into(hub, officer, alarm.id, finding="nothing to see")
    seen = await insider_alarms.look_into(hub, other, alarm.id, finding="was on call")
    assert (seen.seen_by, seen.finding) == ("petra", "was on call")


async def test_a_case_makes_looking_again_an_honest_thing(
    hub: Services, demo: Demo, guard: Actor, officer: Actor, people: list[PersonId]
) -> None:
    for _ in range(6):
        await look.person_file(hub, guard, people[0], purpose="a stolen bicycle", case="C-1")
    assert await concerns(hub, officer) == []
    for _ in range(5):
        await look.person_file(hub, guard, people[0])
    assert await concerns(hub, officer) == [Concern.AGAIN_AND_AGAIN]


async def test_what_is_kept_of_looks_joins_no_two_operators_or_days(
    hub: Services, demo: Demo, guard: Actor, officer: Actor, people: list[PersonId], clock: SetClock
) -> None:
    async def tags() -> set[bytes]:
        async with hub.database.transaction(demo.tenant) as tx:
            cursor = await tx.execute("SELECT tag FROM opened_subject WHERE NOT brought_in")
            return {bytes(tag) for (tag,) in await cursor.fetchall()}

    await look.person_file(hub, guard, people[0])
    await look.person_file(hub, officer, people[0])
    first = await tags()
    assert len(first) == 2
    clock.advance(timedelta(hours=20))
    await look.person_file(hub, guard, people[0])
    assert len(await tags() - first) == 1
    clock.advance(timedelta(hours=30))
    await look.person_file(hub, guard, people[1])
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute(
            "SELECT count(*) FROM opened_subject WHERE opened_by = %s", (guard.principal,)
        )
        assert await cursor.fetchone() == (1,)
