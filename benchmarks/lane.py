"""A garage's exit: from the frame to the command that opens the barrier.

The frame is read by the recognition in its process; the agent asks the hub, which runs in a process of its
own, whether the vehicle may leave, with as many vehicles inside as a full garage of 200 bays; the decision is
on this machine's disk before the barrier is told. Every vehicle is within its free minutes: each may leave.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import asdict
from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

from benchmarks.measure import report, say
from benchmarks.recognition import drawn_vehicle
from postern import wiring
from postern.access.decision import PlatePresented, Request
from postern.simulation.barrier import Passing
from postern.simulation.furnish import Approach
from postern.simulation.garage import FIRST
from postern.simulation.garage_books import furnish
from postern.simulation.garage_killed import RemoteHub, killed_hub
from postern.simulation.garage_play import Lanes
from postern.simulation.garage_rules import TIME_ZONE
from postern.simulation.garage_script import garage_script
from postern.simulation.hub_process import Nursery
from postern.simulation.readings import plate
from postern.simulation.stage import Setting, Stage, premises, stage

INSIDE, EXITS = 200, 100


async def run(inside: int = INSIDE, exits: int = EXITS) -> None:
    """Print medians and 99th percentiles in milliseconds. Raises ValueError when a barrier stayed shut."""
    draw = Random(1)  # noqa: S311 - a measurement, not a secret
    plates = [plate(draw, "DE") for _ in range(inside)]
    script = garage_script(seed=1, days=1, bays=inside, first=FIRST, time_zone=ZoneInfo(TIME_ZONE))
    frame = drawn_vehicle()
    async with premises(start=script.start, time_zone=TIME_ZONE, name="Measured garage") as setting:
        lanes = await furnish(setting.where, script)
        with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
            async with (
                wiring.recognition_pool(setting.settings) as pool,
                killed_hub(_nursery(setting), kills=()) as way,
                stage(setting, way, folder=folder) as played,
            ):
                await pool.plates(frame)
                await _fill(played, lanes, plates)
                await RemoteHub(way).settle()
                whole, after = [], []
                for number, text in enumerate(plates[:exits]):
                    started = time.perf_counter()
                    await pool.plates(frame)
                    read = time.perf_counter()
                    await _leave(played, lanes.exits[number % len(lanes.exits)], text)
                    whole.append(time.perf_counter() - started)
                    after.append(time.perf_counter() - read)
    say(f"exit of a garage, {inside} vehicles inside, {exits} exits, the hub in its own process")
    report("frame to barrier command", whole)
    report("of that, question, decision on disk, command", after)


def _nursery(setting: Setting) -> Nursery:
    return Nursery(
        data=str(setting.settings.data),
        handover=json.dumps(asdict(setting.handover)),
        clock=str(setting.clock_file),
        socket=str(setting.clock_file.with_name("hub")),
        tenant=setting.where.tenant,
        site=setting.where.site,
    )


async def _fill(played: Stage, lanes: Lanes, plates: list[str]) -> None:
    played.pass_until(played.clock.now() + timedelta(hours=9))
    for number, text in enumerate(plates):
        played.pass_until(played.clock.now() + timedelta(seconds=1))
        lane = lanes.entries[number % len(lanes.entries)]
        await played.admit(_request(lane, text), Passing.GOES_THROUGH)
    await played.push()


async def _leave(played: Stage, lane: Approach, text: str) -> None:
    """One exit, up to the moment at which the controller has taken the command."""
    admitted = await played.agent.admissions.request(_request(lane, text))
    if not admitted.released:
        raise ValueError(f"the barrier stayed shut ({admitted.decision.reason}): this measures no exit")


def _request(lane: Approach, text: str) -> Request:
    shown = PlatePresented(text=text, score=0.95)
    return Request(access_point=lane.point, presented=shown, reader=lane.reader)


if __name__ == "__main__":
    asyncio.run(run())
