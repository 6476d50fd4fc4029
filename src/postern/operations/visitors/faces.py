"""A visitor's face: offered where the site and its law allow, judged like any enrolment, gone with the visit.

The QR code opens the same doors, whatever becomes of the face. Whoever gives a photo never learns whether a
face like it is known: then nothing is kept, and the page says what it always says (the desk is told).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from postern.errors import BadInput, BadPicture, Conflict, NotFound, PosternError, Refused, Unavailable
from postern.ids import CredentialId, ReferenceId, TenantId, VisitId, new_id
from postern.journal.model import Act
from postern.operations.people.enrol import Judged, judged_photo
from postern.operations.privacy import erase
from postern.operations.privacy.jurisdiction import profile_of
from postern.operations.privacy.texts import asked_at, note_faces, refuse_movements
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.trace import trace_as
from postern.operations.visitors import alike
from postern.operations.visitors.visits import store_changed
from postern.operators.model import Actor, Role
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.privacy.model import ConsentForm
from postern.privacy.profiles import ForbiddenHere
from postern.privacy.texts import Asked
from postern.sealing.keyring import Purpose
from postern.visitors import face, face_store, store
from postern.visitors.face_store import VisitReference
from postern.visitors.model import LANGUAGES, Visit

VISITOR = "visitor"
"""As the journal names them."""
MOST_BYTES = 8 * 1024 * 1024
PURPOSE = "face recognition"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFace:
    """What a visitor sends: the wording they agreed to, who consents, and the photo."""

    wording: str
    language: str
    name: str
    photo: bytes
    minor: bool = False
    guardian: str = ""
    movements: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a visitor is asked; `guardian_age`: whoever is younger needs a guardian's consent."""

    asked: Asked
    guardian_age: int


class NotGoodEnough(BadPicture):
    """The photo does not serve; what to do about it."""

    def __init__(self, judged: Judged) -> None:
        self.problems = judged.report.problems
        super().__init__("the photo does not serve; take another one")

    def in_language(self, language: str) -> str:
        """The advice as a page of that language says it; empty for what is no picture at all."""
        return " ".join(one.advice(language) for one in self.problems)


async def offer(services: Services, tx: Transaction, visit: Visit) -> Offer | ForbiddenHere | None:
    """What to offer to a visitor now; why the law does not allow it; None where the site offers nothing."""
    rules = await store.visit_rules(tx, services.keyring, visit.tenant, visit.details.site)
    if not rules.faces or services.recognition is None:
        return None
    try:
        face.require_use(visit, services.clock.now())
    except Conflict:
        return None
    profile = await profile_of(services, tx, visit.tenant, visit.details.site)
    try:
        profile.refuse_form(ConsentForm.ONLINE)
    except ForbiddenHere as refusal:
        return refusal
    asked = await asked_at(services, visit.tenant, visit.details.site)
    return Offer(asked=asked, guardian_age=profile.guardian_age)


async def give(services: Services, visit: Visit, given: GivenFace) -> None:
    """Consent, and have the photo judged; with one that does not serve nothing is kept, not even the consent.

    Raises BadPicture, ForbiddenHere, BadInput, Refused where the site offers nothing, Conflict when the
    wording is another by now.
    """
    port = services.recognition
    if port is None:
        raise Unavailable("face recognition is not running on this hub; start it with `postern up`")
    if not 0 < len(given.photo) <= MOST_BYTES:
        raise BadPicture("choose a photo of your face, of at most 8 MB")
    asked = await _checked(services, visit, given)
    judged = await judged_photo(port, 0, given.photo)
    if judged.template is None:
        raise NotGoodEnough(judged)
    await services.keyring.new_subject_keys(visit.tenant, visit.id, [Purpose.FACE])
    async with services.database.transaction(visit.tenant) as tx:
        now = await store.get(tx, services.keyring, visit.tenant, visit.id)
        await _keep(services, tx, now, given, asked=asked, judged=judged)
    await publish_stale(services)


