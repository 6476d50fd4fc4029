"""Erase a person, vehicle or visit, or what a withdrawn consent covered: by destroying keys, and with proof.

1. The erasure is written down, then what is held is gathered: a crash from here on is made up for.
2. Rows go and keys are destroyed; from here on no copy anywhere opens. Tombstones are written.
3. Pictures go, agents get a policy without the subject and are asked for their word that nothing is left.
4. Everything gathered is tried with whatever keys are left. Only when nothing opens is there a receipt.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from uuid import UUID

from postern import sealed_rows as rows
from postern.access.store import VISIT as VISITS
from postern.clock import utc_day
from postern.errors import KeyDestroyed, NotFound, PosternError
from postern.ids import PersonId, SiteId, TenantId, VehicleId, VisitId, new_id
from postern.journal.model import Act
from postern.operations.attendance.law import keep_open_hours
from postern.operations.parking.erase import forget_vehicle
from postern.operations.privacy import jurisdiction, tombstones
from postern.operations.privacy import theirs as holdings
from postern.operations.privacy.erase_receipt import receipt_of
from postern.operations.privacy.erase_rows import unregister
from postern.operations.privacy.theirs import ArchivedRecord, Theirs
from postern.operations.services import Services
from postern.operations.sites.publish_policy import build, mark_stale, publish_stale
from postern.operations.trace import trace, trace_as
from postern.operators.model import Actor
from postern.operators.roles import Duty, may, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.privacy import erasure_store as store
from postern.privacy.erasure_store import Asked, Erasure, SitePolicy
from postern.privacy.receipt import (
    SIGNING_KEY,
    DestroyedKey,
    Receipt,
    Tried,
    signed,
)
from postern.privacy.statutory import PERSON, VEHICLE, VISIT, StatutoryKeep, kept_by_law
from postern.records import ending
from postern.records.model import TAG_BYTES
from postern.records.sealed import anonymous, open_happening, seal_happening
from postern.sealing import signing
from postern.sealing.keyring import ERASABLE, Purpose
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.epochs import policies
from postern.vehicles import store as vehicles

JOB = "job:erasure"


class ErasureIncomplete(PosternError):
    """Something of the subject still opens. It is tried again at the hub's next start."""

    code = "erasure-incomplete"


async def erase_person(
    services: Services,
    actor: Actor,
    id: PersonId,
    *,
    reason: str = "",
    legal: StatutoryKeep | None = None,
) -> Receipt:
    """Erase a person for good. `legal`: what a law not recorded here makes you keep, and until when.

    Raises NotFound, or ErasureIncomplete when something still opens afterwards.
    """
    _require_to_erase(actor, Duty.CHANGE_PEOPLE)
    async with services.database.transaction(actor.tenant) as tx:
        await rows.one(tx, people.PERSON, actor.tenant, id)
        stored = await people.references(tx, services.keyring, actor.tenant, [id])
        begun = _begun(services, actor, subject=id, kind=PERSON, reason=reason, purposes=ERASABLE)
        erasure = await _with_law(services, tx, begun, legal)
        photos = sorted({one.photo for one in stored if one.photo})
    return await _carry_out(services, actor, erasure, photos=photos, plate=None)


async def erase_vehicle(
    services: Services,
    actor: Actor,
    id: VehicleId,
    *,
    reason: str = "",
    legal: StatutoryKeep | None = None,
) -> Receipt:
    """Erase a vehicle for good; its plate, too, where it was recorded while it was nobody's."""
    _require_to_erase(actor, Duty.CHANGE_VEHICLES)
    plate = None
    async with services.database.transaction(actor.tenant) as tx:
        await rows.one(tx, vehicles.VEHICLE, actor.tenant, id)
        with suppress(KeyDestroyed):
            plate = (await vehicles.get(tx, services.keyring, actor.tenant, id)).details.plate
        begun = _begun(services, actor, subject=id, kind=VEHICLE, reason=reason, purposes=ERASABLE)
        erasure = await _with_law(services, tx, begun, legal)
    return await _carry_out(services, actor, erasure, photos=(), plate=plate)


