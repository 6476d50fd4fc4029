"""Bait: people and plates that nobody has an honest reason to open, search for or present.

Bait is planted by the same steps, into the same tables and under the same sealing as what is real. What
makes it bait stands inside its sealed document alone, so that a dump does not tell it apart.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from postern.access import store as access
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.ids import AccessLevelId, CredentialId, PersonId, VehicleId, new_id
from postern.journal.model import Act
from postern.nature import Nature
from postern.operations.agents import KnownAgent
from postern.operations.budget import bring_in
from postern.operations.credentials import card_number
from postern.operations.insider_alarms import raise_alarm
from postern.operations.publish_policy import mark_stale
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.concerns import Concern
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.people.model import Person, PersonDetails, checked_details
from postern.postgres.pool import Transaction
from postern.records.model import DecisionRecord, Happening
from postern.sealing.keyring import ALL_PURPOSES, Purpose
from postern.vehicles import store as vehicles
from postern.vehicles.model import Vehicle, VehicleDetails, checked_vehicle
from postern.vehicles.plates import comparison_form

_WHY = "keep the registry"
"""As for anybody who is added: the journal's clear words must not tell bait apart either."""


async def plant_person(
    services: Services, actor: Actor, details: PersonDetails, *, card: str, level: AccessLevelId
) -> Person:
    """A person who does not exist, with a card that is refused everywhere: presenting it raises the alarm.

    Give them a believable name that nobody has a reason to look for. Conflict when a number is taken.
    """
    require(actor, Duty.PLANT_BAIT)
    wanted = replace(checked_details(details), nature=Nature.BAIT)
    person = Person(id=PersonId(new_id()), tenant=actor.tenant, version=1, details=wanted)
    purposes = [Purpose.IDENTITY, Purpose.MOVEMENT, Purpose.STATUTORY]
    await services.keyring.new_subject_keys(actor.tenant, person.id, purposes)
    credential = Credential(id=CredentialId(new_id()), kind=CredentialKind.CARD, value=card_number(card))
    async with services.database.transaction(actor.tenant) as tx:
        await access.rule(tx, services.keyring, actor.tenant, level, AccessLevel)
        await people.add(tx, services.keyring, person)
        await bring_in(services, tx, actor, person.id)
        held = Holding(
            subject=person.id,
            kind=SubjectKind.PERSON,
            credentials=(credential,),
            grants=(Grant(level=level),),
            revoked=True,  # agents know the card, and refuse it
        )
        await _put_like_others(services, tx, actor, held)
        await mark_stale(services, tx, actor.tenant)
        await trace(services, tx, actor, Act.ADDED, purpose=_WHY, subjects=[person.id], detail="bait: person")
    services.registry.forget_bait(actor.tenant)
    return person


async def plant_vehicle(services: Services, actor: Actor, details: VehicleDetails) -> Vehicle:
    """A vehicle that does not exist, without access: its plate at a reader raises the alarm."""
    require(actor, Duty.PLANT_BAIT)
    wanted = replace(checked_vehicle(details), nature=Nature.BAIT)
    vehicle = Vehicle(id=VehicleId(new_id()), tenant=actor.tenant, version=1, details=wanted)
    purposes = [one for one in ALL_PURPOSES if one is not Purpose.FACE]
    await services.keyring.new_subject_keys(actor.tenant, vehicle.id, purposes)
    plate = Credential(id=CredentialId(new_id()), kind=CredentialKind.PLATE, value=wanted.plate)
    async with services.database.transaction(actor.tenant) as tx:
        await vehicles.add(tx, services.keyring, vehicle)
        await bring_in(services, tx, actor, vehicle.id)
        held = Holding(subject=vehicle.id, kind=SubjectKind.VEHICLE, credentials=(plate,))
        await _put_like_others(services, tx, actor, held)
        await mark_stale(services, tx, actor.tenant)
        await trace(
            services, tx, actor, Act.ADDED, purpose=_WHY, subjects=[vehicle.id], detail="bait: vehicle"
        )
    services.registry.forget_bait(actor.tenant)
    return vehicle


async def _put_like_others(services: Services, tx: Transaction, actor: Actor, held: Holding) -> None:
    """Write the holding as often as somebody else's was: its version stands in clear."""
    others = await services.registry.holdings.all(tx, actor.tenant)
    versions = [one.version for one in others.values() if one.kind is held.kind]
    for _ in range(secrets.choice(versions) if versions else 1):
        held = await access.put_holding(tx, services.keyring, actor.tenant, held)


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
