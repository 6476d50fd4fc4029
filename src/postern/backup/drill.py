"""A drill: restore into a folder that is thrown away, and see whether what comes back is what was there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import sql

from postern.backup.restoring import Outcome, Say, Wanted, cluster_in, restore
from postern.errors import NotFound
from postern.ids import TenantId
from postern.journal import checkpoints
from postern.journal.export import export
from postern.journal.notes import NoteKey
from postern.journal.verify import Report, check
from postern.journal.witness import Seen, newest
from postern.postgres.pool import Database, confine

COUNTED = ("tenant", "site", "agent", "person", "vehicle", "record", "journal_entry")
KEYS_COUNTED = ("tenant_key", "subject_key", "site_day_key", "tombstone")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """What a drill found. `findings` is empty when all is well."""

    at: datetime
    recovery_point: datetime
    lost_seconds: float
    recovery_seconds: float
    journals: int
    entries: int
    witnessed: int
    counts: dict[str, int]
    pictures: int
    tombstones: int
    warnings: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def went_well(self) -> bool:
        """Whether what came back is whole."""
        return not self.findings

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), default=str, indent=2)

    def as_lines(self) -> list[str]:
        """The same as a table."""
        rows = {
            "Recovery point": f"{self.recovery_point:%Y-%m-%d %H:%M:%S} UTC, {self.lost_seconds:.0f} s ago",
            "Recovery time": f"{self.recovery_seconds:.1f} s",
            "Journals": f"{self.journals}, {self.entries} entries, {self.witnessed} seen by witnesses",
            **{name: f"{count}" for name, count in self.counts.items()},
            "Pictures": f"{self.pictures}",
            "Tombstones": f"{self.tombstones}",
        }
        lines = [f"{name:<16}{text}" for name, text in rows.items()]
        lines += [f"passed over     {one}" for one in self.warnings]
        lines += [f"FOUND           {one}" for one in self.findings]
        return [*lines, "The backups restore." if self.went_well else "What came back is NOT as it was."]


async def drill(wanted: Wanted, witnesses: Sequence[tuple[Seen, ...]], say: Say = lambda _: None) -> Drill:
    """Restore into `wanted.into`, look, and remove it again. Raises what `restore` raises."""
    begun, started = wanted.clock.now(), time.monotonic()
    try:
        outcome = await restore(wanted, say)
        async with _opened(wanted, "data") as data, _opened(wanted, "keystore") as keystore:
            seconds = time.monotonic() - started
            counts = await _counts(data, COUNTED) | await _counts(keystore, KEYS_COUNTED)
            reports = await _journals(data, witnesses, wanted.into)
    finally:
        shutil.rmtree(wanted.into, ignore_errors=True)
    return _judged(
        begun=begun, outcome=outcome, seconds=seconds, counts=counts, reports=reports, witnesses=witnesses
    )


def _judged(
    *,
    begun: datetime,
    outcome: Outcome,
    seconds: float,
    counts: dict[str, int],
    reports: dict[TenantId, tuple[NoteKey, Report]],
    witnesses: Sequence[tuple[Seen, ...]],
) -> Drill:
    findings = [
        f"the journal of tenant {tenant}: {finding.words}"
        for tenant, (_, report) in reports.items()
        for finding in report.findings
    ]
    known = {key.text: report for key, report in reports.values()}
    witnessed = 0
    for seen in witnesses:
        in_time = [one for one in seen if one.at <= outcome.point]
        head = newest(in_time)
        if head is None:
            continue
        report = known.get(seen[-1].key)
        if report is None:
            findings.append("a witness saw a journal that did not come back")
        elif head.size > report.entries:
            findings.append(f"a witness saw {head.size} entries of a journal; {report.entries} came back")
        else:
            witnessed = max(witnessed, head.size)
    return Drill(
        at=begun,
        recovery_point=outcome.point,
        lost_seconds=max((begun - outcome.point) / timedelta(seconds=1), 0.0),
        recovery_seconds=seconds,
        journals=len(reports),
        entries=sum(report.entries for _, report in reports.values()),
        witnessed=witnessed,
        counts=counts,
        pictures=outcome.pictures,
        tombstones=outcome.tombstones,
        warnings=outcome.warnings,
        findings=tuple(findings),
    )


@asynccontextmanager
async def _opened(wanted: Wanted, name: str) -> AsyncIterator[Database]:
    cluster = cluster_in(wanted.into, name, wanted.programs)
    try:
        async with Database.open(await cluster.start(), size=1) as database:
            yield database
    finally:
        await cluster.stop()


async def _counts(database: Database, tables: Sequence[str]) -> dict[str, int]:
    found = {}
    async with database.transaction() as tx:
        for table in tables:
            cursor = await tx.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            row = await cursor.fetchone()
            found[table] = int(row[0]) if row is not None else 0
    return found


async def _journals(
    database: Database, witnesses: Sequence[tuple[Seen, ...]], folder: Path
) -> dict[TenantId, tuple[NoteKey, Report]]:
    """Each tenant's journal, exported and checked against its own key and what witnesses saw of it."""
    async with database.transaction() as tx:
        keys = await checkpoints.public_keys(tx)
    if not keys:
        raise NotFound("no signed journal came back: was this backup made before the hub's first entry?")
    reports = {}
    for tenant, key in keys.items():
        path = folder / "journal.export"
        async with database.transaction() as tx:
            await confine(tx, tenant)
            with path.open("wb") as file:
                async for line in export(tx, tenant, key.text):
                    file.write(line)
        seen = [one for whole in witnesses for one in whole if one.key == key.text]
        with path.open("rb") as lines:
            size = sum(1 for line in lines if b'"entry"' in line)
            lines.seek(0)
            # What a witness saw after the recovery point is loss, which is counted; not a fault.
            reports[tenant] = (key, check(lines, key, seen=[one for one in seen if one.head.size <= size]))
    return reports
