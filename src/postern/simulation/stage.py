"""The stage of a simulation: a real hub, its databases and an agent, by a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx

from postern import wiring
from postern.access.controller import DoorController
from postern.access.decision import Request
from postern.agent.channel import OpenDoor
from postern.agent.main import Agent, AgentSettings, opened
from postern.agent.ports import AgentPorts, OpenController, Source
from postern.biometrics.model import Rgb, SeenFace
from postern.clock import Clock, SetClock
from postern.errors import HubUnavailable, SourceUnavailable, Unavailable
from postern.ids import DoorId, SiteId, TenantId
from postern.operations.admit import Admitted
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish
from postern.operators.model import Actor, Role
from postern.settings import Settings
from postern.simulation.barrier import Passing, PlayedDoor
from postern.simulation.shared_clock import SharedClock
from postern.sites.model import Door
from postern.supervise import Handover
from postern.vehicles.plates import PlateReading
from postern.web.app import create_app

T = TypeVar("T")

_STARTS_ANEW = 0.02
_PATIENCE = 180.0
"""Real seconds for what takes milliseconds, or a hub's start on a busy machine: longer means that the agent's
keeper of a door has died."""
_FAST_FOLDERS = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, with mode 0700


class _Line(httpx.AsyncBaseTransport):
    """The wire between agent and hub; cut while `cut` is set."""

    def __init__(self, hub: httpx.AsyncBaseTransport) -> None:
        self._hub = hub
        self.cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("the simulated line is cut")
        return await self._hub.handle_async_request(request)


class _Blind:
    """Recognition of nothing: readings are drawn, not seen."""

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        raise Unavailable(f"no picture of {rgb.shape} is looked at in a simulation")

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        raise Unavailable(f"no picture of {rgb.shape} from {country} is looked at in a simulation")


@dataclass(frozen=True, kw_only=True, slots=True)
class Premises:
    """The empty site that a simulation furnishes."""

    services: Services
    tenant: TenantId
    site: SiteId
    actor: Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Premises, with what another process needs to serve them, too."""

    where: Premises
    clock: SharedClock
    settings: Settings
    handover: Handover
    clock_file: Path


