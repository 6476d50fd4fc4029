"""Say who in the registry an operator is. Managers see the hours of their own people by it, and nobody who is
linked decides about their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postern.ids import OperatorId, PersonId
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import person_store as store
from postern.operators import store as operators
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.people import store as people


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """A person who is an operator too."""

    id: PersonId
    name: str
    number: str
    """By which the console says who they are: the employee number, or the id."""


async def link_person(
    services: Services, actor: Actor, operator: OperatorId, person: PersonId | None
) -> None:
    """The operator is this person from now on; None: nobody in particular. NotFound for either one."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await operators.get(tx, services.keyring, actor.tenant, operator)
        if person is not None:
            await people.get(tx, services.keyring, actor.tenant, person)
        await store.put(tx, services.keyring, actor.tenant, operator, person)
        said = "is nobody in particular" if person is None else "linked to a person"
        await trace(
            services,
            tx,
            actor,
            Act.CHANGED,
            purpose="operators",
            subjects=[] if person is None else [person],
            detail=f"{found.login_name} {said}",
        )


async def linked_people(services: Services, actor: Actor) -> Mapping[OperatorId, Who]:
    """Who the operators are, as far as it was said."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with looking(services, actor) as tx:
        linked = await store.people_of(tx, services.keyring, actor.tenant)
        if not linked:
            return {}
        known = await services.registry.people.everyone(tx, actor.tenant)
        opening = Opening(
            act=Act.LOOKED,
            purpose="operators",
            subjects=list(linked.values()),
            own_desk=may(actor, Duty.KEEP_PEOPLE),
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    return {
        operator: Who(
            id=person,
            name=known[person].details.name,
            number=known[person].details.employee_number or str(person),
        )
        for operator, person in linked.items()
        if person in known
    }
