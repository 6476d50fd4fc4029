"""Visits as operators keep them: invite, approve, refuse, cancel, and tell that somebody came or left."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from postern.access import store as access
from postern.access.model import AccessLevel, SubjectKind
from postern.errors import BadInput, Conflict
from postern.ids import CredentialId, PersonId, SiteId, TenantId, VisitId, new_id
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, bring_in, is_on_desk, looking, open_subjects
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale, publish_stale
from postern.operations.trace import trace
from postern.operations.visitors.alike import became_alike
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction
from postern.sealing.keyring import Purpose
from postern.sites import store as sites
from postern.visitors import face_store, store
from postern.visitors import visit as rules
from postern.visitors.face import brought_to_doors, comes_to_doors, too_alike
from postern.visitors.model import LetterKind, Sighting, Visit, VisitDetails, VisitState, checked_visit
from postern.visitors.store import WaitingLetter

WHY = "visit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invited:
    """A visit, and the secret of its link, told once. `mailed`: the invitation is on its way, too."""

    visit: Visit
    link: str
    mailed: bool


async def invite(services: Services, actor: Actor, details: VisitDetails, *, mail: bool = True) -> Invited:
    """A new visit with keys of its own. With `mail` and an address the invitation goes there.

    Raises BadInput with what to correct, NotFound for a site that is not there.
    """
    require(actor, Duty.INVITE)
    wanted = checked_visit(details)
    if wanted.valid.is_before(services.clock.now()):
        raise BadInput("this time is over; choose a later end")
    visit = fresh(services, actor.tenant, wanted, by=actor.name, state=VisitState.EXPECTED)
    await make_keys(services, visit)
    async with services.database.transaction(actor.tenant) as tx:
        await check_places(services, tx, actor.tenant, wanted)
        visit = replace(visit, terms_needed=await newest_terms(services, tx, actor.tenant, wanted.site))
        await store_new(services, tx, visit)
        await bring_in(services, tx, actor, visit.id)
        link = await new_link(tx, visit)
        mailed = mail and await mail_invitation(services, tx, visit, link)
        await trace(services, tx, actor, Act.ADDED, purpose=WHY, subjects=[visit.id], detail="invited")
    return Invited(visit=visit, link=link, mailed=mailed)


async def invite_again(services: Services, actor: Actor, id: VisitId) -> Invited:
    """A new link in place of the one before, mailed where there is an address. Conflict when it is over."""
    require(actor, Duty.INVITE)
    async with services.database.transaction(actor.tenant) as tx:
        visit = await store.get(tx, services.keyring, actor.tenant, id)
        if visit.state.is_end:
            raise Conflict("this visit is over; invite the visitor anew")
        link = await new_link(tx, visit)
        mailed = await mail_invitation(services, tx, visit, link)
        await trace(services, tx, actor, Act.CHANGED, purpose=WHY, subjects=[id], detail="new link")
    return Invited(visit=visit, link=link, mailed=mailed)


async def approve(services: Services, actor: Actor, id: VisitId) -> Visit:
    """Let somebody in who came without invitation, for their host. Conflict unless they wait for it."""
    now = services.clock.now()
    return await _changed(
        services, actor, id, lambda one: rules.approved(one, by=actor.name, at=now), "approved"
    )


async def refuse(services: Services, actor: Actor, id: VisitId) -> Visit:
    """The host does not receive them. Conflict unless they wait for an answer."""
    now = services.clock.now()
    return await _changed(
        services, actor, id, lambda one: rules.refused(one, by=actor.name, at=now), "refused"
    )


async def cancel(services: Services, actor: Actor, id: VisitId) -> Visit:
    """It does not take place; its QR code is refused from now on. Conflict once somebody is inside."""
    now = services.clock.now()
    return await _changed(
        services, actor, id, lambda one: rules.cancelled(one, by=actor.name, at=now), "cancelled"
    )


async def tell(services: Services, actor: Actor, id: VisitId, *, out: bool) -> Visit:
    """Tell that the visitor came, or left (`out`), where no reader saw it. Conflict when not expected."""
    sighting = Sighting(at=services.clock.now(), out=out, by=actor.name)
    return await _changed(
        services,
        actor,
        id,
        lambda one: rules.seen(rules.stated(one, sighting), seen_already(one)),
        "left" if out else "arrived",
    )


def seen_already(visit: Visit) -> list[Sighting]:
    """What readers saw, as far as the visit tells it; they are asked anew at the next passage."""
    seen = [] if visit.arrived_at is None else [Sighting(at=visit.arrived_at, out=False)]
    return seen if visit.left_at is None else [*seen, Sighting(at=visit.left_at, out=True)]


async def find_host(services: Services, actor: Actor, site: SiteId, text: str) -> PersonId | None:
    """Whose name or employee number that is; None for no text. Journalled before it is told.

    Raises BadInput when it is nobody's, or several people's name.
    """
    require(actor, Duty.INVITE)
    if not text.strip():
        return None
    async with looking(services, actor) as tx:
        found = await hosts_named(services, tx, actor.tenant, text)
        opening = Opening(
            act=Act.SEARCHED,
            purpose="find the host of a visit",
            subjects=found,
            own_desk=await is_on_desk(services, tx, actor, site),
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    if not found:
        raise BadInput("nobody is registered under this name or employee number; look for a typing slip")
    if len(found) > 1:
        raise BadInput("several people have this name; give the employee number")
    return found[0]


async def hosts_named(services: Services, tx: Transaction, tenant: TenantId, text: str) -> list[PersonId]:
    """Everybody of exactly that name (upper and lower case alike), or with that employee number."""
    number = await people.find(tx, services.keyring, tenant, field="employee_number", value=text)
    if number is not None:
        return [number]
    wanted = " ".join(text.split()).casefold()
    everyone = (await services.registry.people.everyone(tx, tenant)).values()
    return [one.id for one in everyone if one.details.name.casefold() == wanted]


# What other operations on visits share.


def fresh(
    services: Services, tenant: TenantId, details: VisitDetails, *, by: str, state: VisitState
) -> Visit:
    """A visit that is not stored yet, with a QR code of 128 random bits."""
    return Visit(
        id=VisitId(new_id()),
        tenant=tenant,
        details=details,
        state=state,
        code=f"P1.{secrets.token_urlsafe(16)}",
        credential=CredentialId(new_id()),
        made_at=services.clock.now(),
        made_by=by,
    )


async def make_keys(services: Services, visit: Visit) -> None:
    """The keys under which everything about it is sealed."""
    await services.keyring.new_subject_keys(visit.tenant, visit.id, [Purpose.IDENTITY, Purpose.MOVEMENT])


async def check_places(services: Services, tx: Transaction, tenant: TenantId, details: VisitDetails) -> None:
    """Raises NotFound for a site, access level or host that is not the tenant's."""
    await sites.site(tx, services.keyring, tenant, details.site)
    if details.level is not None:
        await access.rule(tx, services.keyring, tenant, details.level, AccessLevel)
    if details.host is not None:
        await people.get(tx, services.keyring, tenant, details.host)


