"""From frames, cards and commands to doors and records, in the order that makes it safe."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from postern.access.controller import Contact
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.agent.bundle import BundleStore
from postern.agent.channel import OpenDoor, Play, Present, read_command
from postern.agent.evidence import jpeg_of
from postern.agent.main import Agent, AgentSettings, opened
from postern.agent.once import TriedPassage, passages
from postern.agent.spool import Spool
from postern.biometrics.model import Box
from postern.errors import BadInput, NotFound, Refused, SourceUnavailable, StorageFull
from postern.ids import DoorId, ReaderId
from postern.operations.admit import picture_context, picture_key
from postern.records.model import CommandRecord, DecisionRecord, Happening, Outcome, PassageRecord
from postern.sealing.envelope import open_sealed
from postern.sites.model import ControllerKind, ControllerSettings
from tests.flows.agent_hub import CODE, TestHub, running_hub
from tests.flows.agent_site import (
    ANNA,
    CARD_IN,
    CARD_NUMBER,
    DOOR,
    FACE_IN,
    FACE_OUT,
    PLATE,
    PLATE_IN,
    TENANT,
    VAN,
    Film,
    TestDoor,
    identity,
    picture,
    policy,
    ports,
)


@pytest.fixture
def door() -> TestDoor:
    return TestDoor()


@asynccontextmanager
async def site(
    tmp_path: Path, door: TestDoor, films: dict[str, Film] | None = None, plan: Policy | None = None
) -> AsyncIterator[tuple[Agent, TestHub]]:
    """An enrolled agent that runs, and its hub."""
    async with running_hub() as hub:
        hub.policy = plan or policy()
        settings = AgentSettings(folder=tmp_path, hub_url=hub.url, code=CODE)
        async with opened(settings, ports(door, films)) as agent:
            running = asyncio.create_task(agent.run())
            try:
                while not agent.doors.controllers:
                    await asyncio.sleep(0.01)
                yield agent, hub
            finally:
                running.cancel()
                await asyncio.wait([running])


async def until(hub: TestHub, enough: Callable[[list[Happening]], bool]) -> list[Happening]:
    while not enough(list(hub.opened.values())):
        await asyncio.sleep(0.01)
    return [happening for _, happening in sorted(hub.opened.items(), key=lambda item: item[0])]


def of(kind: type, count: int = 1) -> Callable[[list[Happening]], bool]:
    return lambda happenings: sum(isinstance(one, kind) for one in happenings) >= count


def decided(happenings: list[Happening]) -> list[tuple[str, bool]]:
    return [(one.reason, one.granted) for one in happenings if isinstance(one, DecisionRecord)]


async def test_a_known_face_opens_the_door_once_and_its_passage_is_recorded(
    tmp_path: Path, door: TestDoor
) -> None:
    film = Film([picture(red=1)] * 30, ends=False)
    async with site(tmp_path, door, {"cam": film}, policy(sources={FACE_IN: "cam"})) as (_, hub):
        happened = await until(hub, of(PassageRecord))
    assert decided(happened) == [("granted", True)]
    (decision,) = [one for one in happened if isinstance(one, DecisionRecord)]
    (passage,) = [one for one in happened if isinstance(one, PassageRecord)]
    assert decision.subject == ANNA
    assert (passage.outcome, passage.decision_seq) == (Outcome.TAKEN, 1)
    assert door.released == [0.5]


async def test_the_evidence_of_a_known_face_opens_and_hides_the_stranger_beside(
    tmp_path: Path, door: TestDoor
) -> None:
    shown = picture(red=3)
    film = Film([shown] * 4, ends=False)
    async with site(tmp_path, door, {"cam": film}, policy(sources={FACE_IN: "cam"})) as (_, hub):
        happened = await until(hub, of(DecisionRecord))
    (decision,) = [one for one in happened if isinstance(one, DecisionRecord)][:1]
    assert decision.picture is not None
    sealed = hub.pictures[decision.picture.name]
    jpeg = open_sealed(picture_key(decision.picture), sealed, picture_context(TENANT, decision.picture.name))
    kept = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"), dtype=float)
    assert kept[190:, :].std() > 20
    assert kept[50:90, 210:250].std() < 15 < kept[50:90, 50:90].std()


async def test_of_a_stranger_nothing_is_kept_but_that_nobody_was_recognised(
    tmp_path: Path, door: TestDoor
) -> None:
    film = Film([picture(red=2)] * 30, ends=False)
    async with site(tmp_path, door, {"cam": film}, policy(sources={FACE_IN: "cam"})) as (_, hub):
        happened = await until(hub, of(DecisionRecord))
    (decision,) = [one for one in happened if isinstance(one, DecisionRecord)]
    assert (decision.reason, decision.subject, decision.picture, decision.score) == (
        "no-match",
        None,
        None,
        None,
    )
    assert hub.pictures == {}
    assert door.released == []


async def test_a_known_plate_opens_and_an_unknown_one_does_not(tmp_path: Path, door: TestDoor) -> None:
    film = Film([picture(green=1)] * 8 + [picture(green=2)] * 10, ends=False)
    async with site(tmp_path, door, {"cam": film}, policy(sources={PLATE_IN: "cam"})) as (_, hub):
        happened = await until(hub, of(DecisionRecord, 2))
    known, unknown = (one for one in happened if isinstance(one, DecisionRecord))
    assert (known.plate, known.subject, known.granted) == (PLATE, VAN, True)
    assert (unknown.plate, unknown.reason, unknown.granted) == ("XYZ999", "unknown-credential", False)
    assert len(hub.pictures) == 2


async def test_health_tells_how_each_camera_does(tmp_path: Path, door: TestDoor) -> None:
    film = Film([picture()], ends=False)
    plan = policy(sources={FACE_IN: "cam", PLATE_IN: "missing.mp4"})
    async with site(tmp_path, door, {"cam": film}, plan) as (agent, _):
        while {one.connection for one in agent.readers.health()} != {"connected", "reconnecting"}:
            await asyncio.sleep(0.01)
        trouble = {one.reader: one.trouble for one in agent.readers.health()}
    assert "no such file" in (trouble[PLATE_IN] or "")
    assert trouble[FACE_IN] is None


async def test_a_source_that_breaks_off_is_told_and_opened_again(tmp_path: Path, door: TestDoor) -> None:
    film = Film([picture()], breaks=True)
    async with site(tmp_path, door, {"cam": film}, policy(sources={FACE_IN: "cam"})) as (agent, _):
        while film.opened < 2:
            await asyncio.sleep(0.01)
        (health,) = agent.readers.health()
    assert "stopped sending" in (health.trouble or "")


async def test_a_fault_that_nobody_foresaw_ends_the_agent(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_: object) -> None:
        raise ZeroDivisionError

    async with running_hub() as hub:
        hub.policy = policy(sources={FACE_IN: "cam"})
        settings = AgentSettings(folder=tmp_path, hub_url=hub.url, code=CODE)
        async with opened(settings, ports(door)) as agent:
            monkeypatch.setattr(agent.readers, "_watch", crash)
            with pytest.raises(BaseExceptionGroup) as caught:
                await agent.run()
    assert caught.group_contains(ZeroDivisionError)


async def test_a_newer_policy_changes_what_is_watched(tmp_path: Path, door: TestDoor) -> None:
    films = {"one": Film([], ends=False), "two": Film([picture(red=1)] * 9, ends=False)}
    async with site(tmp_path, door, films, policy(sources={FACE_IN: "one"})) as (_, hub):
        hub.policy = policy(2, sources={FACE_IN: "two"})
        assert (await hub.command(command="new-bundle"))["done"] is True
        happened = await until(hub, of(DecisionRecord))
    (decision,) = [one for one in happened if isinstance(one, DecisionRecord)]
    assert decision.policy == "1.2"


async def test_a_presented_card_opens_and_is_answered_with_the_reason(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door) as (_, hub):
        card = {"command": "present", "reader": str(CARD_IN), "credential_kind": "card"}
        known = await hub.command(**card, value=CARD_NUMBER)
        unknown = await hub.command(**card, value="0000")
        lost = await hub.command(**{**card, "reader": str(ReaderId(ANNA))}, value="1")
    assert (known["done"], known["detail"]) == (True, "granted")
    assert (unknown["done"], unknown["detail"]) == (False, "unknown-credential")
    assert (lost["done"], "no such reader" in str(lost["detail"])) == (False, True)
    assert len(door.released) == 1


async def test_a_face_cannot_be_presented_by_hand(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door) as (agent, _):
        with pytest.raises(BadInput, match="shown to a camera"):
            await agent.perform(Present(reader=FACE_IN, kind=CredentialKind.FACE, value="x"))


async def test_nothing_is_presented_or_played_at_a_real_door(tmp_path: Path, door: TestDoor) -> None:
    plan = policy()
    relay = ControllerSettings(kind=ControllerKind.HTTP_RELAY, url="http://10.0.0.5")
    plan = replace(plan, doors=(replace(plan.doors[0], controller=relay),))
    async with site(tmp_path, door, plan=plan) as (agent, _):
        for command in (
            Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER),
            Play(reader=FACE_IN, source="film.mp4"),
        ):
            with pytest.raises(Refused, match="only a simulated door"):
                await agent.perform(command)
    assert door.released == []


async def test_a_played_film_passes_as_if_the_camera_had_seen_it(tmp_path: Path, door: TestDoor) -> None:
    films = {"film.mp4": Film([picture(red=1)] * 8)}
    async with site(tmp_path, door, films) as (_, hub):
        assert (await hub.command(command="play", reader=str(FACE_IN), source="film.mp4"))["done"] is True
        happened = await until(hub, of(DecisionRecord))
        stream = await hub.command(command="play", reader=str(FACE_IN), source="rtsp://camera/door")
        missing = await hub.command(command="play", reader=str(FACE_IN), source="missing.mp4")
    assert decided(happened) == [("granted", True)]
    assert "only a file" in str(stream["detail"])
    assert "no such file" in str(missing["detail"])


async def test_a_door_opened_from_afar_is_on_record_before_it_moves(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path, door) as (agent, hub):
        order = recording_order(monkeypatch, agent, door)
        answer = await hub.command(
            command="open-door", door=str(DOOR), operator="guard", reason="delivery at the door"
        )
        happened = await until(hub, of(PassageRecord))
    assert answer["done"] is True
    assert order[:2] == ["append", "release"]
    (command,) = [one for one in happened if isinstance(one, CommandRecord)]
    assert (command.operator, command.reason, command.done) == ("guard", "delivery at the door", True)


async def test_a_door_that_did_not_open_from_afar_is_recorded_as_not_done(
    tmp_path: Path, door: TestDoor
) -> None:
    door.broken = True
    async with site(tmp_path, door) as (agent, hub):
        answer = await agent.perform(OpenDoor(door=DOOR, operator="guard", reason="delivery"))
        happened = await until(hub, of(CommandRecord, 2))
    assert not answer.done
    assert [one.done for one in happened if isinstance(one, CommandRecord)] == [True, False]


async def test_a_door_is_not_opened_from_afar_without_a_reason_or_if_unknown(
    tmp_path: Path, door: TestDoor
) -> None:
    async with site(tmp_path, door) as (agent, _):
        with pytest.raises(BadInput, match="a reason is needed"):
            await agent.perform(OpenDoor(door=DOOR, operator="guard", reason=" "))
        with pytest.raises(NotFound, match="no such door"):
            await agent.perform(OpenDoor(door=DoorId(ANNA), operator="guard", reason="delivery"))
    assert door.released == []


def recording_order(monkeypatch: pytest.MonkeyPatch, agent: Agent, door: TestDoor) -> list[str]:
    """The order of durable appends and releases from here on."""
    append = agent.spool.append

    async def noted(**fields: object) -> int:
        seq = await append(**fields)  # type: ignore[arg-type]
        door.before.append("append")
        return seq

    monkeypatch.setattr(agent.spool, "append", noted)
    return door.before


async def test_a_way_in_is_on_record_before_the_door_moves_and_a_way_out_after(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path, door) as (agent, _):
        order = recording_order(monkeypatch, agent, door)
        await agent.perform(Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER))
        assert order[:2] == ["append", "release"]
        order.clear()
        await agent.perform(Present(reader=FACE_OUT, kind=CredentialKind.CARD, value=CARD_NUMBER))
        assert order[:2] == ["release", "append"]


async def test_with_a_full_disk_no_way_in_opens_and_every_way_out_does(
    tmp_path: Path, door: TestDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(**_: object) -> int:
        raise StorageFull("the disk is full; free some space")

    async with site(tmp_path, door) as (agent, _):
        monkeypatch.setattr(agent.spool, "append", full)
        with pytest.raises(StorageFull):
            await agent.perform(Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER))
        assert door.released == []
        answer = await agent.perform(Present(reader=FACE_OUT, kind=CredentialKind.CARD, value="0"))
        assert answer.done
        assert door.released == [0.5]
        assert "not recorded" in agent.health().alarms[0]


async def test_with_an_expired_policy_no_way_in_opens_and_every_way_out_does(
    tmp_path: Path, door: TestDoor
) -> None:
    old = replace(policy(), valid_until=datetime.now(UTC) - timedelta(days=1))
    async with site(tmp_path, door, plan=old) as (agent, _):
        way_in = await agent.perform(Present(reader=CARD_IN, kind=CredentialKind.CARD, value=CARD_NUMBER))
        way_out = await agent.perform(Present(reader=FACE_OUT, kind=CredentialKind.CARD, value="0"))
    assert (way_in.done, way_in.detail) == (False, "policy-expired")
    assert (way_out.done, way_out.detail) == (True, "way-out")


async def test_a_forced_door_is_recorded(tmp_path: Path, door: TestDoor) -> None:
    async with site(tmp_path, door) as (_, hub):
        door.tell(Contact.OPEN)
        happened = await until(hub, bool)
    assert [one.state.value for one in happened] == ["forced"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "message", ["", "[]", "{}", '{"id":1,"command":"dance"}', '{"id":1,"command":"open-door","door":"x"}']
)
def test_a_message_that_is_no_command_is_not_taken_for_one(message: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_command(message)


def test_evidence_is_small_and_a_box_beyond_the_edge_is_hidden_up_to_it() -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    jpeg = jpeg_of(rgb, [Box(x=1800, y=-20, width=400, height=100), Box(x=5000, y=0, width=9, height=9)])
    with Image.open(io.BytesIO(jpeg)) as kept:
        assert kept.size == (1280, 720)


async def tried(tmp_path: Path, films: list[Film], reader: ReaderId) -> list[TriedPassage]:
    plan, spool = policy(), Spool(tmp_path / "spool.sqlite", identity().owner)
    chosen = next(one for one in plan.readers if one.id == reader)
    shown = passages(films, chosen, policy=plan, ports=ports(TestDoor()), spool=spool)
    found = [one async for one in shown]
    await spool.close()
    return found


async def test_trying_pictures_tells_for_each_what_would_happen(tmp_path: Path) -> None:
    pictures = Film([picture(red=1), picture(red=2), picture(red=0)], still=True)
    anna, stranger = await tried(tmp_path, [pictures], FACE_IN)
    assert (anna.subject, anna.granted, anna.reason, anna.frames) == (ANNA, True, Reason.GRANTED, 1)
    assert (stranger.subject, stranger.granted, stranger.reason) == (None, False, Reason.NO_MATCH)
    assert anna.score == 1.0
    assert anna.ms > 0


async def test_trying_a_video_tells_each_passage_once(tmp_path: Path) -> None:
    (van,) = await tried(tmp_path, [Film([picture(green=1)] * 12)], PLATE_IN)
    assert (van.plate, van.subject, van.granted) == (PLATE, VAN, True)


async def test_whoever_was_before_a_camera_that_broke_off_is_told_before_the_fault(tmp_path: Path) -> None:
    plan, spool = policy(), Spool(tmp_path / "spool.sqlite", identity().owner)
    chosen = next(one for one in plan.readers if one.id == PLATE_IN)
    film = Film([picture(green=1)], breaks=True)
    shown = passages([film], chosen, policy=plan, ports=ports(TestDoor()), spool=spool)
    assert (await anext(shown)).subject == VAN
    with pytest.raises(SourceUnavailable, match="stopped sending"):
        await anext(shown)
    await spool.close()


async def test_trying_needs_a_camera(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="face camera or a plate camera"):
        await tried(tmp_path, [], CARD_IN)


def test_a_bundle_store_starts_empty(tmp_path: Path) -> None:
    from postern.sealing.envelope import new_key

    assert BundleStore(tmp_path / "none", new_key()).load(identity()) is None
