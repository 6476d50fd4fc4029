"""What row-level security costs: the hub's role with a tenant stated, beside the owner, whom no policy binds.

    python -m benchmarks.isolation [ROWS]

The same statements on the same embedded server (fsync on), in turn: an empty transaction, the wall's read of
an agent's last 50 records, and the archive's append in batches of 2,000.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.archive import DAY, SITE, TENANT, batches, prepare, sealed_rows
from benchmarks.measure import say
from postern.ids import AgentId, TenantId
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.records.model import SealedRecord
from postern.records.partitions import ensure_partitions
from postern.records.store import append, latest

BATCH = 2000
_TIMES = 400
_ROUNDS = 3


@asynccontextmanager
async def databases() -> AsyncIterator[tuple[Database, Database]]:
    """The same database twice: as its owner, and as the hub's role."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "data", name="data", sockets=folder / "run", logs=folder / "log")
        await cluster.start()
        try:
            async with Database.open(cluster.conninfo()) as owner:
                await migrate(owner, "hub")
                async with owner.transaction() as tx:
                    await ensure_partitions(tx, since=DAY, until=DAY + timedelta(days=31))
                    for id in range(1, 51):
                        await tx.execute("INSERT INTO tenant (id, sealed) VALUES (%s, '')", (id,))
                        await tx.execute(
                            "INSERT INTO site (id, tenant_id, version, sealed) VALUES (%s, %s, 1, '')",
                            (id, id),
                        )
                async with Database.open(cluster.conninfo(role=RUNTIME)) as runtime:
                    yield owner, runtime
        finally:
            await cluster.stop()


async def median_us(work: Callable[[], Awaitable[object]]) -> float:
    """The median of many, in microseconds."""
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1e6)
    return statistics.median(taken)


async def rows_a_second(database: Database, tenant: TenantId | None, rows: list[SealedRecord]) -> float:
    """Of `append`, as `receive` calls it."""
    began = time.perf_counter()
    for batch in batches(len(rows), BATCH):
        async with database.transaction(tenant) as tx:
            await append(tx, SITE, rows[batch.start : batch.stop])
    return len(rows) / (time.perf_counter() - began)


async def run(rows: int) -> None:
    """Measure and print."""
    prepared = prepare(rows)
    async with databases() as (owner, runtime):
        sides = (("owner", owner, None), ("hub's role", runtime, TENANT))
        appended: dict[str, list[float]] = {name: [] for name, _, _ in sides}
        agent = 0
        for _ in range(_ROUNDS):
            for name, database, tenant in sides:
                agent += 1
                fresh = sealed_rows(prepared, range(rows), AgentId(agent))
                appended[name].append(await rows_a_second(database, tenant, fresh))
        say(f"isolation: {rows} rows, 50 tenants, PostgreSQL embedded, fsync on")
        for name, database, tenant in sides:
            nothing = await median_us(lambda d=database, t=tenant: _nothing(d, t))  # type: ignore[misc]
            look = await median_us(lambda d=database, t=tenant: _look(d, t))  # type: ignore[misc]
            speed = statistics.median(appended[name])
            say(
                f"  {name:<11} empty transaction {nothing:6.0f} µs   last 50 {look:6.0f} µs"
                f"   append {speed:8.0f} rows/s"
            )
        ratio = statistics.median(appended["hub's role"]) / statistics.median(appended["owner"])
        say(f"  append with the policies as a ratio to append without: {ratio:.2f}")


async def _nothing(database: Database, tenant: TenantId | None) -> None:
    async with database.transaction(tenant) as tx:
        await tx.execute("SELECT 1")


async def _look(database: Database, tenant: TenantId | None) -> None:
    async with database.transaction(tenant) as tx:
        await latest(tx, SITE, AgentId(1), 50)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
