"""A subject is told every look at them, and nothing about anybody else."""

from __future__ import annotations

from uuid import uuid4

import pytest

from postern.errors import BadInput, CannotOpen, Refused
from postern.ids import PersonId, TenantId
from postern.journal import store as journal
from postern.journal import tags
from postern.journal.model import Act, Entry
from postern.operations import look
from postern.operations.people import register
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database


@pytest.fixture
async def people(hub: Services, admin: Actor) -> list[PersonId]:
    return [row.person.id for row in (await look.find_people(hub, admin)).rows]


async def entries(hub: Services, tenant: TenantId) -> int:
    async with hub.database.transaction(tenant) as tx:
        return (await journal.read(tx, hub.keyring, tenant, before=None, limit=1))[0].index + 1


async def test_every_look_is_told_with_who_when_and_why(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    me, other = people[:2]
    guard = Actor(tenant=admin.tenant, name="guard", role=Role.SECURITY)
    await look.person_file(hub, guard, me, purpose="lost card")
    await look.person_file(hub, guard, other, purpose="another matter")

    report = await look.looked_at(hub, admin, me, purpose="they asked", case="R-1")

    told = [(one.actor, one.act, one.purpose) for one in report.looks]
    assert told[0] == ("guard", Act.LOOKED, "lost card")
    assert ("admin", Act.LOOKED, "list of people") in told
    assert all(purpose != "another matter" for _, _, purpose in told)
    assert [one.index for one in report.looks] == sorted((one.index for one in report.looks), reverse=True)
    assert report.made_at == hub.clock.now()


async def test_the_report_is_a_look_too_and_the_next_one_tells_it(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    first = await look.looked_at(hub, admin, people[0], purpose="they asked", case="R-1")
    second = await look.looked_at(hub, admin, people[0], purpose="they asked again")

    assert len(second.looks) == len(first.looks) + 1
    assert (second.looks[0].purpose, second.looks[0].case) == ("they asked", "R-1")


async def test_the_report_agrees_with_the_whole_journal_opened(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    for person in people:
        await look.person_file(hub, admin, person)
    async with hub.database.transaction(admin.tenant) as tx:
        every = await journal.read(tx, hub.keyring, admin.tenant, before=None, limit=10_000)

    for person in people:
        report = await look.looked_at(hub, admin, person, purpose="they asked")
        expected = [one.index for one in every if person in one.entry.subjects]
        assert [one.index for one in report.looks] == expected


async def test_only_entries_about_the_subject_are_opened(
    hub: Services, admin: Actor, people: list[PersonId], monkeypatch: pytest.MonkeyPatch
) -> None:
    await look.person_file(hub, admin, people[0])
    for _ in range(20):
        await look.person_file(hub, admin, people[1])
    opened: list[int] = []
    real = journal.leaves.read
    monkeypatch.setattr(
        journal.leaves, "read", lambda key, tenant, row: opened.append(row.index) or real(key, tenant, row)
    )

    report = await look.looked_at(hub, admin, people[0], purpose="they asked")

    assert sorted(opened) == sorted(one.index for one in report.looks)
    assert len(opened) < await entries(hub, admin.tenant) - 20


async def test_no_two_entries_about_the_same_person_share_a_tag(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    for _ in range(5):
        await look.person_file(hub, admin, people[0])
    async with hub.database.transaction(admin.tenant) as tx:
        cursor = await tx.execute("SELECT tags FROM journal_entry")
        stored = [bytes(one) for (one,) in await cursor.fetchall()]

    each = [one[at : at + tags.TAG_BYTES] for one in stored for at in range(0, len(one), tags.TAG_BYTES)]
    assert len(set(each)) == len(each) > 5
    assert all(len(one) % (tags.TAG_BYTES * tags.STEP) == 0 for one in stored)


async def test_somebody_who_was_erased_can_still_be_told(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    await look.person_file(hub, admin, people[0], purpose="before the erasure")
    await register.remove_person(hub, admin, people[0])

    report = await look.looked_at(hub, admin, people[0], purpose="they asked")

    assert {"before the erasure"} <= {one.purpose for one in report.looks}
    assert Act.ERASED in {one.act for one in report.looks}


async def test_entries_of_the_first_schema_which_have_no_tags_are_found(
    hub: Services, admin: Actor, people: list[PersonId], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(journal.leaves, "tags_for", lambda *_: None)
        await look.person_file(hub, admin, people[0], purpose="long ago")

    report = await look.looked_at(hub, admin, people[0], purpose="they asked")

    assert report.looks[0].purpose == "long ago"


@pytest.mark.parametrize(
    "change",
    ["UPDATE journal_entry SET tags = '' WHERE idx = %s", "DELETE FROM journal_entry WHERE idx = %s"],
)
async def test_a_look_hidden_in_the_database_is_not_silently_left_out(
    hub: Services, database: Database, admin: Actor, people: list[PersonId], change: str
) -> None:
    await look.person_file(hub, admin, people[0], purpose="to be hidden")
    hidden = await entries(hub, admin.tenant) - 1
    await look.person_file(hub, admin, people[0])
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE journal_entry DISABLE TRIGGER USER")
        await tx.execute(change.encode(), (hidden,))

    if change.startswith("DELETE"):
        with pytest.raises(CannotOpen, match="An entry is missing"):
            await look.looked_at(hub, admin, people[0], purpose="they asked")
    else:  # a tag taken away hides the entry here, and is told by whoever reads or verifies the journal
        with pytest.raises(CannotOpen, match="An entry was changed"):
            await look.journal_page(hub, admin)


async def test_somebody_unknown_has_an_empty_report(hub: Services, admin: Actor) -> None:
    assert (await look.looked_at(hub, admin, uuid4(), purpose="they asked")).looks == ()


async def test_a_report_needs_a_purpose_and_a_role_that_reads_the_journal(
    hub: Services, admin: Actor, people: list[PersonId]
) -> None:
    with pytest.raises(BadInput):
        await look.looked_at(hub, admin, people[0], purpose=" ")
    with pytest.raises(Refused):
        await look.looked_at(
            hub, Actor(tenant=admin.tenant, name="guard", role=Role.SECURITY), people[0], purpose="curious"
        )


async def test_another_organisation_s_entries_are_not_told(
    hub: Services, admin: Actor, stranger: Actor, people: list[PersonId]
) -> None:
    async with hub.database.transaction(stranger.tenant) as tx:
        entry = Entry(at=hub.clock.now(), actor="x", act=Act.LOOKED, purpose="theirs", subjects=(people[0],))
        await journal.append(tx, hub.keyring, stranger.tenant, [entry])

    report = await look.looked_at(hub, admin, people[0], purpose="they asked")

    assert "theirs" not in {one.purpose for one in report.looks}