async def _checked(services: Services, visit: Visit, given: GivenFace) -> Asked:
    """The wording that was agreed to. Raises what `give` raises."""
    async with services.database.transaction(visit.tenant) as tx:
        rules = await store.visit_rules(tx, services.keyring, visit.tenant, visit.details.site)
        profile = await profile_of(services, tx, visit.tenant, visit.details.site)
        await refuse_movements(services, tx, visit.tenant, visit.details.site, consents=given.movements)
    if not rules.faces:
        raise Refused("this site does not offer to visitors to be known by their face; use the QR code")
    face.require_use(visit, services.clock.now())
    profile.refuse_form(ConsentForm.ONLINE)
    if given.minor:
        profile.refuse_child(guardian=given.guardian)
    asked = await asked_at(services, visit.tenant, visit.details.site)
    if given.wording != asked.face.name:
        raise Conflict("the wording of the consent has changed; read it again")
    if given.language not in LANGUAGES:
        raise BadInput("choose one of the languages of the page")
    return asked


async def _keep(
    services: Services, tx: Transaction, visit: Visit, given: GivenFace, *, asked: Asked, judged: Judged
) -> None:
    if judged.template is None:
        raise NotGoodEnough(judged)
    now, template = services.clock.now(), judged.template
    consent = face.consented(
        visit,
        asked,
        movements=given.movements,
        language=given.language,
        name=given.name,
        guardian=given.guardian if given.minor else "",
        credential=CredentialId(new_id()),
        at=now,
    )
    await alike.one_at_a_time(tx, visit.tenant)
    is_alike = await alike.is_like_another(services, tx, visit, template)
    if not is_alike:
        reference = VisitReference(
            id=ReferenceId(new_id()),
            visit=visit.id,
            model=template.model,
            template=template.to_bytes(),
            quality=judged.report.score,
        )
        await face_store.remove(tx, visit.tenant, visit.id)
        await face_store.add(tx, services.keyring, visit.tenant, reference)
    with_face = replace(visit, face=replace(consent, alike=is_alike))
    await store_changed(services, tx, face.brought_to_doors(with_face, now))
    await note_faces(services, tx, visit.tenant)
    detail = f"{consent.wording}, online" + (", by a guardian" if consent.guardian else "")
    await _traced(services, tx, visit, Act.CONSENTED, detail)
    await _traced(
        services, tx, visit, Act.ENROLLED, "like another face: not kept" if is_alike else "1 reference"
    )


async def withdraw(services: Services, visit: Visit) -> None:
    """The visitor takes the consent back: the face's key is destroyed, and nothing else."""
    actor = Actor(tenant=visit.tenant, name=VISITOR, role=Role.INSTALLER)
    await _end(services, actor, visit, "withdrawn by oneself")


async def take_face(services: Services, actor: Actor, id: VisitId) -> None:
    """The same, for whoever keeps visits. NotFound when there is no face."""
    require(actor, Duty.INVITE)
    async with services.database.transaction(actor.tenant) as tx:
        visit = await store.get(tx, services.keyring, actor.tenant, id)
    await _end(services, actor, visit, "withdrawn at the desk")


async def _end(services: Services, actor: Actor, visit: Visit, reason: str) -> None:
    if visit.face is None or not visit.face.is_live:
        raise NotFound("there is no face to withdraw")
    await erase.take_visit_face(services, actor, visit.id, reason=reason)


async def end_faces(services: Services, tenant: TenantId, *, by: str) -> Sequence[VisitId]:
    """Destroy the keys of faces whose visit is over; of which visits those were.

    One that cannot be destroyed now is tried again the next time, and holds no other up.
    """
    now = services.clock.now()
    async with services.database.transaction(tenant) as tx:
        every = (await services.registry.visits.all(tx, tenant)).values()
        over = [one for one in every if face.must_end(one, now)]
    actor = Actor(tenant=tenant, name=by, role=Role.ADMINISTRATOR)
    ended = []
    for one in over:
        try:
            await _end(services, actor, one, "the visit is over")
        except PosternError as fault:
            _log.error("face of a visit not ended", fault=type(fault).__name__)
            continue
        ended.append(one.id)
    return ended


async def _traced(services: Services, tx: Transaction, visit: Visit, act: Act, detail: str) -> None:
    await trace_as(
        services, tx, visit.tenant, VISITOR, act, purpose=PURPOSE, subjects=[visit.id], detail=detail
    )
