"""Take in what an agent recorded, exactly once, and say so only when it is durable.

Each entry is sealed to the hub and signed by its agent. Here it is opened in memory, sealed again under the
site's key of the day and its subject's movement key, and stored; only after PostgreSQL has committed and the
pictures survive a power cut is it acknowledged.

An agent states the day of each entry itself. A day that cannot be (its clock was wrong, or its box was
stolen) makes no partition and no key: the entry goes to the quarantine under today's key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from postern.clock import utc_day
from postern.errors import BadInput, KeyDestroyed
from postern.ids import SiteId
from postern.operations.archive.arrivals import FARTHEST_AHEAD, FARTHEST_BACK, wall_channel
from postern.operations.archive.intake import MOST_SEQ, Readable, SpooledEntry, judge
from postern.operations.archive.wire import MOST_ENTRIES
from postern.operations.insiders.bait import notice_presented
from postern.operations.ports import SealedPicture
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.postgres.pool import Transaction
from postern.records import quarantine
from postern.records import store as records
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.records.model import DecisionRecord, RecordKey, SealedRecord, subject_of
from postern.records.sealed import anonymous, seal_happening
from postern.sealing.envelope import Key
from postern.sealing.keyring import Purpose
from postern.vehicles.plates import comparison_form

__all__ = ["FARTHEST_BACK", "Received", "SpooledEntry", "receive", "wall_channel"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of each entry, by seq.

    `quarantined`: kept aside for good, because it contradicts a stored record or states an impossible day.
    `refused`: could not be read, and is not kept here; the agent keeps it and does not send it again.
    """

    acknowledged: tuple[int, ...]
    quarantined: tuple[int, ...]
    refused: tuple[int, ...] = ()


async def receive(
    services: Services,
    known: KnownAgent,
    entries: Sequence[SpooledEntry],
    pictures: Sequence[SealedPicture] = (),
) -> Received:
    """Store a batch of one agent. Raises BadInput for a batch that is none; then nothing was stored."""
    if len(entries) > MOST_ENTRIES:
        raise BadInput(f"a batch has at most {MOST_ENTRIES} entries")
    site, today = known.agent.site, utc_day(services.clock.now())
    judged = judge(known, entries, pictures, await services.keyring.hub_key())
    judged = replace(judged, readable=_with_time(judged.readable, services.clock.now()))
    keys = await _day_keys(services, site, {one.entry.day for one in judged.readable}, today)
    timely = [one for one in judged.readable if one.entry.day in keys]
    untimely = [one for one in judged.readable if one.entry.day not in keys]
    movements = await _movements(services, known, judged.readable)
    rows = [_sealed(known, one, one.entry.day, keys[one.entry.day], movements) for one in timely]
    aside = [
        _sealed(known, one, today, await services.keyring.site_day_key(site, today), movements)
        for one in untimely
    ]
    await asyncio.gather(*(services.pictures.put(one.name, one.sealed) for one in judged.pictures))
    async with services.database.transaction(known.tenant) as tx:
        result = await records.append(tx, site, rows)
        before = await quarantine.archived_already(tx, [_where(known, one) for one in untimely])
        aside = [one for one in aside if one.seq not in before]
        await quarantine.keep_aside(tx, aside)
        await notice_presented(services, tx, known, [one.happening for one in judged.readable])
        await _alarm(tx, known, today, aside=[one.seq for one in aside], refused=judged.refused)
        await services.database.notify(tx, wall_channel(site), str(known.agent.id))
    return Received(
        acknowledged=tuple(sorted(result.stored | result.already | before)),
        quarantined=tuple(sorted(result.quarantined | {one.seq for one in aside})),
        refused=tuple(sorted(judged.refused)),
    )


def _with_time(readable: Sequence[Readable], now: datetime) -> tuple[Readable, ...]:
    """Each decision with the moment at which it came in, beside its agent's own."""
    return tuple(
        replace(one, happening=replace(one.happening, received_at=now))
        if isinstance(one.happening, DecisionRecord)
        else one
        for one in readable
    )


async def _day_keys(services: Services, site: SiteId, days: set[date], today: date) -> dict[date, Key]:
    """The keys of those days that can be; a day whose retention has ended cannot."""
    keys: dict[date, Key] = {}
    for day in days:
        if today - FARTHEST_BACK <= day <= today + FARTHEST_AHEAD:
            try:
                keys[day] = await services.keyring.site_day_key(site, day)
            except KeyDestroyed:
                continue
    return keys


async def _movements(services: Services, known: KnownAgent, readable: Sequence[Readable]) -> dict[UUID, Key]:
    found = (subject_of(one.happening) for one in readable)
    subjects = {one for one in found if one is not None}
    return await services.keyring.subject_keys(known.tenant, list(subjects), Purpose.MOVEMENT)


def _where(known: KnownAgent, one: Readable) -> tuple[RecordKey, bytes]:
    """Where the archive would hold it, had its day been possible when it was first sent."""
    entry = one.entry
    key = RecordKey(site=known.agent.site, day=entry.day, agent=known.agent.id, seq=entry.seq)
    return key, entry.digest


async def _alarm(
    tx: Transaction, known: KnownAgent, today: date, *, aside: Sequence[int], refused: frozenset[int]
) -> None:
    """Tell of what did not enter the archive, each kind once a day; and remember the numbers it used."""
    agent = known.agent
    used = [*aside, *(seq for seq in refused if 1 <= seq <= MOST_SEQ)]
    await quarantine.note_seqs(tx, agent.site, agent.id, used, today)
    if aside:
        await put_alarm_of_day(tx, agent.site, AlarmKind.RECORD_OUT_OF_TIME, day=today, agent=agent.id)
    if refused:
        await put_alarm_of_day(tx, agent.site, AlarmKind.RECORD_UNREADABLE, day=today, agent=agent.id)


def _sealed(
    known: KnownAgent, one: Readable, day: date, site_day: Key, movements: Mapping[UUID, Key]
) -> SealedRecord:
    """A row for `day`. Whoever was erased meanwhile is left out: nobody holds the key any more."""
    key = RecordKey(site=known.agent.site, day=day, agent=known.agent.id, seq=one.entry.seq)
    happening = one.happening
    subject = subject_of(happening)
    movement = movements.get(subject) if subject is not None else None
    if subject is not None and movement is None:
        happening = anonymous(happening)
    plate = happening.plate if isinstance(happening, DecisionRecord) else None
    sealed, tag = seal_happening(
        happening,
        tenant=known.tenant,
        key=key,
        site_day=site_day,
        movement=movement,
        compared_plate=comparison_form(plate) if plate and movement is None else None,
    )
    return SealedRecord(
        site=key.site,
        day=key.day,
        agent=key.agent,
        seq=key.seq,
        kind=one.entry.kind,
        tag=tag,
        digest=one.entry.digest,
        sealed=sealed,
    )
