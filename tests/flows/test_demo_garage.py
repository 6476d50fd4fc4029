"""The demo's garage: a week in the books after its first start, once, and whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postern.clock import SetClock
from postern.demo_garage import fill as demo_garage
from postern.demo_garage.fill import fill
from postern.demo_garage.week import BAYS, DAYS, week
from postern.devices.picture_folder import PictureFolder
from postern.errors import Unavailable
from postern.ids import SiteId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.money import Money
from postern.operations.demo import Demo, set_up_demo
from postern.operations.parking import cases as parking_cases
from postern.operations.parking import garage_day, payment_attempts
from postern.operations.parking.settle import settle_site
from postern.operations.services import Services
from postern.operations.sites import places
from postern.operators.model import Actor, Role
from postern.parking import ledger_store, store
from postern.parking.cases import CaseKind, CaseState
from postern.parking.ledger import Account
from postern.parking.reconciliation import DifferenceKind
from postern.postgres.pool import Database
from postern.records.model import Kind
from postern.sites.model import AccessPoint, zone_of
from postern.sites.store import parts
from postern.sites.store import site as site_of
from tests.flows.operations.drawn import NOON

AFTERNOON = NOON + timedelta(hours=4)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(AFTERNOON)


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path, clock: SetClock
) -> Services:
    (tmp_path / "pictures").mkdir(mode=0o700)
    return Services(
        database=runtime_database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key")),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=clock,
    )


@pytest.fixture
async def demo(hub: Services) -> Demo:
    return await set_up_demo(hub)


@pytest.fixture
def admin(demo: Demo) -> Actor:
    return Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)


async def counted(hub: Services, demo: Demo) -> tuple[int, int, int]:
    """Records of lanes, of the hub, and lanes."""
    async with hub.database.transaction(demo.tenant) as tx:
        cursor = await tx.execute("SELECT kind, count(*) FROM record GROUP BY kind")
        kinds = {Kind(kind): number for kind, number in await cursor.fetchall()}
        points = await parts(tx, hub.keyring, demo.tenant, demo.site, AccessPoint)
    lanes = sum(one.lane is not None for one in points)
    return kinds.get(Kind.DECISION, 0), kinds.get(Kind.PAYMENT, 0), lanes


async def garages(hub: Services, demo: Demo) -> list[SiteId]:
    async with hub.database.transaction(demo.tenant) as tx:
        return await store.garages(tx)


async def totals(hub: Services, demo: Demo) -> dict[Account, int]:
    today = AFTERNOON.date()
    async with hub.database.transaction(demo.tenant) as tx:
        found = await ledger_store.totals(tx, demo.site, first=today - timedelta(days=30), last=today)
    moved: dict[Account, int] = {}
    for one in found:
        moved[one.account] = moved.get(one.account, 0) + one.amount.amount
    return moved


async def test_the_figures_of_the_week_add_up(hub: Services, demo: Demo, admin: Actor) -> None:
    stays = await fill(hub)
    assert stays > 250
    garage = await settle_site(hub, demo.tenant, demo.site)
    assert 5 <= garage.count_inside() <= BAYS
    moved = await totals(hub, demo)
    assert sum(moved.values()) == 0
    async with hub.database.transaction(demo.tenant) as tx:
        paid = await payment_attempts.answered(tx, hub.keyring, demo.tenant, demo.site)
    assert moved[Account.PROVIDER_CLEARING] == sum(one.amount.amount for one in paid) > 0
    assert moved[Account.CASH] > 0


async def test_three_cases_of_different_kinds_wait_and_one_was_answered(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    await fill(hub)
    waiting = await parking_cases.cases_open(hub, admin)
    assert sorted(one.kind for one in waiting) == [
        CaseKind.AMBIGUOUS,
        CaseKind.UNPAID_EXIT,
        CaseKind.UNREADABLE,
    ]
    answered = await parking_cases.cases_open(hub, admin, answered=True)
    assert CaseState.RESOLVED in {one.state for one in answered}
    (ambiguous,) = [one for one in waiting if one.kind is CaseKind.AMBIGUOUS]
    page = await parking_cases.case_page(hub, admin, demo.site, ambiguous.id)
    assert len(page.sessions) >= 2
    for session in (None, page.sessions[0].session.id, page.sessions[1].session.id):
        jpeg = await parking_cases.case_picture(hub, admin, demo.site, ambiguous.id, session)
        assert jpeg.startswith(b"\xff\xd8")


async def test_every_day_is_in_order_and_the_unpaid_exit_is_explained(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    await fill(hub)
    kinds = set()
    for back in range(DAYS + 1):
        day = AFTERNOON.date() - timedelta(days=back)
        compared = await garage_day.reconciled(hub, admin, demo.site, day)
        assert compared.in_order, (day, compared.differences)
        assert compared.booked > Money.zero("EUR")
        kinds |= {one.kind for one in compared.differences}
    assert DifferenceKind.LEFT_UNPAID in kinds


async def test_it_is_filled_once(hub: Services, demo: Demo) -> None:
    await fill(hub)
    before = await counted(hub, demo)
    assert await fill(hub) == 0
    assert await counted(hub, demo) == before


async def test_the_same_moment_draws_the_same_week(hub: Services, demo: Demo) -> None:
    one = week(AFTERNOON, zone_of("Europe/Berlin"))
    assert one == week(AFTERNOON, zone_of("Europe/Berlin"))


@pytest.mark.parametrize("cut", ["_write", "record", "settle_site"])
@pytest.mark.slow
async def test_cut_off_anywhere_the_next_start_completes_it(
    hub: Services, demo: Demo, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise Unavailable("the power is gone")

    monkeypatch.setattr(demo_garage, cut, dies)
    with pytest.raises(Unavailable):
        await fill(hub)
    monkeypatch.undo()
    if cut != "settle_site":
        assert await garages(hub, demo) == []
        assert (await counted(hub, demo))[:2] == (0, 0)
    await fill(hub)
    decisions, payments, lanes = await counted(hub, demo)
    assert decisions > 500
    assert payments > 150
    assert lanes == 2
    await settle_site(hub, demo.tenant, demo.site)
    assert sum((await totals(hub, demo)).values()) == 0


async def test_a_site_of_somebodys_own_is_left_alone(hub: Services, demo: Demo, admin: Actor) -> None:
    async with hub.database.transaction(demo.tenant) as tx:
        site = await site_of(tx, hub.keyring, demo.tenant, demo.site)
    await places.change_site(hub, admin, replace(site, name="Our plant"))
    assert await fill(hub) == 0
    assert await garages(hub, demo) == []
