"""Give the demo site's people their employments, rosters and the hours of two months, once.

Who works in which team comes first, part by part, whatever is missing. How the site keeps hours and all that
was recorded of them are written in one transaction: they are there together, or not at all, and then the
next start writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

import structlog

from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.attendance import store
from postern.attendance.model import CorrectionDeed, Direction
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.settings import (
    Assigned,
    Assignment,
    AttendancePoint,
    AttendanceSettings,
    RosterKept,
)
from postern.clock import utc_day
from postern.demo_hours.month import ROSTERS, WORKERS, Forgot, Month, Passed, Worker, month
from postern.demo_hours.visitors import expect_visitors
from postern.errors import Conflict, NotFound
from postern.ids import AgentId, ContractorId, PersonId, SiteId, TeamId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.archive.hub_records import HubRecord, record, sealed_row
from postern.operations.attendance.settle import settle_hours
from postern.operations.attendance.timesheets import approve_month
from postern.operations.demo import SITE
from postern.operations.people import employments, teams
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.trace import trace_as
from postern.operators.model import Actor, Role
from postern.people import employment_store
from postern.people import store as people
from postern.people.employment import Terms
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.model import (
    AttendanceDeed,
    AttendanceRecord,
    DecisionRecord,
    Happening,
    Outcome,
    PassageRecord,
    RecordKey,
)
from postern.sealing.keyring import Purpose
from postern.sites import agents
from postern.sites import store as sites
from postern.sites.model import AccessPoint, Site, zone_of

OPERATOR = "job:demo"
_DOOR = "Front door"
_WEEK_MINUTES = 40 * 60
_WALKS = timedelta(seconds=4)
_EMPLOYED_SINCE = timedelta(days=400)
_log = structlog.get_logger(__name__)


async def fill_hours(services: Services) -> int:
    """Write it all; how many punches. 0 where the site keeps hours already, or is none of the demo's."""
    found = await _demo_site(services)
    if found is None:
        return 0
    tenant, site = found
    began = asyncio.get_running_loop().time()
    actor = Actor(tenant=tenant, name=OPERATOR, role=Role.ADMINISTRATOR)
    workers = await _workers(services, tenant)
    await _employ(services, actor, site, workers)
    drawn = await asyncio.to_thread(month, services.clock.now(), zone_of(site.time_zone))
    await _write(services, tenant, site, workers, drawn)
    await settle_hours(services, tenant, site.id)
    await _approve(services, actor, workers, drawn)
    await expect_visitors(services, actor, site.id, host=next(iter(workers.values()), None))
    await publish_stale(services)
    seconds = round(asyncio.get_running_loop().time() - began, 1)
    _log.info("the demo's people have hours behind them", punches=len(drawn.passed), seconds=seconds)
    return len(drawn.passed)


async def _demo_site(services: Services) -> tuple[TenantId, Site] | None:
    """The demo site, while it keeps no hours."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            keep_hours = await store.attendance_sites(tx)
            for site in await sites.sites(tx, services.keyring, tenant):
                if site.name == SITE and site.id not in keep_hours:
                    return tenant, site
    return None


async def _workers(services: Services, tenant: TenantId) -> dict[str, PersonId]:
    """Those of the demo's people who are still there, by employee number."""
    found = {}
    async with services.database.transaction(tenant) as tx:
        for one in WORKERS:
            person = await people.find(
                tx, services.keyring, tenant, field="employee_number", value=one.number
            )
            if person is not None:
                found[one.number] = person
    return found


async def _employ(services: Services, actor: Actor, site: Site, workers: Mapping[str, PersonId]) -> None:
    """Teams, led by the first in them, and an employment for everybody who has none."""
    now = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        known = {
            person: await employment_store.employments(tx, services.keyring, actor.tenant, person)
            for person in workers.values()
        }
    made = {one.unit.name: TeamId(one.unit.id) for one in await teams.teams(services, actor, utc_day(now))}
    for one in _there(workers):
        person = workers[one.number]
        if known[person].every:
            continue
        if one.team not in made:
            team = await teams.add_team(services, actor, name=one.team, manager=person, site=site.id)
            made[one.team] = team.id
        terms = Terms(
            first=utc_day(now - _EMPLOYED_SINCE),
            contractor=await _contractor(services, actor, one.contractor) if one.contractor else None,
            site=site.id,
            team=made[one.team],
            occupation=one.occupation,
        )
        version = known[person].version
        await employments.add_employment(services, actor, person=person, version=version, terms=terms)


async def _contractor(services: Services, actor: Actor, name: str) -> ContractorId:
    known = await teams.contractors(services, actor, utc_day(services.clock.now()))
    found = next((one.unit.id for one in known if one.unit.name == name), None)
    return ContractorId(found) if found else (await teams.add_contractor(services, actor, name=name)).id


async def _approve(services: Services, actor: Actor, workers: Mapping[str, PersonId], drawn: Month) -> None:
    for one in _there(workers):
        if one.approved:
            with suppress(Conflict):
                await approve_month(services, actor, workers[one.number], drawn.first)


def _there(workers: Mapping[str, PersonId]) -> Iterator[Worker]:
    return (one for one in WORKERS if one.number in workers)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Door:
    """The front door's two directions."""

    way_in: AccessPoint
    way_out: AccessPoint


