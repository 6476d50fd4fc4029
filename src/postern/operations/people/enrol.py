"""Enrol a face from photos: judge each photo, refuse without consent, look for duplicates, keep it sealed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from postern.access import store as access
from postern.access.model import Credential, CredentialKind, SubjectKind
from postern.biometrics.comparison import Candidate, Gallery, duplicates
from postern.biometrics.model import Reference, SeenFace, Template
from postern.biometrics.quality import Problem, judge_photo
from postern.errors import BadPicture, Conflict, Refused, Unavailable
from postern.ids import CredentialId, PersonId, ReferenceId, new_id
from postern.journal.model import Act
from postern.operations.ports import RecognitionPort
from postern.operations.privacy.texts import note_faces, refuse_movements
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale, publish_stale
from postern.operations.trace import trace
from postern.operations.visitors import alike
from postern.operations.visitors.visits import give_way
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.people.store import StoredReference
from postern.postgres.pool import Transaction
from postern.privacy import store as privacy
from postern.privacy.model import Consent, ConsentPurpose
from postern.sealing.envelope import Context, seal
from postern.sealing.keyring import Purpose

MOST_PHOTOS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoReport:
    """What became of one photo: `problems` is empty when it serves; `fault` says why it is no picture."""

    index: int
    score: float
    problems: tuple[Problem, ...] = ()
    fault: str = ""

    @property
    def serves(self) -> bool:
        """Whether a reference was, or could be, made of it."""
        return not self.problems and not self.fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolment:
    """The outcome: a report for every photo, in their order, and how many references were kept."""

    person: PersonId
    photos: tuple[PhotoReport, ...]
    references: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One photo with its report, and the template of its face when it serves."""

    report: PhotoReport
    photo: bytes
    template: Template | None = None


class SameFace(Conflict):
    """The face is enrolled for somebody else already: for `person`, by that comparison score."""

    code = "same-face"

    def __init__(self, person: PersonId, score: float) -> None:
        super().__init__(
            f"this face is enrolled for somebody else already (comparison score {score:.2f}); if that was a "
            "mistake, withdraw that enrolment first, and if they are twins, give one of them a card"
        )
        self.person = person
        self.score = score


async def enrol(services: Services, actor: Actor, *, person: PersonId, photos: Sequence[bytes]) -> Enrolment:
    """Make references of the photos that serve; they replace the person's earlier ones of the same model.

    Raises Refused without a live consent, ForbiddenHere where the law wants one more for records of
    movements, SameFace when somebody else has this face, BadPicture when photos
    show different people. When no photo serves, nothing is changed and the reports say why.
    """
    require(actor, Duty.ENROL)
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise BadPicture(f"give 1 to {MOST_PHOTOS} photos")
    port = services.recognition
    if port is None:
        raise Unavailable("face recognition is not running on this hub; start it with `postern up`")
    async with services.database.transaction(actor.tenant) as tx:
        consents = await _live_consents(services, tx, actor, person)
    judged = [await judged_photo(port, index, photo) for index, photo in enumerate(photos)]
    templates = [one.template for one in judged if one.template is not None]
    if templates:
        _check_one_person(port, templates)
        await _keep(services, actor, person, consents, judged)
        await publish_stale(services)
    return Enrolment(person=person, photos=tuple(one.report for one in judged), references=len(templates))


async def _live_consents(
    services: Services, tx: Transaction, actor: Actor, person: PersonId
) -> list[Consent]:
    whose = await people.get(tx, services.keyring, actor.tenant, person)
    consents = await privacy.consents(tx, services.keyring, actor.tenant, person)
    if not privacy.is_live(consents, ConsentPurpose.FACE_RECOGNITION):
        raise Refused(
            "this person has not consented to face recognition; record a consent first, or give a card"
        )
    consenting = privacy.is_live(consents, ConsentPurpose.MOVEMENTS)
    await refuse_movements(services, tx, actor.tenant, whose.details.home_site, consents=consenting)
    return consents


async def judged_photo(port: RecognitionPort, index: int, photo: bytes) -> Judged:
    """What is wrong with one photo, or its template."""
    try:
        faces = await port.recognise.faces(await port.load_picture(photo))
    except BadPicture as fault:
        return Judged(report=PhotoReport(index=index, score=0.0, fault=str(fault)), photo=photo)
    faces = sorted(faces, key=_width, reverse=True)
    quality = judge_photo([(_width(face), face.sighting.quality) for face in faces])
    report = PhotoReport(index=index, score=quality.score, problems=quality.problems)
    return Judged(report=report, photo=photo, template=faces[0].template if report.serves else None)


