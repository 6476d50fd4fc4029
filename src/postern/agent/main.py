"""The agent: one process at a site. Crash-only: what it did not foresee ends it, and it is started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import httpx
import structlog

from postern.access.policy import Policy
from postern.agent.admission import Admissions
from postern.agent.bundle import BundleStore
from postern.agent.channel import (
    AskAgain,
    Command,
    Done,
    LockDown,
    NewBundle,
    OpenDoor,
    Play,
    Present,
    Stage,
    listen,
)
from postern.agent.doors import Doors, settle_interrupted
from postern.agent.erasures import Erasures
from postern.agent.eyes import Matching
from postern.agent.files import site_key
from postern.agent.health import Health
from postern.agent.hub import Hub, connection, enrol, trusting
from postern.agent.identity import Identity, Keep, load_identity, save_identity
from postern.agent.lanes import ASKED_EVERY
from postern.agent.lockdown import LockdownStore
from postern.agent.muster import MusterDesk
from postern.agent.ports import AgentPorts
from postern.agent.presence_book import PresenceBook
from postern.agent.readers import Readers
from postern.agent.spool import Spool
from postern.agent.sync import Sync
from postern.agent.tasks import Tasks
from postern.agent.track import TrackRules
from postern.agent.witness import Witness, WitnessFiles
from postern.backoff import delays
from postern.errors import HubUnavailable, Refused, SettingsInvalid

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """`folder` holds spool, policy, identity and site key. `code`: for the first start, from the console.

    `root`: the certificate of the local authority that vouches for the hub, where it has one. `asked_every`:
    how often the hub is asked about a vehicle that stands at a lane; None when whoever runs the agent asks.
    """

    folder: Path
    hub_url: str
    code: str | None = None
    root: Path | None = None
    rules: TrackRules | None = None
    asked_every: timedelta | None = ASKED_EVERY


class Agent:
    """Everything that one site's agent runs, on the ports that it was given."""

    def __init__(
        self,
        *,
        keep: Keep,
        spool: Spool,
        bundles: BundleStore,
        hub: Hub,
        ports: AgentPorts,
        lockdowns: LockdownStore,
        book: PresenceBook,
        rules: TrackRules | None = None,
        asked_every: timedelta | None = ASKED_EVERY,
    ) -> None:
        self._matching: Matching | None = None
        self._bundles = bundles
        self._ports = ports
        self.lockdowns = lockdowns
        self._book = book
        self.hub = hub
        self.spool = spool
        self._tasks = Tasks()
        self.doors = Doors(ports.open_controller, spool, ports.clock, self._tasks)
        self.admissions = Admissions(
            spool=spool,
            doors=self.doors,
            clock=ports.clock,
            policy=lambda: self.lockdowns.on(self._bundles.policy),
            tasks=self._tasks,
            ask=hub.clearance,
            asked_every=asked_every,
        )
        self.readers = Readers(ports, self.admissions, self._current, self._tasks, rules)
        self.musters = MusterDesk(
            book=book,
            spool=spool,
            hub=hub,
            clock=ports.clock,
            policy=lambda: self._bundles.policy,
            file=keep.identity.with_name("muster.sealed"),
            key=keep.key,
        )
        self.sync = Sync(
            hub=hub,
            spool=spool,
            bundles=bundles,
            keep=keep,
            clock=ports.clock,
            health=self.health,
            apply=self.apply,
            erasures=Erasures(
                hub=hub,
                bundles=bundles,
                keep=keep,
                in_memory=lambda: self._matching.policy if self._matching is not None else None,
                musters=self.musters,
            ),
            musters=self.musters,
        )
        self.witness = Witness(WitnessFiles(folder=keep.identity.parent), hub, ports.clock)

    async def run(self) -> None:
        """For ever. The hub may be away: what is on disk is enough to decide."""
        interrupted = await self.spool.unsettled()
        if self._bundles.policy is not None:
            await self.apply(self._bundles.policy)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(settle_interrupted(self.spool, interrupted), name="interrupted")
                tasks.create_task(self.sync.run(), name="sync")
                tasks.create_task(listen(self.hub, self.perform), name="channel")
                tasks.create_task(self.witness.run(), name="witness")
                tasks.create_task(self._tasks.failure(), name="failure")
        finally:
            await self.readers.close()
            await self.doors.close()
            await self._tasks.close()

    async def apply(self, policy: Policy) -> None:
        """Decide by this policy from now on, drive its doors and watch its cameras."""
        self._book.apply(policy)
        self._matching = await asyncio.to_thread(Matching.of, policy, self._ports.card)
        await self.doors.apply(policy)
        await self.readers.apply(policy)
        log.info("policy in force", policy=policy.name, faces=len(self._matching.gallery))

    async def perform(self, command: Command) -> Done:
        """Do what the hub commands. Raises a PosternError with what to do when it cannot."""
        match command:
            case OpenDoor():
                return await self.admissions.open_door(command)
            case Present():
                return await self.admissions.present(command)
            case Play():
                return await self.readers.play(command)
            case Stage():
                return self.doors.stage(command)
            case LockDown() | AskAgain() | NewBundle():
                return await self._hear(command)

    async def _hear(self, command: LockDown | AskAgain | NewBundle) -> Done:
        """News of the hub: nothing is done at a door for it."""
        match command:
            case AskAgain():
                self.admissions.lanes.wake()
                return Done(done=True, detail="asking")
            case LockDown():
                return await self._lock_down(command)
            case NewBundle():
                self.sync.wake()
                return Done(done=True, detail="fetching")

    async def _lock_down(self, command: LockDown) -> Done:
        if await asyncio.to_thread(self.lockdowns.take, command.lockdowns):
            log.warning("lockdown", now=self.lockdowns.name(self._bundles.policy))
        self.sync.wake()  # the hub shows which agents have it
        return Done(done=True, detail="in force")

    def health(self) -> Health:
        """How the agent does."""
        return Health(
            software=version("postern"),
            readers=self.readers.health(),
            lockdown=self.lockdowns.name(self._bundles.policy),
            alarms=(*self.doors.alarms, *self.admissions.alarms, *self.witness.alarms),
        )

    def _current(self) -> Matching:
        if self._matching is None:
            raise Refused("this agent has no policy yet; let it reach its hub once")
        return self._matching


