"""Sealing: how much a core does, a search over 1,800 tags, and ingest with sealing beside a raw COPY.

    python -m benchmarks.sealing [ROWS]

Per core: by the processor's own time of one thread, so that what else runs does not count. Search and ingest:
by the wall clock, server and client together on this machine, the server embedded with fsync on.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.archive import (
    AIM,
    DAY,
    SITE,
    TENANT,
    batches,
    empty,
    measure_raw,
    prepare,
    render,
    sealed_rows,
)
from benchmarks.measure import processor_seconds, say
from postern.ids import AgentId, SiteId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.archive.wire import SPOOL_INFO
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.records.model import Kind, RecordKey, SealedRecord
from postern.records.partitions import ensure_partitions
from postern.records.sealed import encode, open_happening, seal_happening
from postern.records.store import append, by_tags
from postern.sealing import hybrid, signing
from postern.sealing.envelope import Context, new_key, open_sealed, seal
from postern.sealing.tags import day_tag

DAYS, SITES = 90, 20
BATCH = 5000
_ROUNDS = 5
_SECONDS = 0.5


def a_second(work: Callable[[], object]) -> float:
    """How often a second of one core does it."""
    work()
    count, began = 0, time.thread_time()
    while time.thread_time() - began < _SECONDS:
        for _ in range(50):
            work()
        count += 50
    return count / (time.thread_time() - began)


def measure_cores() -> None:
    """Print what one core does."""
    key, context = new_key(), Context(tenant=1, table="person", column="sealed", row=bytes(16))
    field = seal(key, bytes(180), context)
    happening = prepare(1).happenings[0]
    where = RecordKey(site=SITE, day=DAY, agent=AgentId(1), seq=1)
    movement, site_day = new_key(), new_key()
    sealed, _ = seal_happening(happening, tenant=TENANT, key=where, site_day=site_day, movement=movement)
    hub, agent, subject = hybrid.generate(), signing.generate(), uuid4().bytes
    spooled = hybrid.seal_to(hybrid.public_of(hub), encode(happening), info=SPOOL_INFO, aad=b"1|1|1")
    signature, public = signing.sign(agent, spooled, purpose="spool"), signing.public_of(agent)
    works: dict[str, Callable[[], object]] = {
        "seal a field of 180 bytes": lambda: seal(key, bytes(180), context),
        "open it": lambda: open_sealed(key, field, context),
        "seal a record, nested, with its tag": lambda: seal_happening(
            happening, tenant=TENANT, key=where, site_day=site_day, movement=movement
        ),
        "open it, both parts": lambda: open_happening(
            sealed, tenant=TENANT, key=where, site_day=site_day, movement=movement
        ),
        "a day's tag": lambda: day_tag(site_day, subject),
        "open a spool entry (HPKE)": lambda: hybrid.open_from(hub, spooled, info=SPOOL_INFO, aad=b"1|1|1"),
        "verify an agent's signature": lambda: signing.verify(public, spooled, signature, purpose="spool"),
    }
    say("sealing: a second, one core")
    for name, work in works.items():
        say(f"  {name:<40} {a_second(work):>10,.0f}")


async def measure_search(data: Database, keystore: Database, folder: Path) -> None:
    """One subject over 90 days at 20 sites: keys from the keystore, 1,800 tags, and the archive asked."""
    keyring = PostgresKeyring(keystore, UnattendedKeyFile.create(folder / "unattended.key"))
    every = [SiteId(number) for number in range(1, SITES + 1)]
    subject, first = uuid4(), DAY - timedelta(days=DAYS - 1)
    for site in every:
        await keyring.add_site(TENANT, site)
        for day in range(DAYS):
            await keyring.site_day_key(site, first + timedelta(days=day))
    await _fill(data, keyring, every, subject)
    cold, tagging, whole = [], [], []
    found = 0
    for _ in range(_ROUNDS):
        fresh = PostgresKeyring(keystore, keyring.roots)
        began = time.perf_counter()
        keys = await fresh.site_day_keys(every, first=first, last=DAY)
        opened = time.perf_counter()
        tags = {(site, day): day_tag(key, subject.bytes) for (site, day), key in keys.items()}
        tagged = time.perf_counter()
        found = 0
        for site in every:
            async with data.transaction() as tx:
                wanted = [(day, tag) for (one, day), tag in tags.items() if one == site]
                found += len(await by_tags(tx, site, wanted))
        cold.append(opened - began)
        tagging.append(tagged - opened)
        whole.append(time.perf_counter() - began)
    say(f"search: one subject, {DAYS} days, {SITES} sites, {found} records found, milliseconds")
    say(f"  {len(tags):,} keys read and unwrapped, none in memory {1000 * statistics.median(cold):>12.1f}")
    say(f"  {len(tags):,} tags                                   {1000 * statistics.median(tagging):>12.1f}")
    say(f"  all of it, {SITES} queries included                {1000 * statistics.median(whole):>12.1f}")


async def _fill(data: Database, keyring: PostgresKeyring, every: list[SiteId], subject: UUID) -> None:
    """An archive with 20,000 tagged records, one a day at each site the subject's."""
    async with data.transaction() as tx:
        await ensure_partitions(tx, since=DAY - timedelta(days=DAYS), until=DAY + timedelta(days=31))
        for site in every:
            rows = []
            keys = await keyring.site_day_keys([site], first=DAY - timedelta(days=DAYS - 1), last=DAY)
            for (_, day), key in keys.items():
                for seq in range(11):
                    whose = subject.bytes if seq == 0 else os.urandom(16)
                    rows.append(
                        SealedRecord(
                            site=site,
                            day=day,
                            agent=AgentId(site),
                            seq=day.toordinal() * 100 + seq,
                            kind=Kind.DECISION,
                            tag=day_tag(key, whose),
                            digest=bytes(32),
                            sealed=bytes(497),
                        )
                    )
            await append(tx, site, rows)
        await tx.execute("ANALYZE record")


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """When a worker began and ended, by a clock that all processes share; the processor's seconds it used."""

    began: float
    ended: float
    used: float


