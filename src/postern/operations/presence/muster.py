"""Muster: call one, see who is inside, mark who was seen safe, say who is elsewhere, end it.

Names are opened only while a muster or a drill runs. Then nobody waits for a budget: the roll is journalled
with everybody who is on it, and not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.access.model import SubjectKind
from postern.access.presence import Muster, Presence, Whereabouts, on_roll
from postern.errors import BadInput, Conflict, NotFound
from postern.ids import AreaId, SiteId
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.archive.wall import WINDOW
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.people.opened import ViewWindow
from postern.operations.presence.derive import present
from postern.operations.presence.roll import Roll, line_of
from postern.operations.reasons import LONGEST, stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records.model import PresenceDeed, PresenceRecord
from postern.sites import store as sites
from postern.sites.model import MOST_ABOARD, Area

MOST_FOUND = 8
"""People shown by a search for somebody who is not on the roll."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A registered person, by name."""

    subject: UUID
    name: str


async def call(services: Services, actor: Actor, site: SiteId, *, drill: bool, reason: str = "") -> None:
    """Begin a muster or a drill. Conflict while one runs."""
    require(actor, Duty.MUSTER)
    if (await present(services, actor.tenant, site)).muster is not None:
        raise Conflict("a muster runs already; go to its roll")
    words = " ".join(reason.split())[:LONGEST]
    async with services.database.transaction(actor.tenant) as tx:
        told = _told(services, actor, PresenceDeed.CALLED, drill=drill, reason=words)
        await _record(services, tx, actor, site, [told])
        kind = "drill" if drill else "muster"
        # A reason may name somebody: it is in the sealed part.
        detail = f"site {site}, called: {words or kind}"
        await trace(services, tx, actor, Act.MUSTERED, purpose=kind, detail=detail)


async def end(services: Services, actor: Actor, site: SiteId) -> None:
    """End the muster that runs. Conflict when none does."""
    require(actor, Duty.MUSTER)
    await _running(services, actor, site)
    async with services.database.transaction(actor.tenant) as tx:
        await _record(services, tx, actor, site, [_told(services, actor, PresenceDeed.ENDED)])
        await trace(services, tx, actor, Act.MUSTERED, purpose="muster", detail=f"site {site}, ended")


async def roll(services: Services, actor: Actor, site: SiteId) -> Roll:
    """Who is inside. Everybody on it is in the journal before it is shown. Conflict while no muster runs."""
    require(actor, Duty.MUSTER)
    presence, muster = await _running(services, actor, site)
    inside = presence.inside()
    async with looking(services, actor) as tx:
        plan = await sites.plan(tx, services.keyring, actor.tenant, site)
        names = await _names(services, tx, actor)
        window, fresh = await _write_down(services, tx, actor, site, inside)
    window.shown |= fresh
    services.registry.windows[_window(actor), site] = window
    lines = [line_of(one, plan, names) for one in inside]
    lines.sort(key=lambda one: (one.safe_at is not None, one.area_name, one.name or "", one.since))
    return Roll(plan=plan, at=services.clock.now(), muster=muster, lines=tuple(lines))


async def mark(
    services: Services,
    actor: Actor,
    site: SiteId,
    subject: UUID,
    *,
    safe: bool,
    place: int | None = None,
) -> None:
    """Somebody was seen safe by the actor; or that was a mistake. `place`: of those aboard it, unnamed."""
    require(actor, Duty.MUSTER)
    presence, _ = await _running(services, actor, site)
    if not on_roll(presence.inside(), subject, place):
        raise NotFound("they are not on the roll; add them first, with the area they are in")
    deed = PresenceDeed.SAFE if safe else PresenceDeed.NOT_SAFE
    async with services.database.transaction(actor.tenant) as tx:
        kind = await _kind(services, tx, actor, subject)
        told = _told(services, actor, deed, subject=subject, subject_kind=kind, place=place)
        await _record(services, tx, actor, site, [told])
        await trace(
            services,
            tx,
            actor,
            Act.MUSTERED,
            purpose="muster",
            subjects=[subject],
            detail=f"site {site}, {deed.value}",
        )


async def state(
    services: Services, actor: Actor, site: SiteId, subject: UUID, area: AreaId, *, reason: str
) -> None:
    """Say where a person or a vehicle is, whatever the doors saw; an outside area takes them off the roll."""
    require(actor, Duty.MUSTER)
    reason = stated(reason)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.part(tx, services.keyring, actor.tenant, Area, site=site, id=area)
        kind = await _kind(services, tx, actor, subject)
        told = _told(
            services,
            actor,
            PresenceDeed.STATED,
            reason=reason,
            subject=subject,
            subject_kind=kind,
            area=area,
        )
        await _record(services, tx, actor, site, [told])
        await trace(
            services,
            tx,
            actor,
            Act.MUSTERED,
            purpose="whereabouts",
            subjects=[subject],
            detail=f"site {site}, stated: {reason}",
        )


