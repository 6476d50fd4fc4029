"""What becomes of visits by itself: seen coming and leaving, told to hosts, over, erased at last.

A principal of its own (`job:visits`). When somebody came and left is computed anew from all passages of the
visit each time something arrives at its site: a run that was cut short, or done twice, changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
import structlog

from postern.clock import utc_day
from postern.errors import PosternError
from postern.ids import SiteId, TenantId
from postern.journal.model import Act
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.privacy.erase import erase_visit
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.trace import trace_as
from postern.operations.visitors.faces import end_faces
from postern.operations.visitors.letters import send_letters
from postern.operations.visitors.visits import store_changed, write_to_host
from postern.operators.model import Actor, Role
from postern.postgres.pool import Transaction
from postern.records import store as records
from postern.records.following import passages_after
from postern.records.model import DecisionRecord, Outcome, PassageRecord
from postern.sealing.tags import day_tag
from postern.sites import store as sites
from postern.visitors import store
from postern.visitors.face import brought_to_doors
from postern.visitors.model import LetterKind, Sighting, Visit, VisitState
from postern.visitors.visit import is_kept, is_overdue, over, seen

JOB = "job:visits"
EVERY_SECONDS = 3.0
TURN = timedelta(minutes=1)
_STILL_OPEN = timedelta(days=2)
"""After its end a visit is looked at so long: an agent that was cut off may still tell of it."""
_MOST_RECORDS = 20_000

_log = structlog.get_logger(__name__)


async def follow_visits(services: Services, tenant: TenantId, site: SiteId) -> list[Visit]:
    """Look at the site's passages, and bring its open visits up to them; those that changed."""
    now = services.clock.now()
    async with services.database.transaction(tenant) as tx:
        every = (await services.registry.visits.all(tx, tenant)).values()
        looked_for = [one for one in every if one.details.site == site and _is_open(one, now)]
        if not looked_for:
            return []
        sightings = await _sightings(services, tx, looked_for, utc_day(now))
        changed = []
        for visit in looked_for:
            after = brought_to_doors(over(seen(visit, sightings.get(visit.id, [])), now), now)
            told = await _tell_host(services, tx, after, now)
            if told != visit:
                changed.append(await store_changed(services, tx, told))
    if changed:
        await publish_stale(services)
    return changed


def _is_open(visit: Visit, now: datetime) -> bool:
    """Whether something may still be seen of it."""
    end = visit.ended_at or visit.details.valid.end or now
    if visit.state in (VisitState.REFUSED, VisitState.CANCELLED):
        return False
    return visit.state is VisitState.INSIDE or now < end + _STILL_OPEN


async def _sightings(
    services: Services, tx: Transaction, visits: Sequence[Visit], today: date
) -> dict[UUID, list[Sighting]]:
    """Who went in and out, by the tags of their days; a granted decision counts with its passage alone."""
    tenant, site = visits[0].tenant, visits[0].details.site
    days = {one.id: _days(one, today) for one in visits}
    first = min((day for each in days.values() for day in each), default=today)
    keys = await services.keyring.site_day_keys([site], first=first, last=today)
    tags = [
        (day, day_tag(key, one.id.bytes))
        for one in visits
        for day in days[one.id]
        if (key := keys.get((site, day))) is not None
    ]
    sealed = await records.by_tags(tx, site, tags, limit=_MOST_RECORDS)
    found: dict[UUID, list[Sighting]] = {}
    for one in await opened(services, tx, tenant, sealed):
        decision = one.happening
        if not isinstance(decision, DecisionRecord) or decision.subject is None or not decision.granted:
            continue
        passage = await _passage(services, tx, tenant, one)
        if passage is not None:
            sighting = Sighting(at=passage.at, out=decision.direction_out)
            found.setdefault(decision.subject, []).append(sighting)
    return found


