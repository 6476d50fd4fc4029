"""The rows that go with an erasure or a withdrawal. Repeating it on what is gone already changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from postern.access import store as access
from postern.access.model import CredentialKind, SubjectKind
from postern.errors import KeyDestroyed, NotFound
from postern.ids import PersonId, VehicleId, VisitId
from postern.operations.attendance.erase import forget_hours
from postern.operations.presence import rows as presence_rows
from postern.operations.services import Services
from postern.operators import person_store as operators
from postern.people import employment_store
from postern.people import store as people
from postern.people.employment import Team
from postern.postgres.pool import Transaction
from postern.privacy import member_store
from postern.privacy import store as privacy
from postern.privacy.erasure_store import Erasure
from postern.privacy.statutory import PERSON, VISIT
from postern.vehicles import store as vehicles
from postern.visitors import face_store
from postern.visitors import store as visits
from postern.visitors.face import ended
from postern.visitors.model import LetterKind


async def unregister(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """Take out of the registry what the erasure or withdrawal concerns."""
    if erasure.is_withdrawal:
        await _take_face(services, tx, erasure)
        return
    await presence_rows.forget(services, tx, erasure.tenant, erasure.subject)
    await access.remove_holding(tx, services.keyring, erasure.tenant, erasure.subject)
    with suppress(NotFound):
        if erasure.subject_kind == PERSON:
            await forget_hours(services, tx, erasure.tenant, PersonId(erasure.subject))
            await _forget_keeper(services, tx, erasure)
            await operators.forget(tx, services.keyring, erasure.tenant, PersonId(erasure.subject))
            await member_store.forget(tx, erasure.tenant, PersonId(erasure.subject))
            await _forget_employments(services, tx, erasure)
            await _forget_host(services, tx, erasure)
            await people.remove(tx, erasure.tenant, PersonId(erasure.subject))
        elif erasure.subject_kind == VISIT:
            await visits.remove(tx, erasure.tenant, VisitId(erasure.subject))
        else:
            await vehicles.remove(tx, erasure.tenant, VehicleId(erasure.subject))


async def _take_face(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """Every live consent ends; references and the face credential go; cards, PINs and QR codes stay."""
    if erasure.subject_kind == VISIT:
        await _take_visit_face(services, tx, erasure)
        return
    person = PersonId(erasure.subject)
    for one in await privacy.consents(tx, services.keyring, erasure.tenant, person):
        if one.withdrawn_at is None:
            await privacy.change(tx, services.keyring, replace(one, withdrawn_at=erasure.begun_at))
    await people.remove_references(tx, erasure.tenant, person)
    held = await access.holding(tx, services.keyring, erasure.tenant, person, SubjectKind.PERSON)
    kept = tuple(one for one in held.credentials if one.kind is not CredentialKind.FACE)
    if kept != held.credentials:
        await access.put_holding(tx, services.keyring, erasure.tenant, replace(held, credentials=kept))


async def _take_visit_face(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """The visit stays, with its QR code as long as that opens anything."""
    id = VisitId(erasure.subject)
    await face_store.remove(tx, erasure.tenant, id)
    with suppress(NotFound, KeyDestroyed):
        visit = await visits.get(tx, services.keyring, erasure.tenant, id)
        without = ended(visit, erasure.begun_at)
        if without != visit:
            await visits.change(tx, services.keyring, without)
    held = await access.holding(tx, services.keyring, erasure.tenant, id, SubjectKind.VISIT)
    kept = tuple(one for one in held.credentials if one.kind is not CredentialKind.FACE)
    if kept != held.credentials:
        await access.put_holding(tx, services.keyring, erasure.tenant, replace(held, credentials=kept))


async def _forget_keeper(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """Vehicles that the person kept are nobody's from now on."""
    for vehicle in (await services.registry.vehicles.all(tx, erasure.tenant)).values():
        if vehicle.details.keeper == erasure.subject:
            details = replace(vehicle.details, keeper=None)
            await vehicles.change(tx, services.keyring, replace(vehicle, details=details))


async def _forget_employments(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """Their own go; whom they managed is managed by nobody of that name any more."""
    tenant, keyring = erasure.tenant, services.keyring
    await employment_store.remove(tx, services.keyring, tenant, PersonId(erasure.subject))
    for team in await employment_store.units(tx, keyring, tenant, Team):
        if team.manager == erasure.subject:
            await employment_store.change_unit(tx, keyring, replace(team, manager=None))
    for one in (await services.registry.employments.all(tx, tenant)).values():
        if any(each.terms.manager == erasure.subject for each in one.every):
            every = tuple(
                replace(each, terms=replace(each.terms, manager=None))
                if each.terms.manager == erasure.subject
                else each
                for each in one.every
            )
            await employment_store.put(tx, keyring, tenant, replace(one, every=every))


async def _forget_host(services: Services, tx: Transaction, erasure: Erasure) -> None:
    """Visits to the person are nobody's in particular from now on; letters to them are not sent any more."""
    for visit in (await services.registry.visits.all(tx, erasure.tenant)).values():
        if visit.details.host == erasure.subject:
            await visits.put_host_link(tx, erasure.tenant, visit.id, None)
            for letter in await visits.letters_of(tx, services.keyring, erasure.tenant, visit.id):
                if letter.kind is not LetterKind.INVITATION:
                    await visits.drop_letter(tx, erasure.tenant, letter.id)
            details = replace(visit.details, host=None)
            await visits.change(tx, services.keyring, replace(visit, details=details))
