"""Backing up, round after round: what is new of both logs, of the pictures and of what lies beside them.

In each round the data's place in its log is noted before the keystore's, and the keystore's log is pushed
first. So wherever the hub is cut off, what is restored has every key that its rows are sealed under.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from postern.backup import servers
from postern.backup.base import push_base
from postern.backup.beside import Pictures, digest, files_beside
from postern.backup.keys import HubKeys
from postern.backup.objects import Head, seal_object, stamp, unique
from postern.backup.servers import Server
from postern.backup.state import STATE, State, load_state, save
from postern.backup.targets import Target
from postern.clock import Clock

BASE_EVERY = timedelta(days=1)
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """What is backed up, to where, and as whom."""

    data: Path
    target: Target
    keys: HubKeys
    owners: dict[str, str]
    clock: Clock
    programs: Path | None = None

    @property
    def memory(self) -> Path:
        """Where its state is kept."""
        return self.data / "backup"


class Backup:
    """One hub's backups; `round` is called again and again."""

    def __init__(self, hub: Hub, say: Say = lambda _: None) -> None:
        self._hub = hub
        self._say = say
        self._state = load_state(hub.memory)
        hub.memory.mkdir(mode=0o700, exist_ok=True)
        self._pictures = Pictures(hub.data, hub.memory)

    def round(self, *, base: bool = False) -> State:
        """Push what is new; with `base`, or once a day, a base of both databases first.

        Raises Unavailable or StorageFull, in words; nothing is lost then, the next round goes on.
        """
        data, keystore = self._servers()
        state = self._begun(data, keystore)
        at = self._hub.clock.now()
        if base or state.based_at is None or not state.based_at <= at < state.based_at + BASE_EVERY:
            state = self._based(state, data, keystore)
        at = self._hub.clock.now()
        data_end, keystore_end = servers.flushed(data), servers.flushed(keystore)
        state = self._tombstones(state, at)
        state = self._log(state, keystore, keystore_end, at)
        state = self._beside(state, at)
        state = self._log(state, data, data_end, at)
        return self._kept(replace(state, done_at=at))

    def tombstones(self) -> None:
        """Push the tombstones that are new, between rounds: an erasure must outlive the hub at once."""
        if self._state is not None:
            self._tombstones(self._state, self._hub.clock.now())

    def _servers(self) -> tuple[Server, Server]:
        owners, folder = self._hub.owners, self._hub.data / "pg"
        return (
            servers.server_of("data", folder / "data", owners["data"]),
            servers.server_of("keystore", folder / "keystore", owners["keystore"]),
        )

    def _begun(self, data: Server, keystore: Server) -> State:
        """The state to go on from; a new life where the log may be broken since."""
        held = [servers.hold_log(one) for one in (data, keystore)]
        state = self._state
        if state is not None and None not in held:
            return state
        starts = [servers.hold_log(one) for one in (data, keystore)]
        places = [
            (start or 0) // server.segment_bytes * server.segment_bytes
            for start, server in zip(starts, (data, keystore), strict=True)
        ]
        life = f"{stamp(self._hub.clock.now())}-{secrets.token_hex(4)}"
        self._say(f"A new life of backups begins: {life}")
        self._pictures.forget()
        return self._kept(State(life=life, data=places[0], keystore=places[1]))

    def _based(self, state: State, data: Server, keystore: Server) -> State:
        at = self._hub.clock.now()
        for server in (data, keystore):
            self._say(f"Copying the {server.chain} database")
            push_base(
                self._hub.target, state.life, server, self._hub.keys, at=at, programs=self._hub.programs
            )
        return self._kept(replace(state, based_at=at))

    def _log(self, state: State, server: Server, end: int, at: datetime) -> State:
        start = state.keystore if server.chain == "keystore" else state.data
        for piece in servers.ranges(server, start, end):
            stem = (
                f"{state.life}/{server.chain}/wal/{server.timeline:08X}.{piece.start:016X}-{piece.end:016X}"
            )
            head = Head(at=at, start=piece.start, end=piece.end, timeline=server.timeline)
            self._put(unique(stem), head, piece.content)
            done = piece.end
            state = self._kept(
                replace(state, keystore=done) if server.chain == "keystore" else replace(state, data=done)
            )
        if end > start:
            servers.let_go(server, end)
        return state

    def _beside(self, state: State, at: datetime) -> State:
        for content, names in self._pictures.packs():
            self._put(unique(f"{state.life}/data/pictures/{stamp(at)}"), Head(at=at), content)
            self._pictures.keep(names)
        files = files_beside(self._hub.data)
        if digest(files) == state.files:
            return state
        self._put(unique(f"{state.life}/keystore/files/{stamp(at)}"), Head(at=at), files)
        return self._kept(replace(state, files=digest(files)))

    def _tombstones(self, state: State, at: datetime) -> State:
        path = self._hub.data / "tombstones" / "list"
        if not path.exists() or path.stat().st_size == state.tombstones:
            return state
        whole = path.read_bytes()
        start = state.tombstones if state.tombstones < len(whole) else 0
        end = whole.rfind(b"\n") + 1
        if end <= start:
            return state
        head = Head(at=at, start=start, end=end)
        self._put(unique(f"{state.life}/data/tombstones/{start:016X}"), head, whole[start:end])
        return self._kept(replace(state, tombstones=end))

    def _put(self, name: str, head: Head, content: bytes) -> None:
        self._hub.target.put(name, seal_object(name, head, content, self._hub.keys))

    def _kept(self, state: State) -> State:
        save(self._hub.memory, STATE, state)
        self._state = state
        return state
