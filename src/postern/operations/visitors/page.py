"""A visit as its visitor and its host see it on their phones, each by a link that nobody else was told."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from postern.errors import BadInput, BadPicture, Conflict, KeyDestroyed, NotFound, Refused
from postern.ids import TenantId, VisitId
from postern.journal import store as journal
from postern.journal.model import Act
from postern.operations.public import counter_wire as wire
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.trace import trace_as
from postern.operations.visitors import faces
from postern.operations.visitors.faces import GivenFace, NotGoodEnough, Offer
from postern.operations.visitors.visits import WHY, decided, digest_of, store_changed
from postern.postgres.pool import Transaction
from postern.privacy.profiles import ForbiddenHere
from postern.sites import store as sites
from postern.visitors import store
from postern.visitors import visit as rules
from postern.visitors.model import LANGUAGES, Visit

VISITOR, HOST = "visitor", "host"
"""As the journal names them."""
MOST_LOOKS = 50
_UNKNOWN = "this link is not good (any more); ask whoever invited you for a new one"


async def invitation(services: Services, link: str) -> wire.InvitationView:
    """The visit of a visitor's link. Raises NotFound."""
    tenant, secret = _parted(link)
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_link(tx, tenant, digest_of(secret)))
        view = await _view(services, tx, visit)
        await _traced(services, tx, visit, Act.LOOKED, name=VISITOR, detail="own page")
    return view


async def sign(
    services: Services, link: str, *, number: int, language: str, name: str
) -> wire.InvitationView:
    """Sign the terms of that number; from then on the QR code opens what the visit may.

    Raises NotFound, BadInput without a name, Conflict when the terms are others or nothing is to be signed.
    """
    tenant, secret = _parted(link)
    if language not in LANGUAGES:
        raise BadInput("choose one of the languages of the page")
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_link(tx, tenant, digest_of(secret)))
        every = await store.every_terms(tx, services.keyring, tenant, visit.details.site)
        terms = next((one for one in every if one.number == number), None)
        if terms is None:
            raise BadInput("there are no such terms; read them again")
        now = services.clock.now()
        signed = rules.signed(visit, terms, language=language, name=name, at=now)
        visit = await store_changed(services, tx, signed)
        view = await _view(services, tx, visit)
        await _traced(services, tx, visit, Act.CHANGED, name=VISITOR, detail=f"terms {number} signed")
    await publish_stale(services)
    return view


async def give_face(services: Services, link: str, given: GivenFace) -> wire.FaceAnswer:
    """The visitor's consent and photo; what is wrong with either is part of the answer.

    Raises NotFound, and Unavailable when faces cannot be judged now.
    """
    tenant, secret = _parted(link)
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_link(tx, tenant, digest_of(secret)))
    fault = wire.FaceFault()
    try:
        await faces.give(services, visit, given)
    except (ForbiddenHere, NotGoodEnough) as told:
        code = "photo" if isinstance(told, NotGoodEnough) else told.code
        fault = wire.FaceFault(code=code, english=told.in_language("en"), chinese=told.in_language("zh"))
    except (BadPicture, BadInput, Conflict, Refused) as other:
        fault = wire.FaceFault(code="photo" if isinstance(other, BadPicture) else other.code)
    return wire.FaceAnswer(view=await invitation(services, link), fault=fault)


async def withdraw_face(services: Services, link: str) -> wire.InvitationView:
    """The visitor takes the consent back; the QR code stays. Raises NotFound."""
    tenant, secret = _parted(link)
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_link(tx, tenant, digest_of(secret)))
    with suppress(NotFound):  # tapped twice, or the visit is over: there is none any more
        await faces.withdraw(services, visit)
    return await invitation(services, link)


async def who_waits(services: Services, link: str) -> wire.WaitingView:
    """Who waits for the host of that link. Raises NotFound."""
    tenant, secret = _parted(link)
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_host_link(tx, tenant, digest_of(secret)))
        view = await _waiting_view(services, tx, visit)
        await _traced(services, tx, visit, Act.LOOKED, name=HOST, detail="asked by letter")
    return view


async def answer(services: Services, link: str, *, approve: bool) -> wire.WaitingView:
    """The host lets them in, or not. Raises NotFound, and Conflict when it was decided already."""
    tenant, secret = _parted(link)
    async with services.database.transaction(tenant) as tx:
        visit = await _visit(services, tx, tenant, await store.by_host_link(tx, tenant, digest_of(secret)))
        now = services.clock.now()
        decide = rules.approved if approve else rules.refused
        visit = await decided(services, tx, decide(visit, by=HOST, at=now))
        view = await _waiting_view(services, tx, visit)
        detail = "approved" if approve else "refused"
        await _traced(services, tx, visit, Act.CHANGED, name=HOST, detail=detail)
    await publish_stale(services)
    return view