@asynccontextmanager
async def premises(*, start: datetime, time_zone: str, name: str) -> AsyncIterator[Setting]:
    """A hub on throw-away databases whose clock stands at `start`, and an organisation with one site."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postern-simulation-")))
        clock = SharedClock(folder / "clock", start)
        settings = Settings(data=folder / "data", mode="demo")
        databases = wiring.databases(settings, lambda _: None, durable=False)
        handover = await stack.enter_async_context(databases)
        services = await stack.enter_async_context(wiring.services(settings, handover, clock=clock))
        await wiring.make_room(services)
        tenant = (await sites.create_tenant(services, "Simulated organisation")).id
        actor = Actor(tenant=tenant, name="job:simulation", role=Role.ADMINISTRATOR)
        site = await sites.create_site(services, actor, name=name, time_zone=time_zone, country="DE")
        yield Setting(
            where=Premises(services=services, tenant=tenant, site=site.id, actor=actor),
            clock=clock,
            settings=settings,
            handover=handover,
            clock_file=folder / "clock",
        )


class Stage:
    """A site at work. Time passes only by `pass_until`."""

    def __init__(self, where: Premises, clock: SetClock, line: _Line, folder: Path) -> None:
        self.where = where
        self.clock = clock
        self._line = line
        self._folder = folder
        self._agent: Agent | None = None
        self._running = contextlib.AsyncExitStack()
        self._doors: dict[DoorId, PlayedDoor] = {}

    @property
    def agent(self) -> Agent:
        """The agent. Raises Unavailable while it has no power."""
        if self._agent is None:
            raise Unavailable("the simulated agent has no power")
        return self._agent

    @property
    def has_power(self) -> bool:
        """Whether the agent runs."""
        return self._agent is not None

    @property
    def line_cut(self) -> bool:
        """Whether the hub is out of the agent's reach."""
        return self._line.cut

    @line_cut.setter
    def line_cut(self, cut: bool) -> None:
        self._line.cut = cut

    def pass_until(self, at: datetime) -> None:
        """Let time pass; it never goes back."""
        self.clock.advance(max(timedelta(0), at - self.clock.now()))

    async def power_on(self, code: str | None = None) -> None:
        """Start the agent from what its folder holds, enrolling it with `code` the first time."""
        settings = AgentSettings(folder=self._folder, hub_url="http://hub", code=code, asked_every=None)
        agent = await self._running.enter_async_context(opened(settings, self._ports(), self._line))
        hub = agent.hub
        agent.admissions.lanes.ask = lambda question: self._patiently(lambda: hub.clearance(question))
        self._agent = agent
        if not self._line.cut:
            await self._patiently(agent.sync.once)
        if not self._agent.doors.controllers:
            await self._agent.apply(self._agent.admissions.policy)

    async def power_off(self) -> None:
        """The agent stops where it stands; nothing is said to the hub."""
        agent, self._agent = self.agent, None
        await agent.doors.close()
        await self._running.aclose()
        self._running = contextlib.AsyncExitStack()
        self._doors.clear()

    async def admit(self, request: Request, passing: Passing, *, again: bool = False) -> Admitted | None:
        """What the reader saw, through the agent: decided, recorded, released, followed to its outcome.

        `again`: whoever stands at that lane already is asked about once more; None when nothing has changed.
        """
        agent = self.agent
        access_point = agent.admissions.policy.access_point(request.access_point)
        before = (await agent.spool.state()).highest_seq
        lanes = agent.admissions.lanes
        admitted = (
            await lanes.again(request.access_point) if again else await agent.admissions.request(request)
        )
        if admitted is not None and admitted.released and access_point is not None:
            self._doors[access_point.door].play(passing)
            if passing is not Passing.POWER_FAILS:
                await self._recorded(max(before + 1, admitted.seq or 0) + 1)
        return admitted

    async def open_from_afar(self, door: DoorId, reason: str) -> None:
        """An attendant opens the barrier; who stands there drives through."""
        before = (await self.agent.spool.state()).highest_seq
        await self.agent.perform(OpenDoor(door=door, operator="attendant", reason=reason))
        self._doors[door].play(Passing.GOES_THROUGH)
        await self._recorded(before + 2)

    async def push(self) -> None:
        """What the agent recorded, to the hub. Raises HubUnavailable while the line is cut."""
        await self._patiently(self.agent.sync.push)

    async def new_day(self) -> None:
        """What hub and agent do once a day: a policy made anew, a spool that lets go of old entries."""
        await publish(self.where.services, self.where.tenant, self.where.site)
        if self._agent is not None and not self._line.cut:
            await self._patiently(self._agent.sync.once)
            await self._agent.spool.prune(self.clock.now())

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, and again while the hub is being started anew: no simulated time passes meanwhile."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    return await work()
                except HubUnavailable:
                    if self._line.cut:
                        raise
                await asyncio.sleep(_STARTS_ANEW)

    async def _recorded(self, seq: int) -> None:
        """Until the spool holds entry `seq`."""
        spool = self.agent.spool
        async with asyncio.timeout(_PATIENCE):
            while True:
                spool.appended.clear()
                if (await spool.state()).highest_seq >= seq:
                    return
                await spool.appended.wait()

    def _ports(self) -> AgentPorts:
        def controller(door: Door) -> DoorController:
            self._doors[door.id] = PlayedDoor(self.clock)
            return self._doors[door.id]

        return unseeing(self.clock, controller)


def unseeing(clock: Clock, controller: OpenController) -> AgentPorts:
    """The ports of an agent that films nothing."""

    def no_source(text: str, *, as_live: bool) -> Source:
        raise SourceUnavailable(f"{text} (live: {as_live}): nothing is filmed in a simulation")

    return AgentPorts(
        open_source=no_source,
        recognition=_Blind(),
        card=wiring.face_card(),
        open_controller=controller,
        clock=clock,
    )


@asynccontextmanager
async def stage(
    setting: Setting, hub: httpx.AsyncBaseTransport | None = None, *, folder: str | None = None
) -> AsyncIterator[Stage]:
    """An agent at the furnished premises, enrolled and with its policy in force.

    `hub`: the way to one in another process; without it the hub answers in this one. `folder`:
    where the agent's is made, if not in memory.
    """
    where = setting.where
    await publish(where.services, where.tenant, where.site)
    code = await agents.new_code(where.services, where.actor, where.site)
    line = _Line(hub or httpx.ASGITransport(create_app(where.services, setting.settings)))
    fast = _FAST_FOLDERS if _FAST_FOLDERS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="postern-simulated-agent-", dir=folder or fast) as own:
        made = Stage(where, setting.clock, line, Path(own))
        await made.power_on(code)
        try:
            yield made
        finally:
            if made.has_power:
                await made.power_off()
