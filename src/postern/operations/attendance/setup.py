"""Set up how a site keeps hours: where people punch, by which rosters they work, how they are paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from postern.attendance import store
from postern.attendance.paying import check_terms
from postern.attendance.settings import (
    Assigned,
    Assignment,
    AttendancePoint,
    AttendanceSettings,
    RosterKept,
)
from postern.clock import utc_day
from postern.errors import BadInput, NotFound
from postern.ids import PersonId, SiteId
from postern.journal.model import Act
from postern.operations.names import named
from postern.operations.privacy.jurisdiction import refuse_hours_by_face
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import AccessPoint, Site


async def sites_with_hours(services: Services, actor: Actor) -> list[Site]:
    """The organisation's sites at which hours are kept."""
    require(actor, Duty.SEE_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        wanted = set(await store.attendance_sites(tx))
        found = await sites.sites(tx, services.keyring, actor.tenant)
    return [one for one in found if one.id in wanted]


async def attendance_of(services: Services, actor: Actor, site: SiteId) -> AttendanceSettings:
    """How a site keeps hours. Raises NotFound for one that keeps none."""
    require(actor, Duty.SEE_ALL_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.settings(tx, services.keyring, actor.tenant, site)


async def set_attendance(services: Services, actor: Actor, wanted: AttendanceSettings) -> AttendanceSettings:
    """Keep hours at a site from now on (version 0), or change how.

    Nothing that happened before becomes a punch. Conflict when somebody else was faster; Refused where the
    site's jurisdiction forbids to count hours from faces.
    """
    require(actor, Duty.CHANGE_ATTENDANCE)
    _check(wanted, utc_day(services.clock.now()))
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, wanted.site)
        if wanted.faces:
            await refuse_hours_by_face(services, tx, actor.tenant, wanted.site)
        stored = await store.put_settings(tx, services.keyring, actor.tenant, wanted)
        if wanted.version == 0:
            await store.begin_now(tx, wanted.site)
        detail = f"pay rules {wanted.pay.jurisdiction}, faces {'yes' if wanted.faces else 'no'}"
        await _traced(services, tx, actor, wanted.site, detail)
    return stored


def _check(wanted: AttendanceSettings, today: date) -> None:
    """Raises BadInput for names that say nothing, and for what no law has a place for."""
    names = [one.name for one in wanted.profiles]
    if len(set(names)) < len(names) or not all(names):
        raise BadInput("give each pay profile a name of its own")
    for pay in (wanted.pay, *(one.pay for one in wanted.profiles)):
        check_terms(wanted.pairing, pay, today)
        if not 0 <= pay.week_starts <= 6:
            raise BadInput("weekdays are 0 (Monday) to 6 (Sunday)")


async def points(services: Services, actor: Actor, site: SiteId) -> tuple[AttendancePoint, ...]:
    """The access points of the site whose passages are punches."""
    require(actor, Duty.SEE_ALL_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.points(tx, site)


async def set_points(
    services: Services, actor: Actor, site: SiteId, wanted: Sequence[AttendancePoint]
) -> None:
    """Passages at exactly these access points are punches from now on. NotFound for one that is not there."""
    require(actor, Duty.CHANGE_ATTENDANCE)
    async with services.database.transaction(actor.tenant) as tx:
        there = {one.id for one in await sites.parts(tx, services.keyring, actor.tenant, site, AccessPoint)}
        if not {one.access_point for one in wanted} <= there:
            raise NotFound("there is no such access point at this site; choose one from its list")
        await store.settings(tx, services.keyring, actor.tenant, site, lock=True)
        await store.put_points(tx, site, wanted)
        await _traced(services, tx, actor, site, f"{len(wanted)} attendance points")


async def rosters(services: Services, actor: Actor, site: SiteId) -> tuple[RosterKept, ...]:
    """The site's rosters, by name."""
    require(actor, Duty.SEE_ALL_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.rosters(tx, services.keyring, actor.tenant, site)


async def put_roster(services: Services, actor: Actor, site: SiteId, wanted: RosterKept) -> RosterKept:
    """Add a roster (version 0) or change one. Conflict when somebody else was faster."""
    require(actor, Duty.CHANGE_ATTENDANCE)
    wanted = replace(wanted, name=named(wanted.name))
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await store.settings(tx, services.keyring, actor.tenant, site)
        kept = await store.put_roster(tx, services.keyring, actor.tenant, site, wanted)
        await _traced(services, tx, actor, site, f"roster {wanted.id}")
    return kept


async def assignment_of(services: Services, actor: Actor, person: PersonId) -> Assignment:
    """By which rosters a person works. Raises NotFound."""
    require(actor, Duty.SEE_ALL_HOURS)
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.LOOKED, purpose="rosters", subjects=[person])
    async with services.database.transaction(actor.tenant) as tx:
        return await store.assignment(tx, services.keyring, actor.tenant, person)


async def assign_roster(
    services: Services, actor: Actor, person: PersonId, *, since: date, roster: UUID | None
) -> Assignment:
    """From that day on the person works by that roster, or by none. NotFound for one that is not there."""
    require(actor, Duty.CHANGE_ATTENDANCE)
    async with services.database.transaction(actor.tenant) as tx:
        if roster is not None:
            known = [
                one.id
                for site in await store.attendance_sites(tx)
                for one in await store.rosters(tx, services.keyring, actor.tenant, site)
            ]
            if roster not in known:
                raise NotFound("there is no such roster; choose one from the list")
        before = await store.assignment(tx, services.keyring, actor.tenant, person)
        changed = before.with_roster(Assigned(since=since, roster=roster))
        stored = await store.put_assignment(tx, services.keyring, actor.tenant, changed)
        await trace(
            services, tx, actor, Act.CHANGED, purpose="rosters", subjects=[person], detail="roster assigned"
        )
    return stored


async def _traced(services: Services, tx: Transaction, actor: Actor, site: SiteId, detail: str) -> None:
    await trace(services, tx, actor, Act.CHANGED, purpose="hours", detail=f"site {site}: {detail}")
