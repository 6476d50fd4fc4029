"""A garage's lanes: the agent asks the hub, opens when it may, and on its own when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from postern.access.decision import PlatePresented, Request
from postern.access.lanes import Clearance
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.agent.channel import OpenDoor, Present
from postern.agent.lanes import ASKED_EVERY
from postern.agent.main import Agent, AgentSettings, opened
from postern.errors import StorageFull
from postern.ids import AccessPointId, ReaderId
from postern.records.model import DecisionRecord, Happening, PassageRecord
from postern.sites.model import AccessPoint, Lane, LaneKind, LaneRule, Reader, ReaderKind
from tests.flows.agent_hub import CODE, TestHub, running_hub
from tests.flows.agent_site import (
    DOOR,
    FACE_OUT,
    INSIDE,
    OUTSIDE,
    SITE,
    Film,
    TestDoor,
    picture,
    policy,
    ports,
)

ENTRY, EXIT = AccessPointId(UUID(int=40)), AccessPointId(UUID(int=41))
CAMERA_IN, CAMERA_OUT = ReaderId(UUID(int=42)), ReaderId(UUID(int=43))
VISITOR = "BXY123"


def garage(rule: LaneRule = LaneRule.OPEN_AND_SETTLE, seconds: int = 5) -> Policy:
    """The small site with an entry and an exit lane at its door."""
    plain = policy()
    points = tuple(
        AccessPoint(
            id=id,
            site=SITE,
            door=DOOR,
            name=kind.value,
            from_area=OUTSIDE if kind is LaneKind.ENTRY else INSIDE,
            to_area=INSIDE if kind is LaneKind.ENTRY else OUTSIDE,
            lane=Lane(kind=kind, rule=rule, wait_seconds=seconds),
        )
        for id, kind in ((ENTRY, LaneKind.ENTRY), (EXIT, LaneKind.EXIT))
    )
    cameras = tuple(
        Reader(id=id, site=SITE, access_point=point, name="camera", kind=ReaderKind.PLATE_CAMERA)
        for id, point in ((CAMERA_IN, ENTRY), (CAMERA_OUT, EXIT))
    )
    return replace(
        plain,
        access_points=(*plain.access_points, *points),
        readers=(*plain.readers, *cameras),
    )


@pytest.fixture
def door() -> TestDoor:
    return TestDoor()


@asynccontextmanager
async def site(
    tmp_path: Path,
    door: TestDoor,
    plan: Policy,
    every: timedelta = ASKED_EVERY,
    films: dict[str, Film] | None = None,
) -> AsyncIterator[tuple[Agent, TestHub]]:
    """An enrolled agent that runs, and its hub."""
    async with running_hub() as hub:
        hub.policy = plan
        settings = AgentSettings(folder=tmp_path, hub_url=hub.url, code=CODE, asked_every=every)
        async with opened(settings, ports(door, films)) as agent:
            running = asyncio.create_task(agent.run())
            try:
                while not agent.doors.controllers:
                    await asyncio.sleep(0.01)
                yield agent, hub
            finally:
                running.cancel()
                await asyncio.wait([running])


async def shown(agent: Agent, camera: ReaderId = CAMERA_OUT, plate: str = VISITOR) -> str:
    """A vehicle is read at the camera; the first answer."""
    present = Present(reader=camera, kind=CredentialKind.PLATE, value=plate)
    return (await agent.perform(present)).detail


async def until(hub: TestHub, enough: Callable[[list[Happening]], bool]) -> list[str]:
    """Wait until the hub's records say so; the reasons of the decisions among them, in order."""
    async with asyncio.timeout(20):
        while not enough(list(hub.opened.values())):
            await asyncio.sleep(0.02)
    return reasons(hub)


def reasons(hub: TestHub) -> list[str]:
    return [one.reason for _, one in sorted(hub.opened.items()) if isinstance(one, DecisionRecord)]


def passages(number: int) -> Callable[[list[Happening]], bool]:
    return lambda opened: sum(isinstance(one, PassageRecord) for one in opened) >= number


