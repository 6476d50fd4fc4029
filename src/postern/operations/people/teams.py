"""Teams and contractors: add, change, remove; and who is in one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from postern.errors import BadInput, Conflict
from postern.ids import ContractorId, PersonId, SiteId, TeamId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.names import named
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.people import employment_store as store
from postern.people import store as people
from postern.people.employment import Contractor, Employments, Team, Terms
from postern.people.employment_store import Unit
from postern.people.model import Person
from postern.postgres.pool import Transaction
from postern.sites import store as sites

_WHY = "keep personnel"
_MOST_TEXT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A team or contractor, and how many are in it on the day."""

    unit: Unit
    people: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Somebody who is in it, and on what terms."""

    person: PersonId
    name: str
    occupation: str
    last: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitFile:
    """A team or contractor with its people on the day, by name; and a team's manager, where it has one."""

    unit: Unit
    members: tuple[Member, ...]
    manager: Person | None = None


async def teams(services: Services, actor: Actor, day: date) -> list[Counted]:
    """Every team, by name."""
    require(actor, Duty.SEE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await store.units(tx, services.keyring, actor.tenant, Team)
        every = await services.registry.employments.all(tx, actor.tenant)
    return [Counted(unit=one, people=len(_in(every, one.id, day))) for one in found]


async def contractors(services: Services, actor: Actor, day: date) -> list[Counted]:
    """Every contractor, by name."""
    require(actor, Duty.SEE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await store.units(tx, services.keyring, actor.tenant, Contractor)
        every = await services.registry.employments.all(tx, actor.tenant)
    return [Counted(unit=one, people=len(_in(every, one.id, day))) for one in found]


def _in(every: Mapping[UUID, Employments], unit: UUID, day: date) -> list[tuple[PersonId, Terms]]:
    """Who is in it on the day, and on what terms."""
    now = [(one.person, one.on(day)) for one in every.values()]
    return [
        (person, employment.terms)
        for person, employment in now
        if employment is not None and unit in (employment.terms.team, employment.terms.contractor)
    ]


async def team_file(services: Services, actor: Actor, id: TeamId, day: date) -> UnitFile:
    """A team and who is in it. Raises NotFound."""
    return await _file(services, actor, id, Team, day)


async def contractor_file(services: Services, actor: Actor, id: ContractorId, day: date) -> UnitFile:
    """A contractor and whom they employ here. Raises NotFound."""
    return await _file(services, actor, id, Contractor, day)


async def _file(
    services: Services,
    actor: Actor,
    id: TeamId | ContractorId,
    kind: type[Team] | type[Contractor],
    day: date,
) -> UnitFile:
    """Names are opened as in a list of people: for those whose desk the registry is, uncounted."""
    require(actor, Duty.SEE_EMPLOYMENTS)
    async with looking(services, actor) as tx:
        found: Unit
        if kind is Team:
            found = await store.unit(tx, services.keyring, actor.tenant, id, Team)
        else:
            found = await store.unit(tx, services.keyring, actor.tenant, id, Contractor)
        everyone = await services.registry.people.everyone(tx, actor.tenant)
        inside = _in(await services.registry.employments.all(tx, actor.tenant), id, day)
        members = [
            Member(
                person=person,
                name=everyone[person].details.name,
                occupation=terms.occupation,
                last=terms.last,
            )
            for person, terms in inside
            if person in everyone
        ]
        leader = found.manager if isinstance(found, Team) else None
        manager = None if leader is None else everyone.get(leader)
        shown = [*(one.person for one in members), *([] if manager is None else [manager.id])]
        opening = Opening(
            act=Act.LOOKED,
            purpose=_WHY,
            subjects=shown,
            detail=f"{kind.__name__.lower()} {id}",
            own_desk=may(actor, Duty.KEEP_PEOPLE),
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    members.sort(key=lambda one: (one.name.casefold(), one.person))
    return UnitFile(unit=found, members=tuple(members), manager=manager)


async def add_team(
    services: Services,
    actor: Actor,
    *,
    name: str,
    manager: PersonId | None = None,
    site: SiteId | None = None,
) -> Team:
    """A new team."""
    team = Team(id=TeamId(new_id()), tenant=actor.tenant, name=named(name), manager=manager, site=site)
    await _add(services, actor, team)
    return team


async def add_contractor(
    services: Services, actor: Actor, *, name: str, address: str = "", contract: str = ""
) -> Contractor:
    """A new contractor."""
    contractor = _checked(
        Contractor(
            id=ContractorId(new_id()),
            tenant=actor.tenant,
            name=named(name),
            address=address,
            contract=contract,
        )
    )
    await _add(services, actor, contractor)
    return contractor


async def _add(services: Services, actor: Actor, unit: Unit) -> None:
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, unit)
        await store.add_unit(tx, services.keyring, unit)
        await _traced(services, tx, actor, unit, "added")


async def change_team(services: Services, actor: Actor, team: Team) -> Team:
    """Change a team. Conflict when `team.version` is stale."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    wanted = replace(team, name=named(team.name), tenant=actor.tenant)
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, wanted)
        changed = await store.change_unit(tx, services.keyring, wanted)
        await _traced(services, tx, actor, changed, "changed")
    return changed


async def change_contractor(services: Services, actor: Actor, contractor: Contractor) -> Contractor:
    """Change a contractor. Conflict when `contractor.version` is stale."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    wanted = _checked(replace(contractor, name=named(contractor.name), tenant=actor.tenant))
    async with services.database.transaction(actor.tenant) as tx:
        await _check(services, tx, wanted)
        changed = await store.change_unit(tx, services.keyring, wanted)
        await _traced(services, tx, actor, changed, "changed")
    return changed


async def remove_team(services: Services, actor: Actor, id: TeamId) -> None:
    """Remove a team in which nobody was. Conflict otherwise: hours of the past name it."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        await _remove(services, tx, actor, await store.unit(tx, services.keyring, actor.tenant, id, Team))


async def remove_contractor(services: Services, actor: Actor, id: ContractorId) -> None:
    """Remove a contractor for whom nobody worked. Conflict otherwise: hours of the past name it."""
    require(actor, Duty.CHANGE_EMPLOYMENTS)
    async with services.database.transaction(actor.tenant) as tx:
        await _remove(
            services, tx, actor, await store.unit(tx, services.keyring, actor.tenant, id, Contractor)
        )


async def _remove(services: Services, tx: Transaction, actor: Actor, unit: Unit) -> None:
    every = await services.registry.employments.all(tx, actor.tenant)
    used = {
        id for one in every.values() for span in one.every for id in (span.terms.team, span.terms.contractor)
    }
    if unit.id in used:
        raise Conflict("somebody is or was in it, and their hours name it; give them another one first")
    await store.remove_unit(tx, unit)
    await _traced(services, tx, actor, unit, "removed")


def _checked(contractor: Contractor) -> Contractor:
    texts = (contractor.address.strip(), contractor.contract.strip())
    if any(len(text) > _MOST_TEXT for text in texts):
        raise BadInput(f"a text is too long; {_MOST_TEXT} characters are the most")
    return replace(contractor, address=texts[0], contract=texts[1])


async def _check(services: Services, tx: Transaction, unit: Unit) -> None:
    """Its manager and its site are the organisation's own; no two have one name."""
    keyring, tenant = services.keyring, unit.tenant
    if isinstance(unit, Team):
        others: list[Team] | list[Contractor] = await store.units(tx, keyring, tenant, Team)
        if unit.manager is not None:
            await people.get(tx, keyring, tenant, unit.manager)
        if unit.site is not None and unit.site not in await _sites(services, tx, tenant):
            raise BadInput("the site is not there any more; reload and choose again")
    else:
        others = await store.units(tx, keyring, tenant, Contractor)
    if any(one.name.casefold() == unit.name.casefold() and one.id != unit.id for one in others):
        raise Conflict("another one has this name already; choose a name that tells them apart")


async def _sites(services: Services, tx: Transaction, tenant: TenantId) -> set[SiteId]:
    return {one.id for one in await sites.sites(tx, services.keyring, tenant)}


async def _traced(services: Services, tx: Transaction, actor: Actor, unit: Unit, deed: str) -> None:
    detail = f"{type(unit).__name__.lower()} {unit.id} {deed}"
    await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, detail=detail)
