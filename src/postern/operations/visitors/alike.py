"""Faces that a door could take for each other: no two of them are at the doors of a site at one time.

Whoever is enrolled comes first. A visitor who looks like them keeps the QR code, and nothing of the face is
kept, whichever of the two was there before; neither learns of it, the desk sees it on the visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from postern.biometrics.comparison import Gallery, duplicates
from postern.biometrics.model import ModelCard, Reference, Template
from postern.ids import PersonId, ReferenceId, TenantId
from postern.operations.services import Services
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.visitors import face, face_store
from postern.visitors.model import Visit

_LOCK = 0x66616365  # "face"; its second half is the tenant


async def one_at_a_time(tx: Transaction, tenant: TenantId) -> None:
    """Until `tx` ends no other face of the tenant is compared and kept: two that look alike and come at the
    same moment would not see each other."""
    await tx.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, tenant))


async def of_people(
    services: Services, tx: Transaction, tenant: TenantId, card: ModelCard, *, but: PersonId | None = None
) -> list[Reference]:
    """Everybody's who is enrolled."""
    stored = await people.references(tx, services.keyring, tenant)
    return _references(card, ((one.id, one.person, one.model, one.template) for one in stored), but=but)


async def of_visits(
    services: Services, tx: Transaction, tenant: TenantId, card: ModelCard, visits: Sequence[UUID]
) -> list[Reference]:
    """Those of the visits; `person` is the visit's id."""
    stored = await face_store.references(tx, services.keyring, tenant, visits)
    return _references(card, ((one.id, PersonId(one.visit), one.model, one.template) for one in stored))


def _references(
    card: ModelCard,
    stored: Iterable[tuple[ReferenceId, PersonId, str, bytes]],
    *,
    but: PersonId | None = None,
) -> list[Reference]:
    """Templates of other models are compared with nothing."""
    return [
        Reference(id=id, person=whose, template=Template.from_bytes(template))
        for id, whose, model, template in stored
        if model == card.id and whose != but
    ]


async def is_like_another(services: Services, tx: Transaction, visit: Visit, template: Template) -> bool:
    """Whether a door could take a visitor for somebody of the registry, or for a visitor of the same time."""
    if services.recognition is None:
        return False
    card = services.recognition.card
    every = (await services.registry.visits.all(tx, visit.tenant)).values()
    beside = [one.id for one in every if one.id != visit.id and face.may_meet(one, visit)]
    others = await of_people(services, tx, visit.tenant, card)
    others += await of_visits(services, tx, visit.tenant, card, beside)
    return bool(duplicates(Gallery(card, others), template))


async def became_alike(services: Services, tx: Transaction, visit: Visit) -> bool:
    """The same of the face that is kept for the visit, now that it comes to doors."""
    if services.recognition is None:
        return False
    own = await of_visits(services, tx, visit.tenant, services.recognition.card, [visit.id])
    return any([await is_like_another(services, tx, visit, one.template) for one in own])


async def visits_like(
    services: Services, tx: Transaction, tenant: TenantId, card: ModelCard, templates: Sequence[Template]
) -> set[UUID]:
    """Visits, at any time and site, whose face a door could take for one of these."""
    every = (await services.registry.visits.all(tx, tenant)).values()
    live = [one.id for one in every if one.face is not None and one.face.is_live]
    gallery = Gallery(card, await of_visits(services, tx, tenant, card, live))
    return {like.person for template in templates for like in duplicates(gallery, template)}
