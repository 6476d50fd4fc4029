"""A journal of thirty entries, whoever attacks it, and the witnesses that find them out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from psycopg.rows import class_row

from postern.ids import TenantId
from postern.journal import leaves
from postern.journal.checkpoint import Checkpoint, key_of, trusted
from postern.journal.checkpoints import advance, newest, offer
from postern.journal.export import export
from postern.journal.findings import Finding, What
from postern.journal.leaves import Row
from postern.journal.model import Act, Entry
from postern.journal.notes import NoteKey
from postern.journal.store import ROW, append
from postern.journal.witness import Offer, Seen, judge
from postern.keystore.keyring import PostgresKeyring
from postern.postgres.pool import Database, Transaction
from postern.sealing import signing

TENANT = TenantId(1)
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
PRIVATE = signing.generate()
KEY: NoteKey = key_of(signing.public_of(PRIVATE))
SIGNED_AT = (4, 9, 20, 30)
"""After how many entries checkpoints were signed; the witness saw those over 9 and 30."""
TABLES = ("journal_entry", "journal_node", "journal_checkpoint", "journal_cosignature")


@dataclass(kw_only=True)
class Journal:
    """A hub's database with a journal of 30 entries, and what a witness far away has seen of it."""

    database: Database
    keyring: PostgresKeyring
    seen: list[Seen] = field(default_factory=list)

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

    async def begin(self) -> None:
        """Thirty entries, signed four times, of which the witness saw two states."""
        written = 0
        for size in SIGNED_AT:
            await self.write(size - written)
            await self.sign()
            written = size
            if size in (9, 30):
                await self.witness()

    async def begin_anew(self) -> None:
        """Forget everything, and begin once more."""
        await _statement(self, *(f"DELETE FROM {table}" for table in reversed(TABLES)))  # noqa: S608 - constants
        self.seen.clear()
        await self.begin()


# What an attacker does. They know our code, and that the hashes are public.


async def _rehash(tx: Transaction) -> None:
    """Make every stored leaf hash fit again."""
    async with tx.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(f"SELECT {ROW} FROM journal_entry ORDER BY idx".encode())  # noqa: S608 - a constant
        rows = await cursor.fetchall()
    for row in rows:
        await tx.execute(
            "UPDATE journal_entry SET leaf = %s WHERE idx = %s", (leaves.leaf_of(TENANT, row), row.index)
        )


async def _statement(journal: Journal, *statements: str, rehash: bool = False, sign: bool = False) -> None:
    async with journal.database.transaction() as tx:
        for table in TABLES:
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

Attack = Callable[[Journal], Awaitable[None]]


def doing(*statements: str, rehash: bool = False, sign: bool = False) -> Attack:
    async def attack(journal: Journal) -> None:
        await _statement(journal, *statements, rehash=rehash, sign=sign)

    return attack


async def put_back_an_older_copy(journal: Journal) -> None:
    """The tables only grow: an older copy is what is left without the newer rows. Then life goes on."""
    await _statement(journal, "DELETE FROM journal_entry WHERE idx >= 20", FORGET)


async def put_back_an_older_copy_and_go_on(journal: Journal) -> None:
    await put_back_an_older_copy(journal)
    await journal.write(15, actor="wu")
    await journal.sign()


async def show_two_histories(journal: Journal) -> None:
    """From entry 9 on another one, longer than the first."""
    await _statement(journal, "DELETE FROM journal_entry WHERE idx >= 9", sign=True)
    await journal.write(30, actor="wu")
    await journal.sign()


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


def a_witness_that_believes_every_signature(_: Checkpoint, shown: Offer) -> bool:
    trusted(shown.checkpoint, KEY)
    return True


def a_witness_that_only_wants_more_entries(seen: Checkpoint, shown: Offer) -> bool:
    return trusted(shown.checkpoint, KEY).size >= seen.size
