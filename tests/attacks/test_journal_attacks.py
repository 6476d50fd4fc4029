"""The journal under attack: who can do what to it, and who finds out.

Somebody who is superuser of the database, and lacks the signing key, is found out by anyone who has an export
and the public key, except that an older copy of everything can only be told from the present by a witness.
Somebody who is root on the hub holds the signing key, and can sign whatever they like: they are found out by
the witnesses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.rows import class_row

from postern import documents
from postern.ids import TenantId
from postern.journal import leaves
from postern.journal.checkpoint import Checkpoint, key_of, trusted
from postern.journal.checkpoints import advance, newest, offer
from postern.journal.export import Line, export
from postern.journal.findings import Finding, What
from postern.journal.leaves import Row
from postern.journal.model import Act, Entry
from postern.journal.notes import NoteKey
from postern.journal.store import ROW, append
from postern.journal.verify import check
from postern.journal.witness import Offer, Seen, judge
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.pool import Database, Transaction
from postern.sealing import signing

TENANT = TenantId(1)
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
PRIVATE = signing.generate()
KEY: NoteKey = key_of(signing.public_of(PRIVATE))
SIGNED_AT = (4, 9, 20, 30)
"""After how many entries checkpoints were signed; the witness saw those over 9 and 30."""


@dataclass(kw_only=True)
class Hub:
    """A hub's database with a journal of 30 entries, and what a witness far away has seen of it."""

    database: Database
    keyring: PostgresKeyring
    seen: list[Seen]

    async def write(self, count: int, actor: str = "lin") -> None:
        looks = [
            Entry(at=AT, actor=actor, act=Act.LOOKED, purpose=f"parcel {n}", subjects=(uuid4(),))
            for n in range(count)
        ]
        async with self.database.transaction() as tx:
            await append(tx, self.keyring, TENANT, looks)

    async def sign(self) -> None:
        async with self.database.transaction() as tx:
            await advance(tx, TENANT, PRIVATE, None, at=AT)

    async def witness(self) -> None:
        async with self.database.transaction() as tx:
            note = await newest(tx, TENANT)
        self.seen.append(Seen(at=AT, key=KEY.text, checkpoint=str(note)))

    async def exported(self) -> list[bytes]:
        async with self.database.transaction() as tx:
            return [line async for line in export(tx, TENANT, KEY.text)]

    async def offered(self) -> Finding | None:
        """What the witness says when it is shown what the hub now offers."""
        head = self.seen[-1].head
        async with self.database.transaction() as tx:
            shown = await offer(tx, TENANT, head.size)
        assert shown is not None
        return judge(head, shown, KEY)


@pytest.fixture
async def hub(database: Database, keystore_database: Database, tmp_path: Path) -> Hub:
    keyring = PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key"))
    made = Hub(database=database, keyring=keyring, seen=[])
    written = 0
    for size in SIGNED_AT:
        await made.write(size - written)
        await made.sign()
        written = size
        if size in (9, 30):
            await made.witness()
    return made


# What an attacker does. They know our code, and that the hashes are public.


async def _rehash(tx: Transaction) -> None:
    """Make every stored leaf hash fit again."""
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(f"SELECT {ROW} FROM journal_entry ORDER BY idx".encode())
        rows = await cursor.fetchall()
    for row in rows:
        await tx.execute(
            "UPDATE journal_entry SET leaf = %s WHERE idx = %s", (leaves.leaf_of(TENANT, row), row.index)
        )


async def _statement(hub: Hub, *statements: str, rehash: bool = False, sign: bool = False) -> None:
    async with hub.database.transaction() as tx:
        for table in ("journal_entry", "journal_node", "journal_checkpoint", "journal_cosignature"):
            await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            await tx.execute(statement.encode())
        if rehash:
            await _rehash(tx)
        if sign:  # with the key: everything is signed anew, as if nothing had been
            await tx.execute("DELETE FROM journal_checkpoint")
            await tx.execute("DELETE FROM journal_node")
            await advance(tx, TENANT, PRIVATE, None, at=AT)


CUT_OUT = "DELETE FROM journal_entry WHERE idx = 12"
RENUMBER = "UPDATE journal_entry SET idx = idx - 1 WHERE idx > 12"
EXCHANGE = (
    "UPDATE journal_entry SET idx = 99 WHERE idx = 11; UPDATE journal_entry SET idx = 11 WHERE idx = 14;"
    " UPDATE journal_entry SET idx = 14 WHERE idx = 99"
)
ALTER = "UPDATE journal_entry SET actor = 'wu' WHERE idx = 12"
CUT_OFF = "DELETE FROM journal_entry WHERE idx >= 25"
FORGET = "DELETE FROM journal_checkpoint WHERE size > 20"

Attack = Callable[[Hub], Awaitable[None]]


def doing(*statements: str, rehash: bool = False, sign: bool = False) -> Attack:
    async def attack(hub: Hub) -> None:
        await _statement(hub, *statements, rehash=rehash, sign=sign)

    return attack


