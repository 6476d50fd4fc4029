"""The demo's people: two months of hours after the first start, once, and whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postern.attendance.model import AnomalyKind, CorrectionState, WorkDay
from postern.attendance.pairing import MARGIN, pair
from postern.attendance.pairing_rules import PairingRules
from postern.clock import SetClock
from postern.demo_hours import fill as demo_hours
from postern.demo_hours.fill import fill_hours
from postern.demo_hours.month import CONTRACTOR, ROSTERS, WORKERS, month
from postern.devices.picture_folder import PictureFolder
from postern.errors import Unavailable
from postern.ids import PersonId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.attendance.desk import Books, books_of
from postern.operations.demo import Demo, set_up_demo
from postern.operations.people import employments, teams
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.people import store as people
from postern.postgres.pool import Database

BERLIN = ZoneInfo("Europe/Berlin")
AFTERNOON = datetime(2026, 3, 18, 14, 20, tzinfo=UTC)
FIRST, TODAY = date(2026, 2, 1), date(2026, 3, 18)


@pytest.fixture
async def hub(runtime_database: Database, keystore_database: Database, tmp_path: Path) -> Services:
    (tmp_path / "pictures").mkdir(mode=0o700)
    return Services(
        database=runtime_database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key")),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=SetClock(AFTERNOON),
    )


@pytest.fixture
async def demo(hub: Services) -> Demo:
    return await set_up_demo(hub)


async def persons(hub: Services, demo: Demo) -> dict[str, PersonId]:
    async with hub.database.transaction(demo.tenant) as tx:
        found = {
            one.number: await people.find(
                tx, hub.keyring, demo.tenant, field="employee_number", value=one.number
            )
            for one in WORKERS
        }
    return {number: person for number, person in found.items() if person is not None}


async def books(hub: Services, demo: Demo, person: PersonId) -> Books:
    async with hub.database.transaction(demo.tenant) as tx:
        return (await books_of(hub, tx, demo.tenant, [person], first=FIRST, last=TODAY))[person]


def days(kept: Books, roster: str) -> tuple[WorkDay, ...]:
    return pair(
        kept.punches,
        kept.corrections,
        ROSTERS[roster],
        BERLIN,
        first=FIRST + MARGIN,
        last=TODAY - timedelta(days=1),
        rules=PairingRules(),
        at=AFTERNOON,
    )


def test_the_same_moment_draws_the_same_month_in_order_and_nothing_to_come() -> None:
    drawn = month(AFTERNOON, BERLIN)
    assert drawn == month(AFTERNOON, BERLIN)
    assert drawn.first == FIRST
    assert list(drawn.passed) == sorted(drawn.passed, key=lambda one: (one.at, one.number))
    assert all(one.at < AFTERNOON for one in (*drawn.passed, *drawn.forgotten))
    assert {one.number for one in drawn.passed} == {one.number for one in WORKERS}


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_whoever_forgot_a_punch_has_forgotten_one_at_any_hour_of_the_demo(hour: int) -> None:
    drawn = month(datetime(2027, 1, 4, hour, tzinfo=UTC), BERLIN)
    assert {(one.number, one.out) for one in drawn.forgotten} == {("1003", False), ("1004", True)}
    assert [number for number, _ in drawn.sick] == ["1005", "1005"]


async def test_everybody_has_hours_and_only_what_was_drawn_waits_for_somebody(
    hub: Services, demo: Demo
) -> None:
    assert await fill_hours(hub) == len(month(AFTERNOON, BERLIN).passed)
    assert await fill_hours(hub) == 0
    waiting = {}
    known = await persons(hub, demo)
    for one in WORKERS:
        kept = await books(hub, demo, known[one.number])
        worked = days(kept, one.roster)
        assert sum(day.minutes for day in worked) > 25 * 7 * 60
        waiting[one.number] = [anomaly.kind for day in worked for anomaly in day.anomalies]
    assert waiting == {
        "1001": [],
        "1002": [],
        "1003": [],
        "1004": [AnomalyKind.MISSING_OUT],
        "1005": [],
        "1006": [AnomalyKind.ABSENT],
    }
    (asked,) = (await books(hub, demo, known["1004"])).corrections
    assert asked.state is CorrectionState.ASKED
    actor = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
    terms = (await employments.employment_file(hub, actor, known["1004"])).employments.every
    assert [(one.terms.occupation, one.terms.site) for one in terms] == [("fitter", demo.site)]
    approved = {
        one.number
        for one in WORKERS
        for book in (await books(hub, demo, known[one.number])).months
        if book.approval is not None
    }
    assert approved == {"1001", "1002"}
    (contractor,) = await teams.contractors(hub, actor, TODAY)
    assert (contractor.unit.name, contractor.people) == (CONTRACTOR, 1)


@pytest.mark.parametrize("cut", ["record", "sealed_row", "trace_as"])
@pytest.mark.slow
async def test_what_was_cut_short_is_written_at_the_next_start(
    hub: Services, demo: Demo, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise Unavailable("cut short here")

    with monkeypatch.context() as patched:
        patched.setattr(demo_hours, cut, dies)
        with pytest.raises(Unavailable):
            await fill_hours(hub)
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute("SELECT count(*) FROM record")
        assert await cursor.fetchone() == (0,)
    assert await fill_hours(hub) > 0


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 11, 2), date(2026, 3, 1), date(2027, 1, 1)])
def test_on_the_first_days_of_a_month_the_one_before_is_whole(day: date) -> None:
    drawn = month(datetime(day.year, day.month, day.day, 5, tzinfo=UTC), BERLIN)
    assert drawn.first == (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    for worker in WORKERS:
        came = {one.at.astimezone(BERLIN).date() for one in drawn.passed if one.number == worker.number}
        assert len([one for one in came if one < day.replace(day=1)]) >= 16
    assert {one.number for one in drawn.forgotten} == {"1003", "1004"}
    assert {number for number, _ in drawn.sick} == {"1005"}
