"""After an erasure nothing of the person opens: live, and from a copy of both databases made before it.

The attacker has the data, every picture ever stored, the keystore and its root key. Everything that opens is
searched for what was known of the person; a copy taken before is opened with what the keystore still holds.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from postern.access.decision import PlatePresented, Request
from postern.access.model import Grant, SubjectKind
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.errors import CannotOpen, KeyDestroyed, NotFound
from postern.ids import PersonId, VehicleId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.tombstones import TombstoneFile
from postern.operations import look
from postern.operations.admit import Entrance, admit, picture_context, picture_key
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.operators import members
from postern.operations.people import credentials, register
from postern.operations.people.enrol import enrol, photo_context
from postern.operations.privacy import consent, erase, erase_rows, jurisdiction, own_requests, tombstones
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.postgres.embedded import Cluster
from postern.postgres.pool import Database
from postern.privacy.member import MemberSecrets
from postern.privacy.requests import RequestKind
from postern.privacy.statutory import SiteLaw
from postern.prove.parked import Plates, parked
from postern.prove.stored import every_plaintext, fields
from postern.sealing.envelope import open_sealed
from postern.sealing.keyring import Purpose
from postern.sealing.tags import day_tag
from postern.sites.store import SitePlan
from postern.vehicles.model import VehicleDetails
from tests.attacks.conftest import Measured
from tests.attacks.worked_hours import worked_hours
from tests.flows.operations.conftest import (
    admin,
    agent,
    clock,
    controller,
    demo,
    entrance,
    hub,
    places,
)
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_main_path import card

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places"]

NAME, NUMBER, CARD, PLATE = "Philippa Quistgaard", "EMP-77310-Q", "0499AABBCCDD77", "QX-PQ-7731"
PARKED = "QXPQ7731"
"""The plate as a camera reads it."""
FACE = b"pic" + bytes((17, 201, 99))
EVIDENCE = b"the evidence of " + NAME.encode()
KNOWN = (NAME, NUMBER, CARD, "QXPQ7731", EVIDENCE.decode())


ALONE = {("record", "sealed"): 2, ("projection", "sealed"): 1, ("parking_permit", "sealed"): 1}
"""Fields that name a plate by itself, and what comes open with each: a record's picture, too."""


BY_LAW = {("parking_receipt", "sealed"), ("attendance_closed", "sealed")}


@dataclass(kw_only=True)
class Victim:
    """A person and her vehicle, who passed and were seen."""

    hub: Services
    owner: Database
    keystore: Database
    demo: Demo
    admin: Actor
    person: PersonId
    vehicle: VehicleId
    pictures: Path
    tombstones: Path

    @property
    def keyring(self) -> PostgresKeyring:
        """A fresh one: nothing is in its memory."""
        assert isinstance(self.hub.keyring, PostgresKeyring)
        return PostgresKeyring(self.keystore, self.hub.keyring.roots)


@pytest.fixture
async def victim(
    hub: Services,
    database: Database,
    keystore_database: Database,
    demo: Demo,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: SetClock,
    tmp_path: Path,
) -> Victim:
    object.__setattr__(hub, "tombstones", TombstoneFile(tmp_path / "tombstones"))
    person = await register.add_person(hub, admin, PersonDetails(name=NAME, employee_number=NUMBER))
    await credentials.issue_card(hub, admin, person=person.id, number=CARD)
    await consent.give_consent(hub, admin, person=person.id, keep_photo=True)
    await enrol(hub, admin, person=person.id, photos=[FACE])
    await _seen_before_it_was_registered(agent, entrance, places)
    await _signed_in_for_herself(hub, admin, person.id)
    vehicle = await register.add_vehicle(hub, admin, VehicleDetails(plate=PLATE, keeper=person.id))
    for subject, kind in ((person.id, SubjectKind.PERSON), (vehicle.id, SubjectKind.VEHICLE)):
        await _let_in(hub, admin, subject, kind)
    await publish_stale(hub)
    policy = await agent.policy()
    for _ in range(3):
        await admit(entrance, policy, card(places, CARD), evidence=EVIDENCE)
    await _drive(agent, entrance, places)
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    await _parks(hub, admin, clock, tmp_path, vehicle.id)
    await worked_hours(hub, admin, demo.site, [person.id], reason=f"{NAME} forgot her card")
    return Victim(
        hub=hub,
        owner=database,
        keystore=keystore_database,
        demo=demo,
        admin=admin,
        person=person.id,
        vehicle=vehicle.id,
        pictures=tmp_path / "pictures",
        tombstones=tmp_path / "tombstones",
    )


