"""Alarms about those who look: raised by what they did, read by the privacy officer, never by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from postern import sealed_rows as rows
from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import TenantId, new_id
from postern.journal.model import Act
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators.concerns import Concern, InsiderAlarm
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table
from postern.sealing.envelope import Key

JOB = "job:insiders"
LOOKED_BACK = timedelta(days=90)
_TABLE = Table(name="insider_alarm", thing="alarm")


async def raise_alarm(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    concern: Concern,
    *,
    about: str,
    principal: str,
    detail: str = "",
) -> bool:
    """Tell the privacy officer and the journal, once a UTC day for each concern and principal.

    Whether it was raised now. `detail` may name nobody recorded.
    """
    now = services.clock.now()
    known = await _since(services, tx, tenant, days=timedelta(0))
    if any((one.concern, one.principal) == (concern, principal) for one in known):
        return False
    alarm = InsiderAlarm(
        id=new_id(),
        tenant=tenant,
        concern=concern,
        at=now,
        about=about,
        principal=principal,
        detail=detail,
    )
    key = await services.keyring.purpose_key(tenant, "insider-alarms")
    await tx.execute(
        "INSERT INTO insider_alarm (tenant_id, id, version, day, sealed) VALUES (%s, %s, %s, %s, %s)",
        (tenant, alarm.id, alarm.version, utc_day(now), _row(key, alarm).sealed),
    )
    await trace_as(services, tx, tenant, JOB, Act.ALARMED, purpose=concern.value, detail=f"{about}: {detail}")
    return True


async def insider_alarms(services: Services, actor: Actor) -> list[InsiderAlarm]:
    """Those of the last 90 days, newest first, without any about the actor."""
    require(actor, Duty.SEE_INSIDER_ALARMS)
    async with services.database.transaction(actor.tenant) as tx:
        found = await _since(services, tx, actor.tenant, days=LOOKED_BACK)
        await trace(services, tx, actor, Act.LOOKED, purpose="alarms about operators")
    return [one for one in found if one.principal != actor.principal]


async def look_into(services: Services, actor: Actor, id: UUID, *, finding: str) -> InsiderAlarm:
    """Write down what came of an alarm. NotFound for one's own, too; Conflict when somebody was faster."""
    require(actor, Duty.SEE_INSIDER_ALARMS)
    finding = stated(finding)
    async with services.database.transaction(actor.tenant) as tx:
        key = await services.keyring.purpose_key(actor.tenant, "insider-alarms")
        row = await rows.one(tx, _TABLE, actor.tenant, id)
        alarm = rows.open_document(key, actor.tenant, _TABLE, row, InsiderAlarm)
        if alarm.principal == actor.principal:
            raise NotFound("there is no such alarm; it may have been removed")
        seen = replace(alarm, version=row.version + 1, seen_by=actor.name, finding=finding)
        await rows.update(tx, _TABLE, _row(key, seen))
        await trace(services, tx, actor, Act.CHANGED, purpose="looked into an alarm", detail=finding)
    return seen


def _row(key: Key, alarm: InsiderAlarm) -> Row:
    sealed = rows.seal_document(key, alarm.tenant, _TABLE, alarm.id, alarm)
    return Row(scope=alarm.tenant, id=alarm.id, version=alarm.version, sealed=sealed)


async def _since(
    services: Services, tx: Transaction, tenant: TenantId, *, days: timedelta
) -> list[InsiderAlarm]:
    key = await services.keyring.purpose_key(tenant, "insider-alarms")
    first = utc_day(services.clock.now() - days)
    cursor = await tx.execute(
        "SELECT id, version, sealed FROM insider_alarm WHERE tenant_id = %s AND day >= %s", (tenant, first)
    )
    found = [
        rows.open_document(
            key,
            tenant,
            _TABLE,
            Row(scope=tenant, id=id, version=version, sealed=bytes(sealed)),
            InsiderAlarm,
        )
        for id, version, sealed in await cursor.fetchall()
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)
