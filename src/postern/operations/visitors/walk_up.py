"""Somebody stands at a kiosk without invitation: they say who they are and sign, and their host decides.

Nobody learns at a kiosk who works here: a name that nobody has is answered like any other, and whoever keeps
the desk sees the visit in the console either way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from postern.errors import NotFound, Refused, TooMany
from postern.ids import VisitId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.sites.kiosks import KnownKiosk
from postern.operations.trace import trace_as
from postern.operations.visitors.visits import (
    WHY,
    fresh,
    hosts_named,
    make_keys,
    newest_terms,
    store_new,
    write_to_host,
)
from postern.sites import store as sites
from postern.spans import Span
from postern.visitors import store
from postern.visitors import visit as rules
from postern.visitors.model import (
    LetterKind,
    Terms,
    VisitDetails,
    VisitState,
    checked_visit,
)

SHOWN_FOR = timedelta(minutes=15)
"""How long a kiosk goes on showing one visit: the next one stands there soon."""
MOST_AN_HOUR = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class WalkUp:
    """What somebody types at a kiosk; `host`: a name as they know it; `signature`: theirs under `terms`."""

    name: str
    company: str = ""
    mail: str | None = None
    host: str = ""
    purpose: str = ""
    language: str = "en"
    terms: int = 0
    signature: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """What a kiosk shows to whoever comes: the site's name, and the terms to be signed, if any."""

    site: str
    terms: Terms | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How it stands with somebody at the kiosk. `code`: their QR code's text, once they may come in."""

    state: VisitState
    name: str
    code: str


async def takes_walk_ups(services: Services, known: KnownKiosk) -> bool:
    """Whether somebody may come to the kiosk without invitation."""
    async with services.database.transaction(known.tenant) as tx:
        rules_here = await store.visit_rules(tx, services.keyring, known.tenant, known.kiosk.site)
    return rules_here.walk_ups


async def welcome(services: Services, known: KnownKiosk) -> Welcome:
    """What the kiosk asks for. Raises Refused where visitors need an invitation."""
    if not await takes_walk_ups(services, known):
        raise Refused("visitors need an invitation here; call for help")
    async with services.database.transaction(known.tenant) as tx:
        site = await sites.site(tx, services.keyring, known.tenant, known.kiosk.site)
        every = await store.every_terms(tx, services.keyring, known.tenant, site.id)
    needed = every[0] if every and every[0].text("en") else None
    return Welcome(site=site.name, terms=needed)


async def ask_to_come_in(services: Services, known: KnownKiosk, wanted: WalkUp) -> VisitId:
    """A visit that waits for its host. The host gets a letter where they have an address.

    Raises BadInput with what to correct, Conflict when the terms have changed, TooMany.
    """
    site, now = known.kiosk.site, services.clock.now()
    await welcome(services, known)
    async with services.database.transaction(known.tenant) as tx:
        every = (await services.registry.visits.all(tx, known.tenant)).values()
        lately = [one for one in every if one.walk_up and now - one.made_at < timedelta(hours=1)]
        if sum(one.details.site == site for one in lately) >= MOST_AN_HOUR:
            raise TooMany("too many visitors in a short time; call for help")
        rules_here = await store.visit_rules(tx, services.keyring, known.tenant, site)
        terms = await newest_terms(services, tx, known.tenant, site)
        named = await hosts_named(services, tx, known.tenant, wanted.host) if wanted.host.strip() else []
        texts = await store.every_terms(tx, services.keyring, known.tenant, site)
    details = checked_visit(
        VisitDetails(
            site=site,
            name=wanted.name,
            company=wanted.company,
            mail=wanted.mail,
            host=named[0] if len(named) == 1 else None,
            level=rules_here.walk_up_level,
            valid=Span(start=now, end=now + timedelta(hours=rules_here.walk_up_hours)),
            purpose=_purpose(wanted, found=len(named) == 1),
            language=wanted.language,
        )
    )
    visit = fresh(services, known.tenant, details, by=known.name, state=VisitState.ASKED)
    visit = replace(visit, walk_up=True, terms_needed=terms)
    if visit.may_sign:
        shown = next((one for one in texts if one.number == wanted.terms), texts[0])
        visit = rules.signed(visit, shown, language=details.language, name=wanted.signature, at=now)
    await make_keys(services, visit)
    async with services.database.transaction(known.tenant) as tx:
        await store_new(services, tx, visit)
        await write_to_host(services, tx, visit, LetterKind.ASKED)
        await trace_as(
            services,
            tx,
            known.tenant,
            known.name,
            Act.ADDED,
            purpose=WHY,
            subjects=[visit.id],
            detail="asked at a kiosk",
        )
    return visit.id


def _purpose(wanted: WalkUp, *, found: bool) -> str:
    """What they came for; a name that is nobody's in particular is kept for whoever keeps the desk."""
    if found or not wanted.host.strip():
        return wanted.purpose
    return f"{wanted.purpose} [{' '.join(wanted.host.split())}]".strip()


async def standing(services: Services, known: KnownKiosk, id: VisitId) -> Standing:
    """How it stands with somebody who asked at this kiosk a short time ago. NotFound for all others."""
    async with services.database.transaction(known.tenant) as tx:
        visit = await store.get(tx, services.keyring, known.tenant, id)
    now = services.clock.now()
    if not visit.walk_up or visit.made_by != known.name or now - visit.made_at > SHOWN_FOR:
        raise NotFound("this took too long; begin again, or call for help")
    return Standing(state=visit.state, name=visit.details.name, code=visit.code if visit.is_ready else "")
