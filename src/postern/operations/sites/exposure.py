"""What stands open on the hub's machine: accepted at the start or found while it runs, and written down."""

from __future__ import annotations

from collections.abc import Sequence

from postern.clock import utc_day
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.sites import store as sites

_SETUP = "job:setup"
_WATCH = "job:exposure"


async def note_accepted(services: Services, tenant: TenantId, dangers: Sequence[str]) -> None:
    """Write down with what dangers the installer started all the same."""
    async with services.database.transaction(tenant) as tx:
        for danger in dangers:
            await trace_as(
                services, tx, tenant, _SETUP, Act.STARTED, purpose="danger accepted", detail=danger
            )


async def alarm(services: Services, dangers: Sequence[str]) -> None:
    """Tell every organisation here, once a day at each of its sites, what newly stands open."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    for tenant in tenants:
        async with services.database.transaction(tenant) as tx:
            for one in await sites.sites(tx, services.keyring, tenant):
                day = utc_day(services.clock.now())
                await put_alarm_of_day(tx, one.id, AlarmKind.EXPOSED, day=day)
            for danger in dangers:
                await trace_as(services, tx, tenant, _WATCH, Act.ALARMED, purpose="exposure", detail=danger)
