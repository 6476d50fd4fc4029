"""Take what agents and the hub have recorded into the books of people's months, exactly once.

One transaction reads the next records after a cursor per agent, puts the punches and corrections that follow
from them into their months, and moves the cursors. Cut short anywhere, it has happened whole or not at all;
done twice, it changes nothing, since a punch has its record's id. A principal of its own: one journal entry a
run, and what it writes is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postern.attendance import store
from postern.attendance.books import Entry, MonthBook, month_of
from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import AgentId, SiteId, TenantId
from postern.operations.archive.following import Follower, follow_sites
from postern.operations.archive.opening import opened
from postern.operations.attendance.read import Told, joined
from postern.operations.attendance.rows import Page, keep_books, load_books
from postern.operations.parking.settle_read import arrived, moved
from postern.operations.services import Services
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from postern.records.model import SealedRecord
from postern.sites import store as sites

JOB = "job:attendance"


async def settle_hours(services: Services, tenant: TenantId, site: SiteId) -> None:
    """Take in all that has arrived. Raises NotFound when no hours are kept at the site."""
    async with services.database.transaction(tenant) as tx:
        if await sites.tenant_of(tx, site) != tenant:
            raise NotFound("there is no such site")
        behind = await store.is_behind(tx, site)
    while behind:
        behind = await _round(services, tenant, site)


async def settle_all_hours(services: Services, tenant: TenantId) -> list[SiteId]:
    """The same at every site of the tenant where hours are kept; which those are."""
    async with services.database.transaction(tenant) as tx:
        found = await store.attendance_sites(tx)
    for site in found:
        await settle_hours(services, tenant, site)
    return found


async def _round(services: Services, tenant: TenantId, site: SiteId) -> bool:
    """One transaction; whether there may be more."""
    async with services.database.transaction(tenant) as tx:
        settings = await store.settings(tx, services.keyring, tenant, site, lock=True)
        cursors = await store.cursors(tx, site)
        today = utc_day(services.clock.now())
        new = await arrived(tx, site, cursors, today)
        read = await opened(services, tx, tenant, new.records)
        told = await joined(services, tx, tenant, settings, read)
        await _take(services, tx, tenant, site, told)
        await store.put_cursors(tx, site, _cursors(cursors, new.records))
    return bool(new.full)


async def _take(
    services: Services, tx: Transaction, tenant: TenantId, site: SiteId, told: Iterable[Told]
) -> None:
    by_page: dict[Page, list[Entry]] = {}
    for one in told:
        page = Page(site=site, person=one.person, month=month_of(one.entry))
        by_page.setdefault(page, []).append(one.entry)
    if not by_page:
        return
    books = await load_books(services, tx, tenant, by_page)
    changed = {
        page: books.get(page, MonthBook(site=site, person=page.person, month=page.month)).taking(entries)
        for page, entries in by_page.items()
    }
    await keep_books(services, tx, tenant, site, changed)


def _cursors(cursors: dict[AgentId, Cursor], records: Sequence[SealedRecord]) -> list[Cursor]:
    """Where the books stand after these."""
    seqs: dict[AgentId, list[int]] = {}
    for one in records:
        seqs.setdefault(one.agent, []).append(one.seq)
    return [moved(cursors.get(agent, Cursor(agent=agent)), taken) for agent, taken in seqs.items()]


async def run_hours(services: Services) -> None:
    """For ever: settle every site where hours are kept, whenever something arrives there."""
    follower = Follower(
        name="hours", job=JOB, purpose="keep hours", sites=store.attendance_sites, settle=settle_hours
    )
    await follow_sites(services, follower)
