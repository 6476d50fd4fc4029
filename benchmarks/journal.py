"""The journal: appends per second, and what a checkpoint and a proof cost when there are a million entries.

    python -m benchmarks.journal [LEAVES]

The server is the embedded one with its own settings (fsync on). Beside the appends: a bare INSERT of the same
row with its commit, which is the limit that the disk and PostgreSQL set.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from benchmarks.measure import say
from postern.ids import TenantId
from postern.journal import checkpoints
from postern.journal.checkpoint import key_of, trusted
from postern.journal.model import Act, Entry
from postern.journal.nodes import TreeState
from postern.journal.store import append
from postern.journal.tags import PURPOSE, is_about, tags_for
from postern.journal.tree import HASH_BYTES, includes, is_consistent
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database, Transaction
from postern.sealing import signing
from postern.sealing.derive import purpose_key
from postern.sealing.envelope import Key, new_key
from postern.sealing.keyring import Keyring

TENANT, AT = TenantId(1), datetime(2026, 3, 2, 8, tzinfo=UTC)
PRIVATE = signing.generate()
KEY = key_of(signing.public_of(PRIVATE))
SINGLE, BATCHED, BATCH = 1000, 30_000, 1000
_ROUNDS = 200


class _Keys:
    """The two purpose keys that the journal asks for."""

    def __init__(self) -> None:
        self._tenant = new_key()

    async def purpose_key(self, tenant: TenantId, name: str) -> Key:
        return purpose_key(self._tenant, purpose=name, tenant=tenant)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What is measured with."""

    database: Database
    keyring: Keyring


def entry(subject: UUID) -> Entry:
    """As a look at one person is written down."""
    return Entry(
        at=AT, actor="operator", act=Act.LOOKED, purpose="registry work", subjects=(subject,), detail="person"
    )