async def _signed_in_for_herself(hub: Services, admin: Actor, person: PersonId) -> None:
    """She has a login on her phone, and another link waits for her."""
    link = (await members.new_member_link(hub, admin, person)).rpartition("/")[2]
    async with hub.database.transaction() as tx:
        known = await members.link_owner(hub, tx, link)
        await members.set_up(hub, tx, known, link, MemberSecrets(passphrase_hash=f"of {NAME}"))
    await members.new_member_link(hub, admin, person)
    await own_requests.ask(hub, known.member, RequestKind.RECTIFY, f"My name is {NAME}.")


async def _let_in(hub: Services, admin: Actor, subject: UUID, kind: SubjectKind) -> None:
    levels = await access_levels.access_levels(hub, admin)
    held = await access_levels.holding(hub, admin, subject=subject, kind=kind)
    grants = [Grant(level=one.id) for one in levels]
    await access_levels.set_grants(hub, admin, holding=held, grants=grants)


async def _drive(agent: DrawnAgent, entrance: Entrance, places: SitePlan) -> None:
    way = next(one.id for one in places.access_points if one.name == "Driveway barrier, in")
    request = Request(access_point=way, presented=PlatePresented(text=PLATE, score=0.97))
    await admit(entrance, await agent.policy(), request, evidence=EVIDENCE)


async def _parks(hub: Services, admin: Actor, clock: SetClock, folder: Path, vehicle: UUID) -> None:
    """It is in a garage, has paid a part, has a permit, and at the way out it was not read surely."""
    plates = Plates(inside=PARKED, permit=PARKED, misread=PARKED, vehicle=vehicle, picture=EVIDENCE)
    await parked(hub, admin, clock, folder / "slips", plates)


async def _seen_before_it_was_registered(agent: DrawnAgent, entrance: Entrance, places: SitePlan) -> None:
    """A plate that is nobody's yet: it is recorded under the site's key alone."""
    await _drive(agent, entrance, places)


