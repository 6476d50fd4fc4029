"""The archive holds each record exactly once, and never lets a second one take its place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postern.ids import AgentId, SiteId
from postern.postgres.pool import Database
from postern.records import store
from postern.records.alarms import AlarmKind, alarms
from postern.records.model import Kind, RecordKey, SealedRecord
from postern.records.store import AppendResult, append, by_tags, find, highest_seq, latest

DAY = date(2026, 3, 30)
SITE, AGENT = SiteId(1), AgentId(7)
_fresh_sites = count(1000)


def record(
    seq: int, *, content: str = "first", site: SiteId = SITE, agent: AgentId = AGENT, day: date = DAY
) -> SealedRecord:
    digest = hashlib.sha256(f"{seq} {content}".encode()).digest()
    return SealedRecord(
        site=site,
        day=day,
        agent=agent,
        seq=seq,
        kind=Kind.DECISION,
        tag=hashlib.sha256(bytes([seq % 3])).digest()[:16] if seq % 2 else None,
        digest=digest,
        sealed=digest * 5,
    )


async def send(database: Database, *records: SealedRecord, site: SiteId = SITE) -> AppendResult:
    async with database.transaction() as tx:
        return await append(tx, site, records)


async def held(database: Database, site: SiteId = SITE) -> list[tuple[int, bytes]]:
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT seq, digest FROM record WHERE site_id = %s ORDER BY seq", (site,))
        return [(seq, bytes(digest)) for seq, digest in await cursor.fetchall()]


async def test_an_empty_batch_stores_nothing(database: Database) -> None:
    assert await send(database) == AppendResult()
    assert await held(database) == []


async def test_a_record_is_found_again_as_it_was(database: Database) -> None:
    sent = [record(seq) for seq in (1, 2, 3)]
    assert await send(database, *sent) == AppendResult(stored=frozenset({1, 2, 3}))
    async with database.transaction() as tx:
        for each in sent:
            assert await find(tx, each.key) == each
        assert await find(tx, RecordKey(site=SITE, day=DAY, agent=AGENT, seq=4)) is None
        assert await highest_seq(tx, SITE, AGENT) == 3
        assert await highest_seq(tx, SITE, AgentId(8)) == 0


async def test_a_repeated_record_is_told_and_not_doubled(database: Database) -> None:
    await send(database, record(1), record(2))
    again = await send(database, record(2), record(3), record(3))
    assert again == AppendResult(stored=frozenset({3}), already=frozenset({2}))
    assert [seq for seq, _ in await held(database)] == [1, 2, 3]


async def test_another_record_under_a_taken_key_is_quarantined_and_alarms(database: Database) -> None:
    await send(database, record(1))
    for _ in range(2):
        result = await send(database, record(1, content="second"), record(2))
        assert result.quarantined == frozenset({1})
    assert await held(database) == [(1, record(1).digest), (2, record(2).digest)]
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT seq, digest, sealed FROM record_quarantine")
        kept = [(seq, bytes(digest), bytes(sealed)) for seq, digest, sealed in await cursor.fetchall()]
        raised = await alarms(tx, SITE, since=DAY)
    second = record(1, content="second")
    assert kept == [(1, second.digest, second.sealed)]
    assert [(alarm.kind, alarm.agent) for alarm in raised] == [(AlarmKind.RECORD_CONTRADICTED, AGENT)]


async def test_a_batch_that_contradicts_itself_keeps_its_first_and_quarantines_the_other(
    database: Database,
) -> None:
    result = await send(database, record(1), record(1, content="second"))
    assert result == AppendResult(stored=frozenset({1}), quarantined=frozenset({1}))
    assert len(await held(database)) == 1


async def test_what_was_not_committed_was_not_stored(database: Database) -> None:
    async def interrupted() -> None:
        async with database.transaction() as tx:
            await append(tx, SITE, [record(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await interrupted()
    assert await held(database) == []
    assert (await send(database, record(1))).stored == frozenset({1})


async def test_two_batches_in_one_transaction_are_both_stored(database: Database) -> None:
    async with database.transaction() as tx:
        assert (await append(tx, SITE, [record(1)])).stored == frozenset({1})
        assert (await append(tx, SITE, [record(2)])).stored == frozenset({2})
    assert [seq for seq, _ in await held(database)] == [1, 2]


async def test_a_batch_of_two_sites_or_agents_is_refused(database: Database) -> None:
    for other in (record(2, site=SiteId(2)), record(2, agent=AgentId(8))):
        with pytest.raises(ValueError, match="one agent of one site"):
            await send(database, record(1), other)


async def test_the_same_seq_of_two_agents_or_sites_are_two_records(database: Database) -> None:
    await send(database, record(1))
    assert (await send(database, record(1, agent=AgentId(8)))).stored == frozenset({1})
    other = SiteId(2)
    assert (await send(database, record(1, site=other), site=other)).stored == frozenset({1})


async def test_the_latest_records_of_an_agent_come_newest_first(database: Database) -> None:
    sent = [record(seq, day=DAY + timedelta(days=20 * (seq // 4))) for seq in range(1, 13)]
    await send(database, *sent)
    await send(database, record(99, agent=AgentId(8)))
    async with database.transaction() as tx:
        assert [each.seq for each in await latest(tx, SITE, AGENT, 5)] == [12, 11, 10, 9, 8]
        assert [each.seq for each in await latest(tx, SITE, AGENT)] == list(range(12, 0, -1))
        assert await latest(tx, SITE, AgentId(9)) == []


async def test_records_are_found_by_tag_on_the_tags_own_day_only(database: Database) -> None:
    one, other = record(1), record(7, day=DAY + timedelta(days=1))
    assert one.tag == other.tag is not None
    await send(database, one, other, record(2))
    async with database.transaction() as tx:
        assert await by_tags(tx, SITE, []) == []
        assert await by_tags(tx, SITE, [(DAY, one.tag)]) == [one]
        assert await by_tags(tx, SiteId(2), [(DAY, one.tag)]) == []
        both = [(DAY, one.tag), (other.day, one.tag), (DAY, b"?" * 16)]
        assert await by_tags(tx, SITE, both) == [other, one]


async def test_no_row_can_be_stored_past_the_primary_key(database: Database) -> None:
    await send(database, record(1))

    async def doubled() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO record SELECT * FROM record")

    with pytest.raises(psycopg.errors.UniqueViolation):
        await doubled()


batches = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=8), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
async def test_any_order_repetition_and_batching_stores_each_record_exactly_once(
    database: Database, sent: list[list[int]]
) -> None:
    site = SiteId(next(_fresh_sites))
    for seqs in sent:
        await send(database, *[record(seq, site=site) for seq in seqs], site=site)
    everything = sorted({seq for seqs in sent for seq in seqs})
    assert await held(database, site) == [(seq, record(seq).digest) for seq in everything]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 5), st.sampled_from("abc")), min_size=1, max_size=6), max_size=5
    )
)
async def test_the_first_content_under_a_key_stays_whatever_follows(
    database: Database, sent: list[list[tuple[int, str]]]
) -> None:
    site = SiteId(next(_fresh_sites))
    first: dict[int, str] = {}
    for batch in sent:
        result = await send(database, *_records(site, batch), site=site)
        known = dict(first)
        for seq, content in batch:
            first.setdefault(seq, content)
        assert result.stored == {seq for seq, _ in batch} - set(known)
        assert result.quarantined == {seq for seq, content in batch if first[seq] != content}
    assert await held(database, site) == [
        (seq, record(seq, content=content).digest) for seq, content in sorted(first.items())
    ]


def _records(site: SiteId, batch: Sequence[tuple[int, str]]) -> list[SealedRecord]:
    return [record(seq, content=content, site=site) for seq, content in batch]


async def test_a_store_that_replaces_would_be_caught(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    replacing = store._INSERT.replace(
        "DO NOTHING", "DO UPDATE SET digest = excluded.digest, sealed = excluded.sealed"
    )
    monkeypatch.setattr(store, "_INSERT", replacing)
    with pytest.raises(AssertionError):
        await test_another_record_under_a_taken_key_is_quarantined_and_alarms(database)
