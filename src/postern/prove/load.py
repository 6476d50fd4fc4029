"""An agent under load, as a process to be killed: the real spool, sync and `admit`, cards as fast as it goes.

    python -m postern.prove.load FOLDER HUB_URL LEDGER [--code CODE] [--count N] [--alone] [--mutant NAME]

Its door writes each release into the ledger, one line by one write to a file opened for appending: what
stands there has been acknowledged to whoever stood at the door. Told to end (SIGTERM) it stops admitting,
sends what waits, and ends. `--alone` never talks to the hub, `--count` ends after so many requests.

Mutants, each a fault that the tests must catch: `unsynced` (SQLite does not sync), `early` (the door moves
before the decision is written), `later` (the decision is written some time after the door moved).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from postern.access.decision import CodePresented, PlatePresented, Presented, Request
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.agent.bundle import BundleStore
from postern.agent.erasures import Erasures
from postern.agent.files import site_key
from postern.agent.health import Health
from postern.agent.hub import Hub, connection, enrol
from postern.agent.identity import Identity, Keep, load_identity, save_identity
from postern.agent.muster import MusterDesk
from postern.agent.presence_book import PresenceBook
from postern.agent.spool import Spool, SpoolLimits
from postern.agent.sync import Sync
from postern.clock import SystemClock
from postern.errors import HubUnavailable, PosternError
from postern.ids import AgentId
from postern.operations.admit import Entrance, admit
from postern.operations.ports import SealedPicture
from postern.records.model import Kind

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
LATER_SECONDS = 0.3
EVIDENCE = b"\xff\xd8 evidence of passage "


@dataclass(slots=True)
class Passing:
    """The one passage under way: its unique id, and where its decision lies once it does."""

    id: str = ""
    agent: int = 0
    seq: int = 0


class LedgerDoor:
    """A door whose releases stand in the ledger, as `ID AGENT SEQ`."""

    def __init__(self, ledger: Path, passing: Passing) -> None:
        self._file = os.open(ledger, APPEND, 0o600)
        self._passing = passing

    async def release(self, *, seconds: float) -> None:
        del seconds
        self.write()

    def write(self) -> None:
        os.write(self._file, f"{self._passing.id} {self._passing.agent} {self._passing.seq}\n".encode())


class TellingSpool(Spool):
    """The spool itself; it also tells how many the hub has acknowledged, each time in a line of `told`."""

    told: int

    async def acknowledge(self, agent: AgentId, seqs: Iterable[int], at: datetime) -> None:
        numbers = list(seqs)
        await super().acknowledge(agent, numbers, at)
        os.write(self.told, f"{len(numbers)}\n".encode())


class NotingSpool:
    """The agent's spool, which tells the ledger where each decision lies."""

    def __init__(self, spool: Spool, passing: Passing) -> None:
        self._spool = spool
        self._passing = passing

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
        seq = await self._spool.append(
            kind=kind,
            day=day,
            plaintext=plaintext,
            pictures=pictures,
            releases_at=releases_at,
            settles=settles,
        )
        self._passing.agent, self._passing.seq = self._spool._owner.agent, seq
        return seq


class EarlySpool(NotingSpool):
    """The mutant that lets the door move first, and writes `after` seconds later."""

    def __init__(self, spool: Spool, passing: Passing, door: LedgerDoor, after: float) -> None:
        super().__init__(spool, passing)
        self._door = door
        self._after = after
        self._writing: set[asyncio.Task[int]] = set()

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
        self._door.write()
        append = super().append

        async def late() -> int:
            await asyncio.sleep(self._after)
            return await append(
                kind=kind,
                day=day,
                plaintext=plaintext,
                pictures=pictures,
                releases_at=releases_at,
                settles=settles,
            )

        if not self._after:
            return await late()
        await asyncio.sleep(0.002)  # as long as the disk would have taken
        task = asyncio.create_task(late())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    folder: Path
    hub: str
    ledger: Path
    code: str | None
    count: int | None
    alone: bool
    mutant: str


