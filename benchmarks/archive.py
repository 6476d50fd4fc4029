"""Rows per second into the sealed archive, beside a raw COPY of the same bytes, identically indexed.

    python -m benchmarks.archive [ROWS]

The server is the embedded one with its own settings (fsync on). Raw: one binary COPY, rendered beforehand.
Archive: `records.store.append` in batches, each in a transaction of its own, partitions, conflicts and
progress included; then the same again with the sealing of each happening.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from benchmarks.measure import say
from postern.ids import AccessPointId, AgentId, DoorId, ReaderId, SiteId, TenantId
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.records.model import DecisionRecord, Kind, PictureRef, RecordKey, SealedRecord
from postern.records.partitions import ensure_partitions
from postern.records.sealed import encode, seal_happening
from postern.records.store import append
from postern.sealing.envelope import Key, new_key

AIM = 0.25
BATCHES = (1000, 2000, 5000)
SITE, TENANT, DAY = SiteId(1), TenantId(1), date(2026, 3, 2)
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What an agent would send: happenings with their entries' digests, and the keys to seal them."""

    happenings: tuple[DecisionRecord, ...]
    digests: tuple[bytes, ...]
    site_day: Key
    movements: tuple[Key, ...]


def prepare(rows: int, people: int = 500) -> Prepared:
    """Decisions of a busy day, each with subject, plate and picture."""
    start = datetime(DAY.year, DAY.month, DAY.day, 7, tzinfo=UTC)
    subjects = [uuid4() for _ in range(people)]
    access_point, door, reader = AccessPointId(uuid4()), DoorId(uuid4()), ReaderId(uuid4())
    made = tuple(
        DecisionRecord(
            at=start + timedelta(milliseconds=100 * number),
            access_point=access_point,
            door=door,
            reader=reader,
            credential_kind="plate",
            subject=subjects[number % people],
            subject_kind="vehicle",
            plate=f"B{number % 10_000:04}XY",
            granted=True,
            reason="granted",
            score=0.97,
            policy="1.12",
            picture=PictureRef(name=os.urandom(16).hex(), key=os.urandom(32)),
        )
        for number in range(rows)
    )
    return Prepared(
        happenings=made,
        digests=tuple(hashlib.sha256(encode(happening)).digest() for happening in made),
        site_day=new_key(),
        movements=tuple(new_key() for _ in range(people)),
    )


def sealed_rows(prepared: Prepared, numbers: Iterable[int], agent: AgentId) -> list[SealedRecord]:
    """What the hub stores for those happenings."""
    rows = []
    for number in numbers:
        happening = prepared.happenings[number]
        key = RecordKey(site=SITE, day=DAY, agent=agent, seq=number + 1)
        sealed, tag = seal_happening(
            happening,
            tenant=TENANT,
            key=key,
            site_day=prepared.site_day,
            movement=prepared.movements[number % len(prepared.movements)],
        )
        rows.append(
            SealedRecord(
                site=SITE,
                day=DAY,
                agent=agent,
                seq=key.seq,
                kind=Kind.DECISION,
                tag=tag,
                digest=prepared.digests[number],
                sealed=sealed,
            )
        )
    return rows


def batches(rows: int, size: int) -> Iterator[range]:
    """Consecutive numbers in batches."""
    for first in range(0, rows, size):
        yield range(first, min(first + size, rows))


async def empty(database: Database, table: str = "record") -> None:
    """Start each measurement from the same state."""
    async with database.transaction() as tx:
        await tx.execute(f"TRUNCATE {table}")
        await tx.execute("TRUNCATE record_progress")


async def measure_append(database: Database, rows: Sequence[SealedRecord], size: int) -> float:
    """Rows per second of `append`."""
    await empty(database)
    began = time.perf_counter()
    for batch in batches(len(rows), size):
        async with database.transaction() as tx:
            await append(tx, SITE, rows[batch.start : batch.stop])
    return len(rows) / (time.perf_counter() - began)


async def measure_sealed_append(database: Database, prepared: Prepared, size: int) -> float:
    """Rows per second of sealing and `append`, one process, one core for both."""
    await empty(database)
    rows = len(prepared.happenings)
    began = time.perf_counter()
    for batch in batches(rows, size):
        sealed = sealed_rows(prepared, batch, AgentId(1))
        async with database.transaction() as tx:
            await append(tx, SITE, sealed)
    return rows / (time.perf_counter() - began)


async def render(database: Database) -> list[bytes]:
    """The archive's present rows as binary COPY data."""
    async with database.transaction() as tx, tx.cursor() as cursor:
        statement = "COPY (SELECT * FROM record ORDER BY seq) TO STDOUT (FORMAT BINARY)"
        async with cursor.copy(statement) as copy:
            return [bytes(block) async for block in copy]


async def measure_raw(database: Database, data: Sequence[bytes], rows: int) -> float:
    """Rows per second of one raw COPY into `raw`, a table with the archive's indexes."""
    await empty(database, "raw")
    joined = b"".join(data)
    began = time.perf_counter()
    statement = "COPY raw FROM STDIN (FORMAT BINARY)"
    async with database.transaction() as tx, tx.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(joined), 1 << 20):
            await copy.write(joined[start : start + (1 << 20)])
    return rows / (time.perf_counter() - began)


async def compare(database: Database, rows: int) -> None:
    """Measure in turn, several rounds, and print the medians."""
    await migrate(database, "hub")
    async with database.transaction() as tx:
        await ensure_partitions(tx, since=DAY, until=DAY + timedelta(days=365))
        await tx.execute("CREATE TABLE raw (LIKE record INCLUDING ALL)")
    prepared = prepare(rows)
    sealed = sealed_rows(prepared, range(rows), AgentId(1))
    await measure_append(database, sealed, BATCHES[-1])
    data = await render(database)
    size = sum(len(row.sealed) for row in sealed) / rows
    say(f"archive: {rows} rows, {size:.0f} sealed bytes each, PostgreSQL embedded, fsync on")
    raw: list[float] = []
    appended: dict[int, list[float]] = {size: [] for size in BATCHES}
    for _ in range(_ROUNDS):
        raw.append(await measure_raw(database, data, rows))
        for batch, figures in appended.items():
            figures.append(await measure_append(database, sealed, batch))
    say(f"  raw COPY, identically indexed   {statistics.median(raw):>9,.0f} rows/s")
    for batch, figures in appended.items():
        ratio = statistics.median(figures) / statistics.median(raw)
        verdict = "reached" if ratio >= AIM else "MISSED"
        say(
            f"  append, batches of {batch:<5}        {statistics.median(figures):>9,.0f} rows/s"
            f"   ratio {ratio:.2f} (aim {AIM}: {verdict})"
        )
    sealing = [await measure_sealed_append(database, prepared, BATCHES[-1]) for _ in range(_ROUNDS)]
    speed = statistics.median(sealing)
    ratio = speed / statistics.median(raw)
    say(f"  sealing + append, {BATCHES[-1]}          {speed:>9,.0f} rows/s   ratio {ratio:.2f}")


async def run(rows: int) -> None:
    """Measure on a scratch cluster."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "pg" / "data", name="data", sockets=folder / "run", logs=folder / "log")
        async with Database.open(await cluster.start()) as database:
            await compare(database, rows)
        await cluster.stop()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000))