async def erase_visit(services: Services, actor: Actor, id: VisitId, *, reason: str = "") -> Receipt:
    """Erase a visit for good. No law recorded here keeps anything of visitors."""
    _require_to_erase(actor, Duty.INVITE)
    async with services.database.transaction(actor.tenant) as tx:
        await rows.one(tx, VISITS, actor.tenant, id)
        begun = _begun(services, actor, subject=id, kind=VISIT, reason=reason, purposes=ERASABLE)
        erasure = await _with_law(services, tx, begun, None)
    return await _carry_out(services, actor, erasure, photos=(), plate=None)


async def erase_face(services: Services, actor: Actor, person: PersonId, *, reason: str = "") -> Receipt:
    """Destroy a person's face key and what it sealed, and only that: what a withdrawn consent asks for."""
    require(actor, Duty.ENROL)
    return await take_face(services, actor, person, reason=reason)


async def take_face(services: Services, actor: Actor, person: PersonId, *, reason: str) -> Receipt:
    """The same, for whoever needs no duty to ask: the person themself."""
    async with services.database.transaction(actor.tenant) as tx:
        stored = await people.references(tx, services.keyring, actor.tenant, [person])
    erasure = _begun(services, actor, subject=person, kind=PERSON, reason=reason, purposes=(Purpose.FACE,))
    photos = sorted({one.photo for one in stored if one.photo})
    return await _carry_out(services, actor, erasure, photos=photos, plate=None)


async def take_visit_face(services: Services, actor: Actor, id: VisitId, *, reason: str) -> Receipt:
    """A visitor's: asked for by themselves, by whoever keeps visits, or because the visit is over."""
    erasure = _begun(services, actor, subject=id, kind=VISIT, reason=reason, purposes=(Purpose.FACE,))
    return await _carry_out(services, actor, erasure, photos=(), plate=None)


async def resume(services: Services) -> int:
    """Finish what a crash cut short, of every tenant; how many there were."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    finished = 0
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            waiting = await store.unfinished(tx, services.keyring, tenant)
        for one in waiting:
            async with services.database.transaction(tenant) as tx:
                held = await _gathered(services, tx, one, photos=(), plate=None)
            with suppress(ErasureIncomplete):  # it is in the journal, and stays unfinished
                await _finish(services, await _destroy(services, one, held), held)
                finished += 1
    return finished


async def receipt(services: Services, actor: Actor, id: UUID) -> bytes:
    """The signed receipt as of now, as JSON: with the word of those agents that have given it."""
    require(actor, Duty.SEE_PEOPLE)
    async with services.database.transaction(actor.tenant) as tx:
        erasure = await store.get(tx, services.keyring, actor.tenant, id)
        if erasure.receipt is None:
            raise NotFound("this erasure is not finished; its receipt comes with it")
        proofs = await store.proofs(tx, actor.tenant, id)
    now = replace(erasure.receipt, issued_at=services.clock.now(), agents=proofs)
    return signed(now, await services.keyring.signing_key(actor.tenant, SIGNING_KEY))


async def receipts_public_key(services: Services, actor: Actor) -> bytes:
    """The key by which whoever is handed a receipt checks it."""
    return signing.public_of(await services.keyring.signing_key(actor.tenant, SIGNING_KEY))


async def erasures(services: Services, actor: Actor) -> list[Erasure]:
    """Every erasure and withdrawal of the tenant, latest first."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.every(tx, services.keyring, actor.tenant)


async def end_statutory(services: Services, tenant: TenantId, today: date) -> int:
    """Destroy what the law made us keep, once its date has passed; how many keys that were."""
    async with services.database.transaction(tenant) as tx:
        found = await store.every(tx, services.keyring, tenant)
    over = [
        one for one in found if one.keeps is not None and not one.statutory_over and one.keeps.until < today
    ]
    count = 0
    for one in over:
        keys = await services.keyring.destroy_subject_keys(tenant, one.subject, [Purpose.STATUTORY])
        await tombstones.set_up(services, tenant, keys)
        async with services.database.transaction(tenant) as tx:
            await store.change(tx, services.keyring, replace(one, statutory_over=True))
        count += len(keys)
    return count


