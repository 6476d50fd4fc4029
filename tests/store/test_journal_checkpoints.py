"""Checkpoints over a real journal: signed in order, provable for any size, never over what was changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from postern.errors import NotFound
from postern.ids import TenantId
from postern.journal import checkpoints as store
from postern.journal.checkpoint import Checkpoint, key_of, signed, trusted, witness_key
from postern.journal.checkpoints import advance, inclusion, newest, offer
from postern.journal.findings import JournalTampered, What
from postern.journal.model import Act, Entry
from postern.journal.nodes import TreeState
from postern.journal.notes import NoteKey, cosign, verify
from postern.journal.store import append
from postern.journal.tree import Frontier, includes, is_consistent, leaf_hash
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.pool import Database
from postern.sealing import signing

TENANT = TenantId(1)
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
LOOK = Entry(at=AT, actor="lin", act=Act.LOOKED, purpose="parcel went missing")
PRIVATE = signing.generate()
KEY: NoteKey = key_of(signing.public_of(PRIVATE))


@pytest.fixture
async def keyring(keystore_database: Database, tmp_path: Path) -> PostgresKeyring:
    return PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key"))


async def write(database: Database, keyring: PostgresKeyring, count: int) -> None:
    async with database.transaction() as tx:
        await append(tx, keyring, TENANT, [replace(LOOK, detail=str(n)) for n in range(count)])


async def sign(database: Database, known: TreeState | None = None) -> TreeState:
    while True:
        async with database.transaction() as tx:
            progress = await advance(tx, TENANT, PRIVATE, known, at=AT)
        known = progress.state
        if not progress.waiting:
            return known


async def head(database: Database) -> Checkpoint:
    async with database.transaction() as tx:
        note = await newest(tx, TENANT)
    assert note is not None
    return trusted(str(note), KEY)


async def change(database: Database, statement: str) -> None:
    """As a superuser of the database would."""
    async with database.transaction() as tx:
        for table in ("journal_entry", "journal_node", "journal_checkpoint"):
            await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        await tx.execute(statement.encode())


async def test_an_empty_journal_has_no_checkpoint(database: Database) -> None:
    state = await sign(database)

    assert state.frontier.size == 0
    async with database.transaction() as tx:
        assert await newest(tx, TENANT) is None
        assert await offer(tx, TENANT, 0) is None
        with pytest.raises(NotFound):
            await inclusion(tx, TENANT, 0)


async def test_the_signed_root_is_that_of_the_leaves_in_the_table(
    database: Database, keyring: PostgresKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_AT_ONCE", 700)
    await write(database, keyring, 3)
    state = await sign(database)
    await write(database, keyring, 1500)
    state = await sign(database, state)

    async with database.transaction() as tx:
        cursor = await tx.execute("SELECT leaf FROM journal_entry ORDER BY idx")
        leaves = [bytes(leaf) for (leaf,) in await cursor.fetchall()]
        cursor = await tx.execute("SELECT note FROM journal_checkpoint ORDER BY size")
        heads = [trusted(note, KEY) for (note,) in await cursor.fetchall()]
    assert [one.size for one in heads] == [3, 703, 1403, 1503]
    assert [one.root for one in heads] == [Frontier().grow(leaves[: one.size]).frontier.root for one in heads]
    assert await sign(database, None) == await sign(database, state) == state  # a start finds what was signed


async def test_any_two_sizes_are_proven_consistent_and_every_entry_included(
    database: Database, keyring: PostgresKeyring
) -> None:
    roots: dict[int, bytes] = {}
    state = None
    for more in (1, 254, 1, 1, 300, 43):
        await write(database, keyring, more)
        state = await sign(database, state)
        roots[state.frontier.size] = state.frontier.root
    end = await head(database)

    async with database.transaction() as tx:
        for size, root in roots.items():
            found = await offer(tx, TENANT, size)
            assert found is not None
            assert is_consistent(size, root, end.size, end.root, found.proof)
        for index in (0, 1, 255, 256, 511, 512, 599):
            entry = await inclusion(tx, TENANT, index)
            assert includes(end.root, end.size, index=index, leaf=entry.leaf, proof=entry.path)


async def test_two_hubs_at_once_sign_one_history(database: Database, keyring: PostgresKeyring) -> None:
    await write(database, keyring, 300)
    first, second = await asyncio.gather(sign(database), sign(database))
    await write(database, keyring, 500)
    ahead = await sign(database, first)
    await write(database, keyring, 20)
    behind = await sign(database, second)

    assert (await head(database)).root == behind.frontier.root
    assert await sign(database, ahead) == behind


TAMPERING = {
    "the end cut off": ("DELETE FROM journal_entry WHERE idx >= 290", What.TRUNCATED),
    "an entry cut out of what is not signed yet": ("DELETE FROM journal_entry WHERE idx = 305", What.DELETED),
    "the last one signed replaced": (
        "UPDATE journal_entry SET leaf = sha256('other') WHERE idx = 299",
        What.FORKED,
    ),
    "an older copy put back": (
        "DELETE FROM journal_entry WHERE idx >= 100; DELETE FROM journal_checkpoint WHERE size > 100;"
        " DELETE FROM journal_node",
        What.ROLLED_BACK,
    ),
    "a checkpoint of one's own": (
        "DELETE FROM journal_checkpoint WHERE size > 100;"
        " UPDATE journal_checkpoint SET note = replace(note, chr(10) || '100' || chr(10), chr(10) || '99'"
        " || chr(10))",
        What.NOT_SIGNED,
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_a_hub_that_runs_notices_and_signs_nothing(
    database: Database, keyring: PostgresKeyring, name: str
) -> None:
    statement, what = TAMPERING[name]
    await write(database, keyring, 100)
    state = await sign(database)
    await write(database, keyring, 200)
    state = await sign(database, state)
    await write(database, keyring, 10)
    await change(database, statement)

    with pytest.raises(JournalTampered) as caught:
        await sign(database, state)

    assert caught.value.finding.what is what
    assert "as evidence" in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE journal_entry SET leaf = sha256('other') WHERE idx = 298", What.CHANGED),
        ("UPDATE journal_node SET hash = sha256('other')", What.CHANGED),
        ("DELETE FROM journal_node", What.DELETED),
        ("DELETE FROM journal_entry WHERE idx >= 290", What.TRUNCATED),
    ],
)
async def test_a_hub_that_starts_compares_the_tree_with_what_was_signed(
    database: Database, keyring: PostgresKeyring, statement: str, what: What
) -> None:
    await write(database, keyring, 300)
    await sign(database)
    await change(database, statement)

    with pytest.raises(JournalTampered) as caught:
        await sign(database)

    assert caught.value.finding.what is what


async def test_a_witness_is_shown_its_own_proof_even_when_it_has_seen_more_than_there_is(
    database: Database, keyring: PostgresKeyring
) -> None:
    await write(database, keyring, 5)
    await sign(database)

    async with database.transaction() as tx:
        same, more = await offer(tx, TENANT, 5), await offer(tx, TENANT, 6)
    assert same == more
    assert same is not None
    assert same.proof == ()


async def test_cosignatures_stand_on_the_newest_checkpoint(
    database: Database, keyring: PostgresKeyring
) -> None:
    await write(database, keyring, 5)
    await sign(database)
    agent = signing.generate()
    key = witness_key(signing.public_of(agent))

    async with database.transaction() as tx:
        note = await store.noted(tx, TENANT, 5)
        line = cosign(note.text, agent, key.name, AT)
        await store.add_cosignature(tx, TENANT, 5, line)
        await store.add_cosignature(tx, TENANT, 5, line)
        found = await newest(tx, TENANT)
    assert found is not None
    assert len(found.signatures) == 2
    assert verify(found.text, found.signatures, key) == line


async def test_the_journal_is_found_by_the_name_of_its_key(
    database: Database, keyring: PostgresKeyring
) -> None:
    await write(database, keyring, 1)
    await sign(database)

    async with database.transaction() as tx:
        assert await store.tenant_of(tx, KEY.name) == TENANT
        assert await store.public_keys(tx) == {TENANT: KEY}
        with pytest.raises(NotFound):
            await store.tenant_of(tx, "postern-journal/unknown")
        with pytest.raises(NotFound):
            await store.noted(tx, TENANT, 2)


@pytest.mark.parametrize("table", ["journal_node", "journal_checkpoint", "journal_cosignature"])
async def test_the_database_refuses_to_change_what_was_signed(database: Database, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        async with database.transaction() as tx:
            await tx.execute(f"DELETE FROM {table}".encode())


def test_the_same_tree_signed_twice_is_the_same_note() -> None:
    assert str(signed(3, leaf_hash(b""), PRIVATE)) == str(signed(3, leaf_hash(b""), PRIVATE))
