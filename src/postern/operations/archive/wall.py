"""The live wall: what happened last at a site, merged over its agents, newest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from postern.access.reasons import Reason
from postern.ids import AgentId, DoorId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.archive.receive import wall_channel
from postern.operations.insiders.budget import Opening, is_on_desk, looking, open_subjects
from postern.operations.people.opened import ViewWindow
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.model import (
    AttendanceRecord,
    CommandRecord,
    CorrectionRecord,
    DecisionRecord,
    DoorCondition,
    DoorRecord,
    Outcome,
    PassageRecord,
    PaymentRecord,
    PresenceRecord,
    RecordKey,
)
from postern.sites import agents as agents_store
from postern.sites import store as sites
from postern.sites.store import SitePlan
from postern.vehicles.plates import comparison_form

LAST_OF_EACH_AGENT = 50
WINDOW = timedelta(minutes=15)
"""Looking at a wall is written down once in this time, and again for whoever is new on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passing:
    """A decision as shown, with what came of it. `who` is a name or a plate; None: not known, or erased."""

    key: RecordKey
    at: datetime
    access_point: str
    door: str
    way_out: bool
    credential_kind: str
    subject: UUID | None
    subject_kind: str | None
    who: str | None
    erased: bool
    granted: bool
    reason: Reason
    score: float | None
    outcome: Outcome | None
    has_picture: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorNews:
    """Something about a door itself: `condition` it reported, or that an `operator` opened it, and why."""

    key: RecordKey
    at: datetime
    door: str
    condition: DoorCondition | None = None
    operator: str = ""
    reason: str = ""
    done: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Unopenable:
    """A record that was changed in the database. `at` is that of the one before it, or its day's begin."""

    key: RecordKey
    at: datetime


Row = Passing | DoorNews | Unopenable


@dataclass(frozen=True, kw_only=True, slots=True)
class Wall:
    """What to show: newest first."""

    site: SiteId
    rows: tuple[Row, ...]


async def wall(services: Services, actor: Actor, site: SiteId, *, limit: int = 50) -> Wall:
    """The last happenings at the site. Who is on it is in the journal before it is shown."""
    require(actor, Duty.WATCH)
    async with looking(services, actor) as tx:
        plan = await sites.plan(tx, services.keyring, actor.tenant, site)
        found = await _latest(services, tx, actor.tenant, site)
        rows = await rows_of(services, tx, plan, found)
        shown = tuple(sorted(rows, key=lambda row: (row.at, row.key.seq), reverse=True)[:limit])
        window, fresh = await _write_down(services, tx, actor, site, shown)
    # Only what the journal has durably is not written again.
    window.shown |= fresh
    services.registry.windows[actor.name, site] = window
    return Wall(site=site, rows=shown)


async def is_watched(services: Services, actor: Actor, site: SiteId) -> bool:
    """Whether looking at the site's wall is part of the operator's daily work, and so not counted."""
    async with services.database.transaction(actor.tenant) as tx:
        return await is_on_desk(services, tx, actor, site)


async def wall_news(services: Services, actor: Actor, site: SiteId) -> AsyncGenerator[None, None]:
    """Yields whenever the wall is worth looking at again: at once, and after each batch that came in."""
    require(actor, Duty.WATCH)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
    async for _ in services.database.listen(wall_channel(site)):
        yield


async def _latest(services: Services, tx: Transaction, tenant: TenantId, site: SiteId) -> list[OpenedRecord]:
    agents: Sequence[AgentId] = [one.id for one in await agents_store.of_site(tx, site)]
    sealed = [
        record for agent in agents for record in await records.latest(tx, site, agent, LAST_OF_EACH_AGENT)
    ]
    return await opened(services, tx, tenant, sealed)


async def rows_of(
    services: Services, tx: Transaction, plan: SitePlan, found: Sequence[OpenedRecord]
) -> list[Row]:
    """Opened records as rows: passages joined to their decisions, names resolved, doors named."""
    who = await _names(services, tx, plan.site.tenant, found)
    outcomes = {
        (one.key.agent, one.happening.decision_seq): one.happening.outcome
        for one in found
        if isinstance(one.happening, PassageRecord)
    }
    rows: list[Row] = []
    for one in found:
        match one.happening:
            case DecisionRecord() as decision:
                outcome = outcomes.get((one.key.agent, one.key.seq))
                rows.append(_passing(one, decision, outcome, plan, who))
            case DoorRecord(at=at, door=door, state=state):
                rows.append(DoorNews(key=one.key, at=at, door=_door_name(plan, door), condition=state))
            case CommandRecord() as command:
                rows.append(_command_news(one.key, command, plan))
            case (
                PassageRecord() | CorrectionRecord() | PaymentRecord() | PresenceRecord() | AttendanceRecord()
            ):
                pass
            case None:
                rows.append(Unopenable(key=one.key, at=_about(one.key, found)))
    return rows


