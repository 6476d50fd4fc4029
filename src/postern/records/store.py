"""The archive in PostgreSQL: append exactly once, read by agent, by tag or by key.

Every statement carries the site, and every hot one a bound on the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from struct import Struct

from psycopg.rows import TupleRow

from postern.ids import AgentId, SiteId
from postern.postgres.pool import Transaction
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.records.model import DIGEST_BYTES, TAG_BYTES, Kind, RecordKey, SealedRecord
from postern.records.partitions import make_partitions_for

COLUMNS = "site_id, day, agent_id, seq, kind, tag, digest, sealed"
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_UNTAGGED = Struct(f"!hiiiiiiiqihii{DIGEST_BYTES}si")
"""A row of those eight columns as binary COPY has it, each after its length, but for the sealed bytes."""
_TAGGED = Struct(f"!hiiiiiiiqihi{TAG_BYTES}si{DIGEST_BYTES}si")
_FIRST_DAY = date(2000, 1, 1).toordinal()
_RECENT = timedelta(days=31)

# One for the life of a connection, emptied at each commit: making one per batch would swell the catalogue.
_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    site_id int, day date, agent_id int, seq bigint, kind smallint, tag bytea, digest bytea, sealed bytea
) ON COMMIT DELETE ROWS"""

# What conflicts is left alone here; `_QUARANTINE` then tells repetition from contradiction. The seqs come
# back only when not all rows went in: sending and reading them would cost as much as the copy.
_INSERT = """
WITH stored AS (
    INSERT INTO record (site_id, day, agent_id, seq, kind, tag, digest, sealed)
    SELECT site_id, day, agent_id, seq, kind, tag, digest, sealed FROM incoming
    ON CONFLICT (site_id, day, agent_id, seq) DO NOTHING RETURNING seq
)
SELECT CASE WHEN count(*) < %s THEN coalesce(array_agg(seq), '{}') END FROM stored"""

# Same key, other digest: kept aside, each such row once.
_QUARANTINE = """
INSERT INTO record_quarantine (site_id, day, agent_id, seq, digest, kind, tag, sealed)
SELECT DISTINCT ON (i.day, i.agent_id, i.seq, i.digest)
    i.site_id, i.day, i.agent_id, i.seq, i.digest, i.kind, i.tag, i.sealed
FROM incoming i JOIN record r ON r.site_id = %(site)s AND r.day BETWEEN %(first)s AND %(last)s
    AND (r.site_id, r.day, r.agent_id, r.seq) = (i.site_id, i.day, i.agent_id, i.seq)
WHERE r.digest <> i.digest
ON CONFLICT (site_id, day, agent_id, seq, digest) DO NOTHING RETURNING day, agent_id, seq"""

# Every row of the batch that contradicts what is stored, whether quarantined now or before.
_CONTRADICTING = """
SELECT DISTINCT i.seq
FROM incoming i JOIN record r ON r.site_id = %(site)s AND r.day BETWEEN %(first)s AND %(last)s
    AND (r.site_id, r.day, r.agent_id, r.seq) = (i.site_id, i.day, i.agent_id, i.seq)
WHERE r.digest <> i.digest"""

_LATEST = """
SELECT site_id, day, agent_id, seq, kind, tag, digest, sealed FROM record
WHERE site_id = %s AND agent_id = %s AND day >= %s ORDER BY day DESC, seq DESC LIMIT %s"""

_BY_TAGS = """
SELECT site_id, day, agent_id, seq, kind, tag, digest, sealed FROM record
WHERE site_id = %s AND day BETWEEN %s AND %s AND tag IS NOT NULL
    AND (day, tag) IN (SELECT * FROM unnest(%s::date[], %s::bytea[]))
ORDER BY day DESC, seq DESC LIMIT %s"""

_FIND = """
SELECT site_id, day, agent_id, seq, kind, tag, digest, sealed FROM record
WHERE site_id = %s AND day = %s AND agent_id = %s AND seq = %s"""

