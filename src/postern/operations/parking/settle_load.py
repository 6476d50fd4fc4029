"""Open a garage's books again: from the beginning of a day, and what was recorded since.

The books are a function of what happened, so this gives the ones that were left; the ledger is compared, and
what a fault has made differ is put right and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import structlog

from postern.ids import AgentId
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.archive.receive import FARTHEST_BACK
from postern.operations.parking.erase import links_of
from postern.operations.parking.rows import (
    KEPT_BEGINNINGS,
    Desk,
    beginning_of,
    beginnings_kept,
)
from postern.operations.parking.settle_read import Joining, of_days
from postern.operations.parking.settle_write import write
from postern.parking import ledger_store, store
from postern.parking.books import Books, Change, begun_from
from postern.parking.happenings import Entered, GarageHappening, Left
from postern.privacy.retention_store import retention
from postern.records.cursor import Cursor
from postern.records.model import CommandRecord, DecisionRecord, Kind, PassageRecord, RecordKey
from postern.records.store import COLUMNS, record_of

_DAY = timedelta(days=1)
_KINDS = (Kind.DECISION, Kind.PASSAGE, Kind.COMMAND, Kind.CORRECTION, Kind.PAYMENT)

_log = structlog.get_logger(__name__)


async def reload(desk: Desk, cursors: Mapping[AgentId, Cursor]) -> tuple[Books, Joining]:
    """The books as they stand after all that the cursors have passed."""
    found = await beginnings_kept(desk)
    return await _from(desk, cursors, found[0] if found else None)


async def reach_back(
    desk: Desk,
    cursors: Mapping[AgentId, Cursor],
    books: Books,
    happenings: Sequence[GarageHappening],
) -> tuple[Books, list[GarageHappening]]:
    """Books whose trail begins early enough for these, and which of them come too late for any."""
    days = sorted({one.at.date() for one in happenings if books.since and one.at.date() < books.since})
    kept = await beginnings_kept(desk)
    floor = await _floor(desk, kept)
    timely = [day for day in days if floor is None or day >= floor]
    late = [one for one in happenings if one.at.date() in days and one.at.date() not in timely]
    if not timely:
        return books, late
    start = next((day for day in kept if day <= timely[0]), None)
    again, _ = await _from(desk, cursors, start, first=timely[0])
    return again, late


async def _floor(desk: Desk, kept: Sequence[date]) -> date | None:
    """The first day that can be made anew: its beginning is kept, or nothing was before it; and all of its
    records are still there."""
    times = await retention(desk.tx, desk.services.keyring, desk.tenant, desk.site)
    complete = max(times.ended_before(kind, desk.today) for kind in _KINDS)
    limit = desk.today - KEPT_BEGINNINGS
    oldest = kept[-1] if kept else None
    if oldest is None or oldest > limit + _DAY:
        return max(complete, limit)
    return max(complete, oldest)


async def _from(
    desk: Desk, cursors: Mapping[AgentId, Cursor], start: date | None, *, first: date | None = None
) -> tuple[Books, Joining]:
    books = Books() if start is None else begun_from(await beginning_of(desk, start))
    since = start or min(desk.today - FARTHEST_BACK, first or desk.today)
    sealed = (
        await of_days(desk.tx, desk.site, cursors, since=since, until=desk.today + _DAY) if cursors else []
    )
    records = await opened(desk.services, desk.tx, desk.tenant, sealed)
    recorder = await store.recorder(desk.tx, desk.site)
    joining = Joining(rules=desk.rules, recorder=recorder[0] if recorder is not None else None)
    joining.links = await links_of(desk)
    made, lone = joining.joined(records)
    made += await lone_decisions(desk, joining, lone)
    known = [one for one in made if start is None or one.at.date() >= start]
    told = [one for one in known if not _is_nobody_s(one, joining)]
    if start is None and first is not None:
        books.garage.turned = min([first, *(one.at.date() for one in told)])
    if start is None and not told:
        return books, joining  # a garage in which nothing has happened yet
    change = books.take(told, None, desk.rules)
    if start is not None and all(one.happening is not None for one in records):
        await _compare(desk, change, start)
    return books, joining


def _is_nobody_s(happening: GarageHappening, joining: Joining) -> bool:
    """Whether it is an erased vehicle's that no session tells of."""
    erased = isinstance(happening, Entered | Left) and happening.erased
    return erased and happening.key not in joining.links


async def _compare(desk: Desk, made: Change, since: date) -> None:
    """Put right what the ledger says otherwise than the records do."""
    nths = await ledger_store.latest(desk.tx, desk.site, since=since)
    in_force = {id for id, nth in nths.items() if nth % 2 == 0}
    missing = {id: one for id, one in made.posted.items() if id not in in_force}
    wrong = in_force - made.posted.keys()
    if not missing and not wrong:
        return
    _log.error("ledger put right", site=desk.site, missing=len(missing), wrong=len(wrong))
    change = Change(rewound=True, posted=missing, withdrawn=wrong)
    if missing:
        change.sessions, change.cases = made.sessions, made.cases
    await write(desk, change)


async def lone_decisions(desk: Desk, joining: Joining, lone: Sequence[OpenedRecord]) -> list[GarageHappening]:
    """Passages whose decision was taken in before: it is looked up in the archive."""
    found: list[GarageHappening] = []
    for one in lone:
        passage = one.happening
        if not isinstance(passage, PassageRecord):
            continue
        decision = await _decision(desk, one.key, passage.decision_seq)
        if decision is not None:
            found += joining.passed(decision, passage)
    return found


async def _decision(desk: Desk, passage: RecordKey, seq: int) -> OpenedRecord | None:
    rows = await desk.tx.execute(
        f"SELECT {COLUMNS} FROM record"  # noqa: S608 - ours
        " WHERE site_id = %s AND day = ANY(%s) AND agent_id = %s AND seq = %s",
        (desk.site, [passage.day, passage.day - _DAY, passage.day + _DAY], passage.agent, seq),
    )
    sealed = [record_of(row) for row in await rows.fetchall()]
    records = await opened(desk.services, desk.tx, desk.tenant, sealed)
    known = [one for one in records if isinstance(one.happening, DecisionRecord | CommandRecord)]
    return known[0] if known else None