async def _take_in(conninfo: str, rows: int, agent: AgentId) -> Span:
    """Seal and store so many rows."""
    prepared = prepare(rows)
    async with Database.open(conninfo, size=2) as database:
        began, used = time.monotonic(), time.process_time()
        for batch in batches(rows, BATCH):
            sealed = sealed_rows(prepared, batch, agent)
            async with database.transaction() as tx:
                await append(tx, SITE, sealed)
        return Span(began=began, ended=time.monotonic(), used=time.process_time() - used)


def _process(conninfo: str, rows: int, number: int) -> Span:
    return asyncio.run(_take_in(conninfo, rows, AgentId(number)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """Rows a second by the wall clock, and microseconds of the processor for a row: server and clients."""

    rows: float
    server: float
    clients: float


def _median(speeds: Sequence[Speed]) -> Speed:
    return Speed(
        rows=statistics.median(speed.rows for speed in speeds),
        server=statistics.median(speed.server for speed in speeds),
        clients=statistics.median(speed.clients for speed in speeds),
    )


async def measure_ingest(database: Database, server: int, rows: int) -> None:
    """Sealing and storing by one process, and by one for each core, beside a raw COPY of the same bytes.

    `server` is the process whose children work for the database.
    """
    conninfo = database.conninfo
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE raw (LIKE record INCLUDING ALL)")
    await empty(database)
    await _take_in(conninfo, rows, AgentId(1))
    data = await render(database)
    cores = len(os.sched_getaffinity(0))
    raw: list[Speed] = []
    sealed: dict[int, list[Speed]] = {1: [], cores: []}
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for _ in range(_ROUNDS):
            before, used = processor_seconds(server), time.process_time()
            speed = await measure_raw(database, data, rows)
            used, after = time.process_time() - used, processor_seconds(server)
            raw.append(Speed(rows=speed, server=1e6 * (after - before) / rows, clients=1e6 * used / rows))
            for processes, figures in sealed.items():
                await empty(database)
                before, each = processor_seconds(server), rows // processes
                loop = asyncio.get_running_loop()
                numbers = range(1, processes + 1)
                tasks = [loop.run_in_executor(pool, _process, conninfo, each, number) for number in numbers]
                spans = await asyncio.gather(*tasks)
                count = each * processes
                elapsed = max(span.ended for span in spans) - min(span.began for span in spans)
                figures.append(
                    Speed(
                        rows=count / elapsed,
                        server=1e6 * (processor_seconds(server) - before) / count,
                        clients=1e6 * sum(span.used for span in spans) / count,
                    )
                )
    _tell(_median(raw), {processes: _median(figures) for processes, figures in sealed.items()}, rows, cores)


def _tell(raw: Speed, sealed: dict[int, Speed], rows: int, cores: int) -> None:
    say(
        f"ingest with sealing: {rows} rows, batches of {BATCH}, {cores} cores for server and clients together"
    )
    used = f"{raw.server:.1f} + {raw.clients:.1f}"
    say(f"  raw COPY, identically indexed    {raw.rows:>8,.0f} rows/s, server + client {used} us a row")
    for processes, speed in sealed.items():
        ratio = speed.rows / raw.rows
        verdict = "reached" if ratio >= AIM else "MISSED"
        name = f"sealed and stored by {processes} process{'es' if processes > 1 else ''}"
        used = f"{speed.server:.1f} + {speed.clients:.1f}"
        say(
            f"  {name:<32} {speed.rows:>8,.0f} rows/s, server + client {used} us a row"
            f"   ratio {ratio:.2f} (aim {AIM}: {verdict})"
        )


async def run(rows: int) -> None:
    """Measure on scratch clusters."""
    measure_cores()
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        folder = Path(name)
        clusters = {
            one: Cluster(folder / "pg" / one, name=one, sockets=folder / "run", logs=folder / "log")
            for one in ("data", "keystore")
        }
        data = await clusters["data"].start()
        keystore = await clusters["keystore"].start()
        async with Database.open(data) as records, Database.open(keystore) as keys:
            await migrate(records, "hub")
            await migrate(keys, "keystore")
            await measure_search(records, keys, folder)
            await measure_ingest(records, clusters["data"].pid or 0, rows)
        for cluster in clusters.values():
            await cluster.stop()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000))
