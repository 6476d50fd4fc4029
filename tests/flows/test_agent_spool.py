"""What the agent's spool promises to whoever appends, sends and acknowledges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postern.agent.spool import Spool, SpoolLimits
from postern.errors import CannotVerify, SettingsInvalid, StorageFull
from postern.ids import AgentId, SiteId
from postern.operations.ports import SealedPicture
from postern.prove.faults.spool_trials import opened
from postern.prove.faults.spool_writer import DAY, OWNER
from postern.records.model import Kind

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    made = Spool(tmp_path / "agent" / "spool.sqlite", OWNER)
    yield made
    await made.close()


async def put(spool: Spool, text: bytes = b"happening", pictures: tuple[SealedPicture, ...] = ()) -> int:
    return await spool.append(kind=Kind.DECISION, day=DAY, plaintext=text, pictures=pictures)


async def test_an_empty_spool_has_nothing_to_send(spool: Spool) -> None:
    assert await spool.pending() == []
    state = await spool.state()
    assert (state.highest_seq, state.waiting) == (0, 0)


async def test_entries_are_numbered_from_one_and_open_only_for_the_hub(spool: Spool) -> None:
    assert [await put(spool, f"n{i}".encode()) for i in range(3)] == [1, 2, 3]
    entries = await spool.pending()
    assert [opened(entry) for entry in entries] == [b"n0", b"n1", b"n2"]
    with pytest.raises(CannotVerify):
        opened(replace(entries[0], seq=2))


async def test_nothing_readable_lies_on_the_disk(spool: Spool, tmp_path: Path) -> None:
    await put(spool, b"a plate nobody may read")
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"nobody may read" in data for data in files)


async def test_the_files_are_private(spool: Spool, tmp_path: Path) -> None:
    await put(spool)
    paths = [path for path in tmp_path.rglob("spool*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}


async def test_pictures_travel_with_their_entry(spool: Spool) -> None:
    picture = SealedPicture(name="ab" * 16, sealed=b"sealed picture")
    await put(spool, pictures=(picture,))
    assert (await spool.pending())[0].pictures == (picture,)


async def test_acknowledged_entries_are_not_sent_again_but_kept_until_covered(spool: Spool) -> None:
    for _ in range(4):
        await put(spool)
    await spool.acknowledge(AgentId(3), [1, 2, 3], NOON)
    assert [entry.seq for entry in await spool.pending()] == [4]
    await spool.covered(AgentId(3), 1)
    assert await spool.resend(AgentId(3), 1) == 2
    assert [entry.seq for entry in await spool.pending()] == [2, 3, 4]


async def test_what_is_not_acknowledged_is_never_let_go(spool: Spool) -> None:
    for _ in range(3):
        await put(spool)
    await spool.acknowledge(AgentId(3), [1], NOON)
    await spool.covered(AgentId(3), 3)
    await spool.prune(NOON + timedelta(days=400))
    assert [entry.seq for entry in await spool.pending()] == [2, 3]


async def test_acknowledged_entries_go_by_age_and_by_size(tmp_path: Path) -> None:
    limits = SpoolLimits(keep=timedelta(days=14), most_bytes=3_000)
    spool = Spool(tmp_path / "spool.sqlite", OWNER, limits)
    for number in range(5):
        await put(spool, pictures=(SealedPicture(name=f"{number:032x}", sealed=bytes(1000)),))
    await spool.acknowledge(AgentId(3), [1], NOON - timedelta(days=15))
    await spool.acknowledge(AgentId(3), [2, 3, 4, 5], NOON)
    await spool.prune(NOON)
    assert await spool.resend(AgentId(3), 1) == 2
    assert [entry.seq for entry in await spool.pending()] == [4, 5]
    await spool.close()


async def test_numbers_go_on_after_a_restart_even_when_all_entries_are_gone(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.sqlite", OWNER)
    await put(first)
    await first.acknowledge(AgentId(3), [1], NOON)
    await first.covered(AgentId(3), 1)
    await first.close()
    second = Spool(tmp_path / "spool.sqlite", OWNER)
    assert await put(second) == 2
    await second.close()


async def test_a_renewed_agent_numbers_from_one_and_still_sends_the_former_s_entries(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", OWNER)
    await put(spool, b"former")
    await spool.renew(new_number)
    assert await put(spool, b"new") == 1
    (former,) = await spool.pending()
    assert (former.agent, opened(former)) == (3, b"former")
    await spool.acknowledge(AgentId(3), [1], NOON)
    (new,) = await spool.pending()
    assert (new.agent, opened(new)) == (9, b"new")
    await spool.close()
    again = Spool(tmp_path / "spool.sqlite", replace(OWNER, agent=AgentId(9)))
    assert await put(again) == 2
    await again.close()


async def test_a_spool_refuses_another_agent_or_site(tmp_path: Path) -> None:
    await Spool(tmp_path / "spool.sqlite", OWNER).close()
    for stranger in (replace(OWNER, agent=AgentId(2)), replace(OWNER, site=SiteId(8))):
        with pytest.raises(SettingsInvalid, match="belongs to agent 3 of site 7"):
            Spool(tmp_path / "spool.sqlite", stranger)


async def test_a_spool_is_held_by_one_agent_at_a_time(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="held by another agent"):
        await asyncio.to_thread(Spool, tmp_path / "agent" / "spool.sqlite", OWNER)


async def test_a_damaged_spool_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"this is no database" * 500)
    with pytest.raises(SettingsInvalid, match="move it away"):
        Spool(tmp_path / "spool.sqlite", OWNER)


async def test_a_disk_without_room_refuses_before_it_is_full(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", OWNER, SpoolLimits(reserve=10**15))
    with pytest.raises(StorageFull, match="no way in opens"):
        await put(spool)
    assert await spool.pending() == []
    await spool.close()


async def test_a_picture_that_cannot_be_kept_takes_its_entry_with_it(spool: Spool) -> None:
    picture = SealedPicture(name="ab" * 16, sealed=b"1")
    await put(spool, pictures=(picture,))
    with pytest.raises(Exception, match="UNIQUE"):
        await put(spool, pictures=(picture,))
    assert [entry.seq for entry in await spool.pending()] == [1]
    assert await put(spool) == 2


async def test_a_batch_is_bounded_in_number_and_in_bytes(spool: Spool) -> None:
    for number in range(4):
        await put(spool, pictures=(SealedPicture(name=f"{number:032x}", sealed=bytes(1_500_000)),))
    assert len(await spool.pending(limit=1)) == 1
    assert len(await spool.pending()) == 2


async def new_number() -> AgentId:
    return AgentId(9)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 0)),
        st.tuples(st.just("acknowledge"), st.integers(1, 12)),
        st.tuples(st.just("covered"), st.integers(1, 12)),
        st.tuples(st.just("resend"), st.integers(1, 12)),
        st.tuples(st.just("reopen"), st.integers(0, 0)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_the_spool_holds_what_a_plain_model_holds(
    tmp_path_factory: pytest.TempPathFactory, taken: list[tuple[str, int]]
) -> None:
    asyncio.run(follow(tmp_path_factory.mktemp("spool") / "spool.sqlite", taken))


async def follow(path: Path, taken: list[tuple[str, int]]) -> None:
    spool, acknowledged = Spool(path, OWNER), dict[int, bool]()
    highest = 0
    for step, number in taken:
        if step == "append":
            highest = await put(spool)
            acknowledged[highest] = False
        elif step == "acknowledge":
            await spool.acknowledge(AgentId(3), [number], NOON)
            acknowledged |= {number: True} if number in acknowledged else {}
        elif step == "covered":
            await spool.covered(AgentId(3), number)
            acknowledged = {n: done for n, done in acknowledged.items() if not (done and n <= number)}
        elif step == "resend":
            await spool.resend(AgentId(3), number)
            acknowledged |= {n: False for n in acknowledged if n >= number}
        else:
            await spool.close()
            spool = Spool(path, OWNER)
        waiting = [n for n, done in sorted(acknowledged.items()) if not done]
        assert [entry.seq for entry in await spool.pending()] == waiting
        assert (await spool.state()).highest_seq == highest
    await spool.close()


async def test_days_are_kept_as_given(spool: Spool) -> None:
    await spool.append(kind=Kind.DOOR, day=date(2026, 12, 31), plaintext=b"x")
    (entry,) = await spool.pending()
    assert (entry.day, entry.kind) == (date(2026, 12, 31), Kind.DOOR)


async def test_a_release_is_unsettled_until_its_passage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent" / "spool.sqlite"
    spool = Spool(path, OWNER)
    refused = await put(spool)
    first, second = [
        await spool.append(kind=Kind.DECISION, day=DAY, plaintext=b"granted", releases_at=NOON)
        for _ in range(2)
    ]
    await spool.append(kind=Kind.PASSAGE, day=DAY, plaintext=b"through", settles=first)
    await spool.close()

    again = Spool(path, OWNER)
    assert refused < first < second
    assert await again.unsettled() == [(second, NOON)]
    await again.append(kind=Kind.PASSAGE, day=DAY, plaintext=b"presumed", settles=second)
    assert await again.unsettled() == []
    await again.close()
