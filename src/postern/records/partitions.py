"""The archive's partitions: a month each, or a week each once a month grows past 20 million rows.

Bounded partitions keep an insert's cost flat (6.0 µs a row at 1 million rows in one partition, 11.4 at 60).
Weeks are parts of their month (days 1–7, 8–14, 15–21, 22–end), so that months and weeks never overlap.
There is no default partition: a row without its partition is a fault that must show, and a default would
have to be searched at each new partition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from postern.postgres.pool import Transaction

MOST_ROWS_A_MONTH = 20_000_000
_LOCK = 0x72656364  # "recd": one process at a time makes partitions
_NAME = re.compile(r"record_y(\d{4})m(\d{2})(?:w([1-4]))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """The days from `first` up to, not including, `end`, in the table `name`."""

    name: str
    first: date
    end: date


def month_partition(day: date) -> Partition:
    """The month of `day`."""
    first = day.replace(day=1)
    return Partition(name=f"record_y{first:%Y}m{first:%m}", first=first, end=_next_month(first))


def week_partitions(month: Partition) -> list[Partition]:
    """The four parts of a month."""
    starts = [month.first + timedelta(days=days) for days in (0, 7, 14, 21)]
    ends = [*starts[1:], month.end]
    return [
        Partition(name=f"{month.name}w{number}", first=first, end=end)
        for number, (first, end) in enumerate(zip(starts, ends, strict=True), start=1)
    ]


def partition_named(name: str) -> Partition | None:
    """What a table of that name holds; None when it is no partition of ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    month = month_partition(date(int(found[1]), int(found[2]), 1))
    return month if found[3] is None else week_partitions(month)[int(found[3]) - 1]


async def ensure_partitions(tx: Transaction, *, since: date, until: date) -> list[str]:
    """Make what is missing from the month of `since` to that of `until`; the names made.

    The hub calls this at its start and daily, a year ahead. Once a month has grown past the limit, the
    empty months after it are replaced by weeks.
    """
    await _lock(tx)
    present = await partitions(tx)
    if await _largest_month(tx) > MOST_ROWS_A_MONTH:
        for month in [each for each in present if each == month_partition(each.first) and each.first > since]:
            await tx.execute("SELECT drop_record_partition(%s, only_empty => true)", (month.name,))
    return await make_partitions_for(tx, _months(since, until))


async def make_partitions_for(tx: Transaction, days: Iterable[date]) -> list[str]:
    """Make what the given days lack; the names made. Cheap when nothing is missing."""
    days = list(days)
    present = await partitions(tx)
    if all(_covered(present, day) for day in days):
        return []
    await _lock(tx)
    weekly = await _largest_month(tx) > MOST_ROWS_A_MONTH
    made: list[str] = []
    for day in days:
        for partition in _needed(await partitions(tx), day, weekly=weekly):
            await _make(tx, partition)
            made.append(partition.name)
    return made


async def partitions(tx: Transaction) -> list[Partition]:
    """Those that are attached, oldest first."""
    cursor = await tx.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'record'::regclass"
    )
    found = [partition_named(name) for (name,) in await cursor.fetchall()]
    return sorted((each for each in found if each is not None), key=lambda each: each.first)


async def detach_before(tx: Transaction, before: date) -> list[str]:
    """End the retention of the partitions that lie wholly before that day; their names.

    They are detached (2 ms each) and dropped. What backups still hold opens no more once the keystore has
    destroyed the site-day keys, which is not done here.
    """
    detached = [each.name for each in await partitions(tx) if each.end <= before]
    for name in detached:
        await tx.execute("SELECT drop_record_partition(%s, only_empty => false)", (name,))
    return detached


def _covered(present: Iterable[Partition], day: date) -> bool:
    return any(each.first <= day < each.end for each in present)


def _needed(present: list[Partition], day: date, *, weekly: bool) -> list[Partition]:
    """What to make so that `day` has its place, without overlapping what is there."""
    if _covered(present, day):
        return []
    month = month_partition(day)
    begun = any(month.first <= each.first < month.end for each in present)
    if begun:
        return [week for week in week_partitions(month) if week.first <= day < week.end]
    return week_partitions(month) if weekly else [month]


async def _make(tx: Transaction, partition: Partition) -> None:
    """By a function of the schema's owner: the hub's own role owns nothing (0008_isolation.sql)."""
    await tx.execute(
        "SELECT make_record_partition(%s, %s, %s)", (partition.name, partition.first, partition.end)
    )


async def _lock(tx: Transaction) -> None:
    await tx.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


async def _largest_month(tx: Transaction) -> float:
    """The rows of the largest month that is one partition, as the server last estimated them."""
    cursor = await tx.execute(
        "SELECT coalesce(max(c.reltuples), 0) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'record'::regclass AND c.relname !~ 'w[1-4]$'"
    )
    row = await cursor.fetchone()
    return float(row[0]) if row is not None else 0.0


def _months(since: date, until: date) -> Iterator[date]:
    month = since.replace(day=1)
    while month <= until:
        yield month
        month = _next_month(month)


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
