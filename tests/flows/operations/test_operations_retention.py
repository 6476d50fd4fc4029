"""Retention: what is over goes at its time, and the key of its day for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.clock import SetClock
from postern.errors import BadInput, KeyDestroyed, NotFound, Refused
from postern.ids import TenantId
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.privacy import retention
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.privacy.retention import KindDays, Retention
from postern.records.model import CommandRecord, Kind
from postern.records.sealed import encode
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import NOON, DrawnAgent
from tests.flows.operations.test_operations_main_path import card

DAY = NOON.date()


async def _a_day_of_records(
    hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan, clock: SetClock
) -> str:
    """A decision with its picture, and a command; the picture's name."""
    await admit(entrance, await agent.policy(), card(places, "0410A1B2C3"), evidence=b"a jpeg")
    command = CommandRecord(
        at=clock.now(), door=places.doors[0].id, operator="admin", reason="delivery", done=True
    )
    await agent.append(kind=Kind.COMMAND, day=clock.now().date(), plaintext=encode(command))
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    return agent.pictures[0].name


async def _rows(hub: Services) -> list[Kind]:
    async with hub.database.transaction(TenantId(1)) as tx:
        cursor = await tx.execute("SELECT kind FROM record ORDER BY kind")
        return [Kind(kind) for (kind,) in await cursor.fetchall()]


async def test_a_picture_goes_before_its_record_and_the_record_with_its_days_key(
    hub: Services,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    demo: Demo,
    clock: SetClock,
) -> None:
    name = await _a_day_of_records(hub, agent, entrance, places, clock)

    clock.advance(timedelta(days=14))
    (report,) = await retention.end_what_is_over(hub)
    assert (report.rows, report.sites[0].pictures) == (0, 0)

    clock.advance(timedelta(days=1))
    (report,) = await retention.end_what_is_over(hub)
    assert (report.rows, report.sites[0].pictures) == (0, 1)
    with pytest.raises(NotFound):
        await hub.pictures.get(name)

    clock.advance(timedelta(days=76))
    (report,) = await retention.end_what_is_over(hub)
    assert {(one.day, one.kind, one.rows) for one in report.ended} == {
        (DAY, Kind.DECISION, 1),
        (DAY, Kind.COMMAND, 1),
    }
    assert report.sites[0].keys == 1
    assert await _rows(hub) == []
    with pytest.raises(KeyDestroyed):
        await hub.keyring.site_day_key(demo.site, DAY)
    assert [one.rows for one in await retention.reports(hub, admin)][:1] == [2]


async def test_a_kind_that_is_kept_longer_keeps_its_rows_and_the_key(
    hub: Services,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    demo: Demo,
    clock: SetClock,
) -> None:
    now = await retention.retention_of(hub, admin, demo.site)
    assert (now.longest, now.picture_days, now.version) == (90, 14, 0)  # as the GDPR begins
    longer = Retention(site=demo.site, kinds=(KindDays(kind=Kind.COMMAND, days=365),), version=now.version)
    assert (await retention.change_retention(hub, admin, longer)).version == 1
    await _a_day_of_records(hub, agent, entrance, places, clock)

    clock.advance(timedelta(days=91))
    await retention.end_what_is_over(hub)
    assert await _rows(hub) == [Kind.COMMAND]
    await hub.keyring.site_day_key(demo.site, DAY)

    clock.advance(timedelta(days=275))
    await retention.end_what_is_over(hub)
    assert await _rows(hub) == []
    with pytest.raises(KeyDestroyed):
        await hub.keyring.site_day_key(demo.site, DAY)


async def test_a_second_run_ends_nothing_more_and_each_run_has_one_journal_entry(
    hub: Services,
    admin: Actor,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: SetClock,
) -> None:
    await _a_day_of_records(hub, agent, entrance, places, clock)
    clock.advance(timedelta(days=91))
    await retention.end_what_is_over(hub)
    (second,) = await retention.end_what_is_over(hub)
    assert (second.rows, second.sites[0].keys, second.sites[0].pictures) == (0, 0, 0)
    entries = [one.entry for one in await look.journal_page(hub, admin)]
    assert [one.actor for one in entries].count(retention.JOB) == 2


async def test_months_that_are_over_at_every_site_are_dropped_whole(
    hub: Services,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: SetClock,
) -> None:
    await _a_day_of_records(hub, agent, entrance, places, clock)
    clock.advance(timedelta(days=120))
    (report,) = await retention.end_what_is_over(hub)
    assert report.partitions == (f"record_y{DAY:%Y}m{DAY:%m}",)


async def test_only_who_sets_up_sites_changes_retention(hub: Services, admin: Actor, demo: Demo) -> None:
    guard = Actor(tenant=admin.tenant, name="guard", role=Role.SECURITY)
    with pytest.raises(Refused):
        await retention.change_retention(hub, guard, Retention(site=demo.site))
    with pytest.raises(BadInput):
        Retention(site=demo.site, picture_days=0)