async def put_back_an_older_copy(hub: Hub) -> None:
    """The tables only grow: an older copy is what is left without the newer rows. Then life goes on."""
    await _statement(hub, "DELETE FROM journal_entry WHERE idx >= 20", FORGET)


async def put_back_an_older_copy_and_go_on(hub: Hub) -> None:
    await put_back_an_older_copy(hub)
    await hub.write(15, actor="wu")
    await hub.sign()


async def show_two_histories(hub: Hub) -> None:
    """From entry 9 on another one, longer than the first."""
    await _statement(hub, "DELETE FROM journal_entry WHERE idx >= 9", sign=True)
    await hub.write(30, actor="wu")
    await hub.sign()


WITHOUT_KEY: dict[str, tuple[Attack, What]] = {
    "an entry deleted": (doing(CUT_OUT), What.DELETED),
    "an entry deleted, the later ones renumbered": (doing(CUT_OUT, RENUMBER), What.DELETED),
    "the same, and the hashes made to fit": (doing(CUT_OUT, RENUMBER, rehash=True), What.CHANGED),
    "two entries exchanged": (doing(EXCHANGE), What.REORDERED),
    "the same, and the hashes made to fit ": (doing(EXCHANGE, rehash=True), What.CHANGED),
    "an entry changed": (doing(ALTER), What.CHANGED),
    "the same, and its hash made to fit": (doing(ALTER, rehash=True), What.CHANGED),
    "a tag taken away": (doing("UPDATE journal_entry SET tags = ''"), What.CHANGED),
    "a stored hash changed": (
        doing("UPDATE journal_entry SET leaf = sha256('') WHERE idx = 3"),
        What.CHANGED,
    ),
    "the end cut off": (doing(CUT_OFF), What.TRUNCATED),
    "all entries deleted": (doing("DELETE FROM journal_entry"), What.TRUNCATED),
    "every checkpoint deleted": (doing("DELETE FROM journal_checkpoint"), What.NOT_SIGNED),
    "a checkpoint of one's own": (
        doing(
            CUT_OFF, FORGET, "UPDATE journal_checkpoint SET note = replace(note, '20', '25') WHERE size = 20"
        ),
        What.NOT_SIGNED,
    ),
}

WITH_KEY_OR_OLDER_COPY: dict[str, tuple[Attack, What]] = {
    "an older copy put back": (put_back_an_older_copy, What.ROLLED_BACK),
    "the end cut off with its checkpoints": (doing(CUT_OFF, FORGET), What.ROLLED_BACK),
    "an older copy put back, and signed on": (put_back_an_older_copy_and_go_on, What.FORKED),
    "two histories": (show_two_histories, What.FORKED),
    "an entry deleted and everything signed anew": (
        doing(CUT_OUT, RENUMBER, rehash=True, sign=True),
        What.ROLLED_BACK,
    ),
    "two entries exchanged and everything signed anew": (
        doing(EXCHANGE, rehash=True, sign=True),
        What.FORKED,
    ),
    "an entry changed and everything signed anew": (doing(ALTER, rehash=True, sign=True), What.FORKED),
    "the end cut off and everything signed anew": (doing(CUT_OFF, rehash=True, sign=True), What.ROLLED_BACK),
}


async def test_an_untouched_journal_is_whole_for_everyone(hub: Hub) -> None:
    report = check(await hub.exported(), KEY, seen=hub.seen)

    assert report.is_whole
    assert (report.entries, report.covered, report.checkpoints) == (30, 30, 4)
    assert await hub.offered() is None


async def test_what_was_written_last_is_told_as_not_signed_yet(hub: Hub) -> None:
    await hub.write(2)
    report = check(await hub.exported(), KEY, seen=hub.seen)

    assert report.is_whole
    assert (report.entries, report.covered) == (32, 30)


@pytest.mark.parametrize("name", WITHOUT_KEY)
async def test_who_lacks_the_signing_key_is_found_out_by_anyone_with_an_export(hub: Hub, name: str) -> None:
    attack, what = WITHOUT_KEY[name]
    await attack(hub)

    report = check(await hub.exported(), KEY)

    assert not report.is_whole
    assert what in {finding.what for finding in report.findings}, report.findings


@pytest.mark.parametrize("name", WITH_KEY_OR_OLDER_COPY)
async def test_who_holds_the_key_or_an_older_copy_is_found_out_by_the_witnesses(hub: Hub, name: str) -> None:
    attack, what = WITH_KEY_OR_OLDER_COPY[name]
    await attack(hub)
    exported = await hub.exported()

    # Without a witness nobody can know: that is why there are witnesses.
    assert check(exported, KEY).is_whole
    # The auditor's file, and with it any agent's, tells it from the export ...
    report = check(exported, KEY, seen=hub.seen)
    assert [finding.what for finding in report.findings] == [what]
    # ... and a witness that is asked for its signature refuses it.
    refusal = await hub.offered()
    assert refusal is not None
    assert refusal.what is (What.ROLLED_BACK if what is What.ROLLED_BACK else What.FORKED)


