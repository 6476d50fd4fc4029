"""The spool: the agent's backlog, sealed to the hub, durable before any door moves.

`append` returns once the entry would survive a power cut (SQLite, write-ahead log, `synchronous=FULL`). Only
the hub can open an entry. Numbers never restart: they belong to the agent's id, which is stored in the file.
Entries go once the hub has acknowledged them and a backup covers them; what it has not acknowledged stays.
What the hub cannot read is set aside: it stays too, and is offered once more whenever the spool is opened.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from postern.access.presence import Fact
from postern.agent.presence_book import PresenceBook, Written
from postern.agent.spool_schema import connect, disk_fault
from postern.errors import SettingsInvalid, StorageFull
from postern.ids import AgentId, SiteId
from postern.operations.archive.wire import SPOOL_INFO, SPOOL_PURPOSE, spool_aad, spool_message
from postern.operations.ports import SealedPicture
from postern.records.model import Kind
from postern.sealing.hybrid import seal_to
from postern.sealing.signing import sign

T = TypeVar("T")

_BATCH_BYTES = 4_000_000
"""About so much goes to the hub at once, pictures included."""
_PENDING = """
SELECT agent, seq, day, kind, digest, signature, sealed FROM entry e WHERE acknowledged IS NULL
    AND NOT EXISTS (SELECT 1 FROM set_aside s WHERE s.agent = e.agent AND s.seq = e.seq)
