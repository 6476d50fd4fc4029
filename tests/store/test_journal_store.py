"""The journal only grows, without a gap, and shows when it was tampered with."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from postern.errors import BadInput, CannotOpen, Unavailable
from postern.ids import TenantId
from postern.journal import store
from postern.journal.model import Act, Entry, NumberedEntry
from postern.journal.store import append, read
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.pool import Database, Transaction
from postern.sealing.keyring import ERASABLE

TENANT, OTHER = TenantId(1), TenantId(2)
AT = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
LOOK = Entry(
    at=AT,
    actor="lin",
    act=Act.LOOKED,
    purpose="parcel went missing",
    case="C-17",
    subjects=(UUID(int=7), UUID(int=8)),
    detail="the wall of site 3",
)


@pytest.fixture
async def keyring(keystore_database: Database, tmp_path: Path) -> PostgresKeyring:
    return PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key"))


async def _write(
    database: Database, keyring: PostgresKeyring, *entries: Entry, tenant: TenantId = TENANT
) -> int:
    async with database.transaction() as tx:
        return await append(tx, keyring, tenant, entries)


async def _read(
    database: Database, keyring: PostgresKeyring, *, before: int | None = None, limit: int = 100
) -> list[NumberedEntry]:
    async with database.transaction() as tx:
        return await read(tx, keyring, TENANT, before=before, limit=limit)


async def test_an_empty_journal_reads_as_nothing(database: Database, keyring: PostgresKeyring) -> None:
    assert await _read(database, keyring) == []
    assert await _write(database, keyring) == -1
    assert await _read(database, keyring) == []


async def test_an_entry_reads_as_it_was_written(database: Database, keyring: PostgresKeyring) -> None:
    bare = Entry(at=AT, actor="job:policy", act=Act.PUBLISHED, purpose="")

    assert await _write(database, keyring, LOOK, bare) == 1

    assert [(one.index, one.entry) for one in await _read(database, keyring)] == [(1, bare), (0, LOOK)]


async def test_no_case_and_an_empty_case_are_two_things(database: Database, keyring: PostgresKeyring) -> None:
    await _write(database, keyring, replace(LOOK, case=None), replace(LOOK, case=""))

    assert [one.entry.case for one in await _read(database, keyring)] == ["", None]


async def test_the_latest_come_first_page_by_page(database: Database, keyring: PostgresKeyring) -> None:
    await _write(database, keyring, *(replace(LOOK, detail=str(n)) for n in range(7)))

    first = await _read(database, keyring, limit=3)
    second = await _read(database, keyring, before=first[-1].index, limit=3)
    last = await _read(database, keyring, before=second[-1].index, limit=3)

    assert [one.index for one in first + second + last] == [6, 5, 4, 3, 2, 1, 0]
    assert [one.entry.detail for one in last] == ["0"]
    assert await _read(database, keyring, before=0, limit=3) == []
    assert await _read(database, keyring, before=2**62, limit=3) == first, "beyond the end is the end"


async def test_numbers_have_no_gap_when_many_write_at_once_and_some_fail(
    database: Database, keyring: PostgresKeyring
) -> None:
    async def write(n: int) -> None:
        async with database.transaction() as tx:
            await append(tx, keyring, TENANT, [replace(LOOK, detail=str(n))] * 2)
            if n % 3 == 0:
                raise InterruptedError

    await asyncio.gather(*(write(n) for n in range(18)), return_exceptions=True)

    found = await _read(database, keyring)
    assert [one.index for one in found] == list(range(23, -1, -1))
    assert {one.entry.detail for one in found} == {str(n) for n in range(18) if n % 3}


async def _write_and_fail(database: Database, keyring: PostgresKeyring) -> None:
    async with database.transaction() as tx:
        await append(tx, keyring, TENANT, [LOOK])
        raise InterruptedError


async def test_what_was_not_committed_was_not_journalled(
    database: Database, keyring: PostgresKeyring
) -> None:
    with pytest.raises(InterruptedError):
        await _write_and_fail(database, keyring)

    assert await _read(database, keyring) == []


async def test_an_appender_that_waits_too_long_says_so_and_writes_nothing(
    database: Database, keyring: PostgresKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PATIENCE", "50ms")
    async with database.transaction() as first:
        await append(first, keyring, TENANT, [LOOK])
        with pytest.raises(Unavailable, match="nothing was opened"):
            await _write(database, keyring, replace(LOOK, detail="second"))

    assert [one.entry for one in await _read(database, keyring)] == [LOOK]


async def test_each_tenant_has_its_own_numbers(database: Database, keyring: PostgresKeyring) -> None:
    await _write(database, keyring, LOOK, LOOK)

    assert await _write(database, keyring, LOOK, tenant=OTHER) == 0
    assert len(await _read(database, keyring)) == 2


async def test_subjects_and_detail_are_not_in_the_table(database: Database, keyring: PostgresKeyring) -> None:
    subject = uuid4()
    await _write(database, keyring, replace(LOOK, subjects=(subject,), detail="looked at Anna Example"))

    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT * FROM journal_entry")
        stored = repr(await cursor.fetchall())
    assert "parcel went missing" in stored
    for form in (str(subject), subject.hex, repr(subject.bytes)[2:-1], "Anna Example"):
        assert form not in stored


async def test_an_erased_subject_leaves_the_journal_readable(
    database: Database, keyring: PostgresKeyring
) -> None:
    subject = uuid4()
    await keyring.new_subject_keys(TENANT, subject)
    await _write(database, keyring, replace(LOOK, subjects=(subject,)))

    await keyring.destroy_subject_keys(TENANT, subject, ERASABLE)

    assert (await _read(database, keyring))[0].entry.subjects == (subject,)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE journal_entry SET actor = 'wu'", "DELETE FROM journal_entry", "TRUNCATE journal_entry"],
)
async def test_the_database_refuses_to_change_the_journal(
    database: Database, keyring: PostgresKeyring, statement: str
) -> None:
    await _write(database, keyring, LOOK)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        async with database.transaction() as tx:
            await tx.execute(statement.encode())

    assert len(await _read(database, keyring)) == 1


CHANGES = {
    "another actor": "UPDATE journal_entry SET actor = 'wu' WHERE idx = 2",
    "another act": "UPDATE journal_entry SET act = 'signed-in' WHERE idx = 2",
    "another time": "UPDATE journal_entry SET at = at + interval '1 microsecond' WHERE idx = 2",
    "another purpose": "UPDATE journal_entry SET purpose = 'parcel' WHERE idx = 2",
    "no case": "UPDATE journal_entry SET case_reference = NULL WHERE idx = 2",
    "a letter moved from purpose to act": (
        "UPDATE journal_entry SET purpose = 'arcel went missing', act = act || 'p' WHERE idx = 2"
    ),
    "a subject's tag taken away": "UPDATE journal_entry SET tags = '' WHERE idx = 2",
    "all tags taken away": "UPDATE journal_entry SET tags = NULL WHERE idx = 2",
    "another leaf": "UPDATE journal_entry SET leaf = decode(repeat('00', 32), 'hex') WHERE idx = 2",
    "another entry's content": (
        "UPDATE journal_entry AS e SET sealed = o.sealed, leaf = o.leaf"
        " FROM journal_entry AS o WHERE o.idx = 1 AND e.idx = 2"
    ),
    "an entry removed": "DELETE FROM journal_entry WHERE idx = 2",
    "the first removed": "DELETE FROM journal_entry WHERE idx = 0",
    "one removed and the later ones renumbered": (
        "DELETE FROM journal_entry WHERE idx = 2; UPDATE journal_entry SET idx = 2 WHERE idx = 3"
    ),
    "two entries exchanged": (
        "UPDATE journal_entry SET idx = 9 WHERE idx = 1; UPDATE journal_entry SET idx = 1 WHERE idx = 2;"
        " UPDATE journal_entry SET idx = 2 WHERE idx = 9"
    ),
}

Reader = Callable[[Transaction, PostgresKeyring], Awaitable[Sequence[object]]]


async def _real(tx: Transaction, keyring: PostgresKeyring) -> Sequence[object]:
    return await read(tx, keyring, TENANT, before=None, limit=100)


async def _trusting(tx: Transaction, keyring: PostgresKeyring) -> Sequence[object]:
    """The mutant: a journal that believes its table."""
    cursor = await tx.execute("SELECT * FROM journal_entry ORDER BY idx DESC")
    return await cursor.fetchall()


async def _notices(database: Database, keyring: PostgresKeyring, change: str, reader: Reader) -> bool:
    await _write(database, keyring, *(replace(LOOK, detail=str(n)) for n in range(4)))
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE journal_entry DISABLE TRIGGER ALL")
        await tx.execute(change.encode())
    try:
        async with database.transaction() as tx:
            await reader(tx, keyring)
    except CannotOpen as fault:
        return "as evidence" in str(fault)
    return False


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_thief_of_the_database_cannot_change_the_journal_unnoticed(
    database: Database, keyring: PostgresKeyring, change: str
) -> None:
    assert await _notices(database, keyring, change, _real)


async def test_the_tampering_test_catches_a_journal_that_believes_its_table(
    database: Database, keyring: PostgresKeyring
) -> None:
    assert not await _notices(database, keyring, CHANGES["another actor"], _trusting)


async def test_the_leaf_hash_is_that_of_rfc_6962_over_the_stored_row(
    database: Database, keyring: PostgresKeyring
) -> None:
    await _write(database, keyring, LOOK)
    found = (await _read(database, keyring))[0]
    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT tags, sealed, leaf FROM journal_entry")
        tags, sealed, leaf = (await cursor.fetchall())[0]

    def framed(*parts: bytes) -> bytes:
        return b"".join(len(part).to_bytes(4) + part for part in parts)

    microseconds = round(AT.timestamp() * 1_000_000)
    clear = framed(
        b"postern/v2/journal", (1).to_bytes(8), (0).to_bytes(8), microseconds.to_bytes(8),
        b"lin", b"looked", b"parcel went missing", b"case C-17", tags,
    )  # fmt: skip
    assert found.leaf == leaf == hashlib.sha256(b"\0" + framed(clear, sealed)).digest()


def test_an_entry_says_its_time_in_utc_and_never_guesses_one() -> None:
    shanghai = timezone(timedelta(hours=8))

    assert replace(LOOK, at=datetime(2026, 3, 1, 16, 30, tzinfo=shanghai)).at.hour == 8
    with pytest.raises(ValueError, match="no time zone"):
        replace(LOOK, at=datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize("change", [{"purpose": "x" * 201}, {"case": "x" * 201}, {"purpose": "a\0b"}])
def test_what_an_operator_types_is_bounded(change: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        replace(LOOK, **change)


def test_an_entry_without_an_actor_is_refused() -> None:
    with pytest.raises(ValueError, match="names its actor"):
        replace(LOOK, actor="")