def _days(visit: Visit, today: date) -> list[date]:
    """The UTC days on which it may have been seen."""
    start = visit.details.valid.start
    first = utc_day(start) if start is not None else today
    return [first + timedelta(days=n) for n in range((today - first).days + 1)]


async def _passage(
    services: Services, tx: Transaction, tenant: TenantId, decision: OpenedRecord
) -> PassageRecord | None:
    for one in await opened(services, tx, tenant, await passages_after(tx, decision.key)):
        happening = one.happening
        if isinstance(happening, PassageRecord) and happening.decision_seq == decision.key.seq:
            return happening if happening.outcome is not Outcome.NOT_TAKEN else None
    return None


async def _tell_host(services: Services, tx: Transaction, visit: Visit, now: datetime) -> Visit:
    """Once that the visitor came, and once that they should have left."""
    told = visit.told
    if visit.state is VisitState.INSIDE and "arrived" not in told:
        await write_to_host(services, tx, visit, LetterKind.ARRIVED)
        told |= {"arrived"}
    if is_overdue(visit, now) and "overdue" not in told:
        await write_to_host(services, tx, visit, LetterKind.OVERDUE)
        told |= {"overdue"}
    return replace(visit, told=told)


async def end_visits(services: Services, tenant: TenantId) -> int:
    """Erase every visit that has been kept long enough, each with its receipt; how many those were."""
    now = services.clock.now()
    ended = []
    async with services.database.transaction(tenant) as tx:
        every = (await services.registry.visits.all(tx, tenant)).values()
        rules = {
            site: await store.visit_rules(tx, services.keyring, tenant, site)
            for site in {one.details.site for one in every}
        }
        ended = [one.id for one in every if not is_kept(one, rules[one.details.site], now)]
    actor = Actor(tenant=tenant, name="job:retention", role=Role.ADMINISTRATOR)
    for id in ended:
        await erase_visit(services, actor, id, reason="the visit was kept long enough")
    return len(ended)


@dataclass(kw_only=True)
class VisitJob:
    """Follows the visits of every tenant for as long as it runs."""

    services: Services
    _seen_upto: dict[SiteId, int] = field(default_factory=dict)
    _turned_at: dict[SiteId, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever, with one journal entry a tenant at the start."""
        started: set[TenantId] = set()
        while True:
            try:
                for tenant in await self._tenants():
                    if tenant not in started:
                        await self._say_started(tenant)
                        started.add(tenant)
                    await self.round(tenant)
            except (PosternError, psycopg.Error) as fault:
                _log.error("visits not followed", fault=type(fault).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self, tenant: TenantId) -> None:
        """What is new at sites with visits, what is over there, and letters that are due.

        A site where something is wrong is tried again the next time, and holds no other up.
        """
        now = self.services.clock.now()
        for site, upto in (await self._sites(tenant)).items():
            turned = self._turned_at.get(site)
            if self._seen_upto.get(site) == upto and turned is not None and now - turned < TURN:
                continue
            try:
                await follow_visits(self.services, tenant, site)
            except (PosternError, psycopg.Error) as fault:
                _log.error("visits not followed", site=site, fault=type(fault).__name__)
                continue
            self._seen_upto[site], self._turned_at[site] = upto, now
        await end_faces(self.services, tenant, by=JOB)
        await send_letters(self.services, tenant)

    async def _tenants(self) -> list[TenantId]:
        async with self.services.database.transaction() as tx:
            return await sites.tenant_ids(tx)

    async def _sites(self, tenant: TenantId) -> dict[SiteId, int]:
        """Sites with visits, and how far their agents' records have come."""
        async with self.services.database.transaction(tenant) as tx:
            every = (await self.services.registry.visits.all(tx, tenant)).values()
            found = {one.details.site for one in every}
            return {site: await records.progress(tx, site) for site in found}

    async def _say_started(self, tenant: TenantId) -> None:
        async with self.services.database.transaction(tenant) as tx:
            await trace_as(self.services, tx, tenant, JOB, Act.STARTED, purpose="follow visits")
