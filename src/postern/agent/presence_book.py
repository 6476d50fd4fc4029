"""Who is where, as the agent itself knows it: kept in the spool's own file, in the very transaction that
records a passage, and sealed under the site key. So a power cut leaves both or neither.

The agent cannot read its spool, which is sealed to the hub; this is what it reads again after a restart.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from postern import documents
from postern.access.policy import Policy
from postern.access.presence import Call, Fact, Known, Muster, Order, Presence, Whereabouts
from postern.access.presence_facts import sightings, statements
from postern.errors import BadInput, CannotOpen
from postern.ids import AccessPointId, AgentId, AreaId
from postern.records.model import DecisionRecord, PassageRecord, PresenceRecord
from postern.records.sealed import decode, encode
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.tags import blind_index
from postern.sites.model import AccessPoint, Area

_TABLES = """
CREATE TABLE IF NOT EXISTS whereabouts (tag BLOB PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS muster_calls (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS let_go (
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (agent, seq)
);
"""
_PUT = "INSERT OR REPLACE INTO whereabouts (tag, sealed) VALUES (?, ?)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What goes into the spool: where it stands there, and what it says."""

    agent: AgentId
    seq: int
    plaintext: bytes
    releases: bool = False
    settles: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Calls:
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Places:
    points: Mapping[AccessPointId, AccessPoint]
    areas: Mapping[AreaId, Area]


class PresenceBook:
    """Presence in memory, and sealed in the spool's file. Asked from any thread; written by the spool's."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._presence = Presence()
        self._places = _Places(points={}, areas={})
        self._memory = threading.Lock()

    def apply(self, policy: Policy) -> None:
        """The doors and areas from now on."""
        self._places = _Places(
            points={one.id: one for one in policy.access_points}, areas={one.id: one for one in policy.areas}
        )

    def load(self, database: sqlite3.Connection) -> None:
        """Make the tables, and read what is kept. What another site key sealed counts for nothing."""
        database.executescript(_TABLES)
        loaded = Presence()
        for tag, sealed in database.execute("SELECT tag, sealed FROM whereabouts").fetchall():
            known = self._opened(Known, sealed, bytes(tag))
            if known is not None:
                loaded.known[known.subject] = known
        for (sealed,) in database.execute("SELECT sealed FROM muster_calls").fetchall():
            calls = self._opened(_Calls, sealed, b"calls")
            loaded.calls |= set(calls.calls) if calls is not None else set()
        with self._memory:
            self._presence = loaded

    def write(self, database: sqlite3.Connection, written: Written) -> Sequence[Fact]:
        """What follows from an entry, as part of the transaction that writes it; `took` it once committed."""
        try:
            happening = decode(written.plaintext)
        except BadInput:
            return ()  # nobody's door waits for what only presence would need
        facts: Sequence[Fact] = ()
        match happening:
            case DecisionRecord() if written.releases and happening.subject is not None:
                self._let_go(database, written, happening)
            case PassageRecord() if written.settles is not None:
                facts = self._passed(database, written, happening)
            case PresenceRecord():
                order = Order(at=happening.at, agent=written.agent, seq=written.seq)
                facts = statements(order, happening, self._places.areas)
        self._keep(database, facts)
        return facts

    def took(self, facts: Iterable[Fact]) -> None:
        """They are on disk now."""
        with self._memory:
            for fact in facts:
                self._presence.take(fact)

    def merge(self, database: sqlite3.Connection, known: Iterable[Known], calls: Iterable[Call]) -> None:
        """Take in what the hub knows by other evidence, as part of a transaction."""
        with self._memory:
            for one in known:
                if self._presence.merge(one):
                    self._put(database, self._presence.known[one.subject])
            before = len(self._presence.calls)
            self._presence.calls |= set(calls)
            if len(self._presence.calls) > before:
                self._put_calls(database, self._presence.calls)

    def forget(self, database: sqlite3.Connection, subject: UUID) -> None:
        """Nothing of that subject is left here: it was erased."""
        database.execute("DELETE FROM whereabouts WHERE tag = ?", (self._tag(subject),))
        with self._memory:
            self._presence.forget(subject)
            rides = [one for one in self._presence.known.values() if one.ride and one.ride.vehicle == subject]
            for one in rides:
                self._presence.known[one.subject] = replace(one, ride=None)
                self._put(database, self._presence.known[one.subject])

    def holds(self, subject: UUID) -> bool:
        """Whether anything of that subject is left."""
        with self._memory:
            return subject in self._presence.known

    def inside(self) -> list[Whereabouts]:
        """Everybody inside, as far as this agent knows."""
        with self._memory:
            return self._presence.inside()

    @property
    def muster(self) -> Muster | None:
        """The muster that runs."""
        with self._memory:
            return self._presence.muster

    def _let_go(self, database: sqlite3.Connection, written: Written, decision: DecisionRecord) -> None:
        """Whom the door was let go for, until it is known whether they went. Not the key of a picture."""
        kept = encode(replace(decision, plate=None, score=None, picture=None))
        place = f"let-go|{written.agent}|{written.seq}".encode()
        database.execute(
            "INSERT OR REPLACE INTO let_go (agent, seq, sealed) VALUES (?, ?, ?)",
            (written.agent, written.seq, seal(self._key, kept, _context(place))),
        )

    def _passed(
        self, database: sqlite3.Connection, written: Written, passage: PassageRecord
    ) -> Sequence[Fact]:
        where = (written.agent, passage.decision_seq)
        row = database.execute("SELECT sealed FROM let_go WHERE agent = ? AND seq = ?", where).fetchone()
        if row is None:
            return ()
        database.execute("DELETE FROM let_go WHERE agent = ? AND seq = ?", where)
        try:
            place = f"let-go|{written.agent}|{passage.decision_seq}".encode()
            decision = decode(open_sealed(self._key, row[0], _context(place)))
        except (CannotOpen, BadInput):
            return ()
        if not isinstance(decision, DecisionRecord):
            return ()
        order = Order(at=passage.at, agent=written.agent, seq=written.seq)
        return sightings(order, passage, decision, self._places.points, self._places.areas)

    def _keep(self, database: sqlite3.Connection, facts: Iterable[Fact]) -> None:
        """On disk as it will be in memory. One thread writes, so nothing comes in between."""
        with self._memory:
            changed = {
                fact.subject: self._presence.known.get(fact.subject) or Known(subject=fact.subject)
                for fact in facts
                if not isinstance(fact, Call)
            }
            calls = self._presence.calls | {fact for fact in facts if isinstance(fact, Call)}
            known_calls = len(self._presence.calls)
        after = Presence(known=dict(changed))
        for fact in facts:
            if not isinstance(fact, Call):
                after.take(fact)
        for one in after.known.values():
            self._put(database, one)
        if len(calls) > known_calls:
            self._put_calls(database, calls)

    def _put(self, database: sqlite3.Connection, known: Known) -> None:
        tag = self._tag(known.subject)
        database.execute(_PUT, (tag, seal(self._key, documents.to_bytes(known), _context(tag))))

    def _put_calls(self, database: sqlite3.Connection, calls: set[Call]) -> None:
        document = _Calls(calls=tuple(sorted(calls, key=lambda one: one.order)))
        sealed = seal(self._key, documents.to_bytes(document), _context(b"calls"))
        database.execute("INSERT OR REPLACE INTO muster_calls (one, sealed) VALUES (1, ?)", (sealed,))

    def _tag(self, subject: UUID) -> bytes:
        return blind_index(self._key, f"whereabouts|{subject.hex}")

    def _opened(self, kind: type[documents.T], sealed: bytes, place: bytes) -> documents.T | None:
        try:
            return documents.from_bytes(kind, open_sealed(self._key, sealed, _context(place)))
        except (CannotOpen, BadInput):
            return None


def _context(row: bytes) -> Context:
    return Context(tenant=0, table="agent", column="presence", row=row)
