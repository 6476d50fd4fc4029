"""Settle: take what agents and the hub have recorded into a garage's books, exactly once.

One transaction takes the next records after a cursor per agent, and writes what follows from them:
projections, ledger, receipts, and the cursors themselves. Cut short anywhere, it has happened whole or not at
all, and what is in memory is thrown away. A record that belongs before others that were taken in already
rewinds the books to its place: docs/decisions/0011-books-are-a-function-of-what-happened.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from postern.clock import utc_day
from postern.errors import NotFound
from postern.ids import AgentId, SiteId, TenantId
from postern.operations.archive.following import Follower, follow_sites
from postern.operations.archive.hub_records import record
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.parking.rows import Desk
from postern.operations.parking.settle_load import lone_decisions, reach_back, reload
from postern.operations.parking.settle_read import Joining, arrived, in_step, moved, nothing_new
from postern.operations.parking.settle_write import write
from postern.operations.parking.shelf import Shelf
from postern.operations.services import Services
from postern.parking import store
from postern.parking.books import TRAIL_DAYS
from postern.parking.garage import Garage
from postern.parking.happenings import Entered, GarageHappening, Left
from postern.parking.rules import Rules
from postern.records.cursor import Cursor
from postern.records.model import CorrectionRecord, Deed, SealedRecord
from postern.sites import store as sites

JOB = "job:settle"


async def settle_site(services: Services, tenant: TenantId, site: SiteId) -> Garage:
    """Take in all that has arrived; the garage as it stands then. It belongs to the books: read it only.

    Raises NotFound when the site is no garage.
    """
    garage, _ = await settled(services, tenant, site)
    return garage


async def settled(services: Services, tenant: TenantId, site: SiteId) -> tuple[Garage, Rules]:
    """The same, with the rules that it goes by."""
    shelf = services.garages.of(tenant, site)
    async with shelf.lock:
        current = await _current(services, tenant, site, shelf)
        if current is not None:
            return current
        while True:
            try:
                more, rules = await _round(services, tenant, site, shelf)
            except BaseException:
                shelf.drop()
                raise
            if not more and shelf.books is not None:
                return shelf.books.garage, rules


async def _current(
    services: Services, tenant: TenantId, site: SiteId, shelf: Shelf
) -> tuple[Garage, Rules] | None:
    """What is on the shelf, if nothing has arrived since and the day is the same, as for most questions."""
    if shelf.books is None or shelf.books.garage.turned != utc_day(services.clock.now()):
        return None
    async with services.database.transaction(tenant) as tx:
        rules = await services.garages.rules.current(tx, services.keyring, tenant, site)
        if not await nothing_new(tx, site, shelf.cursors):
            return None
    return shelf.books.garage, rules


async def _round(services: Services, tenant: TenantId, site: SiteId, shelf: Shelf) -> tuple[bool, Rules]:
    """One transaction; whether there may be more."""
    async with services.database.transaction(tenant) as tx:
        if await sites.tenant_of(tx, site) != tenant:
            raise NotFound("there is no such site")
        version = (await store.garage(tx, site, lock=True)).version
        rules = await services.garages.rules.current(tx, services.keyring, tenant, site)
        desk = Desk(services=services, tx=tx, tenant=tenant, site=site, rules=rules)
        cursors = await store.cursors(tx, site)
        if (
            shelf.books is None
            or shelf.joining is None
            or (shelf.cursors, shelf.version) != (cursors, version)
        ):
            shelf.books, shelf.joining = await reload(desk, cursors)
        books, joining = shelf.books, shelf.joining
        joining.rules, joining.recorder = rules, await _recorder(desk)
        new = await arrived(tx, site, cursors, desk.today)
        read = await opened(services, tx, tenant, new.records)
        kept = in_step(read, new.full)
        happenings = await _happenings(desk, joining, kept)
        late: list[GarageHappening] = []
        reached_back = False
        if any(books.since is not None and one.at.date() < books.since for one in happenings):
            books, late = await reach_back(desk, cursors, books, happenings)
            shelf.books, reached_back = books, True
        timely = [one for one in happenings if one not in late] if late else happenings
        # Days are turned no further than the books have come: what is still to be read belongs before.
        until = desk.today if not new.full else max((one.at.date() for one in timely), default=None)
        change = books.take(timely, until, rules)
        await write(desk, change)
        now = _cursors(cursors, new.records, read, kept)
        await store.put_cursors(tx, site, [one for id, one in now.items() if one != cursors.get(id)])
        told = await _tell_late(desk, late)
    if not reached_back and books.garage.turned is not None:
        books.forget_before(books.garage.turned - timedelta(days=TRAIL_DAYS))
    shelf.cursors, shelf.version = now, version
    return bool(new.full) or told, rules


async def _recorder(desk: Desk) -> AgentId | None:
    found = await store.recorder(desk.tx, desk.site)
    return found[0] if found is not None else None


async def _happenings(desk: Desk, joining: Joining, records: Sequence[OpenedRecord]) -> list[GarageHappening]:
    made, lone = joining.joined(records)
    return [*made, *await lone_decisions(desk, joining, lone)]


def _cursors(
    cursors: dict[AgentId, Cursor],
    records: Sequence[SealedRecord],
    read: Sequence[OpenedRecord],
    kept: Sequence[OpenedRecord],
) -> dict[AgentId, Cursor]:
    """Where the books stand after these: what was left for the next round ends an agent's."""
    left = {one.key for one in read} - {one.key for one in kept}
    first: dict[AgentId, int] = {}
    for key in left:
        first[key.agent] = min(key.seq, first.get(key.agent, key.seq))
    now = dict(cursors)
    for agent in {one.agent for one in records}:
        seqs = [one.seq for one in records if one.agent == agent]
        taken = [seq for seq in seqs if agent not in first or seq < first[agent]]
        if taken:
            now[agent] = moved(cursors.get(agent, Cursor(agent=agent)), taken)
    return now


async def _tell_late(desk: Desk, late: Sequence[GarageHappening]) -> bool:
    """What came too late to be booked becomes a case, by a record of the hub's own."""
    now = desk.services.clock.now()
    told = [
        CorrectionRecord(
            at=now,
            deed=Deed.CAME_LATE,
            operator=JOB,
            reason="the books of its day are closed",
            access_point=one.lane,
            plate=one.who.plate or None,
        )
        for one in late
        if isinstance(one, Entered | Left)
    ]
    if told:
        await record(desk.services, desk.tx, desk.tenant, desk.site, told)
    return bool(told)


async def run_settler(services: Services) -> None:
    """For ever: settle every garage whenever something arrives there."""
    follower = Follower(
        name="settle", job=JOB, purpose="keep the garage's books", sites=store.garages, settle=settle_site
    )
    await follow_sites(services, follower)
