"""Retention, daily: what is over goes, row by row, picture by picture, and its day's key for good.

A principal of its own (`job:retention`), with one journal entry a run, written before anything is opened: to
find the pictures of ended days, their decisions are opened in memory. Each step may be repeated, so that a
run that was cut short is made up for by the next one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg
import structlog

from postern.clock import utc_day
from postern.errors import PosternError
from postern.ids import SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.attendance import retention as attendance_retention
from postern.operations.parking import retention as parking_retention
from postern.operations.presence import rows as presence_rows
from postern.operations.privacy import erase, tombstones
from postern.operations.privacy.jurisdiction import SiteRules, kept_at, refuse_retention, rules_of_sites
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operations.visitors.watch import end_visits
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import confine
from postern.privacy import retention_store as store
from postern.privacy.retention import Retention
from postern.privacy.retention_store import Ended, RetentionReport, SiteEnd
from postern.records import ending
from postern.records.model import DecisionRecord, Kind
from postern.records.partitions import detach_before
from postern.sites import store as sites
from postern.visitors import store as visits

JOB = "job:retention"
EVERY = timedelta(days=1)
LONGEST_GAP = timedelta(days=7)
_AT_ONCE = 500
"""Decisions opened before others in this process get their turn."""
_PATIENCE = "5s"

_log = structlog.get_logger(__name__)


async def retention_of(services: Services, actor: Actor, site: SiteId) -> Retention:
    """For how long the site keeps what."""
    require(actor, Duty.SEE_SITES)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await kept_at(services, tx, actor.tenant, site)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRetention:
    """For how long a site keeps what, by which law it began, and how many visits it holds for how long."""

    rules: SiteRules
    kept: Retention
    visits: int
    visit_days: int


async def retention_of_sites(services: Services, actor: Actor) -> Sequence[SiteRetention]:
    """Every site of the organisation."""
    every = await rules_of_sites(services, actor)
    async with services.database.transaction(actor.tenant) as tx:
        held = Counter(
            one.details.site for one in (await services.registry.visits.all(tx, actor.tenant)).values()
        )
        return [
            SiteRetention(
                rules=one,
                kept=await kept_at(services, tx, actor.tenant, one.site.id),
                visits=held[one.site.id],
                visit_days=(
                    await visits.visit_rules(tx, services.keyring, actor.tenant, one.site.id)
                ).kept_days,
            )
            for one in every
        ]


async def change_retention(services: Services, actor: Actor, wanted: Retention) -> Retention:
    """Change the site's times, from the next run on. Conflict when `wanted.version` is stale.

    Raises ForbiddenHere where the site's jurisdiction does not let it keep something for so long.
    """
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, wanted.site)
        await refuse_retention(services, tx, actor.tenant, wanted)
        stored = await store.put_retention(tx, services.keyring, actor.tenant, wanted)
        times = ", ".join(f"{kind.name.lower()} {stored.days(kind)}" for kind in Kind)
        detail = f"site {wanted.site}: {times}, pictures {stored.picture_days} days"
        await trace(services, tx, actor, Act.CHANGED, purpose="set retention", detail=detail)
    return stored


async def reports(services: Services, actor: Actor) -> Sequence[RetentionReport]:
    """What the latest runs ended, newest first."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.reports(tx, services.keyring, actor.tenant)


async def run_daily(services: Services) -> None:
    """For ever: at once, and then every day.

    After a long gap only when the clock has said so for a day: keys destroyed by a clock that was set wrong
    do not come back.
    """
    if await _is_after_a_gap(services):
        _log.warning("retention waits a day", reason="the last run is long ago; check the clock")
        await asyncio.sleep(EVERY.total_seconds())
    while True:
        try:
            await end_what_is_over(services)
        except (PosternError, psycopg.Error) as fault:
            _log.error("retention delayed", fault=type(fault).__name__)
        await asyncio.sleep(EVERY.total_seconds())


async def _is_after_a_gap(services: Services) -> bool:
    last: list[date] = []
    async with services.database.transaction() as tx:
        for tenant in await sites.tenant_ids(tx):
            await confine(tx, tenant)
            last += [utc_day(one.at) for one in await store.reports(tx, services.keyring, tenant, limit=1)]
    return bool(last) and utc_day(services.clock.now()) - max(last) > LONGEST_GAP


async def end_what_is_over(services: Services) -> list[RetentionReport]:
    """One run over every tenant. The archive's partitions go once no site needs any of their days."""
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    runs = [await _Run.begin(services, tenant) for tenant in tenants]
    for run in runs:
        for one in run.retentions:
            await run.end_site(one)
    dropped = await _drop_partitions(services, runs)
    return [await run.report(dropped) for run in runs]