# How far each agent has come, so that neither the highest seq nor the last day needs a search.
_PROGRESS = """
INSERT INTO record_progress (site_id, agent_id, highest_seq, last_day)
SELECT site_id, agent_id, max(seq), max(day) FROM incoming GROUP BY site_id, agent_id
ON CONFLICT (site_id, agent_id) DO UPDATE SET
    highest_seq = greatest(record_progress.highest_seq, excluded.highest_seq),
    last_day = greatest(record_progress.last_day, excluded.last_day)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AppendResult:
    """The seqs of a batch by what became of them; a seq can be both stored and quarantined when the batch
    itself held two different rows of one key."""

    stored: frozenset[int] = frozenset()
    already: frozenset[int] = frozenset()
    quarantined: frozenset[int] = frozenset()


async def append(tx: Transaction, site: SiteId, records: Sequence[SealedRecord]) -> AppendResult:
    """Store a batch of one agent of one site, each record exactly once, however often it is sent.

    A record whose key is there with another digest never replaces it: it goes to quarantine, with an alarm.
    Raises ValueError for a batch of several sites or agents.
    """
    if not records:
        return AppendResult()
    if {(record.site, record.agent) for record in records} != {(site, records[0].agent)}:
        raise ValueError("a batch belongs to one agent of one site")
    days = {record.day for record in records}
    await make_partitions_for(tx, days)
    await _copy(tx, records)
    ((seqs,),) = await _rows(tx, _INSERT, (len(records),))
    await tx.execute(_PROGRESS)
    sent = frozenset(record.seq for record in records)
    if seqs is None:
        return AppendResult(stored=sent)
    stored = frozenset(seqs)
    quarantined = await _quarantine(tx, site, min(days), max(days))
    return AppendResult(stored=stored, already=sent - stored - quarantined, quarantined=quarantined)


async def _quarantine(tx: Transaction, site: SiteId, first: date, last: date) -> frozenset[int]:
    window = {"site": site, "first": first, "last": last}
    contradicting = frozenset(int(row[0]) for row in await _rows(tx, _CONTRADICTING, window))
    kept_aside = await _rows(tx, _QUARANTINE, window) if contradicting else []
    for day, agent in {(day, AgentId(agent)) for day, agent, _ in kept_aside}:
        await put_alarm_of_day(tx, site, AlarmKind.RECORD_CONTRADICTED, day=day, agent=agent)
    return contradicting


async def _copy(tx: Transaction, records: Sequence[SealedRecord]) -> None:
    await tx.execute(_INCOMING)
    # Rows of an earlier batch in the same transaction are still there.
    await tx.execute("DELETE FROM incoming")
    async with (
        tx.cursor() as cursor,
        cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy,
    ):
        await copy.write(b"".join(_rendered(records)))


def _rendered(records: Sequence[SealedRecord]) -> Iterator[bytes]:
    """Binary COPY data: a third less work than the driver's rows, which ask each value for its type."""
    yield _HEADER
    for r in records:
        day = r.day.toordinal() - _FIRST_DAY
        key = (8, 4, r.site, 4, day, 4, r.agent, 8, r.seq, 2, r.kind)
        if r.tag is None:
            yield _UNTAGGED.pack(*key, -1, DIGEST_BYTES, r.digest, len(r.sealed))
        else:
            yield _TAGGED.pack(*key, TAG_BYTES, r.tag, DIGEST_BYTES, r.digest, len(r.sealed))
        yield r.sealed
    yield _TRAILER


async def latest(tx: Transaction, site: SiteId, agent: AgentId, limit: int = 50) -> list[SealedRecord]:
    """The last records of an agent, newest first: by day, then by seq."""
    progress = await _rows(
        tx, "SELECT last_day FROM record_progress WHERE site_id = %s AND agent_id = %s", (site, agent)
    )
    if not progress:
        return []
    for since in (progress[0][0] - _RECENT, date.min):
        found = await _rows(tx, _LATEST, (site, agent, since, limit))
        if len(found) == limit:
            break
    return [record_of(row) for row in found]


async def by_tags(
    tx: Transaction, site: SiteId, tags: Sequence[tuple[date, bytes]], limit: int = 1000
) -> list[SealedRecord]:
    """Records that carry one of the tags on its day, newest first."""
    if not tags:
        return []
    days = [day for day, _ in tags]
    values = (site, min(days), max(days), days, [tag for _, tag in tags], limit)
    return [record_of(row) for row in await _rows(tx, _BY_TAGS, values)]


async def find(tx: Transaction, key: RecordKey) -> SealedRecord | None:
    """The record of that key."""
    rows = await _rows(tx, _FIND, (key.site, key.day, key.agent, key.seq))
    return record_of(rows[0]) if rows else None


async def highest_seq(tx: Transaction, site: SiteId, agent: AgentId) -> int:
    """The highest seq ever stored of that agent; 0 when there is none."""
    statement = "SELECT highest_seq FROM record_progress WHERE site_id = %s AND agent_id = %s"
    rows = await _rows(tx, statement, (site, agent))
    return int(rows[0][0]) if rows else 0


async def progress(tx: Transaction, site: SiteId) -> int:
    """A number that grows whenever a record of the site arrives in the order of its agent."""
    statement = "SELECT coalesce(sum(highest_seq), 0) FROM record_progress WHERE site_id = %s"
    return int((await _rows(tx, statement, (site,)))[0][0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many records a site has, how many different numbers of agents, and how many passages."""

    records: int
    numbers: int
    passages: int


async def tally(tx: Transaction, site: SiteId) -> Tally:
    """Count the site's archive through."""
    statement = (
        "SELECT count(*), count(DISTINCT (agent_id, seq)), count(*) FILTER (WHERE kind = %s)"
        " FROM record WHERE site_id = %s"
    )
    ((all_of_them, numbers, passages),) = await _rows(tx, statement, (int(Kind.PASSAGE), site))
    return Tally(records=all_of_them, numbers=numbers, passages=passages)


async def _rows(
    tx: Transaction, statement: str, values: Sequence[object] | Mapping[str, object] | None = None
) -> list[TupleRow]:
    cursor = await tx.execute(statement, values)
    return await cursor.fetchall()


def record_of(row: TupleRow) -> SealedRecord:
    """A row whose columns are `COLUMNS`."""
    site, day, agent, seq, kind, tag, digest, sealed = row
    where = {"site": SiteId(site), "day": day, "agent": AgentId(agent), "seq": seq}
    try:
        return SealedRecord(
            **where,
            kind=Kind(kind),
            tag=bytes(tag) if tag is not None else None,
            digest=bytes(digest),
            sealed=bytes(sealed),
        )
    except ValueError:
        # Not of the form that was stored: somebody changed it. It is handed on as what opens with no key.
        return SealedRecord(**where, kind=Kind.DECISION, tag=None, digest=bytes(DIGEST_BYTES), sealed=b"")