async def newest_terms(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> int:
    """The number of the terms that a visitor of the site signs now; 0 where there are none to sign."""
    found = await store.every_terms(tx, services.keyring, tenant, site)
    return found[0].number if found and (found[0].english or found[0].chinese) else 0


async def store_new(services: Services, tx: Transaction, visit: Visit) -> None:
    """Store it with what it may present."""
    await store.add(tx, services.keyring, visit)
    await put_holding(services, tx, visit)


async def store_changed(services: Services, tx: Transaction, visit: Visit) -> Visit:
    """Store it as it is now, with what it may present from now on. Conflict when it is stale."""
    wanted = brought_to_doors(visit, services.clock.now())
    if comes_to_doors(visit, wanted) and await became_alike(services, tx, wanted):
        wanted = await without_reference(tx, wanted)
    changed = await store.change(tx, services.keyring, wanted)
    await put_holding(services, tx, changed)
    return changed


async def without_reference(tx: Transaction, visit: Visit) -> Visit:
    """Nothing of the face is kept any more, for it looks too much like another; the QR code does the same."""
    await face_store.remove(tx, visit.tenant, visit.id)
    return too_alike(visit)


async def give_way(services: Services, tx: Transaction, tenant: TenantId, visits: Iterable[UUID]) -> None:
    """Take the faces of these visits from doors."""
    for id in visits:
        visit = await store.get(tx, services.keyring, tenant, VisitId(id))
        await store_changed(services, tx, await without_reference(tx, visit))


async def decided(services: Services, tx: Transaction, visit: Visit) -> Visit:
    """Store what was answered to somebody without invitation; who may come in gets the page by mail, too."""
    changed = await store_changed(services, tx, visit)
    if changed.state is VisitState.EXPECTED and services.post is not None and changed.details.mail:
        await mail_invitation(services, tx, changed, await new_link(tx, changed))
    return changed


async def put_holding(services: Services, tx: Transaction, visit: Visit) -> None:
    """Agents get a new policy when what the visit may present is another than before."""
    wanted = rules.holding_of(visit)
    held = await access.holding(tx, services.keyring, visit.tenant, visit.id, SubjectKind.VISIT)
    if (held.credentials, held.grants) != (wanted.credentials, wanted.grants):
        changed = replace(held, credentials=wanted.credentials, grants=wanted.grants)
        await access.put_holding(tx, services.keyring, visit.tenant, changed)
        await mark_stale(services, tx, visit.tenant)


async def new_link(tx: Transaction, visit: Visit) -> str:
    """The visitor's link from now on, in place of any before. Told once: only its digest is kept."""
    secret = secrets.token_urlsafe(24)
    await store.put_link(tx, visit.tenant, visit.id, digest_of(secret))
    return link_text(visit.tenant, secret)


def link_text(tenant: TenantId, secret: str) -> str:
    """What stands in a link: the tenant's number, then the secret."""
    return f"{tenant}-{secret}"


def digest_of(secret: str) -> bytes:
    """By which a link is found."""
    return hashlib.sha256(secret.encode()).digest()


async def write_letter(
    services: Services, tx: Transaction, visit: Visit, kind: LetterKind, to: str, *, secret: str = ""
) -> None:
    """Have a letter sent once `tx` is committed."""
    now = services.clock.now()
    letter = WaitingLetter(id=new_id(), visit=visit.id, kind=kind, to=to, due=now, made_at=now, secret=secret)
    await store.put_letter(tx, services.keyring, visit.tenant, letter)


async def write_to_host(services: Services, tx: Transaction, visit: Visit, kind: LetterKind) -> bool:
    """The same to the host, where there is one with an address; whether it is on its way."""
    if services.post is None or visit.details.host is None:
        return False
    everyone = await services.registry.people.everyone(tx, visit.tenant)
    host = everyone.get(visit.details.host)
    if host is None or host.details.mail is None:
        return False
    secret = ""
    if kind is LetterKind.ASKED:
        secret = secrets.token_urlsafe(24)
        await store.put_host_link(tx, visit.tenant, visit.id, digest_of(secret))
        secret = link_text(visit.tenant, secret)
    await write_letter(services, tx, visit, kind, host.details.mail, secret=secret)
    return True


async def mail_invitation(services: Services, tx: Transaction, visit: Visit, link: str) -> bool:
    if services.post is None or visit.details.mail is None:
        return False
    await write_letter(services, tx, visit, LetterKind.INVITATION, visit.details.mail, secret=link)
    return True


async def _changed(
    services: Services, actor: Actor, id: VisitId, change: Callable[[Visit], Visit], detail: str
) -> Visit:
    require(actor, Duty.INVITE)
    async with services.database.transaction(actor.tenant) as tx:
        changed = change(await store.get(tx, services.keyring, actor.tenant, id))
        answered = detail in ("approved", "refused")
        visit = await (decided if answered else store_changed)(services, tx, changed)
        await trace(services, tx, actor, Act.CHANGED, purpose=WHY, subjects=[id], detail=detail)
    await publish_stale(services)
    return visit