def _parted(link: str) -> tuple[TenantId, str]:
    number, _, secret = link.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 9 and 20 <= len(secret) <= 64):
        raise NotFound(_UNKNOWN)
    return TenantId(int(number)), secret


async def _visit(services: Services, tx: Transaction, tenant: TenantId, id: VisitId | None) -> Visit:
    if id is None:
        raise NotFound(_UNKNOWN)
    try:
        return await store.get(tx, services.keyring, tenant, id)
    except KeyDestroyed as fault:
        raise NotFound(_UNKNOWN) from fault


async def _view(services: Services, tx: Transaction, visit: Visit) -> wire.InvitationView:
    details = visit.details
    site = await sites.site(tx, services.keyring, visit.tenant, details.site)
    kept = await store.visit_rules(tx, services.keyring, visit.tenant, details.site)
    people = await services.registry.people.everyone(tx, visit.tenant)
    host = people.get(details.host) if details.host is not None else None
    return wire.InvitationView(
        site=site.name,
        time_zone=site.time_zone,
        state=visit.state.value,
        name=details.name,
        company=details.company,
        mail=details.mail or "",
        purpose=details.purpose,
        host=host.details.name if host is not None else "",
        start=_known(details.valid.start),
        end=_known(details.valid.end),
        code=visit.code if visit.is_ready else "",
        directions_english=kept.directions("en"),
        directions_chinese=kept.directions("zh"),
        kept_days=kept.kept_days,
        terms=await _terms(services, tx, visit),
        signed_name=visit.signed.name if visit.signed is not None else "",
        signed_at=visit.signed.at if visit.signed is not None else None,
        arrived_at=visit.arrived_at,
        left_at=visit.left_at,
        face=await _face(services, tx, visit),
        looks=await _looks(services, tx, visit),
    )


async def _face(services: Services, tx: Transaction, visit: Visit) -> wire.FaceView | None:
    offered = await faces.offer(services, tx, visit)
    if isinstance(offered, Offer):
        text, movements = offered.asked.face, offered.asked.movements
        return wire.FaceView(
            state="offered",
            wording=text.name,
            english=text.en,
            chinese=text.zh,
            guardian_age=offered.guardian_age,
            movements_english=movements.en if movements is not None else "",
            movements_chinese=movements.zh if movements is not None else "",
        )
    given = visit.face
    if given is not None:
        return wire.FaceView(
            state="given" if given.is_live else "ended",
            wording=given.wording,
            name=given.name,
            guardian=given.guardian,
            at=given.at,
            ended_at=given.ended_at,
        )
    if offered is None:
        return None
    english, chinese = offered.in_language("en"), offered.in_language("zh")
    return wire.FaceView(state="forbidden", english=english, chinese=chinese)


async def _terms(services: Services, tx: Transaction, visit: Visit) -> wire.TermsView | None:
    if not visit.may_sign:
        return None
    every = await store.every_terms(tx, services.keyring, visit.tenant, visit.details.site)
    found = next(one for one in every if one.number == visit.terms_needed)
    return wire.TermsView(number=found.number, english=found.text("en"), chinese=found.text("zh"))


async def _looks(services: Services, tx: Transaction, visit: Visit) -> tuple[wire.LookView, ...]:
    """What others did with it, the latest first; the visitor's own looks left out."""
    found = await journal.read_about(tx, services.keyring, visit.tenant, visit.id)
    others = [one.entry for one in found if one.entry.actor != VISITOR]
    return tuple(
        wire.LookView(at=one.at, act=one.act.value, purpose=one.purpose)
        for one in reversed(others[-MOST_LOOKS:])
    )


async def _waiting_view(services: Services, tx: Transaction, visit: Visit) -> wire.WaitingView:
    details = visit.details
    site = await sites.site(tx, services.keyring, visit.tenant, details.site)
    return wire.WaitingView(
        site=site.name,
        time_zone=site.time_zone,
        state=visit.state.value,
        name=details.name,
        company=details.company,
        purpose=details.purpose,
        came_at=visit.made_at,
    )


def _known(at: datetime | None) -> datetime:
    if at is None:
        raise ValueError("a visit's time has both ends")
    return at


async def _traced(
    services: Services, tx: Transaction, visit: Visit, act: Act, *, name: str, detail: str
) -> None:
    await trace_as(services, tx, visit.tenant, name, act, purpose=WHY, subjects=[visit.id], detail=detail)
