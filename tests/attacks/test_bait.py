"""Bait: any use of it alarms, and a dump of the database does not tell it from what is real."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import pytest
from psycopg import sql

from postern.access.decision import CodePresented, Granted, PlatePresented, Request
from postern.access.model import CredentialKind, Grant, SubjectKind
from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.errors import Refused
from postern.ids import AccessLevelId, OperatorId, TenantId, new_id
from postern.nature import Nature
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.insiders import bait
from postern.operations.look import Wanted
from postern.operations.operators import api_keys
from postern.operations.operators.api_keys import NewKey
from postern.operations.parking import garage_look
from postern.operations.parking.garage_receipts import WantedReceipts, find_receipts
from postern.operations.people import credentials, enrol, register
from postern.operations.privacy import consent
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites.publish_policy import publish_stale
from postern.operators import store as operators
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Operator, Role
from postern.operators.roles import Duty
from postern.people.model import PersonDetails, Sex
from postern.privacy.model import ConsentForm
from postern.sites.store import SitePlan
from postern.vehicles.model import VehicleDetails
from tests.flows.operations.conftest import admin, agent, clock, controller, demo, entrance, hub, places
from tests.flows.operations.drawn import NOON, DrawnAgent
from tests.flows.parking.driven import driven

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places"]

CARD = "04BA17BA17"
PLATE = "B AIT 77"


@pytest.fixture
async def level(hub: Services, admin: Actor) -> AccessLevelId:
    return next(one.id for one in await access_levels.access_levels(hub, admin) if one.name == "Always")


@pytest.fixture
async def planted(hub: Services, admin: Actor, level: AccessLevelId) -> UUID:
    """Somebody who does not exist."""
    details = PersonDetails(name="Zacharias Quell", employee_number="7707")
    return (await bait.plant_person(hub, admin, details, card=CARD, level=level)).id


async def concerns(hub: Services, admin: Actor) -> list[tuple[str, Concern]]:
    other = replace(admin, name="paula", role=Role.PRIVACY_OFFICER)
    return [(one.about, one.concern) for one in await insider_alarms.insider_alarms(hub, other)]


def guard_of(admin: Actor) -> Actor:
    return replace(admin, name="gil", role=Role.SECURITY)


async def test_whoever_opens_bait_is_told_of_and_notices_nothing(
    hub: Services, admin: Actor, planted: UUID
) -> None:
    file = await look.person_file(hub, guard_of(admin), planted)
    assert file.person.details.name == "Zacharias Quell"
    assert await concerns(hub, admin) == [("gil", Concern.BAIT_OPENED)]


async def test_whoever_searches_for_bait_by_name_or_by_its_passages_is_told_of(
    hub: Services, admin: Actor, demo: Demo, planted: UUID
) -> None:
    clerk = replace(admin, name="hanna", role=Role.HR)
    await look.find_people(hub, clerk)  # it stands in everybody's list, which is no use of it
    assert await concerns(hub, admin) == []
    await look.find_people(hub, clerk, text="quell")
    span = {"site_ids": [demo.site], "first": NOON.date(), "last": NOON.date()}
    why = {"purpose": "curious", "case": "C-1"}
    await look.search_passages(hub, guard_of(admin), Wanted(subject=planted), **span, **why)
    assert sorted(await concerns(hub, admin)) == [
        ("gil", Concern.BAIT_OPENED),
        ("hanna", Concern.BAIT_OPENED),
    ]


async def test_whoever_searches_for_a_planted_plate_is_told_of(
    hub: Services, admin: Actor, demo: Demo, level: AccessLevelId
) -> None:
    await bait.plant_vehicle(hub, admin, VehicleDetails(plate=PLATE), level=level)
    span = {"site_ids": [demo.site], "first": NOON.date(), "last": NOON.date()}
    await look.search_passages(
        hub, guard_of(admin), Wanted(plate="BAIT77"), **span, purpose="curious", case="C-1"
    )
    assert await concerns(hub, admin) == [("gil", Concern.BAIT_OPENED)]


async def test_whoever_looks_for_a_planted_plate_in_a_garage_is_told_of(
    hub: Services, admin: Actor, clock: SetClock, level: AccessLevelId
) -> None:
    await bait.plant_vehicle(hub, admin, VehicleDetails(plate=PLATE), level=level)
    garage = await driven(hub, admin, clock)
    await garage.drives(garage.way_in, "BAIT77", NOON)
    await garage.drives(garage.way_in, "KXX99", NOON)
    await garage.send()
    await garage.settle()
    opened = ("gil", Concern.BAIT_OPENED)
    for plate, told in (("KXX99", False), ("BAIT77", True)):
        session = await garage.session_of(plate)
        await garage_look.session_file(hub, guard_of(admin), garage.site, session.id)
        assert (opened in await concerns(hub, admin)) is told
    wanted = WantedReceipts(what=PLATE, first=NOON.date(), last=NOON.date(), purpose="curious", case="C-1")
    await find_receipts(hub, replace(admin, name="adam"), garage.site, wanted)
    assert ("adam", Concern.BAIT_OPENED) in await concerns(hub, admin)


async def test_a_planted_picture_alarms_when_it_is_opened(hub: Services, admin: Actor, planted: UUID) -> None:
    person = (await look.person_file(hub, replace(admin, name="job:test"), planted)).person.id
    await consent.give_consent(
        hub, admin, person=person, keep_photo=True, form=ConsentForm.SIGNED_PAPER, wording="drawn"
    )
    await enrol.enrol(hub, admin, person=person, photos=[b"pic\x10\x20\x30"])
    opened = await look.enrolment_photo(hub, guard_of(admin), person, purpose="curious")
    assert opened == b"pic\x10\x20\x30"
    assert ("gil", Concern.BAIT_OPENED) in await concerns(hub, admin)


async def test_a_planted_card_opens_nothing_and_alarms(
    hub: Services, admin: Actor, planted: UUID, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    way_in = next(one.id for one in places.access_points if one.name == "Front door, in")
    await publish_stale(hub)
    request = Request(access_point=way_in, presented=CodePresented(kind=CredentialKind.CARD, value=CARD))
    admitted = await admit(entrance, await agent.policy(), request)
    assert not isinstance(admitted.decision, Granted)
    assert admitted.decision.reason is Reason.CREDENTIAL_REVOKED
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    assert await concerns(hub, admin) == [(f"agent:{agent.enrolled.agent}", Concern.BAIT_PRESENTED)]


async def test_a_planted_plate_opens_nothing_and_alarms(
    hub: Services,
    admin: Actor,
    level: AccessLevelId,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
) -> None:
    await bait.plant_vehicle(hub, admin, VehicleDetails(plate=PLATE), level=level)
    await publish_stale(hub)
    way_in = next(one.id for one in places.access_points if one.name == "Driveway barrier, in")
    request = Request(access_point=way_in, presented=PlatePresented(text="BAIT77", score=0.95))
    admitted = await admit(entrance, await agent.policy(), request)
    assert not isinstance(admitted.decision, Granted)
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    assert [concern for _, concern in await concerns(hub, admin)] == [Concern.BAIT_PRESENTED]


async def test_an_ordinary_card_alarms_nobody(
    hub: Services, admin: Actor, planted: UUID, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    way_in = next(one.id for one in places.access_points if one.name == "Front door, in")
    request = Request(
        access_point=way_in, presented=CodePresented(kind=CredentialKind.CARD, value="0410A1B2C3")
    )
    assert isinstance((await admit(entrance, await agent.policy(), request)).decision, Granted)
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    assert await concerns(hub, admin) == []


async def test_changing_bait_leaves_it_bait_and_only_some_may_plant_it(
    hub: Services, admin: Actor, planted: UUID, level: AccessLevelId
) -> None:
    file = await look.person_file(hub, admin, planted)
    changed = PersonDetails(name="Zacharias Quelle")  # as a form writes it, which knows nothing of bait
    await register.change_person(hub, admin, id=file.person.id, version=file.person.version, details=changed)
    again = await look.person_file(hub, admin, planted)
    assert (again.person.details.name, again.person.details.nature) == ("Zacharias Quelle", Nature.BAIT)
    with pytest.raises(Refused, match="plant-bait"):
        await bait.plant_vehicle(hub, guard_of(admin), VehicleDetails(plate=PLATE), level=level)


# What a thief sees of a dump: for each table, rows as lengths and small numbers.

REAL, BAITS = 90, 30
FIRST_NAMES = ("Ada", "Bruno", "Chiara", "Dario", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jakub")
LAST_NAMES = ("Nowak", "Keller", "Conti", "Aziz", "Lindqvist", "Okafor", "Papadopoulos", "Li")
SEPARABLE = 0.70
"""A dump may not tell bait from real better than this by any one column (area under the curve; chance 0.5,
and with 30 against 90 the luckiest of some twenty columns is around 0.6)."""


@dataclass(frozen=True, kw_only=True)
class Subjects:
    real: frozenset[UUID]
    bait: frozenset[UUID]


def drawn_details(draw: random.Random, number: int) -> PersonDetails:
    return PersonDetails(
        name=f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
        employee_number=str(2000 + number),
        sex=draw.choice([Sex.FEMALE, Sex.MALE, None]),
        birth_date=date(1960 + draw.randrange(45), 1 + draw.randrange(12), 1 + draw.randrange(28)),
        notes="x" * draw.randrange(60),
    )


@pytest.fixture
async def mixed(hub: Services, admin: Actor, demo: Demo, level: AccessLevelId) -> Subjects:
    """People with a card and an access level each, every fourth of them bait, in a random order."""
    draw = random.Random(20260304)
    natures = [True] * BAITS + [False] * REAL
    draw.shuffle(natures)
    found: dict[bool, set[UUID]] = {True: set(), False: set()}
    for number, is_bait in enumerate(natures):
        details, card = drawn_details(draw, number), f"04{draw.randrange(16**8):08X}"
        if is_bait:
            person = await bait.plant_person(hub, admin, details, card=card, level=level)
        else:
            person = await register.add_person(hub, admin, details)
            await credentials.issue_card(hub, admin, person=person.id, number=card)
            held = await access_levels.holding(hub, admin, subject=person.id, kind=SubjectKind.PERSON)
            await access_levels.set_grants(hub, admin, holding=held, grants=[Grant(level=level)])
        found[is_bait].add(person.id)
    return Subjects(real=frozenset(found[False]), bait=frozenset(found[True]))


Features = dict[str, dict[UUID, float]]


async def features(hub: Services, tenant: TenantId) -> Features:
    """Per "table.column" a number for each subject: a length, a small value, how many rows, their place."""
    made: Features = {}
    async with hub.database.transaction(tenant) as tx:
        for table, whose in SUBJECT_TABLES.items():
            query = sql.SQL("SELECT {whose}, ctid::text, xmin::text::bigint, * FROM {table}")
            cursor = await tx.execute(query.format(whose=sql.Identifier(whose), table=sql.Identifier(table)))
            names = [column.name for column in cursor.description or ()]
            for subject, ctid, xmin, *values in await cursor.fetchall():
                page, _, line = ctid.strip("()").partition(",")
                note(made, f"{table}.rows", subject, 1)
                note(made, f"{table}.ctid", subject, int(page) * 1000 + int(line))
                note(made, f"{table}.xmin", subject, xmin)
                for name, value in zip(names[3:], values, strict=True):
                    if isinstance(value, bytes | str):
                        note(made, f"{table}.{name}.length", subject, len(value))
                    elif isinstance(value, int):
                        note(made, f"{table}.{name}", subject, value)
                    elif isinstance(value, UUID) and name != whose:
                        note(made, f"{table}.{name}.first", subject, value.bytes[0])
    for one in made["person.xmin"]:
        gap = made["holding.xmin"].get(one, 0) - made["person.xmin"][one]
        note(made, "transactions between person and holding", one, gap)
    return made


SUBJECT_TABLES = {
    "person": "id",
    "person_index": "person_id",
    "holding": "subject_id",
    "holding_index": "subject_id",
    "reference": "person_id",
    "consent": "person_id",
}


def note(made: Features, name: str, subject: UUID, value: float) -> None:
    known = made.setdefault(name, {})
    known[subject] = known.get(subject, 0) + value


def separation(values: dict[UUID, float], subjects: Subjects) -> float:
    """How well this one number sorts bait from real: the area under its ROC curve, 0.5 is chance."""
    real = [values.get(one, 0) for one in subjects.real]
    bait_ = [values.get(one, 0) for one in subjects.bait]
    wins = sum((b > r) + (b == r) / 2 for b in bait_ for r in real)
    area = wins / (len(real) * len(bait_))
    return max(area, 1 - area)


async def test_a_dump_does_not_tell_bait_from_real_by_any_column(
    hub: Services, demo: Demo, mixed: Subjects
) -> None:
    found = {name: separation(values, mixed) for name, values in (await features(hub, demo.tenant)).items()}
    assert len(found) >= 15
    assert {name: round(area, 2) for name, area in found.items() if area > SEPARABLE} == {}


async def test_the_journals_clear_words_do_not_tell_bait_either(
    hub: Services, demo: Demo, admin: Actor, level: AccessLevelId
) -> None:
    async def entries(since: int) -> list[tuple[object, ...]]:
        async with hub.database.transaction(demo.tenant) as tx:
            cursor = await tx.execute(
                "SELECT actor, act, purpose, case_reference, length(sealed), length(tags) FROM journal_entry"
                " WHERE idx >= %s ORDER BY idx",
                (since,),
            )
            return list(await cursor.fetchall())

    before = len(await entries(0))
    person = await register.add_person(hub, admin, PersonDetails(name="Nina Real"))
    await credentials.issue_card(hub, admin, person=person.id, number="0411111111")
    held = await access_levels.holding(hub, admin, subject=person.id, kind=SubjectKind.PERSON)
    await access_levels.set_grants(hub, admin, holding=held, grants=[Grant(level=level)])
    real = await entries(before)
    await bait.plant_person(hub, admin, PersonDetails(name="Nino Bait"), card="0422222222", level=level)
    assert await entries(before + len(real)) == real


async def test_the_mutant_with_a_flag_in_clear_is_caught(hub: Services, demo: Demo, mixed: Subjects) -> None:
    flagged = await features(hub, demo.tenant)
    flagged["person.version"] = {
        one: value + (one in mixed.bait) for one, value in flagged["person.version"].items()
    }
    assert separation(flagged["person.version"], mixed) > SEPARABLE
    sized = {one: 64.0 * (one in mixed.bait) for one in mixed.bait | mixed.real}
    assert separation(sized, mixed) > SEPARABLE


async def test_planted_keys_look_like_any_other(hub: Services, demo: Demo, admin: Actor) -> None:
    owner = Operator(id=OperatorId(new_id()), tenant=demo.tenant, login_name="robot", role=Role.HR)
    async with hub.database.transaction(demo.tenant) as tx:
        await operators.add(tx, hub.keyring, owner)
    wanted = NewKey(operator=owner.id, name="payroll", scopes=(Duty.SEE_PEOPLE,), last_day=NOON.date())
    await api_keys.make_key(hub, admin, wanted)
    await api_keys.plant_key(hub, admin, wanted)
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute(
            "SELECT length(digest), last_day, used_day, version, length(sealed) FROM api_key"
        )
        one, other = await cursor.fetchall()
    assert one == other
    shown = await api_keys.keys(hub, admin)
    assert len({replace(line, id=UUID(int=0)) for line in shown}) == 1