async def test_a_car_that_nobody_registered_drives_in(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        assert await shown(agent, CAMERA_IN) == "parking-entry"
        assert await until(hub, passages(1)) == ["parking-entry"]
        record = next(one for one in hub.opened.values() if isinstance(one, DecisionRecord))
        assert (record.plate, record.direction_out, record.subject) == (VISITOR, False, None)
        assert hub.questions == []


async def test_who_is_cleared_leaves_and_it_is_on_record_before_the_barrier_moves(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.clearance = Clearance.CLEARED
        append = agent.spool.append

        async def noted(**fields: object) -> int:
            seq = await append(**fields)  # type: ignore[arg-type]
            door.before.append("append")
            return seq

        monkeypatch.setattr(agent.spool, "append", noted)
        assert await shown(agent) == "cleared-to-leave"
        assert door.before[:2] == ["append", "release"]
        assert hub.questions == [{"access_point": str(EXIT), "plate": VISITOR, "score": 1.0}]
        await until(hub, passages(1))
        record = next(one for one in hub.opened.values() if isinstance(one, DecisionRecord))
        assert record.direction_out


async def test_who_owes_is_kept_until_it_is_paid_and_every_answer_is_recorded_once(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.clearance = Clearance.OWED
        assert await shown(agent) == "not-paid"
        assert await shown(agent) == "not-paid"
        while len(hub.questions) < 3:
            await asyncio.sleep(0.02)
        assert door.released == []
        hub.clearance = Clearance.CLEARED
        assert await until(hub, passages(1)) == ["not-paid", "cleared-to-leave"]
        assert len(door.released) == 1


async def test_news_over_the_channel_opens_without_waiting_for_the_next_second(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door, garage(), every=timedelta(hours=1)) as (agent, hub):
        hub.clearance = Clearance.OWED
        assert await shown(agent) == "not-paid"
        hub.clearance = Clearance.CLEARED
        answer = await hub.command(command="ask-again")
        assert answer["done"]
        assert await until(hub, passages(1)) == ["not-paid", "cleared-to-leave"]


async def test_without_its_hub_the_barrier_opens_with_a_case(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.away = 503
        assert await shown(agent) == "opened-unanswered"
        assert len(door.released) == 1
        hub.away = 0
        assert await until(hub, passages(1)) == ["opened-unanswered"]


async def test_a_hub_that_never_answers_keeps_nobody_longer_than_the_lane_s_seconds(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.clearance_waits = asyncio.Event()
        assert await shown(agent) == "opened-unanswered"
        assert len(door.released) == 1
        hub.clearance_waits.set()


async def test_where_the_rule_is_to_wait_an_attendant_s_answer_opens(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door, garage(LaneRule.WAIT, seconds=60)) as (agent, hub):
        hub.clearance = Clearance.UNCERTAIN
        assert await shown(agent) == "awaiting-answer"
        hub.clearance = Clearance.CLEARED
        assert await until(hub, passages(1)) == ["awaiting-answer", "cleared-to-leave"]


async def test_and_when_nobody_answers_it_opens_with_a_case(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door, garage(LaneRule.WAIT)) as (agent, hub):
        hub.clearance = Clearance.UNCERTAIN
        assert await shown(agent) == "awaiting-answer"
        assert await until(hub, passages(1)) == ["awaiting-answer", "opened-unanswered"]


async def test_an_attendant_who_opens_ends_the_waiting(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door, garage(LaneRule.WAIT, seconds=60)) as (agent, hub):
        hub.clearance = Clearance.OWED
        assert await shown(agent) == "not-paid"
        await agent.perform(OpenDoor(door=DOOR, operator="attendant", reason="lost phone"))
        hub.clearance = Clearance.CLEARED
        assert await agent.admissions.lanes.again(EXIT) is None
        assert await until(hub, passages(1)) == ["not-paid"]
        assert len(door.released) == 1


async def test_the_next_vehicle_takes_the_place_of_one_that_reversed_out(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.clearance = Clearance.OWED
        assert await shown(agent) == "not-paid"
        hub.clearance = Clearance.CLEARED
        assert await shown(agent, plate="BZZ9") == "cleared-to-leave"
        await until(hub, passages(1))
        plates = [one.plate for one in hub.opened.values() if isinstance(one, DecisionRecord)]
        assert plates == [VISITOR, "BZZ9"]
        assert len(door.released) == 1


async def test_a_surer_look_at_the_same_plate_counts_while_the_vehicle_stands(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door, garage(LaneRule.WAIT, seconds=60)) as (agent, hub):

        async def looked(score: float) -> str:
            presented = PlatePresented(text=VISITOR, score=score)
            request = Request(access_point=ENTRY, presented=presented, reader=CAMERA_IN)
            return (await agent.admissions.request(request)).decision.reason.value

        assert await looked(0.3) == "awaiting-answer"
        assert await looked(0.35) == "awaiting-answer"
        assert await looked(0.95) == "parking-entry"
        assert await until(hub, passages(1)) == ["awaiting-answer", "parking-entry"]
        assert len(door.released) == 1


BLURRED, CLEAR = picture(green=2, blue=50), picture(green=2)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (LaneRule.WAIT, ["awaiting-answer", "parking-entry"]),
        (LaneRule.OPEN_AND_SETTLE, ["uncertain-entry"]),
    ],
)
async def test_a_camera_that_becomes_sure_opens_for_who_stands_and_not_twice_for_who_was_let_in(
    tmp_path: Path, door: TestDoor, rule: LaneRule, expected: list[str]
) -> None:
    film = Film([BLURRED] * 8 + [CLEAR] * 30, ends=False)
    plan = garage(rule, seconds=60)
    readers = tuple(replace(one, source="cam") if one.id == CAMERA_IN else one for one in plan.readers)
    async with site(tmp_path, door, replace(plan, readers=readers), films={"cam": film}) as (_, hub):
        assert await until(hub, passages(1)) == expected
        assert len(door.released) == 1


async def test_with_a_full_disk_no_lane_opens_and_a_pedestrian_way_out_does(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(**_: object) -> int:
        raise StorageFull("the disk is full; free some space")

    async with site(tmp_path, door, garage()) as (agent, hub):
        hub.clearance = Clearance.CLEARED
        monkeypatch.setattr(agent.spool, "append", full)
        for camera in (CAMERA_IN, CAMERA_OUT):
            with pytest.raises(StorageFull):
                await shown(agent, camera)
        assert door.released == []
        way_out = await agent.perform(Present(reader=FACE_OUT, kind=CredentialKind.CARD, value="0"))
        assert (way_out.done, len(door.released)) == (True, 1)
        assert "not recorded" in agent.health().alarms[0]
