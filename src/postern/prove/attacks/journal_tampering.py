"""Entries deleted, exchanged, changed, cut off, rolled back and forked, with and without the signing key."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from postern.journal.checkpoint import Checkpoint
from postern.journal.checkpoints import offer
from postern.journal.verify import check
from postern.journal.witness import Offer, judge
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.prove.journal import (
    KEY,
    TENANT,
    WITH_KEY_OR_OLDER_COPY,
    WITHOUT_KEY,
    Journal,
    a_witness_that_believes_every_signature,
    a_witness_that_only_wants_more_entries,
)
from postern.prove.model import Outcome, Size
from postern.prove.scratch import scratch
from postern.prove.world import World

Believes = Callable[[Checkpoint, Offer], bool]


async def journal_tampering(world: World, size: Size, chance: random.Random) -> Outcome:
    """Without the key an export tells it; with the key or an older copy a witness does, and does not sign."""
    missed: list[str] = []
    fooled: set[str] = set()
    tries = 0
    cluster = world.clusters["data"]
    with tempfile.TemporaryDirectory() as name:
        async with scratch(cluster, "hub") as database, scratch(cluster, "keystore") as keystore:
            keyring = PostgresKeyring(keystore, UnattendedKeyFile.create(Path(name) / "unattended.key"))
            journal = Journal(database=database, keyring=keyring)
            await journal.begin()
            for _ in range(size.of(1, 5, 200)):
                for what in chance.sample([*WITHOUT_KEY, *WITH_KEY_OR_OLDER_COPY], k=_ALL):
                    tries += 1
                    await journal.begin_anew()
                    if not await _found_out(journal, what):
                        missed.append(what)
                    if what in WITH_KEY_OR_OLDER_COPY:
                        fooled |= {mutant.__name__ for mutant in _MUTANTS if await _fools(journal, mutant)}
    return Outcome(
        tries=tries,
        leaks=len(missed),
        mutant_caught=fooled == {mutant.__name__ for mutant in _MUTANTS},
        notes=(f"{_ALL} ways to tamper with 30 entries", *missed[:3]),
    )


_ALL = len(WITHOUT_KEY) + len(WITH_KEY_OR_OLDER_COPY)
_MUTANTS: tuple[Believes, ...] = (
    a_witness_that_believes_every_signature,
    a_witness_that_only_wants_more_entries,
)


async def _found_out(journal: Journal, what: str) -> bool:
    if what in WITHOUT_KEY:
        attack, kind = WITHOUT_KEY[what]
        await attack(journal)
        report = check(await journal.exported(), KEY)
        return kind in {finding.what for finding in report.findings}
    attack, kind = WITH_KEY_OR_OLDER_COPY[what]
    await attack(journal)
    report = check(await journal.exported(), KEY, seen=journal.seen)
    return kind in {finding.what for finding in report.findings} and await journal.offered() is not None


async def _fools(journal: Journal, mutant: Believes) -> bool:
    """Whether a witness that checks too little signs what the sound one refuses."""
    head = journal.seen[-1].head
    async with journal.database.transaction() as tx:
        shown = await offer(tx, TENANT, head.size)
    return shown is not None and mutant(head, shown) and judge(head, shown, KEY) is not None
