"""Every day has exactly one partition, made before it is needed."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.ids import AgentId, SiteId
from postern.postgres.pool import Database
from postern.records import partitions as module
from postern.records.model import Kind, SealedRecord
from postern.records.partitions import (
    detach_before,
    ensure_partitions,
    make_partitions_for,
    month_partition,
    partition_named,
    partitions,
    week_partitions,
)
from postern.records.store import append, highest_seq

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


async def ensure(database: Database, since: date, until: date) -> list[str]:
    async with database.transaction() as tx:
        return await ensure_partitions(tx, since=since, until=until)


async def present(database: Database) -> list[str]:
    async with database.transaction() as tx:
        return [each.name for each in await partitions(tx)]


async def store(database: Database, day: date, seq: int = 1) -> None:
    row = SealedRecord(
        site=SiteId(1),
        day=day,
        agent=AgentId(1),
        seq=seq,
        kind=Kind.DOOR,
        tag=None,
        digest=b"d" * 32,
        sealed=b"s",
    )
    async with database.transaction() as tx:
        await append(tx, SiteId(1), [row])


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_day_lies_in_its_month_and_in_exactly_one_of_its_weeks(day: date) -> None:
    month = month_partition(day)
    weeks = week_partitions(month)
    assert month.first <= day < month.end
    assert sum(week.first <= day < week.end for week in weeks) == 1
    assert (weeks[0].first, weeks[-1].end) == (month.first, month.end)
    assert [partition_named(each.name) for each in (month, *weeks)] == [month, *weeks]


def test_another_table_is_no_partition_of_ours() -> None:
    assert partition_named("record_quarantine") is None


async def test_a_year_ahead_is_made_once(database: Database) -> None:
    made = await ensure(database, MARCH, MARCH + timedelta(days=365))
    assert len(made) == 13
    assert (made[0], made[-1]) == ("record_y2026m03", "record_y2027m03")
    assert await ensure(database, MARCH, MARCH + timedelta(days=365)) == []
    assert await present(database) == made


async def test_a_row_without_partition_is_refused(database: Database) -> None:
    async def outside() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO record VALUES (1, '1990-01-01', 1, 1, 1, NULL, 'd', 's')")

    with pytest.raises(psycopg.errors.CheckViolation):
        await outside()


async def test_records_of_an_unexpected_month_find_their_place(database: Database) -> None:
    await store(database, date(2024, 2, 29))
    assert await present(database) == ["record_y2024m02"]


async def test_two_writers_that_need_the_same_month_both_succeed(database: Database) -> None:
    await asyncio.gather(*(store(database, MARCH, seq) for seq in range(1, 6)))
    async with database.transaction() as tx:
        assert await highest_seq(tx, SiteId(1), AgentId(1)) == 5


async def test_months_give_way_to_weeks_once_a_month_has_grown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ensure(database, MARCH, date(2026, 5, 31))
    await store(database, MARCH)
    async with database.transaction() as tx:
        await tx.execute("ANALYZE record_y2026m03")
    monkeypatch.setattr(module, "MOST_ROWS_A_MONTH", 0)
    await ensure(database, MARCH, date(2026, 5, 31))
    weeks = [f"record_y2026m{month}w{week}" for month in ("04", "05") for week in range(1, 5)]
    assert await present(database) == ["record_y2026m03", *weeks]


async def test_a_week_that_is_missing_is_made_without_touching_its_neighbours(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS_A_MONTH", -1)
    await ensure(database, MARCH, MARCH)
    async with database.transaction() as tx:
        assert await detach_before(tx, date(2026, 3, 8)) == ["record_y2026m03w1"]
        assert await make_partitions_for(tx, [date(2026, 3, 5)]) == ["record_y2026m03w1"]


async def test_retention_ends_whole_partitions_and_no_younger_one(database: Database) -> None:
    await ensure(database, date(2026, 1, 1), APRIL)
    for month in (1, 2, 3):
        await store(database, date(2026, month, 15), seq=month)
    async with database.transaction() as tx:
        assert await detach_before(tx, date(2026, 3, 20)) == ["record_y2026m01", "record_y2026m02"]
        cursor = await tx.execute("SELECT seq FROM record")
        assert await cursor.fetchall() == [(3,)]
    assert await present(database) == ["record_y2026m03", "record_y2026m04"]
