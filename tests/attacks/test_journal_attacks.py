"""The journal under attack: who can do what to it, and who finds out.

Somebody who is superuser of the database, and lacks the signing key, is found out by anyone who has an export
and the public key, except that an older copy of everything can only be told from the present by a witness.
Somebody who is root on the hub holds the signing key, and can sign whatever they like: they are found out by
the witnesses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from postern import documents
from postern.journal import leaves
from postern.journal.checkpoint import Checkpoint
from postern.journal.checkpoints import offer
from postern.journal.export import Line
from postern.journal.findings import What
from postern.journal.verify import check
from postern.journal.witness import Offer, judge
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.postgres.pool import Database
from postern.prove.journal import (
    ALTER,
    CUT_OFF,
    CUT_OUT,
    EXCHANGE,
    FORGET,
    KEY,
    RENUMBER,
    TENANT,
    WITH_KEY_OR_OLDER_COPY,
    WITHOUT_KEY,
    Attack,
    Journal,
    a_witness_that_believes_every_signature,
    a_witness_that_only_wants_more_entries,
    doing,
    put_back_an_older_copy,
    show_two_histories,
)


@pytest.fixture
async def hub(database: Database, keystore_database: Database, tmp_path: Path) -> Journal:
    keyring = PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key"))
    made = Journal(database=database, keyring=keyring)
    await made.begin()
    return made


async def test_an_untouched_journal_is_whole_for_everyone(hub: Journal) -> None:
    report = check(await hub.exported(), KEY, seen=hub.seen)

    assert report.is_whole
    assert (report.entries, report.covered, report.checkpoints) == (30, 30, 4)
    assert await hub.offered() is None


async def test_what_was_written_last_is_told_as_not_signed_yet(hub: Journal) -> None:
    await hub.write(2)
    report = check(await hub.exported(), KEY, seen=hub.seen)

    assert report.is_whole
    assert (report.entries, report.covered) == (32, 30)


@pytest.mark.parametrize("name", WITHOUT_KEY)
async def test_who_lacks_the_signing_key_is_found_out_by_anyone_with_an_export(
    hub: Journal, name: str
) -> None:
    attack, what = WITHOUT_KEY[name]
    await attack(hub)

    report = check(await hub.exported(), KEY)

    assert not report.is_whole
    assert what in {finding.what for finding in report.findings}, report.findings


@pytest.mark.parametrize("name", WITH_KEY_OR_OLDER_COPY)
async def test_who_holds_the_key_or_an_older_copy_is_found_out_by_the_witnesses(
    hub: Journal, name: str
) -> None:
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
async def test_the_words_say_where_and_how_much(hub: Journal, words: str) -> None:
    await WORDS[words](hub)

    found = check(await hub.exported(), KEY).findings
    assert any(words in finding.words for finding in found), found


async def test_a_forked_journal_names_the_last_entry_on_which_all_agree(hub: Journal) -> None:
    await show_two_histories(hub)

    (finding,) = check(await hub.exported(), KEY, seen=hub.seen).findings

    assert "They agree up to entry 8." in finding.words
    assert "whoever holds the signing key" in finding.words


async def test_lines_exchanged_dropped_or_doubled_in_the_export_itself_are_told(hub: Journal) -> None:
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


async def test_a_bare_hash_chain_misses_the_cut_end_and_the_rewritten_journal(hub: Journal) -> None:
    """It has nothing to compare its last link with: any chain that was computed anew is a good one."""
    await doing(CUT_OFF, FORGET)(hub)
    assert bare_hash_chain(await hub.exported())
    assert not check(await hub.exported(), KEY, seen=hub.seen).is_whole


async def test_a_check_that_ignores_witnesses_misses_what_the_key_s_holder_did(hub: Journal) -> None:
    await show_two_histories(hub)
    assert check(await hub.exported(), KEY, seen=()).is_whole


@pytest.mark.parametrize(
    ("mutant", "attack"),
    [
        (a_witness_that_believes_every_signature, put_back_an_older_copy),
        (a_witness_that_only_wants_more_entries, show_two_histories),
    ],
)
async def test_the_attacks_catch_a_witness_that_checks_too_little(
    hub: Journal, mutant: Callable[[Checkpoint, Offer], bool], attack: Attack
) -> None:
    await attack(hub)
    head = hub.seen[-1].head
    async with hub.database.transaction() as tx:
        shown = await offer(tx, TENANT, head.size)
    assert shown is not None

    assert mutant(head, shown)
    assert judge(head, shown, KEY) is not None


async def test_a_proof_that_was_made_for_another_pair_of_sizes_convinces_no_witness(hub: Journal) -> None:
    head = hub.seen[0].head
    async with hub.database.transaction() as tx:
        right, wrong = await offer(tx, TENANT, head.size), await offer(tx, TENANT, head.size + 1)
    assert right is not None
    assert wrong is not None

    assert judge(head, right, KEY) is None
    for proof in (wrong.proof, right.proof[:-1], (), (*right.proof, right.proof[0])):
        assert judge(head, replace(right, proof=proof), KEY) is not None
