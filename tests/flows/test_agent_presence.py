"""Presence at the agent: written with the passage, right after any cut, and noise without the site key."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from postern.access.presence import Fact
from postern.agent.presence_book import PresenceBook, Written
from postern.agent.spool import Spool, SpoolOwner
from postern.ids import AccessPointId, AgentId, SiteId
from postern.records.model import (
    DecisionRecord,
    Happening,
    Outcome,
    PassageRecord,
    PresenceDeed,
    PresenceRecord,
    kind_of,
)
from postern.records.sealed import encode
from postern.sealing import hybrid, signing
from postern.sealing.envelope import Key, new_key
from tests.rules.access.drawn_policy import named_id, point, policy_of

POLICY = policy_of(
    {"site": {"time_zone": "Europe/Berlin"}, "access levels": {"always": {"doors": ["front"]}}}
)
START = datetime(2026, 3, 4, 8, tzinfo=UTC)
ADA, BO = named_id("Ada"), named_id("Bo")
OWNER = SpoolOwner(
    site=SiteId(1),
    agent=AgentId(3),
    hub_public=hybrid.public_of(hybrid.generate()),
    sign_private=signing.generate(),
)


class Late(PresenceBook):
    """The mutant: it keeps presence in memory, and leaves the disk for later."""

    def load(self, database: sqlite3.Connection) -> None:
        self._later = sqlite3.connect(":memory:", check_same_thread=False)
        super().load(self._later)

    def write(self, database: sqlite3.Connection, written: Written) -> Sequence[Fact]:
        return super().write(self._later, written)


def opened(folder: Path, key: Key, kind: type[PresenceBook] = PresenceBook) -> tuple[Spool, PresenceBook]:
    book = kind(key)
    book.apply(POLICY)
    return Spool(folder / "spool.sqlite", OWNER, presence=book), book


async def writes(
    spool: Spool, happening: Happening, *, releases: bool = False, settles: int | None = None
) -> int:
    return await spool.append(
        kind=kind_of(happening),
        day=happening.at.date(),
        plaintext=encode(happening),
        releases_at=happening.at if releases else None,
        settles=settles,
    )


def decided(subject: UUID, minute: int, door: str = "front") -> DecisionRecord:
    access_point: AccessPointId = point(door)
    found = POLICY.access_point(access_point)
    assert found is not None
    return DecisionRecord(
        at=START + timedelta(minutes=minute),
        access_point=access_point,
        door=found.door,
        credential_kind="card",
        subject=subject,
        subject_kind="person",
        granted=True,
        reason="granted",
        policy="1.7",
    )


async def goes(spool: Spool, subject: UUID, minute: int, door: str = "front") -> None:
    seq = await writes(spool, decided(subject, minute, door), releases=True)
    at = START + timedelta(minutes=minute, seconds=3)
    passage = PassageRecord(at=at, decision_seq=seq, outcome=Outcome.TAKEN)
    await writes(spool, passage, settles=seq)


def who(book: PresenceBook) -> set[UUID]:
    return {one.subject for one in book.inside()}


async def walked(folder: Path, key: Key, kind: type[PresenceBook]) -> set[UUID]:
    """Who is inside after a walk that is cut off, as the next start sees it."""
    spool, book = opened(folder, key, kind)
    await goes(spool, ADA, 1)
    await goes(spool, BO, 2)
    await goes(spool, ADA, 3, "front out")
    assert who(book) == {BO}
    await spool.close()
    spool, book = opened(folder, key)
    try:
        return who(book)
    finally:
        await spool.close()


async def test_presence_is_right_again_after_a_restart(tmp_path: Path) -> None:
    assert await walked(tmp_path, new_key(), PresenceBook) == {BO}


async def test_a_book_that_is_written_later_is_not(tmp_path: Path) -> None:
    assert await walked(tmp_path, new_key(), Late) == set()


async def test_whoever_was_let_in_when_the_power_went_is_presumed_inside_afterwards(tmp_path: Path) -> None:
    key = new_key()
    spool, book = opened(tmp_path, key)
    seq = await writes(spool, decided(ADA, 1), releases=True)
    assert who(book) == set()
    await spool.close()
    spool, book = opened(tmp_path, key)
    ((unsettled, since),) = await spool.unsettled()
    assert unsettled == seq
    passage = PassageRecord(at=since, decision_seq=seq, outcome=Outcome.PRESUMED)
    await writes(spool, passage, settles=seq)
    assert [one.evidence.value for one in book.inside()] == ["presumed"]
    left = await spool.beside(lambda database: database.execute("SELECT count(*) FROM let_go").fetchone())
    assert left == (0,)
    await spool.close()


async def test_musters_and_marks_survive_it_too(tmp_path: Path) -> None:
    key = new_key()
    spool, book = opened(tmp_path, key)
    await goes(spool, ADA, 1)
    at = START + timedelta(minutes=5)
    await writes(spool, PresenceRecord(at=at, deed=PresenceDeed.CALLED, by="warden"))
    safe = PresenceRecord(at=at, deed=PresenceDeed.SAFE, by="warden", subject=ADA, subject_kind="person")
    await writes(spool, safe)
    await spool.close()
    spool, book = opened(tmp_path, key)
    (ada,) = book.inside()
    assert ada.safe is not None
    assert ada.safe.by == "warden"
    await spool.close()


@pytest.mark.parametrize("mutant", [False, True])
async def test_the_file_tells_nobody_who_was_where_without_the_key(tmp_path: Path, *, mutant: bool) -> None:
    spool, _ = opened(tmp_path, new_key())
    await goes(spool, ADA, 1)
    seq = await writes(spool, decided(BO, 2), releases=True)
    if mutant:
        plain = "INSERT OR REPLACE INTO let_go (agent, seq, sealed) VALUES (3, ?, ?)"
        await spool.beside(lambda database: database.execute(plain, (seq, BO.bytes)))
    await spool.close()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    told = any(part in data for one in (ADA, BO) for part in (one.bytes, one.hex.encode(), str(one).encode()))
    assert told is mutant
    other, book = opened(tmp_path, new_key())
    assert who(book) == set()
    await other.close()
