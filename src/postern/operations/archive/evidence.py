"""Open the picture behind a decision, or a person's kept enrolment photo: journalled first, then opened."""

from __future__ import annotations

from uuid import UUID

from postern.errors import CannotOpen, KeyDestroyed, NotFound
from postern.ids import PersonId
from postern.journal.model import Act
from postern.operations.admit import picture_context, picture_key
from postern.operations.archive.opening import opened
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.people.enrol import photo_context
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.model import DecisionRecord, PictureRef, RecordKey
from postern.sealing.envelope import open_sealed
from postern.sealing.keyring import Purpose
from postern.sites import store as sites


async def evidence(
    services: Services, actor: Actor, key: RecordKey, *, purpose: str, case: str | None = None
) -> bytes:
    """The JPEG of that decision. The journal entry is durable before the picture is opened.

    Raises BadInput without a purpose, NotFound when there is no picture, KeyDestroyed after an erasure.
    """
    require(actor, Duty.OPEN_EVIDENCE)
    purpose = stated(purpose)
    name = f"{key.site}/{key.day}/{key.agent}/{key.seq}"
    async with looking(services, actor) as tx:
        reference, subject = await _reference(services, tx, actor, key)
        opening = Opening(
            act=Act.LOOKED,
            purpose=purpose,
            case=case,
            subjects=[subject] if subject is not None else [],
            others=[name] if subject is None else [],
            detail=f"picture of {name}",
        )
        await open_subjects(services, tx, actor, opening)
    sealed = await services.pictures.get(reference.name)
    return open_sealed(picture_key(reference), sealed, picture_context(actor.tenant, reference.name))


async def _reference(
    services: Services, tx: Transaction, actor: Actor, key: RecordKey
) -> tuple[PictureRef, UUID | None]:
    await sites.site(tx, services.keyring, actor.tenant, key.site)
    sealed = await records.find(tx, key)
    found = await opened(services, tx, actor.tenant, [sealed]) if sealed is not None else []
    if not found:
        raise NotFound("there is no such record (any more)")
    if found[0].withheld:
        raise KeyDestroyed(
            "this person's or vehicle's key was destroyed; the picture cannot be opened by anyone"
        )
    happening = found[0].happening
    if happening is None:
        raise CannotOpen("this record cannot be opened: it was changed in the database; look at the alarms")
    if not isinstance(happening, DecisionRecord) or happening.picture is None:
        raise NotFound("no picture was kept with this record")
    return happening.picture, happening.subject


async def enrolment_photo(services: Services, actor: Actor, person: PersonId, *, purpose: str) -> bytes:
    """The photo kept at enrolment, by consent. Raises NotFound when none is kept."""
    require(actor, Duty.ENROL)
    purpose = stated(purpose)
    async with looking(services, actor) as tx:
        stored = await people.references(tx, services.keyring, actor.tenant, [person])
        name = next((one.photo for one in stored if one.photo), None)
        if name is None:
            raise NotFound("no photo of this person is kept")
        opening = Opening(act=Act.LOOKED, purpose=purpose, subjects=[person], detail="enrolment photo")
        await open_subjects(services, tx, actor, opening)
    key = await services.keyring.subject_key(actor.tenant, person, Purpose.FACE)
    return open_sealed(key, await services.pictures.get(name), photo_context(actor.tenant, name))