@asynccontextmanager
async def opened(
    settings: AgentSettings, ports: AgentPorts, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Agent]:
    """The agent of this folder, enrolled if need be.

    Raises SettingsInvalid without identity or code, Refused for a code that is not good.
    """
    folder = settings.folder
    key = await asyncio.to_thread(site_key, folder / "site.key")
    keep = Keep(identity=folder / "identity.sealed", key=key)
    trust = trusting(settings.root) if settings.hub_url.startswith("https") else None
    async with connection(settings.hub_url, transport, trust) as client:
        identity = load_identity(keep.identity, key) or await _enrolled(settings, client, keep)
        bundles = BundleStore(folder / "policy.sealed", key)
        await asyncio.to_thread(bundles.load, identity)
        book = PresenceBook(key)
        if bundles.policy is not None:
            book.apply(bundles.policy)
        spool = await asyncio.to_thread(Spool, folder / "spool.sqlite", identity.owner, presence=book)
        try:
            yield Agent(
                keep=keep,
                spool=spool,
                bundles=bundles,
                hub=Hub(client, identity, ports.clock, trust),
                ports=ports,
                book=book,
                lockdowns=LockdownStore(folder / "lockdown.sealed", key, identity),
                rules=settings.rules,
                asked_every=settings.asked_every,
            )
        finally:
            await spool.close()


async def run(settings: AgentSettings, ports: AgentPorts) -> None:
    """Run the agent until it is cancelled."""
    async with opened(settings, ports) as agent:
        await agent.run()


async def _enrolled(settings: AgentSettings, client: httpx.AsyncClient, keep: Keep) -> Identity:
    if not settings.code:
        raise SettingsInvalid(
            "this agent is not enrolled: make an enrolment code in the console and start it with the code"
        )
    waits = delays(longest=10.0)
    while True:
        try:
            identity = await enrol(client, settings.code)
        except HubUnavailable as fault:
            log.warning("hub away", detail=str(fault))
            await asyncio.sleep(next(waits))
        else:
            await asyncio.to_thread(save_identity, keep.identity, keep.key, identity)
            return identity
