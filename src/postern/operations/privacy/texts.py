"""Wordings of consent by version, the legal basis of each purpose, and the filing with the authority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern.clock import utc_day
from postern.ids import PersonId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.privacy import jurisdiction
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.privacy import document_store as store
from postern.privacy import profiles
from postern.privacy.document_store import DocumentKind, Stored
from postern.privacy.profiles import FALLBACK, Profile, Ruling, first_grounds, first_text, profile
from postern.privacy.texts import (
    Asked,
    Basis,
    ConsentText,
    Filing,
    Grounds,
    MovementsText,
    Purpose,
    StoredGrounds,
    checked_wording,
)
from postern.sites import store as sites
from postern.visitors import face_store

_GROUNDS, _FILING = UUID(int=1), UUID(int=2)
"""There is one of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wordings:
    """What is read now, and what was, newest first. Several are in force only until one is published: each
    at the sites of its law."""

    in_force: tuple[ConsentText, ...]
    earlier: tuple[ConsentText, ...]
    movements: MovementsText | None
    """Where no site is home: what is asked beside the face."""


async def texts(services: Services, tenant: TenantId) -> Wordings:
    """Every wording. They are told to whoever is to consent."""
    async with services.database.transaction(tenant) as tx:
        published = await _published(services, tx, tenant)
        begun = await jurisdiction.begun_with(services, tx, tenant)
        movements = (await _asked(services, tx, tenant, None)).movements
    first = {one.consent_text.name: one.consent_text for one in begun}
    in_force = published[:1] or list(first.values())
    general = profile(FALLBACK, utc_day(services.clock.now())).consent_text
    every = {one.name: one for one in (*published, *first.values(), general)}
    earlier = [one for one in every.values() if one not in in_force]
    return Wordings(in_force=tuple(in_force), earlier=tuple(earlier), movements=movements)


async def asked_at(services: Services, tenant: TenantId, site: SiteId | None) -> Asked:
    """What somebody is asked who is at home at that site, or (None) at all of them: the wording published
    last, or what the law there begins with."""
    async with services.database.transaction(tenant) as tx:
        return await _asked(services, tx, tenant, site)


async def asked_of(services: Services, tenant: TenantId, person: PersonId) -> Asked:
    """What that person is asked. Raises NotFound."""
    async with services.database.transaction(tenant) as tx:
        whose = await people.get(tx, services.keyring, tenant, person)
        return await _asked(services, tx, tenant, whose.details.home_site)


async def _asked(services: Services, tx: Transaction, tenant: TenantId, site: SiteId | None) -> Asked:
    published = await _published(services, tx, tenant)
    begun = await jurisdiction.begun_with(services, tx, tenant, home=site)
    strict = next((one for one in begun if one.ground(Purpose.MOVEMENTS).basis is Basis.CONSENT), begun[0])
    on_consent = await _movements_basis(services, tx, tenant, begun) is Basis.CONSENT
    return Asked(
        face=published[0] if published else first_text(begun),
        movements=strict.movements_text if on_consent else None,
    )


async def refuse_movements(
    services: Services, tx: Transaction, tenant: TenantId, home: SiteId | None, *, consents: bool
) -> None:
    """Raises where a face would make records of movements without the consent on which they rest."""
    begun = await jurisdiction.begun_with(services, tx, tenant, home=home)
    basis = await _movements_basis(services, tx, tenant, begun)
    profiles.refuse_movements(begun, basis, consents=consents)


async def _movements_basis(
    services: Services, tx: Transaction, tenant: TenantId, begun: Sequence[Profile]
) -> Basis:
    stored = await _grounds(services, tx, tenant)
    every = StoredGrounds(every=()) if stored is None else stored.document
    said = every.completed(first_grounds(begun)).every
    return next(one.basis for one in said if one.purpose is Purpose.MOVEMENTS)


async def _published(services: Services, tx: Transaction, tenant: TenantId) -> list[ConsentText]:
    found = await store.every(tx, services.keyring, tenant, DocumentKind.CONSENT_TEXT, ConsentText)
    return sorted((one.document for one in found), key=lambda one: one.number, reverse=True)


async def organisation(services: Services, tenant: TenantId) -> str:
    """The name under which the organisation stands on its signs."""
    async with services.database.transaction(tenant) as tx:
        return (await sites.tenant(tx, services.keyring, tenant)).name


async def publish_text(services: Services, actor: Actor, *, en: str, zh: str) -> ConsentText:
    """A new wording, in force at once; earlier consents keep theirs. Raises BadInput for an empty one."""
    require(actor, Duty.KEEP_PRIVACY)
    en, zh = checked_wording(en), checked_wording(zh)
    async with services.database.transaction(actor.tenant) as tx:
        before = await _published(services, tx, actor.tenant)
        number = before[0].number + 1 if before else 1
        now = services.clock.now()
        made = ConsentText(number=number, en=en, zh=zh, published_at=now, published_by=actor.name)
        # Two of the same number contradict each other by their id.
        id, kind = UUID(int=1000 + number), DocumentKind.CONSENT_TEXT
        await store.add(tx, services.keyring, actor.tenant, id, kind=kind, document=made)
        await trace(services, tx, actor, Act.CHANGED, purpose="wording of the consent", detail=made.name)
    return made


async def grounds(services: Services, tenant: TenantId) -> Grounds:
    """The legal basis of each purpose, which everybody concerned is told."""
    async with services.database.transaction(tenant) as tx:
        found = await _grounds(services, tx, tenant)
        first = first_grounds(await jurisdiction.begun_with(services, tx, tenant))
    return first if found is None else found.document.completed(first)


async def set_grounds(services: Services, actor: Actor, wanted: Grounds) -> None:
    """Change them. Raises ForbiddenHere for a basis that the law of one of the sites does not know."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        if any(one.basis is Basis.INTERESTS for one in wanted.every):
            await jurisdiction.refuse_interests(services, tx, actor.tenant)
        before, stored = await _grounds(services, tx, actor.tenant), StoredGrounds(every=wanted.every)
        if before is None:
            kind = DocumentKind.GROUNDS
            await store.add(tx, services.keyring, actor.tenant, _GROUNDS, kind=kind, document=stored)
        else:
            await store.change(tx, services.keyring, actor.tenant, before, stored)
        detail = ", ".join(f"{one.purpose.value}: {one.basis.value}" for one in wanted.every)
        await trace(services, tx, actor, Act.CHANGED, purpose="legal bases", detail=detail)


async def _grounds(services: Services, tx: Transaction, tenant: TenantId) -> Stored[StoredGrounds] | None:
    found = await store.every(tx, services.keyring, tenant, DocumentKind.GROUNDS, StoredGrounds)
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