async def _write(
    services: Services, tenant: TenantId, site: Site, workers: Mapping[str, PersonId], drawn: Month
) -> None:
    """All of it, or nothing. Raises Conflict when another hub was faster."""
    async with services.database.transaction(tenant) as tx:
        door = await _door(services, tx, tenant, site.id)
        await _set_up(services, tx, tenant, site.id, door, workers, drawn)
        agent = await agents.next_agent_id(tx)
        made = written(site.id, agent, door, workers, drawn)
        days = {key.day for key, _ in made}
        keys = {day: await services.keyring.site_day_key(site.id, day) for day in days}
        movements = await services.keyring.subject_keys(tenant, list(workers.values()), Purpose.MOVEMENT)
        rows = []
        for key, happening in made:
            subject = happening.subject if isinstance(happening, DecisionRecord) else None
            movement = movements[subject] if subject is not None else None
            rows.append(sealed_row(tenant, key, happening, keys[key.day], movement))
        await records.append(tx, site.id, rows)
        await record(services, tx, tenant, site.id, _corrections(workers, drawn))
        detail = f"site {site.id}: {len(drawn.passed)} invented punches of two months"
        await trace_as(services, tx, tenant, OPERATOR, Act.CHANGED, purpose="demo", detail=detail)


async def _door(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> _Door:
    found = {one.name: one for one in await sites.parts(tx, services.keyring, tenant, site, AccessPoint)}
    try:
        return _Door(way_in=found[f"{_DOOR}, in"], way_out=found[f"{_DOOR}, out"])
    except KeyError:
        raise NotFound("the demo site's front door is not there any more") from None


async def _set_up(  # noqa: PLR0917 - the place, then what is kept there
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    site: SiteId,
    door: _Door,
    workers: Mapping[str, PersonId],
    drawn: Month,
) -> None:
    pay = PayProfile(jurisdiction=Jurisdiction("de"), contract_minutes=_WEEK_MINUTES)
    await store.put_settings(tx, services.keyring, tenant, AttendanceSettings(site=site, pay=pay))
    await store.begin_now(tx, site)
    points = (
        AttendancePoint(access_point=door.way_in.id, direction=Direction.IN),
        AttendancePoint(access_point=door.way_out.id, direction=Direction.OUT),
    )
    await store.put_points(tx, site, points)
    rosters = {name: RosterKept(id=new_id(), name=name, roster=roster) for name, roster in ROSTERS.items()}
    for kept in rosters.values():
        await store.put_roster(tx, services.keyring, tenant, site, kept)
    for one in _there(workers):
        assigned = Assigned(since=drawn.first, roster=rosters[one.roster].id)
        known = await store.assignment(tx, services.keyring, tenant, workers[one.number])
        if not known.rosters:
            changed = Assignment(person=known.person, rosters=(assigned,), version=known.version)
            await store.put_assignment(tx, services.keyring, tenant, changed)


def written(
    site: SiteId, agent: AgentId, door: _Door, workers: Mapping[str, PersonId], drawn: Month
) -> list[tuple[RecordKey, Happening]]:
    """What an agent at the front door would have recorded, numbered in the order of its moments."""
    moments = sorted(
        (at, number, passes)
        for number, one in enumerate(drawn.passed)
        if one.number in workers
        for at, passes in ((one.at, False), (one.at + _WALKS, True))
    )
    made: list[tuple[RecordKey, Happening]] = []
    decided: dict[int, int] = {}
    for seq, (at, number, passes) in enumerate(moments, 1):
        key = RecordKey(site=site, day=utc_day(at), agent=agent, seq=seq)
        one = drawn.passed[number]
        if passes:
            made.append((key, PassageRecord(at=at, decision_seq=decided[number], outcome=Outcome.TAKEN)))
        else:
            decided[number] = seq
            made.append((key, _decision(door, one, workers[one.number])))
    return made


def _decision(door: _Door, one: Passed, person: UUID) -> DecisionRecord:
    point = door.way_out if one.out else door.way_in
    return DecisionRecord(
        at=one.at,
        access_point=point.id,
        door=point.door,
        direction_out=one.out,
        credential_kind=CredentialKind.CARD,
        subject=person,
        subject_kind=SubjectKind.PERSON,
        granted=True,
        reason=Reason.WAY_OUT if one.out else Reason.GRANTED,
        policy="1.1",
    )


def _corrections(workers: Mapping[str, PersonId], drawn: Month) -> list[HubRecord]:
    """Forgotten punches that their people ask for: coming is approved, going waits. Sick days are excused."""
    made: list[HubRecord] = []
    for forgot in drawn.forgotten:
        if forgot.number in workers:
            made += _asked(workers[forgot.number], forgot)
    for number, day in drawn.sick:
        if number in workers:
            made += _excused(workers[number], datetime.combine(day, time(9), tzinfo=drawn.now.tzinfo))
    return sorted(made, key=lambda one: one.at)


def _asked(person: PersonId, forgot: Forgot) -> list[HubRecord]:
    direction = Direction.OUT if forgot.out else Direction.IN
    asked = AttendanceRecord(
        at=forgot.at + timedelta(hours=20),
        deed=AttendanceDeed.ASKED,
        person=person,
        by=person,
        reason="went out with a colleague" if forgot.out else "came in with a colleague",
        correction=new_id(),
        change=CorrectionDeed.ADD.value,
        moment=forgot.at.replace(second=0, microsecond=0),
        day=forgot.day,
        direction=direction.value,
    )
    return [asked] if forgot.out else [asked, _approved(asked)]


def _excused(person: PersonId, at: datetime) -> list[HubRecord]:
    asked = AttendanceRecord(
        at=at,
        deed=AttendanceDeed.ASKED,
        person=person,
        by=person,
        reason="sick note (invented)",
        correction=new_id(),
        change=CorrectionDeed.EXCUSE.value,
        day=at.date(),
    )
    return [asked, _approved(asked)]


def _approved(asked: AttendanceRecord) -> AttendanceRecord:
    return AttendanceRecord(
        at=asked.at + timedelta(hours=3),
        deed=AttendanceDeed.APPROVED,
        person=asked.person,
        correction=asked.correction,
        day=asked.day,
    )
