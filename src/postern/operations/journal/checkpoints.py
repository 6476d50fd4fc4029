"""Sign checkpoints of every tenant's journal: each second while there are new entries, or at 1,000 of them.

What this job last signed stays in its memory. So it notices by itself when the database is changed or put
back under it, signs nothing then, and raises the alarm; across a restart only witnesses can notice that.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import psycopg
import structlog

from postern.clock import utc_day
from postern.errors import PosternError
from postern.ids import TenantId
from postern.journal import checkpoints as store
from postern.journal.checkpoint import SIGNING_KEY
from postern.journal.findings import JournalTampered, What
from postern.journal.model import Act
from postern.journal.nodes import TreeState
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.postgres.pool import confine
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.sites import store as sites

JOB = "job:journal"
EVERY = timedelta(seconds=1)
ENTRIES = 1000
_LOOK_SECONDS = 0.25

_log = structlog.get_logger(__name__)


class CheckpointJob:
    """Signs for every tenant, and remembers what it signed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._states: dict[TenantId, TreeState] = {}
        self._signed_at: dict[TenantId, datetime] = {}
        self._alarmed: set[tuple[TenantId, What]] = set()

    async def run(self) -> None:
        """For ever. A fault ends no more than one look: the entries stay, and the next look covers them."""
        while True:
            try:
                await self.look()
            except (PosternError, psycopg.Error) as fault:
                _log.warning("checkpoint delayed", fault=type(fault).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, *, now: bool = False) -> None:
        """Sign where it is due; with `now`, wherever anything is new."""
        async with self._services.database.transaction() as tx:
            counts = {}
            for one in await sites.tenant_ids(tx):
                await confine(tx, one)
                counts[one] = await store.length(tx, one)
        for tenant, count in counts.items():
            if self._is_due(tenant, count, now=now):
                await self._sign_or_alarm(tenant)

    def _is_due(self, tenant: TenantId, count: int, *, now: bool) -> bool:
        state = self._states.get(tenant)
        if state is None:
            return True
        waiting = count - state.frontier.size
        if waiting <= 0:
            return waiting < 0  # shorter than what was signed: looked at closely, at once
        waited = self._services.clock.now() - self._signed_at[tenant]
        return now or waiting >= ENTRIES or abs(waited) >= EVERY  # abs: a clock may be set back

    async def _sign_or_alarm(self, tenant: TenantId) -> None:
        try:
            while await self._sign(tenant):
                pass
        except JournalTampered as fault:
            if (tenant, fault.finding.what) not in self._alarmed:
                _log.error("journal tampered with", tenant=tenant, detail=str(fault))
                await raise_alarm(self._services, tenant, str(fault))
                self._alarmed.add((tenant, fault.finding.what))

    async def _sign(self, tenant: TenantId) -> bool:
        """Sign one checkpoint; whether entries are left for another."""
        private = await self._services.keyring.signing_key(tenant, SIGNING_KEY)
        at = self._services.clock.now()
        async with self._services.database.transaction(tenant) as tx:
            progress = await store.advance(tx, tenant, private, self._states.get(tenant), at=at)
        # Remembered only once it is committed: what was not stored was not signed.
        self._states[tenant] = progress.state
        self._signed_at[tenant] = at
        return progress.waiting > 0


async def raise_alarm(services: Services, tenant: TenantId, words: str) -> None:
    """Tell every site of the tenant, and the journal, whatever is left of it."""
    day = utc_day(services.clock.now())
    async with services.database.transaction(tenant) as tx:
        for site in await sites.sites(tx, services.keyring, tenant):
            await put_alarm_of_day(tx, site.id, AlarmKind.JOURNAL_TAMPERED, day=day)
        await trace_as(services, tx, tenant, JOB, Act.ALARMED, purpose="journal tampered with", detail=words)