ORDER BY agent, seq LIMIT ?"""
_STATE = """
SELECT agent, next_seq, (SELECT count(*) FROM entry WHERE acknowledged IS NULL),
    (SELECT count(*) FROM set_aside) FROM owner"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolOwner:
    """Whose spool it is: who signs, and to whom entries are sealed."""

    site: SiteId
    agent: AgentId
    hub_public: bytes
    sign_private: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolLimits:
    """`keep` and `most_bytes` bound what stays of acknowledged entries; `reserve` bytes of disk stay free."""

    keep: timedelta = timedelta(days=14)
    most_bytes: int = 2_000_000_000
    reserve: int = 32_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolEntry:
    """One sealed entry as it goes to the hub. `digest` is the SHA-256 of `sealed`."""

    agent: AgentId
    seq: int
    day: date
    kind: Kind
    digest: bytes
    signature: bytes
    sealed: bytes
    pictures: tuple[SealedPicture, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolState:
    """How full it is. `waiting`: entries that the hub was not given; `set_aside`: those it could not read."""

    agent: AgentId
    highest_seq: int
    waiting: int
    set_aside: int = 0


class Spool:
    """One spool file, written by one thread."""

    def __init__(
        self,
        path: Path,
        owner: SpoolOwner,
        limits: SpoolLimits | None = None,
        presence: PresenceBook | None = None,
    ) -> None:
        """Open or make it; `presence` is kept in the same file, by the same transactions.

        Raises SettingsInvalid when it is another agent's, held, or damaged.
        """
        self._path = path
        self._presence = presence
        self._owner = owner
        self._limits = limits or SpoolLimits()
        self._database = connect(path)
        self._appending = asyncio.Lock()
        self.appended = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        try:
            self._adopt(owner)
            if presence is not None:
                presence.load(self._database)
            # The hub may have been mended, or upgraded, since it refused these.
            with suppress(sqlite3.Error):
                self._database.execute("DELETE FROM set_aside")
        except BaseException:
            self._database.close()
            raise

    async def append(
        self,
        *,
        kind: Kind,
        day: date,
        plaintext: bytes,
        pictures: Sequence[SealedPicture] = (),
        releases_at: datetime | None = None,
        settles: int | None = None,
    ) -> int:
        """Seal to the hub and write; returns the entry's seq once it survives a power cut.

        Raises StorageFull or Unavailable; then no part of the entry is kept.
        """

        def work() -> int:
            with self._transaction():
                seq = self._append(kind, day, plaintext, pictures)
                self._note_passage(seq, releases_at, settles)
                facts = self._follow(seq, plaintext, releases_at, settles)
            if self._presence is not None:
                self._presence.took(facts)
            return seq

        async with self._appending:
            seq = await self._run(work)
        self.appended.set()
        return seq

    async def beside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this in a transaction of the file's, by the thread that writes it."""
        return await self._write(lambda: work(self._database))

    async def unsettled(self) -> list[tuple[int, datetime]]:
        """Entries on which a door was let go and whose passage was never told, with the time of each."""
        command = "SELECT seq, since FROM unsettled WHERE agent = ? ORDER BY seq"
        rows = await self._run(lambda: self._database.execute(command, (self._owner.agent,)).fetchall())
        return [(seq, datetime.fromisoformat(since)) for seq, since in rows]

    async def pending(self, limit: int = 100) -> list[SpoolEntry]:
        """The oldest entries not acknowledged, all of one agent id, in order of seq, with their pictures."""
        return await self._run(lambda: self._pending(limit))

    async def acknowledge(self, agent: AgentId, seqs: Iterable[int], at: datetime) -> None:
        """The hub has these for good (in its archive or its quarantine)."""
        numbers = [(at.isoformat(), agent, seq) for seq in seqs]
        command = "UPDATE entry SET acknowledged = ? WHERE agent = ? AND seq = ? AND acknowledged IS NULL"
        await self._write(lambda: self._database.executemany(command, numbers))

    async def set_aside(self, agent: AgentId, seqs: Iterable[int]) -> None:
        """The hub cannot read these: keep them, and send them no more."""
        numbers = [(agent, seq) for seq in seqs]
        command = "INSERT OR IGNORE INTO set_aside (agent, seq) VALUES (?, ?)"
        await self._write(lambda: self._database.executemany(command, numbers))

    async def covered(self, agent: AgentId, through: int) -> None:
        """A backup of the hub holds every acknowledged entry up to seq `through`: they may go."""
        condition = "agent = ? AND seq <= ? AND acknowledged IS NOT NULL"
        await self._write(lambda: self._delete(condition, (agent, through)))

    async def resend(self, agent: AgentId, first: int) -> int:
        """The hub lost what it had from `first` on: take those as not acknowledged. Returns how many."""
        command = (
            "UPDATE entry SET acknowledged = NULL WHERE agent = ? AND seq >= ? AND acknowledged IS NOT NULL"
        )
        return await self._write(lambda: self._database.execute(command, (agent, first)).rowcount)

    async def prune(self, at: datetime) -> None:
        """Let go of acknowledged entries beyond the limits of age and size."""
        await self._write(lambda: self._prune(at))
        await self._run(lambda: self._database.execute("PRAGMA incremental_vacuum(2000)").fetchall())

    async def renew(self, new_agent: Callable[[], Awaitable[AgentId]]) -> None:
        """Go on under the id that `new_agent` gives, numbered from 1; no append is let in meanwhile.

        What waits under the former id stays that id's, and is sent as such.
        """
        async with self._appending:
            owner = replace(self._owner, agent=await new_agent())
            await self._run(lambda: self._adopt(owner))
            self._owner = owner

    async def state(self) -> SpoolState:
        """How it stands."""
        return await self._run(self._state)

    async def close(self) -> None:
        """Release the file. May be called twice."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        self._database.close()

    async def _run(self, work: Callable[[], T]) -> T:
        # A cancelled caller must not leave a write half known: the thread finishes it in any case.
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as fault:
            raise disk_fault(fault) from fault

    async def _write(self, work: Callable[[], T]) -> T:
        def in_transaction() -> T:
            with self._transaction():
                return work()

        return await self._run(in_transaction)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise

    def _append(self, kind: Kind, day: date, plaintext: bytes, pictures: Sequence[SealedPicture]) -> int:
        if shutil.disk_usage(self._path.parent).free < self._limits.reserve:
            raise StorageFull(
                "The disk of the agent's spool is almost full: no way in opens until there is space. "
                "Free some, or let the agent reach its hub."
            )
        agent, seq = self._database.execute("SELECT agent, next_seq FROM owner").fetchone()
        row = self._sealed(AgentId(agent), seq, day, kind, plaintext)
        self._database.execute(
            "INSERT INTO entry (agent, seq, day, kind, digest, signature, sealed) VALUES (?,?,?,?,?,?,?)",
            (agent, seq, day.isoformat(), int(kind), row.digest, row.signature, row.sealed),
        )
        self._database.executemany(
            "INSERT INTO picture (name, agent, seq, sealed) VALUES (?,?,?,?)",
            [(picture.name, agent, seq, picture.sealed) for picture in pictures],
        )
        self._database.execute("UPDATE owner SET next_seq = next_seq + 1")
        return int(seq)

    def _note_passage(self, seq: int, releases_at: datetime | None, settles: int | None) -> None:
        agent = self._owner.agent
        if releases_at is not None:
            row = (agent, seq, releases_at.isoformat())
            self._database.execute("INSERT INTO unsettled (agent, seq, since) VALUES (?, ?, ?)", row)
        if settles is not None:
            self._database.execute("DELETE FROM unsettled WHERE agent = ? AND seq = ?", (agent, settles))

    def _follow(
        self, seq: int, plaintext: bytes, releases_at: datetime | None, settles: int | None
    ) -> Sequence[Fact]:
        if self._presence is None:
            return ()
        releases = releases_at is not None
        written = Written(
            agent=self._owner.agent, seq=seq, plaintext=plaintext, releases=releases, settles=settles
        )
        return self._presence.write(self._database, written)

    def _sealed(self, agent: AgentId, seq: int, day: date, kind: Kind, plaintext: bytes) -> SpoolEntry:
        aad = spool_aad(site=self._owner.site, agent=agent, seq=seq, day=day, kind=kind)
        sealed = seal_to(self._owner.hub_public, plaintext, info=SPOOL_INFO, aad=aad)
        digest = hashlib.sha256(sealed).digest()
        message = spool_message(site=self._owner.site, agent=agent, seq=seq, digest=digest)
        signature = sign(self._owner.sign_private, message, purpose=SPOOL_PURPOSE)
        return SpoolEntry(
            agent=agent, seq=seq, day=day, kind=kind, digest=digest, signature=signature, sealed=sealed
        )

    def _pending(self, limit: int) -> list[SpoolEntry]:
        rows = self._database.execute(_PENDING, (limit,)).fetchall()
        entries: list[SpoolEntry] = []
        size = 0
        for agent, seq, day, kind, digest, signature, sealed in rows:
            pictures = self._pictures(agent, seq)
            size += len(sealed) + sum(len(one.sealed) for one in pictures)
            if entries and (agent != entries[0].agent or size > _BATCH_BYTES):
                break
            entries.append(
                SpoolEntry(
                    agent=AgentId(agent),
                    seq=seq,
                    day=date.fromisoformat(day),
                    kind=Kind(kind),
                    digest=digest,
                    signature=signature,
                    sealed=sealed,
                    pictures=pictures,
                )
            )
        return entries

    def _pictures(self, agent: int, seq: int) -> tuple[SealedPicture, ...]:
        command = "SELECT name, sealed FROM picture WHERE agent = ? AND seq = ? ORDER BY name"
        rows = self._database.execute(command, (agent, seq))
        return tuple(SealedPicture(name=name, sealed=sealed) for name, sealed in rows)

    def _prune(self, at: datetime) -> None:
        oldest = (at - self._limits.keep).isoformat()
        self._delete("acknowledged IS NOT NULL AND acknowledged < ?", (oldest,))
        rows = self._database.execute(
            "SELECT agent, seq, length(sealed) + coalesce((SELECT sum(length(p.sealed)) FROM picture p"
            " WHERE p.agent = e.agent AND p.seq = e.seq), 0) FROM entry e"
            " WHERE acknowledged IS NOT NULL ORDER BY agent DESC, seq DESC"
        )
        kept = 0
        for agent, seq, size in rows.fetchall():
            kept += size
            if kept > self._limits.most_bytes:
                self._delete("acknowledged IS NOT NULL AND agent = ? AND seq = ?", (agent, seq))

    def _delete(self, condition: str, values: tuple[int | str, ...]) -> None:
        """`condition` is one of this file's own, never from outside."""
        chosen = f"SELECT agent, seq FROM entry WHERE {condition}"  # noqa: S608
        self._database.execute(f"DELETE FROM picture WHERE (agent, seq) IN ({chosen})", values)  # noqa: S608
        self._database.execute(f"DELETE FROM entry WHERE {condition}", values)  # noqa: S608

    def _state(self) -> SpoolState:
        agent, next_seq, unacknowledged, set_aside = self._database.execute(_STATE).fetchone()
        return SpoolState(
            agent=AgentId(agent),
            highest_seq=next_seq - 1,
            waiting=unacknowledged - set_aside,
            set_aside=set_aside,
        )

    def _adopt(self, owner: SpoolOwner) -> None:
        """Bind the file to its agent; a higher id (given at a renewal) numbers from 1 again."""
        with self._transaction():
            row = self._database.execute("SELECT site, agent FROM owner").fetchone()
            if row is not None and (row[0] != owner.site or row[1] > owner.agent):
                raise SettingsInvalid(
                    f"{self._path} belongs to agent {row[1]} of site {row[0]}, not to agent {owner.agent}; "
                    "give this agent its own data folder, or enrol it again."
                )
            if row is None or row[1] < owner.agent:
                self._database.execute(
                    "INSERT OR REPLACE INTO owner (one, site, agent, next_seq) VALUES (1, ?, ?, 1)",
                    (owner.site, owner.agent),
                )
