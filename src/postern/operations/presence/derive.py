"""Presence of a site, derived from what its agents and the hub recorded, whenever somebody asks.

One transaction takes the next records of each agent and writes what follows from them, and how far it has
come. Cut short anywhere, it has happened whole or not at all; done twice, it changes nothing
(`access.presence`). Agents ask every few seconds while they are there, so that a muster finds it done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from postern.access import presence_store as store
from postern.access.presence import (
    Call,
    Fact,
    Order,
    Presence,
)
from postern.access.presence_facts import sightings, statements
from postern.errors import NotFound
from postern.ids import AgentId, SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.parking.settle_read import arrived, moved
from postern.operations.presence.rows import Place, keep, keep_calls, load, remove
from postern.operations.presence.shelf import Shelf
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.privacy.retention_store import retention
from postern.records.cursor import Cursor
from postern.records.model import (
    DecisionRecord,
    Kind,
    PassageRecord,
    PresenceDeed,
    PresenceRecord,
    SealedRecord,
)
from postern.records.store import COLUMNS, record_of
from postern.sites import store as sites
from postern.sites.store import SitePlan

_DAY = timedelta(days=1)


async def present(services: Services, tenant: TenantId, site: SiteId) -> Presence:
    """Presence after all that has arrived. It belongs to the shelf: read it only. NotFound for no site."""
    shelf = services.presences.of(tenant, site)
    async with shelf.lock:
        async with services.database.transaction(tenant) as tx:
            if shelf.presence is not None and await store.is_current(
                tx, site, version=shelf.version, known=shelf.cursors
            ):
                return shelf.presence
        while True:
            try:
                more = await _round(services, tenant, site, shelf)
            except BaseException:
                shelf.presence = None
                raise
            if not more and shelf.presence is not None:
                return shelf.presence


async def _round(services: Services, tenant: TenantId, site: SiteId, shelf: Shelf) -> bool:
    """One transaction; whether there may be more."""
    async with services.database.transaction(tenant) as tx:
        if await sites.tenant_of(tx, site) != tenant:
            raise NotFound("there is no such site")
        place = Place(services=services, tx=tx, tenant=tenant, site=site)
        version, cursors = await store.book(tx, site), await store.progress(tx, site)
        if shelf.presence is None or (shelf.version, shelf.cursors) != (version, cursors):
            shelf.presence, shelf.rows, shelf.calls_row = await load(place)
            await _forget_old(place, shelf.presence, shelf.rows)
        plan = await sites.plan(tx, services.keyring, tenant, site)
        new = await arrived(tx, site, cursors, place.today)
        reading = await _read(place, plan, new.records)
        await _take(place, shelf, shelf.presence, reading.facts)
        await _tell(place, reading.told)
        now = dict(cursors)
        for agent in {one.agent for one in new.records}:
            seqs = [
                one.seq for one in new.records if one.agent == agent and one.seq not in reading.lone(agent)
            ]
            if seqs:
                now[agent] = moved(cursors.get(agent, Cursor(agent=agent)), seqs)
        changed = [one for id, one in now.items() if one != cursors.get(id)]
        await store.put_progress(tx, site, changed)
    shelf.cursors, shelf.version = now, version
    return bool(new.full) and bool(changed)


async def _forget_old(place: Place, presence: Presence, rows: dict[UUID, UUID]) -> None:
    """Whoever was seen last so long ago that the passage itself is gone by now is known no more."""
    times = await retention(place.tx, place.services.keyring, place.tenant, place.site)
    before = times.ended_before(Kind.PASSAGE, place.today)
    old = [id for id, one in presence.known.items() if one.order and one.order.at.date() < before]
    await remove(place, [rows.pop(id) for id in old])
    for id in old:
        presence.forget(id)


async def _take(place: Place, shelf: Shelf, presence: Presence, facts: Iterable[Fact]) -> None:
    changed: set[UUID] = set()
    called = False
    for fact in facts:
        news = presence.take(fact)
        if isinstance(fact, Call):
            called |= news
        elif news:
            changed.add(fact.subject)
            shelf.rows.setdefault(fact.subject, new_id())
    await keep(place, [presence.known[one] for one in changed], shelf.rows)
    if called:
        await keep_calls(place, presence, shelf.calls_row)


async def _tell(place: Place, told: Sequence[tuple[AgentId, PresenceRecord]]) -> None:
    """Openings of the roll at an agent itself go into the journal, in the transaction that reads them."""
    for agent, one in told:
        refused = one.deed is PresenceDeed.ROLL_REFUSED
        await trace_as(
            place.services,
            place.tx,
            place.tenant,
            f"agent:{agent}",
            Act.REFUSED if refused else Act.LOOKED,
            purpose="muster at the agent",
            detail=f"site {place.site}, {one.at.isoformat()}, {one.by or 'no name given'}",
        )


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What records say. `waiting`: passages whose decision is not at hand; they are read again."""

    facts: list[Fact]
    told: list[tuple[AgentId, PresenceRecord]]
    waiting: frozenset[tuple[AgentId, int]]

    def lone(self, agent: AgentId) -> frozenset[int]:
        """The numbers of that agent's passages that are left for later."""
        return frozenset(seq for one, seq in self.waiting if one == agent)


