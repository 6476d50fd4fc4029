"""The same books wherever the job is killed, in whatever batches records arrive: no punch lost, none doubled.

The same month is run whole, and killed at random statements of the transaction again and again. Mutants show
that the comparison sees.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from uuid import uuid4

import pytest

from postern.attendance import store
from postern.attendance.books import MonthBook
from postern.ids import PersonId, SiteId
from postern.operations.attendance import read as attendance_read
from postern.operations.attendance import settle as attendance_settle
from postern.postgres.pool import Transaction
from postern.records.cursor import Cursor
from tests.flows.attendance.worked import Worked, at
from tests.flows.parking.test_exactly_once import Cut, Killed, cutting

MONTHS = date(2026, 2, 1), date(2026, 3, 1)
KILLS = 25


async def played(works: Worked, people: int = 4) -> list[PersonId]:
    """Two weeks over the end of February: everything lies in the agent's spool; nothing was handed in."""
    who = [await works.person(f"Worker {n}") for n in range(people)]
    days = [f"02-{day:02}" for day in range(24, 29)] + [f"03-{day:02}" for day in range(1, 4)]
    for day in days:
        for hour, way in (("07", works.way_in), ("15", works.way_out)):
            for number, one in enumerate(who):
                await works.passes(way, one, at(f"{day} {hour}:{number:02}"))
    return who


async def killed_everywhere(works: Worked, seed: int, kills: int) -> int:
    """Hand everything in a few records at a time while the job is killed again and again; how often."""
    chance, killed, cut, plain = random.Random(seed), 0, Cut(), works.services
    while killed < kills or works.sent < len(works.agent.entries):
        await works.send(chance.randrange(1, 7))
        cut.at(chance.randrange(1, 14) if killed < kills else 10**9)
        works.services = replace(plain)  # a new process: nothing in memory
        try:
            async with cutting(works.services, cut):
                await works.settle()
        except Killed:
            killed += 1
        finally:
            works.services = plain
    await works.settle()
    return killed


async def told(works: Worked, who: Sequence[PersonId]) -> list[MonthBook]:
    return [book for one in who for book in await works.books(one, *MONTHS)]


async def made_whole(works: Worked, who: Sequence[PersonId]) -> list[MonthBook]:
    """The books made in one go from the archive alone: nothing that was kept of them is left."""
    async with works.services.database.transaction(works.tenant) as tx:
        for table in ("attendance_cursor", "projection"):
            await tx.execute(f"DELETE FROM {table} WHERE site_id = %s", (works.site,))
    await works.settle()
    return await told(works, who)


@pytest.mark.slow
async def test_killed_at_any_statement_no_punch_is_lost_and_none_is_doubled(works: Worked) -> None:
    who = await played(works)
    assert await killed_everywhere(works, 7, KILLS) == KILLS
    cut = await told(works, who)
    assert sum(len(book.punches) for book in cut) == 4 * 8 * 2
    assert cut == await made_whole(works, who)


@dataclass
class CommittedApart:
    """The mutant: the cursor is committed by itself, before its rows; each third time nothing follows."""

    works: Worked
    times: int = 0

    async def __call__(self, tx: Transaction, site: SiteId, moved: Sequence[Cursor]) -> None:
        async with self.works.services.database.transaction(self.works.tenant) as other:
            await store.put_cursors(other, site, moved)
        self.times += 1
        if self.times % 3 == 0:
            raise Killed("killed")


class Forgetful(CommittedApart):
    """The mutant: the books are written, and each third time the cursor is not."""

    async def __call__(self, tx: Transaction, site: SiteId, moved: Sequence[Cursor]) -> None:
        self.times += 1
        if self.times % 3:
            await store.put_cursors(tx, site, moved)


@pytest.mark.parametrize("mutant", [CommittedApart, Forgetful])
async def test_mutants_that_part_the_books_from_their_cursor_are_caught(
    works: Worked, monkeypatch: pytest.MonkeyPatch, mutant: type[CommittedApart]
) -> None:
    who = await played(works, people=2)
    with monkeypatch.context() as patch:
        parted = SimpleNamespace(**{**vars(store), "put_cursors": mutant(works)})
        patch.setattr(attendance_settle, "store", parted)
        if mutant is Forgetful:
            # A punch with its record's id is in the book once, however often it is taken: that goes, too.
            patch.setattr(attendance_read, "punch_id", lambda *_: uuid4())
        await killed_everywhere(works, 7, 0)
        cut = await told(works, who)
    assert [len(one.punches) for one in cut] != [len(one.punches) for one in await made_whole(works, who)]
