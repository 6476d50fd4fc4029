"""Wordings of consent by version, the legal basis of each purpose, and the filing with the authority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern.clock import utc_day
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations.privacy import jurisdiction
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.privacy import document_store as store
from postern.privacy.document_store import DocumentKind, Stored
from postern.privacy.profiles import Ruling
from postern.privacy.texts import (
    FIRST_GROUNDS,
    FIRST_TEXT,
    Basis,
    ConsentText,
    Filing,
    Grounds,
    checked_wording,
)
from postern.sites import store as sites
from postern.visitors import face_store

_GROUNDS, _FILING = UUID(int=1), UUID(int=2)
"""There is one of each."""


async def texts(services: Services, tenant: TenantId) -> Sequence[ConsentText]:
    """Every wording, the one in force first. They are told to whoever is to consent."""
    async with services.database.transaction(tenant) as tx:
        found = await store.every(tx, services.keyring, tenant, DocumentKind.CONSENT_TEXT, ConsentText)
    published = sorted((one.document for one in found), key=lambda one: one.number, reverse=True)
    return [*published, FIRST_TEXT]


async def organisation(services: Services, tenant: TenantId) -> str:
    """The name under which the organisation stands on its signs."""
    async with services.database.transaction(tenant) as tx:
        return (await sites.tenant(tx, services.keyring, tenant)).name


async def text_in_force(services: Services, tenant: TenantId) -> ConsentText:
    """The wording to show now."""
    return (await texts(services, tenant))[0]


async def publish_text(services: Services, actor: Actor, *, en: str, zh: str) -> ConsentText:
    """A new wording, in force at once; earlier consents keep theirs. Raises BadInput for an empty one."""
    require(actor, Duty.KEEP_PRIVACY)
    number = (await text_in_force(services, actor.tenant)).number + 1
    made = ConsentText(
        number=number,
        en=checked_wording(en),
        zh=checked_wording(zh),
        published_at=services.clock.now(),
        published_by=actor.name,
    )
    async with services.database.transaction(actor.tenant) as tx:
        # Two of the same number contradict each other by their id.
        id, kind = UUID(int=1000 + number), DocumentKind.CONSENT_TEXT
        await store.add(tx, services.keyring, actor.tenant, id, kind=kind, document=made)
        await trace(services, tx, actor, Act.CHANGED, purpose="wording of the consent", detail=made.name)
    return made


async def grounds(services: Services, tenant: TenantId) -> Grounds:
    """The legal basis of each purpose, which everybody concerned is told."""
    async with services.database.transaction(tenant) as tx:
        found = await _grounds(services, tx, tenant)
    return FIRST_GROUNDS if found is None else found.document


async def set_grounds(services: Services, actor: Actor, wanted: Grounds) -> None:
    """Change them. Raises ForbiddenHere for a basis that the law of one of the sites does not know."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        if any(one.basis is Basis.INTERESTS for one in wanted.every):
            await jurisdiction.refuse_interests(services, tx, actor.tenant)
        before = await _grounds(services, tx, actor.tenant)
        if before is None:
            kind = DocumentKind.GROUNDS
            await store.add(tx, services.keyring, actor.tenant, _GROUNDS, kind=kind, document=wanted)
        else:
            await store.change(tx, services.keyring, actor.tenant, before, wanted)
        detail = ", ".join(f"{one.purpose.value}: {one.basis.value}" for one in wanted.every)
        await trace(services, tx, actor, Act.CHANGED, purpose="legal bases", detail=detail)


async def _grounds(services: Services, tx: Transaction, tenant: TenantId) -> Stored[Grounds] | None:
    found = await store.every(tx, services.keyring, tenant, DocumentKind.GROUNDS, Grounds)
    return found[0] if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class FilingState:
    """How many people's faces are stored, from how many on it is filed, by which article, and the form."""

    people: int
    ruling: Ruling
    threshold: int
    filing: Filing


async def filing_state(services: Services, actor: Actor) -> FilingState | None:
    """Where the organisation stands; None where no law of its sites asks for a filing."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        return await _state(services, tx, actor.tenant)


async def _state(services: Services, tx: Transaction, tenant: TenantId) -> FilingState | None:
    asking = [
        ruling
        for one in await jurisdiction.profiles_in_force(services, tx, tenant)
        if (ruling := one.ruling("filing-at")) is not None
    ]
    if not asking:
        return None
    first = min(asking, key=lambda one: int(one.value))
    stored = await _filing(services, tx, tenant)
    return FilingState(
        people=len(await people.reference_counts(tx, tenant)) + await face_store.count(tx, tenant),
        ruling=first,
        threshold=int(first.value),
        filing=stored.document if stored is not None else Filing(),
    )


async def note_faces(services: Services, tx: Transaction, tenant: TenantId) -> None:
    """After an enrolment: from the day on which the threshold is reached, the filing is due."""
    state = await _state(services, tx, tenant)
    if state is None or state.filing.reached is not None or state.people < state.threshold:
        return
    await _put(services, tx, tenant, replace(state.filing, reached=utc_day(services.clock.now())))


async def set_filing(services: Services, actor: Actor, wanted: Filing) -> None:
    """Keep what the form says; the day on which the threshold was reached stays as it was noticed."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        before = await _filing(services, tx, actor.tenant)
        reached = before.document.reached if before is not None else None
        await _put(services, tx, actor.tenant, replace(wanted, reached=reached))
        detail = f"filed {wanted.filed}, number {wanted.number}" if wanted.filed else "form changed"
        await trace(services, tx, actor, Act.CHANGED, purpose="filing of faces", detail=detail)


async def _filing(services: Services, tx: Transaction, tenant: TenantId) -> Stored[Filing] | None:
    found = await store.every(tx, services.keyring, tenant, DocumentKind.FILING, Filing)
    return found[0] if found else None


async def _put(services: Services, tx: Transaction, tenant: TenantId, wanted: Filing) -> None:
    before = await _filing(services, tx, tenant)
    if before is None:
        kind = DocumentKind.FILING
        await store.add(tx, services.keyring, tenant, _FILING, kind=kind, document=wanted)
    else:
        await store.change(tx, services.keyring, tenant, before, wanted)