def _require_to_erase(actor: Actor, keeper: Duty) -> None:
    """Whoever keeps the registry, or answers for privacy, may end an entry of it."""
    if not may(actor, Duty.ERASE):
        require(actor, keeper)


async def _with_law(
    services: Services, tx: Transaction, begun: Erasure, legal: StatutoryKeep | None
) -> Erasure:
    """The statutory key is kept only where a law is known that asks for it; else it goes with the others."""
    laws = await jurisdiction.site_laws(services, tx, begun.tenant)
    keeps = legal or kept_by_law(laws, begun.subject_kind, utc_day(begun.begun_at))
    purposes = begun.purposes if keeps is not None else tuple(int(one) for one in Purpose)
    return replace(begun, keeps=keeps, purposes=purposes)


def _begun(
    services: Services, actor: Actor, *, subject: UUID, kind: str, reason: str, purposes: Sequence[Purpose]
) -> Erasure:
    return Erasure(
        id=new_id(),
        tenant=actor.tenant,
        subject=subject,
        subject_kind=kind,
        begun_at=services.clock.now(),
        by=actor.name,
        reason=reason.strip()[:200],
        purposes=tuple(int(one) for one in purposes),
    )


async def _carry_out(
    services: Services, actor: Actor, erasure: Erasure, *, photos: Sequence[str], plate: str | None
) -> Receipt:
    """Steps 1 to 4."""
    async with services.database.transaction(erasure.tenant) as tx:
        await store.add(tx, services.keyring, erasure)
        await trace(
            services,
            tx,
            actor,
            Act.WITHDREW if erasure.is_withdrawal else Act.ERASED,
            purpose=erasure.reason or ("face recognition" if erasure.is_withdrawal else "erasure"),
            subjects=[erasure.subject],
            detail=f"{erasure.subject_kind} {erasure.id}",
        )
    async with services.database.transaction(erasure.tenant) as tx:
        held = await _gathered(services, tx, erasure, photos=photos, plate=plate)
        begun = await store.change(tx, services.keyring, replace(erasure, pictures=held.pictures))
    return await _finish(services, await _destroy(services, begun, held), held)


async def _gathered(
    services: Services, tx: Transaction, erasure: Erasure, *, photos: Sequence[str], plate: str | None
) -> Theirs:
    return await holdings.gather(
        services,
        tx,
        erasure.tenant,
        erasure.subject,
        photos=photos,
        plate=plate,
        purposes=[Purpose(one) for one in erasure.purposes],
    )


async def _destroy(services: Services, erasure: Erasure, held: Theirs) -> Erasure:
    """Rows and keys. If keys cannot be destroyed, all is as before; if the commit fails, it is repeated."""
    if erasure.subject_kind == PERSON and not erasure.is_withdrawal and erasure.keeps is not None:
        await keep_open_hours(services, erasure.tenant, PersonId(erasure.subject))
    async with services.database.transaction(erasure.tenant) as tx:
        if erasure.subject_kind == VEHICLE:
            # While its keys open what garages hold of it.
            await forget_vehicle(services, tx, erasure.tenant, erasure.subject, held.plate)
        await unregister(services, tx, erasure)
        for one in held.records:
            await _close(tx, erasure.tenant, one)
        await mark_stale(services, tx, erasure.tenant)
        named = await _named_keys(services, erasure)
        keys = await services.keyring.destroy_subject_keys(
            erasure.tenant, erasure.subject, [Purpose(one) for one in erasure.purposes]
        )
        changed = replace(erasure, destroyed=(*erasure.destroyed, *named))
        changed = await store.change(tx, services.keyring, changed)
    await tombstones.set_up(services, erasure.tenant, keys)
    return changed


