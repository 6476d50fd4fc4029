"""What the hub makes of entries that cannot be right: nothing of them is lost, and they hold up no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.errors import BadInput
from postern.ids import AccessPointId, DoorId, TenantId
from postern.operations import look
from postern.operations.archive.intake import LARGEST_PICTURE
from postern.operations.archive.receive import FARTHEST_BACK, Received, SpooledEntry, receive
from postern.operations.demo import Demo
from postern.operations.ports import SealedPicture
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operators.model import Actor
from postern.records import store as records
from postern.records.alarms import AlarmKind, alarms
from postern.records.model import (
    DecisionRecord,
    DoorCondition,
    DoorRecord,
    Kind,
    PictureRef,
    PresenceDeed,
    PresenceRecord,
    RecordKey,
)
from postern.records.partitions import partitions
from postern.records.sealed import encode, open_happening
from tests.flows.operations.drawn import NOON, DrawnAgent

DOOR = DoorId(UUID(int=1))
TODAY = NOON.date()


def closed(at: datetime) -> DoorRecord:
    return DoorRecord(at=at, door=DOOR, state=DoorCondition.CLOSED)


def decision(at: datetime = NOON, **changed: object) -> DecisionRecord:
    whole = DecisionRecord(
        at=at,
        access_point=AccessPointId(UUID(int=2)),
        door=DOOR,
        credential_kind="card",
        granted=False,
        reason=Reason.UNKNOWN_CREDENTIAL.value,
        policy="1.1",
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


async def record(agent: DrawnAgent, happening: DoorRecord | DecisionRecord, day: date | None = None) -> int:
    kind = Kind.DOOR if isinstance(happening, DoorRecord) else Kind.DECISION
    return await agent.append(kind=kind, day=day or happening.at.date(), plaintext=encode(happening))


async def send(hub: Services, agent: DrawnAgent) -> Received:
    return await receive(hub, await agent.known(), agent.entries, agent.pictures)


async def raised(hub: Services, demo: Demo) -> list[AlarmKind]:
    async with hub.database.transaction(TenantId(1)) as tx:
        return [one.kind for one in await alarms(tx, demo.site, since=date.min)]


async def aside(hub: Services) -> list[tuple[date, int, bytes]]:
    async with hub.database.transaction(TenantId(1)) as tx:
        cursor = await tx.execute("SELECT day, seq, sealed FROM record_quarantine ORDER BY seq")
        return [(day, seq, bytes(sealed)) for day, seq, sealed in await cursor.fetchall()]


IMPOSSIBLE = [NOON + timedelta(days=2), NOON - FARTHEST_BACK - timedelta(days=1), NOON.replace(year=9999)]


@pytest.mark.parametrize("at", IMPOSSIBLE)
async def test_a_passage_of_a_wrong_clock_is_kept_aside_sealed_and_alarms(
    hub: Services, agent: DrawnAgent, demo: Demo, at: datetime
) -> None:
    await record(agent, closed(at))
    await record(agent, closed(NOON))

    assert await send(hub, agent) == Received(acknowledged=(2,), quarantined=(1,))

    ((day, seq, sealed),) = await aside(hub)
    assert (day, seq) == (TODAY, 1)
    key = RecordKey(site=demo.site, day=TODAY, agent=agent.enrolled.agent, seq=1)
    site_day = await hub.keyring.site_day_key(demo.site, TODAY)
    opened = open_happening(sealed, tenant=demo.tenant, key=key, site_day=site_day, movement=None)
    assert opened.happening == closed(at)
    assert await raised(hub, demo) == [AlarmKind.RECORD_OUT_OF_TIME]


async def test_a_stolen_agent_makes_neither_partitions_nor_keys_at_will(
    hub: Services, agent: DrawnAgent, demo: Demo
) -> None:
    async with hub.database.transaction(TenantId(1)) as tx:
        before = await partitions(tx)
    for years in range(1, 40):
        await record(agent, closed(NOON.replace(year=2026 + years)))
        await record(agent, closed(NOON.replace(year=2026 - years)))
    await send(hub, agent)
    async with hub.database.transaction(TenantId(1)) as tx:
        assert await partitions(tx) == before
    keys = await hub.keyring.site_day_keys([demo.site], first=date.min, last=date.max)
    assert {day for _, day in keys} == {TODAY}


@pytest.mark.parametrize("days", [1, 0, -60])
async def test_a_day_that_can_be_goes_into_the_archive(hub: Services, agent: DrawnAgent, days: int) -> None:
    await record(agent, closed(NOON + timedelta(days=days)))
    assert await send(hub, agent) == Received(acknowledged=(1,), quarantined=())


async def test_what_is_kept_aside_is_kept_once_and_not_asked_for_again(
    hub: Services, agent: DrawnAgent, demo: Demo, clock: SetClock
) -> None:
    await record(agent, closed(NOON.replace(year=2020)))
    first = await send(hub, agent)
    clock.advance(timedelta(days=1))
    assert await send(hub, agent) == first
    assert len(await aside(hub)) == 1
    assert (await agents.hello(hub, await agent.known(), highest_seq=1)).ask_from is None


async def test_an_entry_that_grew_old_before_its_answer_arrived_is_acknowledged(
    hub: Services, agent: DrawnAgent, demo: Demo, clock: SetClock
) -> None:
    await record(agent, closed(NOON - FARTHEST_BACK))
    await send(hub, agent)
    clock.advance(timedelta(days=3))
    assert await send(hub, agent) == Received(acknowledged=(1,), quarantined=())
    assert await aside(hub) == []
    assert await raised(hub, demo) == []


async def test_a_day_whose_retention_has_ended_is_kept_aside(
    hub: Services, agent: DrawnAgent, demo: Demo
) -> None:
    await hub.keyring.destroy_site_day_keys(demo.site, before=TODAY)
    await record(agent, closed(NOON - timedelta(days=1)))
    assert await send(hub, agent) == Received(acknowledged=(), quarantined=(1,))


def _bit_rot(one: SpooledEntry) -> SpooledEntry:
    entry = one.entry[:-1] + bytes([one.entry[-1] ^ 1])
    return replace(one, entry=entry)


def _resealed(one: SpooledEntry) -> SpooledEntry:
    """With the digest that it has now, but not signed anew."""
    rotten = _bit_rot(one)
    return replace(rotten, digest=hashlib.sha256(rotten.entry).digest())


SPOILT: list[Callable[[SpooledEntry], SpooledEntry]] = [
    _bit_rot,
    _resealed,
    lambda one: replace(one, signature=bytes(64)),
    lambda one: replace(one, day=one.day + timedelta(days=1)),
    lambda one: replace(one, kind=Kind.COMMAND),
    lambda one: replace(one, seq=-1),
    lambda one: replace(one, seq=2**70),
    lambda one: replace(one, entry=bytes(100_000)),
]


@pytest.mark.parametrize("spoil", SPOILT)
async def test_one_entry_that_cannot_be_read_is_refused_alone(
    hub: Services,
    agent: DrawnAgent,
    demo: Demo,
    admin: Actor,
    spoil: Callable[[SpooledEntry], SpooledEntry],
) -> None:
    for _ in range(3):
        await record(agent, closed(NOON))
    agent.entries[1] = spoil(agent.entries[1])

    received = await send(hub, agent)

    assert received == Received(acknowledged=(1, 3), quarantined=(), refused=(agent.entries[1].seq,))
    assert await raised(hub, demo) == [AlarmKind.RECORD_UNREADABLE]
    assert len((await look.wall(hub, admin, demo.site)).rows) == 2


async def test_refusals_alarm_once_a_day(hub: Services, agent: DrawnAgent, demo: Demo) -> None:
    await record(agent, closed(NOON))
    agent.entries[0] = _bit_rot(agent.entries[0])
    for _ in range(3):
        await send(hub, agent)
    assert await raised(hub, demo) == [AlarmKind.RECORD_UNREADABLE]


async def test_the_hub_does_not_ask_again_for_what_it_refused(hub: Services, agent: DrawnAgent) -> None:
    await record(agent, closed(NOON))
    await record(agent, closed(NOON))
    agent.entries[1] = _bit_rot(agent.entries[1])
    await send(hub, agent)
    assert (await agents.hello(hub, await agent.known(), highest_seq=2)).ask_from is None


NOT_UNDERSTOOD = [
    decision(reason="because"),
    decision(credential_kind="tattoo"),
    decision(subject=UUID(int=3), subject_kind="ghost"),
    decision(score=float(2)),
]


@pytest.mark.parametrize("happening", NOT_UNDERSTOOD)
async def test_what_no_wall_can_show_is_refused(
    hub: Services, agent: DrawnAgent, happening: DecisionRecord
) -> None:
    await record(agent, happening)
    assert (await send(hub, agent)).refused == (1,)


@pytest.mark.parametrize("place", [-1, 0, 101])
async def test_a_mark_of_nobody_who_can_be_aboard_is_refused(
    hub: Services, agent: DrawnAgent, place: int
) -> None:
    safe = PresenceRecord(
        at=NOON,
        deed=PresenceDeed.SAFE,
        by="warden",
        subject=UUID(int=3),
        subject_kind="vehicle",
        place=place,
    )
    await agent.append(kind=Kind.PRESENCE, day=TODAY, plaintext=encode(safe))
    assert (await send(hub, agent)).refused == (1,)


def with_field(field: str) -> bytes:
    return (encode(decision()).decode()[:-1] + "," + field + "}").encode()


@pytest.mark.parametrize("field", ['"q":NaN', '"q":1e999', '"b":"\\ud800"'])
async def test_json_that_cannot_be_written_again_is_refused(
    hub: Services, agent: DrawnAgent, field: str
) -> None:
    await agent.append(kind=Kind.DECISION, day=TODAY, plaintext=with_field(field))
    assert (await send(hub, agent)).refused == (1,)


async def test_json_nested_without_end_holds_up_no_other_entry(hub: Services, agent: DrawnAgent) -> None:
    nested = with_field('"x":' + "[" * 5000 + "]" * 5000)
    await agent.append(kind=Kind.DECISION, day=TODAY, plaintext=nested)
    await record(agent, closed(NOON))
    assert 2 in (await send(hub, agent)).acknowledged


async def test_a_picture_of_a_refused_entry_is_not_kept_and_the_others_are(
    hub: Services, agent: DrawnAgent
) -> None:
    names = ["a" * 32, "b" * 32, "c" * 32]
    for name in names:
        picture = PictureRef(name=name, key=bytes(32))
        await agent.append(kind=Kind.DECISION, day=TODAY, plaintext=encode(decision(picture=picture)))
        size = LARGEST_PICTURE + 1 if name == names[2] else 10
        agent.pictures.append(SealedPicture(name=name, sealed=bytes(size)))
    agent.entries[0] = _bit_rot(agent.entries[0])

    assert await send(hub, agent) == Received(acknowledged=(2,), quarantined=(), refused=(1, 3))
    assert await hub.pictures.get(names[1]) == bytes(10)


async def test_a_picture_without_its_entry_is_not_acknowledged_away(hub: Services, agent: DrawnAgent) -> None:
    await record(agent, closed(NOON))
    agent.pictures.append(SealedPicture(name="d" * 32, sealed=b"x"))
    with pytest.raises(BadInput, match="together"):
        await send(hub, agent)
    async with hub.database.transaction(TenantId(1)) as tx:
        assert await records.highest_seq(tx, agent.enrolled.site, agent.enrolled.agent) == 0
