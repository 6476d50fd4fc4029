"""Drivers say how many are aboard: at the kiosk beside the way in, or on their own page.

What they say is recorded by the hub at once, so that nobody waits at a barrier for an agent that is away; the
site's agents are told to fetch it, and have it in their own roll while the hub is away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from postern.access import presence_store as store
from postern.access.aboard import AT_KIOSK, ON_OWN_PAGE, Passage, Question, answered, asked_at, question
from postern.access.model import SubjectKind
from postern.access.presence import Known
from postern.ids import AccessPointId, PersonId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.operators.members import trace_own
from postern.operations.presence.derive import present
from postern.operations.services import Services
from postern.operations.sites.commands import have_agents_look
from postern.operations.sites.kiosks import KnownKiosk
from postern.operations.trace import trace_as
from postern.postgres.pool import Transaction
from postern.privacy.member import JOURNAL_NAME, Member
from postern.records.model import PresenceDeed, PresenceRecord
from postern.sites import store as sites
from postern.sites.model import AccessPoint, Site

WHY = "passengers"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnQuestion:
    """What somebody's own page asks about a vehicle that they keep: which came in where, and when."""

    site: Site
    plate: str
    way_in: str
    asked: Question


async def asks_here(services: Services, known: KnownKiosk) -> bool:
    """Whether the kiosk stands beside a way in that asks drivers how many are aboard."""
    return bool(await _ways_in_beside(services, known))


async def asked_at_kiosk(services: Services, known: KnownKiosk) -> Question | None:
    """What the kiosk asks now, of whoever just came in beside it. Whose vehicle that is, it is not told."""
    points = await _ways_in_beside(services, known)
    if not points:
        return None
    presence = await present(services, known.tenant, known.kiosk.site)
    return asked_at(presence.known.values(), points, services.clock.now())


async def say_at_kiosk(services: Services, known: KnownKiosk, passage: Passage, people: int) -> None:
    """The driver at the kiosk says how many are aboard, themself too.

    Raises Conflict when it is not asked any more, BadInput for a number of nobody.
    """
    points = await _ways_in_beside(services, known)
    said = _Said(
        tenant=known.tenant,
        site=known.kiosk.site,
        by=known.name,
        passage=passage,
        people=people,
        within=AT_KIOSK,
    )

    def beside(one: Known) -> bool:
        return one.asked is not None and one.asked.via in points

    async with _answering(services, said, beside) as (tx, asked):
        await _record(services, tx, said, asked)


async def own_questions(services: Services, member: Member) -> list[OwnQuestion]:
    """How many are aboard the vehicles that the member keeps and that came in; the latest first."""
    async with services.database.transaction(member.tenant) as tx:
        kept = await _kept(services, tx, member)
        asking = await _asking(services, tx, member.tenant) if kept else []
        if asking:
            await trace_own(services, tx, member, Act.LOOKED, purpose="own vehicles")
    now, found = services.clock.now(), list[OwnQuestion]()
    for site, points in asking:
        known = (await present(services, member.tenant, site.id)).known
        asked = [question(known[one], now) for one in kept if one in known]
        found += [
            OwnQuestion(site=site, plate=kept[one.vehicle], way_in=points.get(one.via, "–"), asked=one)
            for one in asked
            if one is not None
        ]
    return sorted(found, key=lambda one: one.asked.at, reverse=True)


async def say_own(services: Services, member: Member, site: SiteId, passage: Passage, people: int) -> None:
    """The member came in a vehicle that they keep, so many in all: themself by name, the others without.

    Raises Conflict when it is not asked any more, BadInput for a number of nobody, NotFound for no site.
    """
    async with services.database.transaction(member.tenant) as tx:
        kept = await _kept(services, tx, member)
    said = _Said(
        tenant=member.tenant,
        site=site,
        by=JOURNAL_NAME,
        passage=passage,
        people=people,
        within=ON_OWN_PAGE,
    )
    async with _answering(services, said, lambda one: one.subject in kept) as (tx, asked):
        await _record(services, tx, said, asked, driver=member.person)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """An answer as it is given. `by`: the name in the journal."""

    tenant: TenantId
    site: SiteId
    by: str
    passage: Passage
    people: int
    within: timedelta


@asynccontextmanager
async def _answering(
    services: Services, said: _Said, theirs: Callable[[Known], bool]
) -> AsyncIterator[tuple[Transaction, Question]]:
    """What is answered, and the transaction to record it in: of two who say it at once, one is too late."""
    shelf = services.presences.of(said.tenant, said.site)
    while True:
        presence = await present(services, said.tenant, said.site)
        known = [one for one in presence.known.values() if theirs(one)]
        now = services.clock.now()
        asked = answered(known, said.passage, said.people, now, within=said.within)
        version, cursors = shelf.version, shelf.cursors
        async with services.database.transaction(said.tenant) as tx:
            await store.book(tx, said.site)
            if await store.is_current(tx, said.site, version=version, known=cursors):
                yield tx, asked
                return


async def _record(
    services: Services, tx: Transaction, said: _Said, asked: Question, *, driver: PersonId | None = None
) -> None:
    """The answer, at the time of the passage of which it tells; a `driver` who is known counts by name."""
    unnamed = PresenceRecord(
        at=asked.at,
        deed=PresenceDeed.ABOARD,
        by=said.by,
        subject=asked.vehicle,
        subject_kind=SubjectKind.VEHICLE,
        more=said.people - (driver is not None),
    )
    told: list[PresenceRecord] = []
    if driver is not None:
        named = replace(
            unnamed, subject=driver, subject_kind=SubjectKind.PERSON, vehicle=asked.vehicle, more=0
        )
        told.append(named)
    told.append(unnamed)
    await record(services, tx, said.tenant, said.site, told)
    await have_agents_look(services, tx, said.site)
    await trace_as(
        services,
        tx,
        said.tenant,
        said.by,
        Act.MUSTERED,
        purpose=WHY,
        subjects=[one.subject for one in told if one.subject is not None],
        detail=f"site {said.site}, {said.people} aboard, the driver too",
    )


async def _ways_in_beside(services: Services, known: KnownKiosk) -> frozenset[AccessPointId]:
    """The ways in beside the kiosk that ask."""
    site = known.kiosk.site
    async with services.database.transaction(known.tenant) as tx:
        points = await sites.parts(tx, services.keyring, known.tenant, site, AccessPoint)
    here = [one for one in points if one.door == known.kiosk.door]
    return frozenset(one.id for one in here if one.asks_aboard is not None)


async def _kept(services: Services, tx: Transaction, member: Member) -> dict[UUID, str]:
    """The plates of the vehicles that the member keeps."""
    every = await services.registry.vehicles.all(tx, member.tenant)
    return {id: one.details.plate for id, one in every.items() if one.details.keeper == member.person}


async def _asking(
    services: Services, tx: Transaction, tenant: TenantId
) -> list[tuple[Site, dict[AccessPointId, str]]]:
    """The sites where drivers are asked, each with the names of its access points."""
    found = []
    for site in await sites.sites(tx, services.keyring, tenant):
        points = await sites.parts(tx, services.keyring, tenant, site.id, AccessPoint)
        if any(one.asks_aboard is not None for one in points):
            found.append((site, {one.id: one.name for one in points}))
    return found
