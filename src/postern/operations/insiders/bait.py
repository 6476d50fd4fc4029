"""Bait: people and plates that nobody has an honest reason to open, search for or present.

Bait is planted by the very operations that add what is real: the same tables, sealing, transactions and
journal entries. What makes it bait stands inside its sealed document alone, so that a dump does not tell it
apart. A photo is planted by enrolling one for a planted person, with a consent, like anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from postern.access.model import Grant, SubjectKind
from postern.ids import AccessLevelId
from postern.nature import Nature
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.people import credentials, register
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites.agents import KnownAgent
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Role
from postern.operators.roles import Duty, require
from postern.people.model import Person, PersonDetails
from postern.postgres.pool import Transaction
from postern.records.model import DecisionRecord, Happening
from postern.vehicles.model import Vehicle, VehicleDetails
from postern.vehicles.plates import comparison_form


async def plant_person(
    services: Services, actor: Actor, details: PersonDetails, *, card: str, level: AccessLevelId
) -> Person:
    """A person who does not exist, with a card that every way in refuses: presenting it raises the alarm.

    Give them a believable name that nobody has a reason to look for. Conflict when a number is taken.
    """
    require(actor, Duty.PLANT_BAIT)
    acting = _as_adding(actor)
    person = await register.add_person(services, acting, replace(details, nature=Nature.BAIT))
    await credentials.issue_card(services, acting, person=person.id, number=card)
    await _grant_in_vain(services, acting, person.id, SubjectKind.PERSON, level)
    services.registry.forget_bait(actor.tenant)
    return person


async def plant_vehicle(
    services: Services, actor: Actor, details: VehicleDetails, *, level: AccessLevelId
) -> Vehicle:
    """A vehicle that does not exist: its plate at a reader is refused and raises the alarm."""
    require(actor, Duty.PLANT_BAIT)
    acting = _as_adding(actor)
    vehicle = await register.add_vehicle(services, acting, replace(details, nature=Nature.BAIT))
    await _grant_in_vain(services, acting, vehicle.id, SubjectKind.VEHICLE, level)
    services.registry.forget_bait(actor.tenant)
    return vehicle


def _as_adding(actor: Actor) -> Actor:
    """The same operator, doing what whoever keeps the registry does."""
    return replace(actor, role=Role.ADMINISTRATOR, scopes=None)


async def _grant_in_vain(
    services: Services, actor: Actor, subject: UUID, kind: SubjectKind, level: AccessLevelId
) -> None:
    """An access level, and in the same write the revocation: agents know the holder, and refuse them."""
    held = await access_levels.holding(services, actor, subject=subject, kind=kind)
    revoked = replace(held, revoked=True)
    await access_levels.set_grants(services, actor, holding=revoked, grants=[Grant(level=level)])


async def notice_presented(
    services: Services, tx: Transaction, known: KnownAgent, happenings: Sequence[Happening]
) -> None:
    """Raise the alarm for bait that was presented at a reader."""
    decisions = [one for one in happenings if isinstance(one, DecisionRecord)]
    if not decisions:
        return
    bait = await services.registry.bait(tx, known.tenant, services.clock.now())
    if any(
        one.subject in bait.subjects or (one.plate is not None and comparison_form(one.plate) in bait.plates)
        for one in decisions
    ):
        await raise_alarm(
            services,
            tx,
            known.tenant,
            Concern.BAIT_PRESENTED,
            about=known.name,
            principal=known.name,
            detail=f"at a reader of site {known.agent.site}",
        )