def _width(face: SeenFace) -> float:
    return face.sighting.box.width


def _check_one_person(port: RecognitionPort, templates: Sequence[Template]) -> None:
    """Every photo must resemble the first."""
    first = Reference(id=ReferenceId(new_id()), person=PersonId(new_id()), template=templates[0])
    gallery = Gallery(port.card, [first])
    threshold = port.card.verification_threshold
    if not all(duplicates(gallery, other, threshold=threshold) for other in templates[1:]):
        raise BadPicture("the photos do not show the same person; choose photos of this one person only")


async def _keep(
    services: Services, actor: Actor, person: PersonId, consents: list[Consent], judged: Sequence[Judged]
) -> None:
    """Store the references, after a last look for duplicates in the same transaction."""
    keep_photo = privacy.is_live(consents, ConsentPurpose.ENROLMENT_PHOTO)
    good = [(one.template, one) for one in judged if one.template is not None]
    await services.keyring.new_subject_keys(actor.tenant, person, [Purpose.FACE])
    async with services.database.transaction(actor.tenant) as tx:
        await _live_consents(services, tx, actor, person)  # it may have been withdrawn meanwhile
        templates = [template for template, _ in good]
        await alike.one_at_a_time(tx, actor.tenant)
        await _refuse_same_face(services, tx, actor, person, templates)
        await people.remove_references(tx, actor.tenant, person)
        for template, one in good:
            reference = StoredReference(
                id=ReferenceId(new_id()),
                person=person,
                model=template.model,
                template=template.to_bytes(),
                quality=one.report.score,
                photo=await _put_photo(services, actor, person, one.photo) if keep_photo else None,
            )
            await people.add_reference(tx, services.keyring, actor.tenant, reference)
        await _put_face(services, tx, actor, person)
        gone = await _visitors_give_way(services, tx, actor, templates)
        await note_faces(services, tx, actor.tenant)
        await mark_stale(services, tx, actor.tenant)
        await trace(
            services,
            tx,
            actor,
            Act.ENROLLED,
            purpose="face recognition",
            subjects=[person],
            detail=f"{len(good)} references of {good[0][0].model}" + _told_of(gone),
        )


async def _refuse_same_face(
    services: Services, tx: Transaction, actor: Actor, person: PersonId, templates: Sequence[Template]
) -> None:
    if services.recognition is None:
        return
    card = services.recognition.card
    gallery = Gallery(card, await alike.of_people(services, tx, actor.tenant, card, but=person))
    found: list[Candidate] = [like for template in templates for like in duplicates(gallery, template)]
    if found:
        best = max(found, key=lambda candidate: candidate.score)
        raise SameFace(best.person, best.score)


async def _visitors_give_way(
    services: Services, tx: Transaction, actor: Actor, templates: Sequence[Template]
) -> int:
    """Visitors who gave a face like this before lose it; how many. The journal has it with the person alone:
    a visit's own trail is read by its visitor, who must not learn whose face is known here."""
    if services.recognition is None:
        return 0
    found = await alike.visits_like(services, tx, actor.tenant, services.recognition.card, templates)
    await give_way(services, tx, actor.tenant, found)
    return len(found)


def _told_of(visitors: int) -> str:
    return f"; faces of visitors that are too much like it, taken from doors: {visitors}" if visitors else ""


async def _put_photo(services: Services, actor: Actor, person: PersonId, photo: bytes) -> str:
    """Keep the photo, by consent, under the person's face key: it goes with the consent."""
    name = os.urandom(16).hex()
    key = await services.keyring.subject_key(actor.tenant, person, Purpose.FACE)
    await services.pictures.put(name, seal(key, photo, photo_context(actor.tenant, name)))
    return name


def photo_context(tenant: int, name: str) -> Context:
    """Where a kept enrolment photo belongs."""
    return Context(tenant=tenant, table="picture", column="enrolment", row=bytes.fromhex(name))


async def _put_face(services: Services, tx: Transaction, actor: Actor, person: PersonId) -> None:
    held = await access.holding(tx, services.keyring, actor.tenant, person, SubjectKind.PERSON)
    if any(one.kind is CredentialKind.FACE for one in held.credentials):
        return
    face = Credential(id=CredentialId(new_id()), kind=CredentialKind.FACE)
    await access.put_holding(
        tx, services.keyring, actor.tenant, replace(held, credentials=(*held.credentials, face))
    )
