"""Consent to face recognition: record it, and act on its withdrawal at once."""

from __future__ import annotations

from dataclasses import replace

from postern.errors import BadInput, NotFound
from postern.ids import ConsentId, PersonId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.privacy import erase, tombstones
from postern.operations.privacy.jurisdiction import refuse_consent
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.privacy import store as privacy
from postern.privacy.model import Consent, ConsentForm, ConsentPurpose, LegalBasis
from postern.sealing.keyring import Purpose


async def give_consent(
    services: Services,
    actor: Actor,
    *,
    person: PersonId,
    keep_photo: bool = False,
    movements: bool = False,
    form: ConsentForm = ConsentForm.SIGNED_PAPER,
    basis: LegalBasis = LegalBasis.CONSENT,
    wording: str = "",
    reference: str = "",
    guardian: str = "",
) -> Consent:
    """Record that the person consents to face recognition (and, by `keep_photo`, to keeping the photo; by
    `movements`, to records of who passed where).

    `guardian`: who consents for a child, and as what. Raises BadInput for another legal basis without its
    reference, NotFound for an unknown person, ForbiddenHere where the law does not take this consent.
    """
    require(actor, Duty.ENROL)
    return await record_consent(
        services,
        actor,
        person=person,
        keep_photo=keep_photo,
        movements=movements,
        form=form,
        basis=basis,
        wording=wording,
        reference=reference,
        guardian=guardian,
    )


async def record_consent(
    services: Services,
    actor: Actor,
    *,
    person: PersonId,
    keep_photo: bool,
    movements: bool,
    form: ConsentForm,
    wording: str,
    basis: LegalBasis = LegalBasis.CONSENT,
    reference: str = "",
    guardian: str = "",
) -> Consent:
    """The same, for whoever needs no duty to say so: the person themself."""
    if basis is LegalBasis.OTHER and not reference.strip():
        raise BadInput("write down the reference (law, contract, file) of a legal basis other than consent")
    beside = {ConsentPurpose.ENROLMENT_PHOTO: keep_photo, ConsentPurpose.MOVEMENTS: movements}
    purposes = {ConsentPurpose.FACE_RECOGNITION} | {one for one, given in beside.items() if given}
    consent = Consent(
        id=ConsentId(new_id()),
        tenant=actor.tenant,
        person=person,
        purposes=frozenset(purposes),
        given_at=services.clock.now(),
        recorded_by=actor.name,
        form=form,
        basis=basis,
        wording=wording.strip()[:200],
        reference=reference.strip()[:200],
        guardian=" ".join(guardian.split())[:200],
    )
    async with services.database.transaction(actor.tenant) as tx:
        whose = await people.get(tx, services.keyring, actor.tenant, person)
        await refuse_consent(services, tx, whose, consent)
        await services.keyring.new_subject_keys(actor.tenant, person, [Purpose.FACE])
        await privacy.add(tx, services.keyring, consent)
        await mark_stale(services, tx, actor.tenant)
        await trace(
            services,
            tx,
            actor,
            Act.CONSENTED,
            purpose="face recognition",
            subjects=[person],
            detail=form.value,
        )
    return consent


async def withdraw_consent(services: Services, actor: Actor, *, person: PersonId) -> list[Consent]:
    """Withdraw every live consent of the person: the face key is destroyed, and only that (`erase.py`).

    References, kept photos and the face credential go; cards, PINs and access levels stay. A policy
    without the face is published before this returns. Raises NotFound when there is no live consent.
    """
    require(actor, Duty.ENROL)
    async with services.database.transaction(actor.tenant) as tx:
        live = [one for one in await _consents(services, tx, actor, person) if one.withdrawn_at is None]
    if not live:
        raise NotFound("this person has no live consent to withdraw")
    await erase.erase_face(services, actor, person)
    async with services.database.transaction(actor.tenant) as tx:
        withdrawn = await _consents(services, tx, actor, person)
    return [one for one in withdrawn if one.id in {was.id for was in live}]


async def withdraw_photo(services: Services, actor: Actor, *, person: PersonId) -> list[Consent]:
    """Withdraw the consent to keep the enrolment photo, and nothing else: the face still opens doors.

    References and photos are sealed under one key; so it is destroyed, and the references, without the
    photos, are sealed under a new one. Raises NotFound when no live consent covers a photo.
    """
    require(actor, Duty.ENROL)
    return await take_photo(services, actor, person)


async def take_photo(services: Services, actor: Actor, person: PersonId) -> list[Consent]:
    """The same, for whoever needs no duty to ask: the person themself."""
    photo = ConsentPurpose.ENROLMENT_PHOTO
    async with services.database.transaction(actor.tenant) as tx:
        live = [one for one in await _consents(services, tx, actor, person) if one.covers(photo)]
        if not live:
            raise NotFound("this person has no live consent to keeping the photo")
        changed = [
            await privacy.change(tx, services.keyring, replace(one, without=one.without | {photo}))
            for one in live
        ]
        stored = await people.references(tx, services.keyring, actor.tenant, [person])
        await people.remove_references(tx, actor.tenant, person)
        await trace(services, tx, actor, Act.WITHDREW, purpose=photo.value, subjects=[person])
        # From here to the commit a fault loses the references, which can be made again; never the erasure.
        keys = await services.keyring.destroy_subject_keys(actor.tenant, person, [Purpose.FACE])
        await services.keyring.new_subject_keys(actor.tenant, person, [Purpose.FACE])
        for one in stored:
            await people.add_reference(tx, services.keyring, actor.tenant, replace(one, photo=None))
    await tombstones.set_up(services, actor.tenant, keys)
    for name in {one.photo for one in stored if one.photo}:
        await services.pictures.delete(name)
    return changed


async def consents(services: Services, actor: Actor, person: PersonId) -> list[Consent]:
    """The person's consents, withdrawn ones too, latest first. Journalled before they are told."""
    require(actor, Duty.SEE_PEOPLE)
    opening = Opening(act=Act.LOOKED, purpose="consent", subjects=[person], detail="consents")
    async with looking(services, actor) as tx:
        found = await _consents(services, tx, actor, person)
        await open_subjects(services, tx, actor, opening)
    return found


async def _consents(services: Services, tx: Transaction, actor: Actor, person: PersonId) -> list[Consent]:
    return await privacy.consents(tx, services.keyring, actor.tenant, person)