async def run(options: Options) -> None:
    key = site_key(options.folder / "site.key")
    async with connection(options.hub) as client:
        identity = load_identity(options.folder / "identity", key)
        if identity is None:
            identity = await _enrolled(client, str(options.code))
            save_identity(options.folder / "identity", key, identity)
        bundles = BundleStore(options.folder / "policy", key)
        bundles.load(identity)
        book = PresenceBook(key)
        limits = SpoolLimits(reserve=0)
        spool = TellingSpool(options.folder / "spool.sqlite", identity.owner, limits, presence=book)
        spool.told = os.open(options.ledger.with_name("acknowledged"), APPEND, 0o600)
        if options.mutant == "unsynced":
            spool._database.execute("PRAGMA synchronous = OFF")
        hub = Hub(client, identity, SystemClock())
        keep = Keep(identity=options.folder / "identity", key=key)
        musters = MusterDesk(
            book=book,
            spool=spool,
            hub=hub,
            clock=SystemClock(),
            policy=lambda: bundles.policy,
            file=options.folder / "muster.sealed",
            key=key,
        )
        sync = Sync(
            hub=hub,
            spool=spool,
            bundles=bundles,
            keep=keep,
            clock=SystemClock(),
            health=lambda: Health(software="under attack"),
            apply=_nothing_to_do,
            heartbeat=timedelta(seconds=0.5),
            erasures=Erasures(
                hub=hub, bundles=bundles, keep=keep, in_memory=lambda: bundles.policy, musters=musters
            ),
            musters=musters,
        )
        try:
            await _work(options, spool, bundles, sync)
        finally:
            await spool.close()


async def _enrolled(client: object, code: str) -> Identity:
    while True:
        with suppress(HubUnavailable):
            return await enrol(client, code)  # type: ignore[arg-type]  # httpx's client, not named here
        await asyncio.sleep(0.1)


async def _nothing_to_do(_: Policy) -> None:
    """Requests read the policy in force themselves."""


async def _work(options: Options, spool: Spool, bundles: BundleStore, sync: Sync) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    running = None if options.alone else asyncio.create_task(sync.run())
    while bundles.policy is None and not ending.is_set():  # noqa: ASYNC110 - another task takes it
        await asyncio.sleep(0.02)
    await _present(options, spool, bundles, ending)
    while running is not None and (await spool.state()).waiting:
        sync.wake()
        await asyncio.sleep(0.05)
    if running is not None:
        running.cancel()


async def _present(options: Options, spool: Spool, bundles: BundleStore, ending: asyncio.Event) -> None:
    passing = Passing()
    door = LedgerDoor(options.ledger, passing)
    noting = NotingSpool(spool, passing)
    if options.mutant in ("early", "later"):
        noting = EarlySpool(spool, passing, door, LATER_SECONDS if options.mutant == "later" else 0.0)
    done = 0
    parent = os.getppid()
    while not ending.is_set() and os.getppid() == parent and done != options.count:
        policy = bundles.policy
        assert policy is not None
        presentable = list(_presentable(policy))
        point = policy.access_points[0]
        passing.id = uuid4().hex
        os.write(1, b"next\n")
        controllers = {} if options.mutant in ("early", "later") else {point.door: door}
        entrance = Entrance(spool=noting, controllers=controllers, clock=SystemClock())  # type: ignore[arg-type]
        request = Request(access_point=point.id, presented=presentable[done % len(presentable)])
        try:
            await admit(entrance, policy, request, evidence=EVIDENCE + passing.id.encode())
        except PosternError as fault:
            os.write(1, f"fault {fault.code}\n".encode())
        done += 1


def _presentable(policy: Policy) -> Iterator[Presented]:
    for credential in (one for held in policy.holders for one in held.credentials):
        if credential.kind is CredentialKind.CARD:
            yield CodePresented(kind=CredentialKind.CARD, value=credential.value)
        elif credential.kind is CredentialKind.PLATE:
            yield PlatePresented(text=credential.value, score=0.9)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("hub")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--code")
    parser.add_argument("--count", type=int)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--mutant", default="")
    asyncio.run(run(Options(**vars(parser.parse_args(arguments)))))


if __name__ == "__main__":
    main(sys.argv[1:])
