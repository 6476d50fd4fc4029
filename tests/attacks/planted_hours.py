"""Planted people keep hours: a roster, punches, corrections with planted reasons, a period that is closed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from postern.ids import OperatorId, PersonId, new_id
from postern.operations.attendance import timesheets
from postern.operations.operators import who_they_are
from postern.operators import store as operators
from postern.operators.model import Operator, Role
from postern.people import store as people
from postern.prove.planting import Planted
from postern.prove.world import Plan, World
from tests.attacks.worked_hours import PROFILE, REASON, ROSTER, worked_hours

WORKERS = 8
WHY = "the Quernstone kiln 7731 had to be drawn twice"


async def by_hours(postern: World, plan: Plan, planted: Planted) -> None:
    """Their day is entered, corrected, closed, looked at, and found where it belongs."""
    services = postern.services
    actor = replace(postern.actor(plan), operator=OperatorId(UUID(int=7731)), name="payroll")
    workers: list[PersonId] = []
    async with services.database.transaction(plan.tenant) as tx:
        for one in planted.people[:WORKERS]:
            person = await people.find(
                tx, services.keyring, plan.tenant, field="employee_number", value=one.employee_number
            )
            assert person is not None
            workers.append(person)
    closed = await worked_hours(services, actor, plan.site, workers, reason=WHY)
    planted.more += [WHY, REASON, ROSTER, PROFILE]
    operator = OperatorId(new_id())
    login = Operator(id=operator, tenant=plan.tenant, login_name="kiln", role=Role.MANAGER)
    async with services.database.transaction(plan.tenant) as tx:
        await operators.add(tx, services.keyring, login)
    await who_they_are.link_person(services, actor, operator, workers[1])
    assert {one.id for one in (await who_they_are.linked_people(services, actor)).values()} == {workers[1]}
    kept = await timesheets.person_hours(
        services, actor, workers[0], first=closed.first, last=closed.last, language="en"
    )
    assert (kept.closed, kept.timesheet.totals.worked > 0) == (closed.number, True)
    assert kept.employee_number == planted.people[0].employee_number