WORDS: dict[str, Attack] = {
    "Entry 12 is missing.": doing(CUT_OUT),
    "Before entry 12 something was removed: from there on every entry bears": doing(CUT_OUT, RENUMBER),
    "What stands as entry 11 was written as entry 14.": doing(EXCHANGE),
    "Entry 12 was changed after it was written.": doing(ALTER),
    "ends after 25 entries, but 30 were signed: the last 5 were cut off.": doing(CUT_OFF),
    "Entries 9 to 19 are not those that were signed": doing(ALTER, rehash=True),
}


@pytest.mark.parametrize("words", WORDS)
async def test_the_words_say_where_and_how_much(hub: Hub, words: str) -> None:
    await WORDS[words](hub)

    found = check(await hub.exported(), KEY).findings
    assert any(words in finding.words for finding in found), found


async def test_a_forked_journal_names_the_last_entry_on_which_all_agree(hub: Hub) -> None:
    await show_two_histories(hub)

    (finding,) = check(await hub.exported(), KEY, seen=hub.seen).findings

    assert "They agree up to entry 8." in finding.words
    assert "whoever holds the signing key" in finding.words


async def test_lines_exchanged_dropped_or_doubled_in_the_export_itself_are_told(hub: Hub) -> None:
    lines = await hub.exported()
    entries = [n for n, line in enumerate(lines) if documents.from_bytes(Line, line).entry is not None]

    swapped = list(lines)
    swapped[entries[10]], swapped[entries[12]] = lines[entries[12]], lines[entries[10]]
    dropped = [line for n, line in enumerate(lines) if n not in entries[10:13]]
    doubled = [*lines[: entries[10] + 1], *lines[entries[10] :]]

    assert _kinds(swapped) == {What.REORDERED}
    assert _kinds(dropped) == {What.DELETED}
    assert _kinds(doubled) == {What.REORDERED}
    assert _kinds(lines[:-1]) == set()  # without its last checkpoint it is an older state, whole in itself
    assert _kinds(lines[:-2]) == set()


def _kinds(lines: Iterable[bytes]) -> set[What]:
    return {finding.what for finding in check(lines, KEY).findings}


# Mutants: checks that look as good, and what they miss.


def bare_hash_chain(lines: Sequence[bytes], head: bytes | None = None) -> bool:
    """A chain in which each entry's hash takes in the one before, as many audit logs have it."""
    last = b""
    for line in lines[1:]:
        entry = documents.from_bytes(Line, line).entry
        if entry is not None:
            last = hashlib.sha256(last + leaves.leaf_of(TENANT, entry.row)).digest()
    return head is None or last == head


async def test_a_bare_hash_chain_misses_the_cut_end_and_the_rewritten_journal(hub: Hub) -> None:
    """It has nothing to compare its last link with: any chain that was computed anew is a good one."""
    await doing(CUT_OFF, FORGET)(hub)
    assert bare_hash_chain(await hub.exported())
    assert not check(await hub.exported(), KEY, seen=hub.seen).is_whole


async def test_a_check_that_ignores_witnesses_misses_what_the_key_s_holder_did(hub: Hub) -> None:
    await show_two_histories(hub)
    assert check(await hub.exported(), KEY, seen=()).is_whole


def a_witness_that_believes_every_signature(_: Checkpoint, shown: Offer) -> bool:
    trusted(shown.checkpoint, KEY)
    return True


def a_witness_that_only_wants_more_entries(seen: Checkpoint, shown: Offer) -> bool:
    return trusted(shown.checkpoint, KEY).size >= seen.size


@pytest.mark.parametrize(
    ("mutant", "attack"),
    [
        (a_witness_that_believes_every_signature, put_back_an_older_copy),
        (a_witness_that_only_wants_more_entries, show_two_histories),
    ],
)
async def test_the_attacks_catch_a_witness_that_checks_too_little(
    hub: Hub, mutant: Callable[[Checkpoint, Offer], bool], attack: Attack
) -> None:
    await attack(hub)
    head = hub.seen[-1].head
    async with hub.database.transaction() as tx:
        shown = await offer(tx, TENANT, head.size)
    assert shown is not None

    assert mutant(head, shown)
    assert judge(head, shown, KEY) is not None


async def test_a_proof_that_was_made_for_another_pair_of_sizes_convinces_no_witness(hub: Hub) -> None:
    head = hub.seen[0].head
    async with hub.database.transaction() as tx:
        right, wrong = await offer(tx, TENANT, head.size), await offer(tx, TENANT, head.size + 1)
    assert right is not None
    assert wrong is not None

    assert judge(head, right, KEY) is None
    for proof in (wrong.proof, right.proof[:-1], (), (*right.proof, right.proof[0])):
        assert judge(head, replace(right, proof=proof), KEY) is not None