@dataclass(kw_only=True)
class _Run:
    """One run over one tenant's sites, and what it has ended so far."""

    services: Services
    tenant: TenantId
    today: date
    retentions: list[Retention]
    pictures_since: dict[SiteId, date]
    ended: list[Ended] = field(default_factory=list)
    sites: list[SiteEnd] = field(default_factory=list)

    @classmethod
    async def begin(cls, services: Services, tenant: TenantId) -> _Run:
        """Read what holds, and write down what will be ended before anything is opened."""
        today = utc_day(services.clock.now())
        async with services.database.transaction(tenant) as tx:
            found = await sites.sites(tx, services.keyring, tenant)
            retentions = [await kept_at(services, tx, tenant, one.id) for one in found]
            last = await store.reports(tx, services.keyring, tenant, limit=1)
            bounds = "; ".join(
                f"site {one.site}: pictures before {one.pictures_ended_before(today)},"
                f" keys before {one.keys_ended_before(today)}"
                for one in retentions
            )
            await trace_as(services, tx, tenant, JOB, Act.REMOVED, purpose="retention", detail=bounds)
        since = {one.site: one.pictures_before for report in last for one in report.sites}
        return cls(services=services, tenant=tenant, today=today, retentions=retentions, pictures_since=since)

    async def end_site(self, wanted: Retention) -> None:
        """Pictures first, then rows kind by kind, and at last the keys: an opened row needs its key."""
        site, pictures_before = wanted.site, wanted.pictures_ended_before(self.today)
        await parking_retention.take_in_before(self.services, self.tenant, site)
        await attendance_retention.take_in_hours(self.services, self.tenant, site)
        since = self.pictures_since.get(site, date.min)
        pictures = unreadable = 0
        for quarantined in (False, True):
            for day in await self._days(site, since, pictures_before, quarantined=quarantined):
                gone, unread = await self._end_pictures(site, day, quarantined=quarantined)
                pictures, unreadable = pictures + gone, unreadable + unread
        for kind in Kind:
            late = await self._end_rows(wanted, kind)
            pictures, unreadable = pictures + late[0], unreadable + late[1]
        months_before = wanted.ended_before(Kind.ATTENDANCE, self.today)
        await attendance_retention.end_months(self.services, self.tenant, site, before=months_before)
        keys_before = wanted.keys_ended_before(self.today)
        async with self.services.database.transaction(self.tenant) as tx:
            aside = [
                await ending.delete_quarantined(tx, site, kind, before=wanted.ended_before(kind, self.today))
                for kind in Kind
            ]
            await ending.delete_alarms(tx, site, before=keys_before)
        keys = await self.services.keyring.destroy_site_day_keys(site, before=keys_before)
        await tombstones.set_up(self.services, self.tenant, keys)
        if keys:
            await parking_retention.end_rows(self.services, self.tenant, site)
            await presence_rows.end_rows(self.services, self.tenant, site)
        self.sites.append(
            SiteEnd(
                site=site,
                pictures_before=pictures_before,
                keys_before=keys_before,
                pictures=pictures,
                keys=len(keys),
                quarantined=sum(aside),
                unreadable=unreadable,
            )
        )

    async def _days(self, site: SiteId, since: date, before: date, *, quarantined: bool) -> list[date]:
        look = ending.quarantined_days if quarantined else ending.days_with
        async with self.services.database.transaction(self.tenant) as tx:
            return await look(tx, site, Kind.DECISION, since=since, before=before)

    async def _end_rows(self, wanted: Retention, kind: Kind) -> tuple[int, int]:
        """Delete that kind's rows of every ended day, with what pictures late ones brought."""
        before = wanted.ended_before(kind, self.today)
        async with self.services.database.transaction(self.tenant) as tx:
            days = await ending.days_with(tx, wanted.site, kind, since=date.min, before=before)
        pictures = unreadable = 0
        for day in days:
            if kind is Kind.DECISION:
                gone, unread = await self._end_pictures(wanted.site, day, quarantined=False)
                pictures, unreadable = pictures + gone, unreadable + unread
            async with self.services.database.transaction(self.tenant) as tx:
                rows = await ending.delete_day(tx, wanted.site, day, kind)
            self.ended.append(Ended(site=wanted.site, day=day, kind=kind, rows=rows))
        return pictures, unreadable

    async def _end_pictures(self, site: SiteId, day: date, *, quarantined: bool) -> tuple[int, int]:
        """Delete the pictures of a day's decisions; how many, and how many decisions did not open."""
        pictures = unreadable = 0
        after = (0, 0)
        while True:
            async with self.services.database.transaction(self.tenant) as tx:
                batch = await ending.of_day(
                    tx,
                    site,
                    day,
                    Kind.DECISION,
                    after=after,
                    limit=_AT_ONCE,
                    quarantined=quarantined,
                )
                found = await opened(self.services, tx, self.tenant, batch)
                found = [one for one in found if one.happening is not None]
            names = {name for one in found if (name := _picture(one)) is not None}
            for name in names:
                await self.services.pictures.delete(name)
            pictures, unreadable = pictures + len(names), unreadable + len(batch) - len(found)
            if len(batch) < _AT_ONCE:
                return pictures, unreadable
            after = (batch[-1].agent, batch[-1].seq)

    async def report(self, dropped: Sequence[str]) -> RetentionReport:
        """Keep what this run has ended."""
        made = RetentionReport(
            id=new_id(),
            tenant=self.tenant,
            at=self.services.clock.now(),
            ended=tuple(self.ended),
            sites=tuple(self.sites),
            partitions=tuple(dropped),
            statutory_keys=await erase.end_statutory(self.services, self.tenant, self.today),
            visits=await end_visits(self.services, self.tenant),
        )
        async with self.services.database.transaction(self.tenant) as tx:
            await store.put_report(tx, self.services.keyring, made, self.today)
        return made


def _picture(one: OpenedRecord) -> str | None:
    happening = one.happening
    if isinstance(happening, DecisionRecord) and happening.picture is not None:
        return happening.picture.name
    return None


async def _drop_partitions(services: Services, runs: Sequence[_Run]) -> list[str]:
    """Detach and drop the months whose days are over at every site of the hub."""
    bounds = [one.keys_before for run in runs for one in run.sites]
    if not bounds:
        return []
    try:
        async with services.database.transaction() as tx:
            await tx.execute("SELECT set_config('lock_timeout', %s, true)", (_PATIENCE,))
            return await detach_before(tx, min(bounds))
    except psycopg.errors.LockNotAvailable:
        return []  # somebody reads the archive at length: tomorrow is soon enough for empty tables