async def _named_keys(services: Services, erasure: Erasure) -> list[DestroyedKey]:
    """The ids of the keys that are there, by purpose."""
    found = []
    for purpose in map(Purpose, erasure.purposes):
        with suppress(KeyDestroyed):
            key = await services.keyring.subject_key(erasure.tenant, erasure.subject, purpose)
            found.append(DestroyedKey(purpose=purpose.name.lower(), key=key.id.hex()))
    return found


async def _close(tx: Transaction, tenant: TenantId, one: ArchivedRecord) -> None:
    """Give a record a random tag: whoever reads the subject's id in the journal cannot join its days.

    A record that names the plate under the site's key is sealed anew without it.
    """
    record = one.record
    if not one.named:
        await ending.replace(tx, replace(record, tag=os.urandom(TAG_BYTES)), quarantined=one.quarantined)
        return
    with suppress(PosternError):  # changed by somebody: there is nothing that could be sealed anew
        whole = open_happening(
            record.sealed, tenant=tenant, key=record.key, site_day=one.site_day, movement=None
        )
        sealed, _ = seal_happening(
            anonymous(whole.happening), tenant=tenant, key=record.key, site_day=one.site_day, movement=None
        )
        await ending.replace(tx, replace(record, tag=None, sealed=sealed), quarantined=one.quarantined)


async def _finish(services: Services, erasure: Erasure, held: Theirs) -> Receipt:
    """Pictures, policies, the agents' proofs, the trial and the receipt."""
    for name in erasure.pictures:
        await services.pictures.delete(name)
    await publish_stale(services)
    published = await _ask_agents(services, erasure)
    tried = await holdings.try_to_open(services, held, erasure.pictures)
    tried = (*tried, await _tried_policies(services, erasure, [one.site for one in published]))
    if any(one.opened for one in tried):
        await _say_incomplete(services, erasure, tried)
    made = receipt_of(erasure, held, tried, now=services.clock.now())
    async with services.database.transaction(erasure.tenant) as tx:
        done = replace(erasure, pictures=(), policies=published, receipt=made)
        await store.change(tx, services.keyring, done)
    return made


async def _ask_agents(services: Services, erasure: Erasure) -> tuple[SitePolicy, ...]:
    """Ask every agent that holds a policy of the tenant; the policies that are without the subject."""
    async with services.database.transaction(erasure.tenant) as tx:
        now = await policies(tx, erasure.tenant)
        for site in now:
            for agent in await agents.of_site(tx, site.site):
                if agent.active:
                    asked = Asked(
                        site=site.site, agent=agent.id, erasure=erasure.id, bundle_key=agent.hpke_public
                    )
                    await store.ask(tx, erasure.tenant, asked)
    return tuple(SitePolicy(site=one.site, epoch=one.epoch, version=one.version) for one in now)


async def _tried_policies(services: Services, erasure: Erasure, every: Sequence[SiteId]) -> Tried:
    """Whether what agents would be given now still holds the subject, or its face."""
    opened = 0
    for site in every:
        async with services.database.transaction(erasure.tenant) as tx:
            policy = await build(services, tx, erasure.tenant, site, version=0)
        face = any(erasure.subject in part.people for part in policy.gallery)
        holder = any(one.subject == erasure.subject for one in policy.holders)
        opened += face or (holder and not erasure.is_withdrawal)
    return Tried(what="policy", tried=len(every), opened=opened)


async def _say_incomplete(services: Services, erasure: Erasure, tried: Sequence[Tried]) -> None:
    what = ", ".join(f"{one.opened} of {one.tried} {one.what}" for one in tried if one.opened)
    async with services.database.transaction(erasure.tenant) as tx:
        await trace_as(
            services,
            tx,
            erasure.tenant,
            JOB,
            Act.ALARMED,
            purpose="an erasure is not complete",
            subjects=[erasure.subject],
            detail=what,
        )
    raise ErasureIncomplete(
        f"the erasure is not complete, so there is no receipt: {what} can still be opened. "
        "It is tried again when the hub starts; if that does not help, look at the keystore's log."
    )
