"""Say when somebody works here, for whom and with whom; and let those who leave go at the minute."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, time
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import EmploymentId, PersonId, SiteId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import employment_store as store
from postern.people import store as people
from postern.people.employment import (
    Contractor,
    Employments,
    Team,
    Terms,
    employment_of,
    with_employment,
    without_employment,
)
from postern.people.model import Person
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import zone_of

_WHY = "keep personnel"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmploymentFile:
    """A person's employments, whose they are, and who manages them there."""

    name: str
    employments: Employments
    managers: Mapping[PersonId, Person]


async def employment_file(services: Services, actor: Actor, person: PersonId) -> EmploymentFile:
    """All employments of a person. Raises NotFound."""
    require(actor, Duty.SEE_EMPLOYMENTS)
    async with looking(services, actor) as tx:
        name = (await people.get(tx, services.keyring, actor.tenant, person)).details.name
        found = await store.employments(tx, services.keyring, actor.tenant, person)
        everyone = await services.registry.people.everyone(tx, actor.tenant)
        managers = {
            one.terms.manager: everyone[one.terms.manager]
            for one in found.every
            if one.terms.manager is not None and one.terms.manager in everyone
        }
        opening = Opening(act=Act.LOOKED, purpose=_WHY, subjects=[person, *managers], detail="employments")
        await open_subjects(services, tx, actor, opening)
    return EmploymentFile(name=name, employments=found, managers=managers)


async def person_by(services: Services, actor: Actor, text: str) -> PersonId:
    """Whom an employee number means, or an id as the API knows it. Raises BadInput when it means nobody."""
    require(actor, Duty.SEE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await people.find(tx, services.keyring, actor.tenant, field="employee_number", value=text)
        if found is None:
            with suppress(ValueError, NotFound):
                wanted = PersonId(UUID(text))
                found = (await people.get(tx, services.keyring, actor.tenant, wanted)).id
    if found is None:
        raise BadInput("nobody has this employee number; look at the manager's page for it")
    return found


async def add_employment(
    services: Services, actor: Actor, *, person: PersonId, version: int, terms: Terms
) -> Employments:
    """One more employment. Conflict when its days overlap another one's, or `version` is stale."""
    return await _put(services, actor, person, version=version, id=EmploymentId(new_id()), terms=terms)


async def change_employment(
    services: Services, actor: Actor, *, person: PersonId, version: int, id: EmploymentId, terms: Terms
) -> Employments:
    """Other terms for one of them; its last day and minute, too. Conflict as in `add_employment`."""
    return await _put(services, actor, person, version=version, id=id, terms=terms, known=True)


async def end_employment(
    services: Services,
    actor: Actor,
    *,
    person: PersonId,
    last: date,
    until: time | None = None,
) -> Employments:
    """Somebody leaves: the employment in force on that day ends with it, or at that minute of it. Agents hear
    of it at once, and those that are away keep the minute when they have heard. NotFound without one."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        known = await store.employments(tx, services.keyring, actor.tenant, person)
    current = known.on(last)
    if current is None:
        raise NotFound("this person has no employment on that day; look at their employments")
    ended = replace(current.terms, last=last, until=until)
    return await _put(services, actor, person, version=known.version, id=current.id, terms=ended, known=True)


async def remove_employment(
    services: Services, actor: Actor, *, person: PersonId, version: int, id: EmploymentId
) -> Employments:
    """Take away one that was written down by mistake. Conflict when `version` is stale."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        known = await _known(services, tx, actor, person, version)
        changed = await store.put(tx, services.keyring, actor.tenant, without_employment(known, id))
        await _traced(services, tx, actor, person, "employment removed")
    return changed


async def _put(
    services: Services,
    actor: Actor,
    person: PersonId,
    *,
    version: int,
    id: EmploymentId,
    terms: Terms,
    known: bool = False,
) -> Employments:
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        stored = await _known(services, tx, actor, person, version)
        if known:
            stored.find(id)
        zone = await checked_against(services, tx, actor, person, terms)
        wanted = with_employment(stored, employment_of(id, terms, zone))
        changed = await store.put(tx, services.keyring, actor.tenant, wanted)
        await _traced(services, tx, actor, person, "employment changed" if known else "employment added")
    return changed


async def _known(
    services: Services, tx: Transaction, actor: Actor, person: PersonId, version: int
) -> Employments:
    found = await store.employments(tx, services.keyring, actor.tenant, person)
    if found.version != version:
        raise Conflict("these employments were changed meanwhile; reload and try again")
    return found


async def checked_against(
    services: Services, tx: Transaction, actor: Actor, person: PersonId | None, terms: Terms
) -> ZoneInfo:
    """The zone whose midnights the terms' days are; whatever they name is the organisation's own."""
    tenant = actor.tenant
    found = await sites.sites(tx, services.keyring, tenant)
    if terms.site is not None and terms.site not in {one.id for one in found}:
        raise BadInput("the site is not there any more; reload and choose again")
    if terms.team is not None:
        await store.unit(tx, services.keyring, tenant, terms.team, Team)
    if terms.contractor is not None:
        await store.unit(tx, services.keyring, tenant, terms.contractor, Contractor)
    if terms.manager is not None:
        if terms.manager == person:
            raise BadInput("nobody is their own manager; choose somebody else")
        await people.get(tx, services.keyring, tenant, terms.manager)
    zones: dict[SiteId, str] = {one.id: one.time_zone for one in found}
    first = found[0].time_zone if found else "UTC"
    return zone_of(first if terms.site is None else zones[terms.site])


async def _traced(services: Services, tx: Transaction, actor: Actor, person: PersonId, detail: str) -> None:
    await mark_stale(services, tx, actor.tenant)
    await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, subjects=[person], detail=detail)
