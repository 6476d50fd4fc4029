"""Punches that no reader saw: entered by whoever keeps hours, with a reason, or made on one's own phone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from postern.attendance import store
from postern.attendance.asking import FARTHEST_BACK
from postern.attendance.model import Direction, PunchSource
from postern.clock import aware
from postern.errors import BadInput, Refused
from postern.ids import PersonId, SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.attendance.desk import at_desk
from postern.operations.attendance.read import punch_id
from postern.operations.attendance.rows import naming
from postern.operations.attendance.scope import scope_of
from postern.operations.attendance.settle import settle_hours
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.records.model import AttendanceDeed, AttendanceRecord


async def enter_punch(
    services: Services,
    actor: Actor,
    person: PersonId,
    *,
    at: datetime,
    direction: Direction,
    reason: str,
) -> UUID:
    """A punch that was forgotten, in the operator's word; its id. It counts at once, under their name.

    Raises BadInput for a moment to come or long ago, Conflict where its period is closed, Refused for
    one's own hours and for somebody's whom another one manages.
    """
    require(actor, Duty.KEEP_HOURS)
    at, reason, now = aware(at), stated(reason), services.clock.now()
    if not now - FARTHEST_BACK <= at <= now:
        raise BadInput(f"enter punches of the last {FARTHEST_BACK.days} days, and none that is still to come")
    made = AttendanceRecord(
        at=now,
        deed=AttendanceDeed.PUNCHED,
        person=person,
        by=actor.operator,
        reason=reason,
        moment=at,
        direction=direction.value,
        source=PunchSource.MANAGER.value,
    )
    async with services.database.transaction(actor.tenant) as tx:
        whose = (await at_desk(services, tx, actor.tenant, person, at.date())).employed
        (await scope_of(services, tx, actor)).check_decided(whose)
        site, id = await _record(services, tx, actor.tenant, made)
        # The reason may tell of the person: it stands in the record, which an erasure closes, and not here.
        detail = f"punch {id} entered: {direction.value} {at.isoformat()}"
        await trace(
            services, tx, actor, Act.CHANGED, purpose="punch entered", subjects=[person], detail=detail
        )
    await settle_hours(services, actor.tenant, site)
    return id


async def punch_by_phone(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    person: PersonId,
    *,
    direction: Direction,
) -> tuple[SiteId, UUID]:
    """The person comes or goes now, by their own word, as part of `tx`; where, and the punch's id.

    What counts is the hub's clock, never the phone's. Raises Refused where the site keeps no hours by phone.
    """
    made = AttendanceRecord(
        at=services.clock.now(),
        deed=AttendanceDeed.PUNCHED,
        person=person,
        by=person,
        direction=direction.value,
        source=PunchSource.PHONE.value,
    )
    return await _record(services, tx, tenant, made)


async def _record(
    services: Services, tx: Transaction, tenant: TenantId, made: AttendanceRecord
) -> tuple[SiteId, UUID]:
    if made.person is None:
        raise ValueError("a punch is somebody's")
    at, person = made.moment or made.at, PersonId(made.person)
    desk = await at_desk(services, tx, tenant, person, at.date())
    settings = await store.settings(tx, services.keyring, tenant, desk.site)
    if made.source == PunchSource.PHONE and not settings.phones:
        raise Refused("nobody punches by phone at this site; use a reader, or ask whoever keeps the hours")
    desk.check_open(desk.day_of(at))
    (key,) = await record(services, tx, tenant, desk.site, [made])
    return desk.site, punch_id(await naming(services, tenant), key)
