"""Which form of a row is in force, between two databases that commit one after the other."""

from __future__ import annotations

from uuid import UUID

import pytest

from postern.ids import TenantId, new_id
from postern.keystore.row_marks import PostgresRowMarks
from postern.postgres.pool import Database
from postern.row_marks import form

TENANT, KIND = TenantId(1), "holding"
OLD, NEW, NEWEST = form(b"old"), form(b"new"), form(b"newest")


@pytest.fixture
def marks(keystore_database: Database) -> PostgresRowMarks:
    return PostgresRowMarks(keystore_database)


async def stands(marks: PostgresRowMarks, id: UUID, found: bytes) -> bool:
    return bool(await marks.standing(TENANT, KIND, {id: found}))


async def test_a_row_that_nobody_noted_is_not_in_force(marks: PostgresRowMarks) -> None:
    id = new_id()
    assert not await stands(marks, id, OLD)
    await marks.note(TENANT, KIND, {id: OLD})
    assert await stands(marks, id, OLD)
    assert not await marks.standing(TenantId(2), KIND, {id: OLD})
    assert not await marks.standing(TENANT, "employment", {id: OLD})


async def test_after_a_crash_between_the_two_commits_either_form_is_good(marks: PostgresRowMarks) -> None:
    written, lost = new_id(), new_id()
    for id in (written, lost):
        await marks.note(TENANT, KIND, {id: OLD})
        assert await stands(marks, id, OLD)
        await marks.note(TENANT, KIND, {id: NEW})
    assert await stands(marks, written, NEW)
    assert not await stands(marks, written, OLD), "what was in force before is put back"
    assert await stands(marks, lost, OLD), "the data's database never committed"
    await marks.note(TENANT, KIND, {lost: NEWEST})
    assert await stands(marks, lost, NEWEST)
    assert not await stands(marks, lost, OLD)
    assert not await stands(marks, lost, NEW)


async def test_a_form_that_comes_back_by_a_change_is_in_force_again(marks: PostgresRowMarks) -> None:
    id = new_id()
    for one in (OLD, NEW, OLD):
        await marks.note(TENANT, KIND, {id: one})
        assert await stands(marks, id, one)
    assert not await stands(marks, id, NEW)


async def test_looking_at_what_ones_own_transaction_wrote_forgets_nothing(
    marks: PostgresRowMarks, database: Database
) -> None:
    id = new_id()
    await marks.note(TENANT, KIND, {id: OLD})
    assert await stands(marks, id, OLD)
    async with database.transaction():
        await marks.note(TENANT, KIND, {id: NEW})
        assert await stands(marks, id, NEW)
    assert await stands(marks, id, OLD), "as if it had been rolled back"
    assert await stands(marks, id, NEW)
    assert not await stands(marks, id, OLD)


async def test_a_row_that_was_removed_does_not_come_back(marks: PostgresRowMarks) -> None:
    id, unseen = new_id(), new_id()
    await marks.note(TENANT, KIND, {id: OLD, unseen: OLD})
    assert await stands(marks, id, OLD)
    assert await marks.seen(TENANT, KIND) == {id}
    await marks.forget(TENANT, KIND, [id])
    assert not await stands(marks, id, OLD)
    assert await marks.seen(TENANT, KIND) == frozenset()
