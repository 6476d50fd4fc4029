"""Sealed fields as they are stored: every bit flipped, and each moved to other rows, columns and tenants.

Read from a database that the program itself has filled, in every sealed column of the schema. Nothing but an
authenticated failure may come of it; never another plaintext.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from postern.clock import SetClock
from postern.errors import CannotOpen
from postern.ids import ReferenceId, VisitId, new_id
from postern.operations import look
from postern.operations.archive import search
from postern.operations.archive.search import PassageSearch, Wanted
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.operators.api_keys import NewKey, make_key
from postern.operations.operators.operators import add_operator
from postern.operations.operators.sign_in import note_failure, start_login
from postern.operations.operators.who_they_are import link_person
from postern.operations.people import teams
from postern.operations.presence import lockdown, muster, muster_wire
from postern.operations.privacy import erase, jurisdiction, lawful_requests, retention
from postern.operations.sites import commands
from postern.operators import store as operator_store
from postern.operators.concerns import Concern
from postern.operators.model import Operator, Role
from postern.operators.provider_store import ProviderLink, ProviderSubject, put_link
from postern.operators.roles import Duty
from postern.operators.sign_in_store import NOWHERE
from postern.privacy.lawful import LawfulAnswer
from postern.privacy.retention import Retention
from postern.prove.parked import Plates, parked
from postern.prove.sealed_fields import flipped_that_open, moved_that_open, of_no_place, unauthenticated
from postern.prove.stored import Field, fields
from postern.prove.visited import visited
from postern.records import alarm_notes, quarantine
from postern.records.alarm_notes import AlarmNote
from postern.records.alarms import AlarmKind, put_alarm
from postern.records.model import SealedRecord
from postern.records.store import COLUMNS, record_of
from postern.sealing import hybrid
from postern.sealing.envelope import open_sealed
from postern.sealing.keyring import Purpose
from postern.visitors import face_store
from postern.visitors.face_store import VisitReference
from tests.attacks.conftest import Measured
from tests.attacks.test_erasure import (
    PLATE,
    Victim,
    admin,
    agent,
    clock,
    controller,
    demo,
    entrance,
    hub,
    places,
    victim,
)

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places", "victim"]

LISTED = yaml.safe_load((Path(__file__).parents[2] / "docs" / "clear-columns.yaml").read_text("utf-8"))
KEYED = {"tag", "tags", "session_tag"}
"""Columns of keyed hashes: there is nothing to open in them."""
ELSEWHERE = {
    ("bundle", "sealed"): "HPKE, to an agent: flipped below",
    ("alarm", "sealed"): "no alarm writes a detail yet",
}
A_COLUMN = 2
"""Fields of each column that are tried."""


@pytest.fixture
async def filled(victim: Victim, clock: SetClock, tmp_path: Path) -> Victim:
    """A row in every table, each by the operation that writes it."""
    hub, admin, site = victim.hub, victim.admin, victim.demo.site
    today = hub.clock.now().date()
    await retention.change_retention(hub, admin, Retention(site=site))
    await retention.end_what_is_over(hub)
    someone = (await look.find_people(hub, admin, text="Bruno")).rows[0].person.id
    await erase.erase_person(hub, admin, someone)
    wanted = PassageSearch(
        wanted=Wanted(subject=victim.person), sites=(site,), first=today - timedelta(days=20), last=today
    )
    await search.ask_to_search(hub, admin, wanted, purpose="a complaint", case="C-7")
    await teams.add_team(hub, admin, name="Roof")
    await teams.add_contractor(hub, admin, name="Nord Bau")
    await add_operator(hub, admin, login_name="guard", role=Role.SECURITY)
    async with hub.database.transaction(admin.tenant) as tx:
        guard = next(one for one in await operator_store.operators(tx, admin.tenant))
        alarm = await put_alarm(tx, site, AlarmKind.RECORD_CONTRADICTED, day=today)
        note = AlarmNote(at=hub.clock.now(), operator="admin", text="a copied box")
        await alarm_notes.put_note(tx, hub.keyring, admin.tenant, site=site, alarm=alarm, note=note)
        await insider_alarms.raise_alarm(
            hub, tx, admin.tenant, Concern(next(iter(Concern))), about="guard", principal="operator:1"
        )
        await commands.send(
            hub, tx, tenant=admin.tenant, site=site, command="open-door", fields={"door": str(new_id())}
        )
    await make_key(
        hub,
        admin,
        NewKey(name="export", operator=guard.id, scopes=(Duty.WATCH,), last_day=today),
    )
    await link_person(hub, admin, guard.id, victim.person)
    await _signed_in(victim, guard)
    await _set_aside(victim)
    await lockdown.lock_down(hub, admin, site, area=None, drill=True)
    await muster_wire.new_code(hub, admin, site)
    await muster.call(hub, admin, site, drill=True)
    await muster.roll(hub, admin, site)
    visit = (await visited(hub, admin, site, name="Quistina Umlauf", host=victim.person)).visit
    await _with_face(victim, visit.id)
    await jurisdiction.choose_profile(hub, admin, site, "eu", version=0)
    await lawful_requests.record(hub, admin, handed_over(victim))
    await parked(hub, admin, clock, tmp_path / "slips", Plates(inside=PLATE, vehicle=victim.vehicle))
    return victim


async def _with_face(victim: Victim, visit: VisitId) -> None:
    hub, tenant = victim.hub, victim.demo.tenant
    await hub.keyring.new_subject_keys(tenant, visit, [Purpose.FACE])
    async with hub.database.transaction(tenant) as tx:
        reference = VisitReference(
            id=ReferenceId(new_id()), visit=visit, model="drawn", template=bytes(128), quality=0.9
        )
        await face_store.add(tx, hub.keyring, tenant, reference)


def handed_over(victim: Victim) -> lawful_requests.Told:
    """What an authority was given about her."""
    return lawful_requests.Told(
        received=victim.hub.clock.now().date(),
        authority="District court",
        law="StPO § 95",
        asked="passages of a day",
        answer=LawfulAnswer.HANDED_OVER,
        handed="one page",
        numbers=[str(victim.person)],
        tell_from=None,
        secrecy="StPO § 95a",
    )


async def _signed_in(victim: Victim, guard: Operator) -> None:
    """An operator who is linked with a provider and has signed in, and a name that nobody has."""
    hub, tenant, now = victim.hub, victim.admin.tenant, victim.hub.clock.now()
    whose = ProviderSubject(issuer="https://id.example.org", subject="7f3a", name="guard")
    link = ProviderLink(operator=guard.id, whose=whose, linked_at=now)
    async with hub.database.transaction(tenant) as tx:
        await put_link(tx, hub.keyring, tenant, link)
        await note_failure(hub, tx, tenant, None, how="password", came_from=NOWHERE)
        await start_login(hub, tx, guard, detail="password")


async def _set_aside(victim: Victim) -> None:
    """A record in the quarantine, sealed as it was."""
    async with victim.owner.transaction() as tx:
        cursor = await tx.execute(f"SELECT {COLUMNS} FROM record WHERE tag IS NOT NULL LIMIT 1")
        row = await cursor.fetchone()
        assert row is not None
        record: SealedRecord = record_of(row)
        await quarantine.keep_aside(tx, [replace(record, digest=bytes(32))])


async def sampled(victim: Victim) -> list[Field]:
    """Some fields of every sealed column, those with a key that opens them."""
    every = [one for one in await fields(victim.owner, victim.keyring, victim.demo.tenant)]
    found: dict[tuple[str, str], list[Field]] = {}
    for one in every:
        if one.opened() is not None:
            found.setdefault((one.table, one.column), []).append(one)
    return [one for kept in found.values() for one in kept[:A_COLUMN]]


async def test_every_sealed_column_of_the_schema_is_tried(filled: Victim) -> None:
    listed = {(table, column) for table, names in LISTED["sealed"].items() for column in names} - {
        (table, column) for table, names in LISTED["sealed"].items() for column in names if column in KEYED
    }
    tried = {(one.table, one.column) for one in await sampled(filled)}
    assert listed - ELSEWHERE.keys() - tried == set()
    assert {("record", "subject"), ("projection", "who")} <= tried


async def test_no_flipped_bit_and_no_moved_field_opens(filled: Victim, measured: Measured) -> None:
    found = await sampled(filled)
    flipped = flipped_that_open(found, open_sealed)
    moved = moved_that_open(found, open_sealed, filled.demo.tenant)
    columns = len({(one.table, one.column) for one in found})
    measured(
        f"stored fields: {len(found)} of {columns} columns; {flipped[0]} bits flipped, {flipped[1]} opened;"
        f" {moved[0]} moves, {moved[1]} opened"
    )
    assert (flipped[1], moved[1]) == (0, 0)


async def test_the_attack_catches_seals_that_are_not_bound_to_their_place(filled: Victim) -> None:
    found = (await sampled(filled))[:8]
    _, opened = moved_that_open(found, of_no_place([one.context for one in found]), filled.demo.tenant)
    assert opened > 0


async def test_the_attack_catches_seals_without_authentication(filled: Victim) -> None:
    tried, opened = flipped_that_open((await sampled(filled))[:1], unauthenticated)
    assert tried == opened


async def test_no_flipped_bit_of_a_policy_bundle_opens(filled: Victim) -> None:
    async with filled.owner.transaction() as tx:
        cursor = await tx.execute("SELECT sealed FROM bundle LIMIT 1")
        row = await cursor.fetchone()
    assert row is not None
    sealed, private = bytes(row[0]), hybrid.generate()
    own = hybrid.seal_to(hybrid.public_of(private), b"a policy", info=b"postern/v1/policy", aad=b"1|1|1|1")
    for at in range(len(own)):
        for bit in range(8):
            changed = bytearray(own)
            changed[at] ^= 1 << bit
            with pytest.raises(CannotOpen):
                hybrid.open_from(private, bytes(changed), info=b"postern/v1/policy", aad=b"1|1|1|1")
    with pytest.raises(CannotOpen):
        hybrid.open_from(private, sealed, info=b"postern/v1/policy", aad=b"1|1|1|1")


async def test_a_row_that_was_swapped_in_the_database_is_refused_by_the_program(filled: Victim) -> None:
    """The program's own way of reading, on rows that somebody exchanged."""
    async with filled.owner.transaction() as tx:
        cursor = await tx.execute("SELECT id, sealed FROM person ORDER BY id LIMIT 2")
        (one, a), (two, b) = await cursor.fetchall()
        for id, sealed in ((one, b), (two, a)):
            await tx.execute("UPDATE person SET sealed = %s WHERE id = %s", (sealed, id))
    for id in (one, two):
        with pytest.raises(CannotOpen):
            await look.person_file(filled.hub, filled.admin, id)