def tells(plaintext: bytes) -> bool:
    """Whether it holds anything by which the two are known."""
    return any(value.encode() in plaintext for value in KNOWN)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How many things were tried, and how many told of the person or her vehicle."""

    tried: int
    opened: int
    by_law: int = 0
    """Receipts and closed hours that tell, which the law makes us keep: not among those opened."""


async def attack(victim: Victim, owner: Database, keyring: PostgresKeyring, pictures: Path) -> Attempt:
    """Open all that opens, in the database and in the picture store, and look for them in it."""
    found = await fields(owner, keyring, victim.demo.tenant)
    told = [
        field
        async for field, plaintext in every_plaintext(owner, keyring, victim.demo.tenant)
        if tells(plaintext)
    ]
    by_law = sum((one.table, one.column) in BY_LAW for one in told)
    tried, opened = len(found), len(told) - by_law
    for name in [path.name for path in pictures.rglob("*") if path.is_file()]:
        tried += 1
        opened += await _picture_opens(victim, owner, keyring, pictures, name)
    async with owner.transaction() as tx:
        cursor = await tx.execute("SELECT id, person_id, sealed FROM reference")
        references = [row for row in await cursor.fetchall() if row[1] == victim.person]
    for subject in (victim.person, victim.vehicle):
        for purpose in (Purpose.IDENTITY, Purpose.FACE, Purpose.MOVEMENT):
            tried += 1
            opened += await _has_key(keyring, victim, subject, purpose)
    faces = await keyring.subject_keys(victim.demo.tenant, [victim.person], Purpose.FACE)
    opened += len(references) if faces else 0
    return Attempt(tried=tried + len(references), opened=opened, by_law=by_law)


async def _has_key(keyring: PostgresKeyring, victim: Victim, subject: UUID, purpose: Purpose) -> bool:
    try:
        await keyring.subject_key(victim.demo.tenant, subject, purpose)
    except KeyDestroyed:
        return False
    return True


async def _picture_opens(
    victim: Victim, owner: Database, keyring: PostgresKeyring, pictures: Path, name: str
) -> bool:
    """By a key that any record names for it, or as an enrolment photo."""
    store = PictureFolder(pictures)
    sealed = await store.get(name)
    for field, plaintext in [pair async for pair in every_plaintext(owner, keyring, victim.demo.tenant)]:
        if field.table == "record":
            reference = _reference_in(field.column, plaintext, name)
            if reference is not None:
                key, context = picture_key(reference), picture_context(victim.demo.tenant, name)
                return tells(open_sealed(key, sealed, context))
    try:
        key = await keyring.subject_key(victim.demo.tenant, victim.person, Purpose.FACE)
        return open_sealed(key, sealed, photo_context(victim.demo.tenant, name)) == FACE
    except (CannotOpen, KeyDestroyed):
        return False


def _reference_in(column: str, plaintext: bytes, name: str):  # type: ignore[no-untyped-def]
    from postern.records.encoding import _load, _picture

    body = plaintext if column == "subject" else plaintext[2 : 2 + int.from_bytes(plaintext[:2])]
    found = _picture(_load(body))
    return found if found is not None and found.name == name else None


@asynccontextmanager
async def copied(cluster: Cluster, *databases: Database) -> AsyncIterator[tuple[Database, ...]]:
    """A copy of each, as a backup of that moment would be restored."""
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(supervisor, autocommit=True)
        )
        made = []
        for one in databases:
            async with one.transaction() as tx:
                source = tx.info.dbname
            name = f"copy_{uuid4().hex}"
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                (source,),
            )
            copy = sql.SQL("CREATE DATABASE {} OWNER postern TEMPLATE {} STRATEGY file_copy")
            await connection.execute(copy.format(sql.Identifier(name), sql.Identifier(source)))
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            stack.push_async_callback(connection.execute, drop)
            made.append(await stack.enter_async_context(Database.open(cluster.conninfo(database=name))))
        yield tuple(made)


async def _erase_both(victim: Victim) -> int:
    receipts = [
        await erase.erase_person(victim.hub, victim.admin, victim.person, reason="asked for it"),
        await erase.erase_vehicle(victim.hub, victim.admin, victim.vehicle, reason="asked for it"),
    ]
    assert [one.opened_in_all for one in receipts] == [0, 0]
    return sum(one.tried_in_all for one in receipts)


async def test_before_the_erasure_the_attack_finds_them(victim: Victim) -> None:
    """An attack that finds nothing here would prove nothing below."""
    found = await attack(victim, victim.owner, victim.keyring, victim.pictures)
    assert found.opened >= 15


async def test_after_an_erasure_nothing_of_them_opens_live(victim: Victim, measured: Measured) -> None:
    tried_by_itself = await _erase_both(victim)
    found = await attack(victim, victim.owner, victim.keyring, victim.pictures)
    measured(f"erasure, live: {found.tried} tried, {found.opened} opened; by itself {tried_by_itself}, 0")
    assert found.opened == 0
    assert tried_by_itself >= 15
    assert found.by_law == 3, "a receipt, the hours of a closed day, and those that were not closed yet"


async def test_the_receipt_of_an_erased_vehicle_opens_until_the_law_s_time_is_over(victim: Victim) -> None:
    receipt = await erase.erase_vehicle(victim.hub, victim.admin, victim.vehicle)
    assert any("permits for this plate" in one.what for one in receipt.kept)
    (law,) = [one for one in receipt.kept if one.until is not None]
    assert law.until is not None
    over = law.until.replace(year=law.until.year + 1)
    assert await erase.end_statutory(victim.hub, victim.demo.tenant, over) == 1
    found = await attack(victim, victim.owner, victim.keyring, victim.pictures)
    assert found.by_law == 1, "the hours of the person, who was not erased"


async def test_their_days_cannot_be_joined_by_the_id_that_the_journal_keeps(victim: Victim) -> None:
    await _erase_both(victim)
    keys = await victim.keyring.site_day_keys(
        [victim.demo.site], first=victim.hub.clock.now().date(), last=victim.hub.clock.now().date()
    )
    async with victim.owner.transaction() as tx:
        cursor = await tx.execute("SELECT tag FROM record WHERE tag IS NOT NULL")
        tags = {bytes(tag) for (tag,) in await cursor.fetchall()}
    for key in keys.values():
        assert not {day_tag(key, one.bytes) for one in (victim.person, victim.vehicle)} & tags


async def test_nothing_opens_from_a_copy_made_before_once_tombstones_are_applied(
    victim: Victim, cluster: Cluster, tmp_path: Path, measured: Measured
) -> None:
    shutil.copytree(victim.pictures, tmp_path / "old-pictures")
    async with copied(cluster, victim.owner, victim.keystore) as (data, keystore):
        await _erase_both(victim)
        restored = _restored(victim, data, keystore)

        before = await attack(victim, data, _keyring(victim, keystore), tmp_path / "old-pictures")
        assert before.opened >= 15  # the mutant: a restore that serves without its tombstones

        assert await tombstones.settle(restored) >= 5
        found = await attack(victim, data, _keyring(victim, keystore), tmp_path / "old-pictures")
        named = await _what_named_the_plate_alone(victim, data, keystore)
    measured(
        f"erasure, restored copy: {found.tried} tried, {found.opened} opened, of which {named} name the plate"
        f" alone (taken for nobody's; a permit); without tombstones {before.opened}"
    )
    assert found.opened == named <= 6


def _keyring(victim: Victim, keystore: Database) -> PostgresKeyring:
    assert isinstance(victim.hub.keyring, PostgresKeyring)
    return PostgresKeyring(keystore, victim.hub.keyring.roots)


def _restored(victim: Victim, data: Database, keystore: Database) -> Services:
    return Services(
        database=data,
        keyring=_keyring(victim, keystore),
        pictures=victim.hub.pictures,
        clock=victim.hub.clock,
        tombstones=TombstoneFile(victim.tombstones),
    )


async def _what_named_the_plate_alone(victim: Victim, data: Database, keystore: Database) -> int:
    """What the receipt says stays in old backups of the data: the record, its picture and a garage's case of
    a plate that was taken for nobody's at that time, until the day's key ends; and permits for the plate."""
    keyring = _keyring(victim, keystore)
    return sum(
        [
            ALONE[field.table, field.column]
            async for field, plaintext in every_plaintext(data, keyring, victim.demo.tenant)
            if (field.table, field.column) in ALONE and tells(plaintext)
        ]
    )


# Mutants.


async def test_an_erasure_that_only_deletes_the_registry_s_rows_is_caught(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(*_given: object) -> tuple[bytes, ...]:
        return ()

    monkeypatch.setattr(victim.hub.keyring, "destroy_subject_keys", keep)
    with pytest.raises(erase.ErasureIncomplete):
        await erase.erase_person(victim.hub, victim.admin, victim.person)
    with pytest.raises(NotFound):
        await look.person_file(victim.hub, victim.admin, victim.person)
    found = await attack(victim, victim.owner, victim.keyring, victim.pictures)
    assert found.opened > 0
    assert [one.receipt for one in await erase.erasures(victim.hub, victim.admin)] == [None]


async def test_an_erasure_that_leaves_the_pictures_is_caught(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(_name: str) -> None:
        return None

    monkeypatch.setattr(victim.hub.pictures, "delete", leave)
    with pytest.raises(erase.ErasureIncomplete, match="picture"):
        await erase.erase_person(victim.hub, victim.admin, victim.person)


async def test_an_erasure_that_is_cut_short_is_finished_at_the_next_start(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*_given: object) -> None:
        raise ConnectionError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(erase_rows.people, "remove", cut)
        with pytest.raises(ConnectionError):
            await erase.erase_person(victim.hub, victim.admin, victim.person)
    assert await erase.resume(victim.hub) == 1
    await erase.erase_vehicle(victim.hub, victim.admin, victim.vehicle)
    found = await attack(victim, victim.owner, victim.keyring, victim.pictures)
    assert found.opened == 0
    assert await erase.resume(victim.hub) == 0


async def test_a_withdrawal_destroys_the_face_and_nothing_else(victim: Victim) -> None:
    await consent.withdraw_consent(victim.hub, victim.admin, person=victim.person)
    held = {
        purpose: await _has_key(victim.keyring, victim, victim.person, purpose)
        for purpose in (Purpose.IDENTITY, Purpose.FACE, Purpose.MOVEMENT, Purpose.STATUTORY)
    }
    assert held == {
        Purpose.IDENTITY: True,
        Purpose.FACE: False,
        Purpose.MOVEMENT: True,
        Purpose.STATUTORY: True,
    }
    (receipt,) = [one.receipt for one in await erase.erasures(victim.hub, victim.admin)]
    assert receipt is not None
    assert [one.purpose for one in receipt.destroyed] == ["face"]
    assert {one.what: one.opened for one in receipt.tried} == {
        "photo": 0,
        "picture": 0,
        "policy": 0,
        "reference": 0,
    }


async def test_withdrawing_the_photo_alone_leaves_the_face_and_no_copy_of_the_photo_opens(
    victim: Victim, tmp_path: Path
) -> None:
    shutil.copytree(victim.pictures, tmp_path / "old-pictures")
    await consent.withdraw_photo(victim.hub, victim.admin, person=victim.person)
    file = await look.person_file(victim.hub, victim.admin, victim.person)
    assert (file.references, file.photo_kept) == (1, False)
    key = await victim.keyring.subject_key(victim.demo.tenant, victim.person, Purpose.FACE)
    for path in (tmp_path / "old-pictures").rglob("*"):
        if path.is_file():
            with pytest.raises(CannotOpen):
                open_sealed(key, path.read_bytes(), photo_context(victim.demo.tenant, path.name))


async def under_the_law_of(victim: Victim, profile: str) -> None:
    """The sites name no country; the jurisdiction that was chosen for them is what is known."""
    hub, admin = victim.hub, victim.admin
    for one in await jurisdiction.rules_of_sites(hub, admin):
        await sites.change_site(hub, admin, replace(one.site, country=None))
        await jurisdiction.choose_profile(hub, admin, one.site.id, profile, version=one.version)


@pytest.mark.parametrize(
    ("profile", "article", "years"),
    [("us-il", "29 CFR 516.5 (a)", 3), ("cn", "工资支付暂行规定 (1994) 第六条", 2)],
)
async def test_hours_that_the_law_of_the_jurisdiction_keeps_are_there_until_its_day_and_then_gone(
    victim: Victim, profile: str, article: str, years: int
) -> None:
    await under_the_law_of(victim, profile)
    receipt = await erase.erase_person(victim.hub, victim.admin, victim.person)
    (law,) = [one for one in receipt.kept if one.until is not None]
    today = victim.hub.clock.now().date()
    assert article in law.basis
    assert law.until == today.replace(year=today.year + years)
    assert {one.purpose for one in receipt.destroyed} == {"identity", "face", "movement"}
    assert await closed_hours_open(victim) == 2, "a closed day, and the days that were not closed yet"
    assert law.until is not None
    over = law.until.replace(year=law.until.year + 1)
    assert await erase.end_statutory(victim.hub, victim.demo.tenant, over) == 1
    assert await closed_hours_open(victim) == 0


async def closed_hours_open(victim: Victim) -> int:
    """How many rows of the person's kept hours open with what the keystore still holds."""
    return sum(
        [
            field.table == "attendance_closed" and tells(plaintext)
            async for field, plaintext in every_plaintext(victim.owner, victim.keyring, victim.demo.tenant)
        ]
    )