async def _read(place: Place, plan: SitePlan, sealed: Sequence[SealedRecord]) -> _Reading:
    wanted = (Kind.DECISION, Kind.PASSAGE, Kind.PRESENCE)
    read = await opened(place.services, place.tx, place.tenant, [one for one in sealed if one.kind in wanted])
    decisions = await _decisions(place, read)
    points = {one.id: one for one in plan.access_points}
    areas = {one.id: one for one in plan.areas}
    facts: list[Fact] = []
    told: list[tuple[AgentId, PresenceRecord]] = []
    waiting: set[tuple[AgentId, int]] = set()
    for one in read:
        order = _order(one)
        match one.happening:
            case PassageRecord() as passage:
                found = decisions.get((one.key.agent, passage.decision_seq))
                if found is None:
                    waiting.add((one.key.agent, one.key.seq))
                elif isinstance(found.happening, DecisionRecord):
                    facts += sightings(order, passage, found.happening, points, areas)
            case PresenceRecord() as stated:
                facts += statements(order, stated, areas)
                if stated.deed in (PresenceDeed.ROLL_OPENED, PresenceDeed.ROLL_REFUSED):
                    told.append((one.key.agent, stated))
    return _Reading(facts=facts, told=told, waiting=frozenset(waiting))


def _order(one: OpenedRecord) -> Order:
    happening = one.happening
    if happening is None:
        raise ValueError("a record that does not open has no time")
    return Order(at=happening.at, agent=one.key.agent, seq=one.key.seq)


async def _decisions(place: Place, read: Sequence[OpenedRecord]) -> dict[tuple[AgentId, int], OpenedRecord]:
    """The decisions (and commands) behind these passages: of the same batch, or out of the archive."""
    known = {(one.key.agent, one.key.seq): one for one in read}
    wanted: dict[AgentId, set[int]] = {}
    days = set()
    for one in read:
        passage = one.happening
        if isinstance(passage, PassageRecord) and (one.key.agent, passage.decision_seq) not in known:
            wanted.setdefault(one.key.agent, set()).add(passage.decision_seq)
            days |= {one.key.day + n * _DAY for n in (-1, 0, 1)}
    for agent, seqs in wanted.items():
        rows = await place.tx.execute(
            f"SELECT {COLUMNS} FROM record"  # noqa: S608 - ours
            " WHERE site_id = %s AND day = ANY(%s) AND agent_id = %s AND seq = ANY(%s)",
            (place.site, sorted(days), agent, sorted(seqs)),
        )
        sealed = [record_of(row) for row in await rows.fetchall()]
        for one in await opened(place.services, place.tx, place.tenant, sealed):
            known[one.key.agent, one.key.seq] = one
    return known