async def measure_appends(bench: Bench) -> None:
    """One entry a transaction, as looks are; and many, as a bulk operation writes them."""
    began = time.perf_counter()
    for _ in range(SINGLE):
        async with bench.database.transaction(TENANT) as tx:
            await tx.execute(
                "INSERT INTO bare SELECT * FROM (VALUES (%s::int, %s::timestamptz, %s, %s::bytea)) row",
                (TENANT, AT, "operator", bytes(250)),
            )
    say(f"  a bare INSERT and its commit     {SINGLE / (time.perf_counter() - began):>9,.0f} /s")
    began = time.perf_counter()
    for _ in range(SINGLE):
        async with bench.database.transaction(TENANT) as tx:
            await append(tx, bench.keyring, TENANT, [entry(uuid4())])
    say(f"  append, one a transaction        {SINGLE / (time.perf_counter() - began):>9,.0f} /s")
    entries = [entry(uuid4()) for _ in range(BATCH)]
    began = time.perf_counter()
    for _ in range(BATCHED // BATCH):
        async with bench.database.transaction(TENANT) as tx:
            await append(tx, bench.keyring, TENANT, entries)
    say(f"  append, {BATCH} a transaction       {BATCHED / (time.perf_counter() - began):>9,.0f} /s")


async def grow(bench: Bench, leaves: int) -> None:
    """Fill the journal up to `leaves` entries with rows whose hashes alone matter, and sign them."""
    async with bench.database.transaction(TENANT) as tx:
        have = await checkpoints.length(tx, TENANT)
        await tx.execute(
            "INSERT INTO journal_entry (tenant_id, idx, at, actor, act, purpose, tags, sealed, leaf)"
            " SELECT %s, n, now(), 'operator', 'looked', '', '', '', sha256(n::text::bytea)"
            " FROM generate_series(%s::bigint, %s::bigint) n",
            (TENANT, have, leaves - 1),
        )
    began = time.perf_counter()
    await _sign(bench, None)
    say(f"  a first tree over {leaves:,} entries: {leaves / (time.perf_counter() - began):,.0f} /s")


async def _sign(bench: Bench, known: TreeState | None) -> TreeState:
    while True:
        async with bench.database.transaction(TENANT) as tx:
            progress = await checkpoints.advance(tx, TENANT, PRIVATE, known, at=AT)
        known = progress.state
        if not progress.waiting:
            return known


async def measure_checkpoints(bench: Bench) -> None:
    """A checkpoint over ten new entries at that size; after a start, and by a hub that runs."""
    began = time.perf_counter()
    state = await _sign(bench, None)
    say(f"  the tree found again at a start  {1000 * (time.perf_counter() - began):>9.2f} ms")
    times = []
    for _ in range(50):
        async with bench.database.transaction(TENANT) as tx:
            await append(tx, bench.keyring, TENANT, [entry(uuid4())] * 10)
        began = time.perf_counter()
        state = await _sign(bench, state)
        times.append(time.perf_counter() - began)
    say(f"  a checkpoint over 10 new entries {1000 * statistics.median(times):>9.2f} ms")


async def measure_proofs(bench: Bench) -> None:
    """Proofs made by the hub, and checked by whoever gets them."""
    async with bench.database.transaction(TENANT) as tx:
        note = await checkpoints.newest(tx, TENANT)
        head = trusted(str(note), KEY)
        steps = [head.size * (2 * n + 1) // (2 * _ROUNDS) for n in range(_ROUNDS)]

        async def inclusion(index: int) -> tuple[bytes, ...]:
            return (await checkpoints.inclusion(tx, TENANT, index)).path

        async def consistency(size: int) -> tuple[bytes, ...]:
            return await _continues(tx, size)

        await _timed("inclusion  ", inclusion, steps)
        await _timed("consistency", consistency, steps)
        index = steps[_ROUNDS // 3]
        found = await checkpoints.inclusion(tx, TENANT, index)
        began = time.perf_counter()
        for _ in range(1000):
            includes(head.root, head.size, index=index, leaf=found.leaf, proof=found.path)
        say(f"  to check an inclusion proof      {1000 * (time.perf_counter() - began):>9.1f} µs")
        proof = await _continues(tx, index)
        began = time.perf_counter()
        for _ in range(1000):
            is_consistent(index, head.root, head.size, head.root, proof)
        say(f"  to check a consistency proof     {1000 * (time.perf_counter() - began):>9.1f} µs")


async def _continues(tx: Transaction, size: int) -> tuple[bytes, ...]:
    offer = await checkpoints.offer(tx, TENANT, size)
    return offer.proof if offer is not None else ()


async def _timed(what: str, prove: Callable[[int], Awaitable[tuple[bytes, ...]]], steps: list[int]) -> None:
    times, sizes = [], []
    for step in steps:
        began = time.perf_counter()
        proof = await prove(step)
        times.append(time.perf_counter() - began)
        sizes.append(HASH_BYTES * len(proof))
    say(
        f"  {what} proof: {statistics.mean(sizes):.0f} bytes on average, {max(sizes)} at most;"
        f" made in {1000 * statistics.median(times):.2f} ms (p99 {1000 * sorted(times)[-2]:.2f})"
    )


async def measure_report(bench: Bench) -> None:
    """What a subject's report costs for each entry that it looks at without opening."""
    key = await bench.keyring.purpose_key(TENANT, PURPOSE)
    tagged = tags_for(key, 7, [uuid4()])
    began = time.perf_counter()
    for index in range(100_000):
        is_about(key, index, _SOMEBODY, tagged)
    say(f"  a subject's report, an entry     {10 * (time.perf_counter() - began):>9.1f} µs")


_SOMEBODY = uuid4()


async def run(leaves: int) -> None:
    """Measure on a scratch cluster."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "pg" / "data", name="data", sockets=folder / "run", logs=folder / "log")
        async with Database.open(await cluster.start()) as database:
            await migrate(database, "hub")
            async with database.transaction() as tx:
                await tx.execute(
                    "CREATE TABLE bare (tenant_id int, at timestamptz, actor text, sealed bytea)"
                )
            bench = Bench(database=database, keyring=cast(Any, _Keys()))
            say("journal: PostgreSQL embedded, fsync on, one appender")
            await measure_appends(bench)
            await measure_report(bench)
            await grow(bench, leaves)
            await measure_checkpoints(bench)
            await measure_proofs(bench)
        await cluster.stop()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