def _about(key: RecordKey, found: Sequence[OpenedRecord]) -> datetime:
    """The time of the last record before it that can be opened, else the beginning of its day."""
    before = [
        (one.key.seq, one.happening.at)
        for one in found
        if one.happening is not None
        and (one.key.agent, one.key.day) == (key.agent, key.day)
        and one.key.seq < key.seq
    ]
    return max(before)[1] if before else datetime.combine(key.day, time(), UTC)


def _passing(
    one: OpenedRecord,
    decision: DecisionRecord,
    outcome: Outcome | None,
    plan: SitePlan,
    who: Mapping[UUID, str],
) -> Passing:
    names = {point.id: point.name for point in plan.access_points}
    known = who.get(decision.subject) if decision.subject is not None else None
    return Passing(
        key=one.key,
        at=decision.at,
        access_point=names.get(decision.access_point, "–"),
        door=_door_name(plan, decision.door),
        way_out=decision.direction_out,
        credential_kind=decision.credential_kind,
        subject=decision.subject,
        subject_kind=decision.subject_kind,
        who=known or decision.plate,
        erased=one.withheld,
        granted=decision.granted,
        reason=Reason(decision.reason),
        score=decision.score,
        outcome=outcome,
        has_picture=decision.picture is not None,
    )


def _command_news(key: RecordKey, command: CommandRecord, plan: SitePlan) -> DoorNews:
    return DoorNews(
        key=key,
        at=command.at,
        door=_door_name(plan, command.door),
        operator=command.operator,
        reason=command.reason,
        done=command.done,
    )


def _door_name(plan: SitePlan, id: DoorId) -> str:
    return next((door.name for door in plan.doors if door.id == id), "–")


async def _names(
    services: Services, tx: Transaction, tenant: TenantId, found: Sequence[OpenedRecord]
) -> dict[UUID, str]:
    """The names and plates of whoever is in these records."""
    people = await services.registry.people.everyone(tx, tenant)
    vehicles = await services.registry.vehicles.all(tx, tenant)
    decisions = [one.happening for one in found if isinstance(one.happening, DecisionRecord)]
    subjects = {one.subject for one in decisions if one.subject is not None}
    visits = await services.registry.visits.all(tx, tenant)
    names = {id: people[id].details.name for id in subjects & people.keys()}
    names |= {id: visits[id].details.name for id in subjects & visits.keys()}
    return names | {id: vehicles[id].details.plate for id in subjects & vehicles.keys()}


async def _write_down(
    services: Services, tx: Transaction, actor: Actor, site: SiteId, shown: Sequence[Row]
) -> tuple[ViewWindow, set[UUID]]:
    """One entry a window, and one more whenever somebody appears who was not on it yet; every look at the
    wall of a site that is not on the operator's desk, counted."""
    passing = [row for row in shown if isinstance(row, Passing)]
    subjects = {row.subject for row in passing if row.subject is not None}
    opening = Opening(
        act=Act.LOOKED,
        purpose="live wall",
        subjects=sorted(subjects),
        others=sorted({comparison_form(row.who) for row in passing if row.subject is None and row.who}),
        detail=f"wall of site {site}",
        on_purpose=False,
    )
    now = services.clock.now()
    if not await is_on_desk(services, tx, actor, site):
        await open_subjects(services, tx, actor, opening)
        return ViewWindow(since=now), subjects
    window = services.registry.windows.get((actor.name, site))
    if window is None or now - window.since >= WINDOW:
        window = ViewWindow(since=now)
    elif subjects <= window.shown:
        return window, set()
    fresh = subjects - window.shown
    await open_subjects(
        services, tx, actor, replace(opening, subjects=sorted(fresh), others=(), own_desk=True)
    )
    return window, fresh
