"""An attendant's answer: from deciding a case to the barrier's command at the agent. The limit is one second.

    python -m benchmarks.answer

The agent runs as it always does: enrolled, over HTTP on a port of this machine, with its connection for the
hub's commands open. A vehicle stands at the exit with a plate that was read badly, and as many are inside as
a full garage of 200 bays has. "Open" goes to the barrier as a command; a corrected plate makes the agent ask
again, and the hub clears the vehicle, which is within its free minutes.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import uvicorn

from benchmarks.measure import report, say
from postern.access.decision import PlatePresented, Request
from postern.access.reasons import Reason
from postern.agent.main import Agent, AgentSettings, opened
from postern.clock import Clock
from postern.ids import DoorId
from postern.operations.parking.resolve_case import Wanted, resolve_case
from postern.operations.parking.settle import settled
from postern.operations.sites import agents
from postern.operations.sites.publish_policy import publish
from postern.parking.cases import Case, CaseKind, CaseState, Resolution
from postern.simulation.barrier import Passing, PlayedDoor
from postern.simulation.furnish import Approach
from postern.simulation.garage import FIRST
from postern.simulation.garage_books import furnish
from postern.simulation.garage_play import Lanes
from postern.simulation.garage_rules import TIME_ZONE
from postern.simulation.garage_script import garage_script
from postern.simulation.readings import plate
from postern.simulation.stage import Setting, premises, unseeing
from postern.sites.model import Door
from postern.web.app import create_app

INSIDE, ANSWERS = 200, 20
_WAITS = 30.0
_NEXT = timedelta(seconds=10)
_BY_DAY = timedelta(hours=9)
"""The night's price has no free minutes."""


class _Barrier(PlayedDoor):
    """Lets everybody through, and notes when it was told to."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.told = asyncio.Event()
        self.at = 0.0

    async def release(self, *, seconds: float) -> None:
        await super().release(seconds=seconds)
        self.at = time.perf_counter()
        self.told.set()
        self.play(Passing.GOES_THROUGH)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Garage:
    setting: Setting
    agent: Agent
    lanes: Lanes
    barriers: dict[DoorId, _Barrier]

    async def pass_lane(self, lane: Approach, text: str, score: float) -> Reason:
        self.setting.clock.advance(timedelta(seconds=0.5))
        shown = PlatePresented(text=text, score=score)
        request = Request(access_point=lane.point, presented=shown, reader=lane.reader)
        return (await self.agent.admissions.request(request)).decision.reason

    async def waiting(self, lane: Approach) -> Case:
        """The case of whoever stands at the lane, as soon as the hub has it."""
        where = self.setting.where
        async with asyncio.timeout(_WAITS):
            while True:
                garage, _ = await settled(where.services, where.tenant, where.site)
                for one in garage.cases.values():
                    standing = one.kind is CaseKind.WAITING and one.state is CaseState.OPEN
                    if standing and one.lane == lane.point:
                        return one
                await asyncio.sleep(0.05)


async def run(inside: int = INSIDE, answers: int = ANSWERS) -> None:
    """Print medians and 99th percentiles in milliseconds. Raises TimeoutError when a barrier stayed shut."""
    draw = Random(2)  # noqa: S311 - a measurement, not a secret
    plates = [plate(draw, "DE") for _ in range(inside)]
    script = garage_script(seed=1, days=1, bays=inside, first=FIRST, time_zone=ZoneInfo(TIME_ZONE))
    async with premises(start=script.start, time_zone=TIME_ZONE, name="Measured garage") as setting:
        lanes = await furnish(setting.where, script)
        with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
            async with _at_work(setting, lanes, Path(folder)) as garage:
                setting.clock.advance(_BY_DAY)
                for number, text in enumerate(plates):
                    await garage.pass_lane(lanes.entries[number % len(lanes.entries)], text, 0.95)
                say(f"an attendant's answer, {inside} vehicles inside, {answers} of each kind, limit 1000 ms")
                for resolution in (Resolution.OPEN, Resolution.CORRECT_PLATE):
                    spans = [await _answered(garage, plates.pop(), resolution) for _ in range(answers)]
                    report(f"{resolution.value}: decision to barrier command", spans)


async def _answered(garage: _Garage, text: str, resolution: Resolution) -> float:
    """Seconds from the attendant's decision until the barrier is told."""
    lane, where = garage.lanes.exits[0], garage.setting.where
    reason = await garage.pass_lane(lane, text, 0.3)
    if reason is not Reason.AWAITING_ANSWER:
        raise ValueError(f"the vehicle does not wait ({reason}): this measures no answer")
    case = await garage.waiting(lane)
    barrier = garage.barriers[lane.door]
    barrier.told.clear()
    wanted = Wanted(resolution=resolution, reason="measured", plate=text)
    started = time.perf_counter()
    answer = asyncio.create_task(resolve_case(where.services, where.actor, where.site, case.id, wanted))
    async with asyncio.timeout(_WAITS):
        await barrier.told.wait()
    await answer
    garage.setting.clock.advance(_NEXT)
    return barrier.at - started


@asynccontextmanager
async def _at_work(setting: Setting, lanes: Lanes, folder: Path) -> AsyncIterator[_Garage]:
    """The hub on a port, and its agent."""
    where = setting.where
    await publish(where.services, where.tenant, where.site)
    code = await agents.new_code(where.services, where.actor, where.site)
    barriers: dict[DoorId, _Barrier] = {}

    def barrier(door: Door) -> _Barrier:
        return barriers.setdefault(door.id, _Barrier(setting.clock))

    ports = unseeing(setting.clock, barrier)
    async with (
        _served(setting) as url,
        opened(AgentSettings(folder=folder, hub_url=url, code=code), ports) as agent,
    ):
        running = asyncio.create_task(agent.run())
        try:
            async with asyncio.timeout(_WAITS):
                while len(barriers) < len(lanes.entries) + len(lanes.exits):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            yield _Garage(setting=setting, agent=agent, lanes=lanes, barriers=barriers)
        finally:
            running.cancel()
            await asyncio.wait([running])


@asynccontextmanager
async def _served(setting: Setting) -> AsyncIterator[str]:
    app = create_app(setting.where.services, setting.settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


if __name__ == "__main__":
    asyncio.run(run())