async def test_the_mutant_that_looks_at_countries_alone_keeps_nothing_of_an_american_s_hours(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    await under_the_law_of(victim, "us-il")
    monkeypatch.setattr(SiteLaw, "countries", property(lambda one: frozenset({one.country} - {None})))
    receipt = await erase.erase_person(victim.hub, victim.admin, victim.person)
    assert not [one for one in receipt.kept if one.until is not None]
    assert await closed_hours_open(victim) == 0


async def test_the_receipt_says_what_the_law_keeps_and_until_when_and_then_that_goes_too(
    victim: Victim,
) -> None:
    receipt = await erase.erase_person(victim.hub, victim.admin, victim.person)
    (law,) = [one for one in receipt.kept if one.until is not None]
    today = victim.hub.clock.now().date()
    assert "ArbZG" in law.basis
    assert law.until is not None
    assert law.until == today.replace(year=today.year + 2)
    assert await _has_key(victim.keyring, victim, victim.person, Purpose.STATUTORY)
    assert await erase.end_statutory(victim.hub, victim.demo.tenant, law.until) == 0
    over = law.until.replace(year=law.until.year + 1)
    assert await erase.end_statutory(victim.hub, victim.demo.tenant, over) == 1
    assert not await _has_key(victim.keyring, victim, victim.person, Purpose.STATUTORY)
    assert await erase.end_statutory(victim.hub, victim.demo.tenant, over) == 0