async def aboard(
    services: Services,
    actor: Actor,
    site: SiteId,
    vehicle: UUID,
    *,
    people: Sequence[UUID] = (),
    more: int = 0,
) -> None:
    """Say who is in a vehicle: registered people, and how many more. It replaces what was said of `more`."""
    require(actor, Duty.MUSTER)
    if not 0 <= more <= MOST_ABOARD or len(people) > MOST_ABOARD:
        raise BadInput(f"a vehicle carries 0 to {MOST_ABOARD} people; correct the number")
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        if await _kind(services, tx, actor, vehicle) is not SubjectKind.VEHICLE:
            raise NotFound("there is no such vehicle")
        for one in people:
            if await _kind(services, tx, actor, one) is not SubjectKind.PERSON:
                raise NotFound("there is no such person")
        riding = [
            _told(
                services,
                actor,
                PresenceDeed.ABOARD,
                subject=one,
                subject_kind=SubjectKind.PERSON,
                vehicle=vehicle,
            )
            for one in people
        ]
        load = _told(
            services,
            actor,
            PresenceDeed.ABOARD,
            subject=vehicle,
            subject_kind=SubjectKind.VEHICLE,
            more=more,
        )
        await _record(services, tx, actor, site, [*riding, load])
        await trace(
            services,
            tx,
            actor,
            Act.MUSTERED,
            purpose="passengers",
            subjects=[vehicle, *people],
            detail=f"site {site}, {len(people)} named and {more} more aboard",
        )


async def find(services: Services, actor: Actor, site: SiteId, text: str) -> list[Found]:
    """Registered people by name, for somebody who is there and not on the roll. Conflict without a muster."""
    require(actor, Duty.MUSTER)
    await _running(services, actor, site)
    wanted = " ".join(text.split()).casefold()
    if len(wanted) < 1:
        return []
    async with looking(services, actor) as tx:
        people = await services.registry.people.everyone(tx, actor.tenant)
        found = [
            Found(subject=id, name=one.details.name)
            for id, one in people.items()
            if wanted in one.details.name.casefold()
        ]
        found = sorted(found, key=lambda one: one.name)[:MOST_FOUND]
        opening = Opening(
            act=Act.SEARCHED,
            purpose="muster",
            subjects=[one.subject for one in found],
            detail=f"site {site}",
            own_desk=True,
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    return found


async def _running(services: Services, actor: Actor, site: SiteId) -> tuple[Presence, Muster]:
    presence = await present(services, actor.tenant, site)
    muster = presence.muster
    if muster is None:
        raise Conflict("no muster runs here; call one, or a drill, to see names")
    return presence, muster


def _told(
    services: Services,
    actor: Actor,
    deed: PresenceDeed,
    *,
    reason: str = "",
    drill: bool = False,
    subject: UUID | None = None,
    subject_kind: SubjectKind | None = None,
    area: AreaId | None = None,
    vehicle: UUID | None = None,
    more: int = 0,
    place: int | None = None,
) -> PresenceRecord:
    return PresenceRecord(
        at=services.clock.now(),
        deed=deed,
        by=actor.name,
        reason=reason,
        drill=drill,
        subject=subject,
        subject_kind=subject_kind,
        area=area,
        vehicle=vehicle,
        more=more,
        place=place,
    )


async def _record(
    services: Services, tx: Transaction, actor: Actor, site: SiteId, told: Sequence[PresenceRecord]
) -> None:
    await sites.site(tx, services.keyring, actor.tenant, site)
    await record(services, tx, actor.tenant, site, told)


async def _kind(services: Services, tx: Transaction, actor: Actor, subject: UUID) -> SubjectKind:
    if subject in await services.registry.people.everyone(tx, actor.tenant):
        return SubjectKind.PERSON
    if subject in await services.registry.vehicles.all(tx, actor.tenant):
        return SubjectKind.VEHICLE
    if subject in await services.registry.visits.all(tx, actor.tenant):
        return SubjectKind.VISIT
    raise NotFound("there is no such person or vehicle in the registry")


async def _names(services: Services, tx: Transaction, actor: Actor) -> dict[UUID, str]:
    people = await services.registry.people.everyone(tx, actor.tenant)
    vehicles = await services.registry.vehicles.all(tx, actor.tenant)
    names: dict[UUID, str] = {id: one.details.name for id, one in people.items()}
    visits = await services.registry.visits.all(tx, actor.tenant)
    names |= {id: one.details.name for id, one in visits.items()}
    return names | {id: one.details.plate for id, one in vehicles.items()}


def _window(actor: Actor) -> str:
    return f"{actor.name}|muster"


async def _write_down(
    services: Services, tx: Transaction, actor: Actor, site: SiteId, inside: Sequence[Whereabouts]
) -> tuple[ViewWindow, set[UUID]]:
    """One entry in a quarter of an hour, and one more whenever somebody is new on the roll."""
    now = services.clock.now()
    window = services.registry.windows.get((_window(actor), site))
    if window is None or now - window.since >= WINDOW:
        window = ViewWindow(since=now)
    fresh = {one.subject for one in inside} - window.shown
    if fresh or not window.shown:
        opening = Opening(
            act=Act.LOOKED,
            purpose="muster",
            subjects=sorted(fresh),
            detail=f"roll of site {site}",
            own_desk=True,
            on_purpose=False,
        )
        await open_subjects(services, tx, actor, opening)
    return window, fresh
