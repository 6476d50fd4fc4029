"""Files of people and vehicles: whose midnights count, what dates may say, and keys made for all at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.errors import KeyDestroyed
from postern.ids import SiteId
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.people.import_csv import ImportKind, apply_import, check_import
from postern.operations.services import Services
from postern.operations.sites import places as sites
from postern.operators.model import Actor
from postern.sealing.keyring import Purpose
from postern.spans import Span

HEADING = "name,employee_number,access_levels,valid_from,valid_until"


async def validity(hub: Services, admin: Actor, line: str) -> Span:
    """What a line's access level is valid for, once imported."""
    name = line.split(",", maxsplit=1)[0]
    await apply_import(hub, admin, kind=ImportKind.PEOPLE, data=f"{HEADING}\n{line}\n".encode())
    row = (await look.find_people(hub, admin, text=name)).rows[0]
    (grant,) = (await look.person_file(hub, admin, row.person.id)).holding.grants
    return grant.valid


async def move_to(hub: Services, admin: Actor, demo: Demo, time_zone: str) -> None:
    (site,) = await sites.sites(hub, admin)
    moved = type(site)(
        id=SiteId(demo.site),
        tenant=site.tenant,
        name=site.name,
        time_zone=time_zone,
        country=site.country,
        version=site.version,
    )
    await sites.change_site(hub, admin, moved)


async def test_a_validity_begins_and_ends_at_the_sites_own_midnights(hub: Services, admin: Actor) -> None:
    valid = await validity(hub, admin, "Gita Rao,2001,Staff,2026-07-01,2026-12-31")
    assert valid == Span(
        start=datetime(2026, 6, 30, 22, tzinfo=UTC),  # summer time in Berlin
        end=datetime(2026, 12, 31, 23, tzinfo=UTC),
    )


async def test_in_shanghai_the_same_day_begins_eight_hours_before_utc(
    hub: Services, admin: Actor, demo: Demo
) -> None:
    await move_to(hub, admin, demo, "Asia/Shanghai")
    valid = await validity(hub, admin, "林大雨,2001,Staff,2026-07-01,2026-07-01")
    assert valid == Span(
        start=datetime(2026, 6, 30, 16, tzinfo=UTC), end=datetime(2026, 7, 1, 16, tzinfo=UTC)
    )


async def test_a_later_site_does_not_move_the_midnights(hub: Services, admin: Actor) -> None:
    await sites.create_site(hub, admin, name="Annex", time_zone="America/New_York")
    valid = await validity(hub, admin, "Gita Rao,2001,Staff,2026-01-01,")
    assert valid == Span(start=datetime(2025, 12, 31, 23, tzinfo=UTC))


async def test_until_the_year_9999_is_for_ever(hub: Services, admin: Actor) -> None:
    assert await validity(hub, admin, "Gita Rao,2001,Staff,,9999-12-31") == Span()


@pytest.mark.parametrize("date", ["0001-01-01", "31.12.2026", "2026-13-01"])
async def test_an_impossible_date_is_told_with_its_line(hub: Services, admin: Actor, date: str) -> None:
    data = f"{HEADING}\nGita Rao,2001,Staff,{date},\n".encode()
    report = await check_import(hub, admin, kind=ImportKind.PEOPLE, data=data)
    assert [(one.line, one.problem.split(":")[0]) for one in report.bad] == [(2, "valid_from")]


async def test_everybody_imported_has_keys_of_their_own_and_none_for_a_face(
    hub: Services, admin: Actor
) -> None:
    lines = [f"Person {number},{3000 + number},,," for number in range(120)]
    await apply_import(hub, admin, kind=ImportKind.PEOPLE, data="\n".join([HEADING, *lines]).encode())
    found = [row.person.id for row in (await look.find_people(hub, admin, text="Person", limit=200)).rows]
    assert len(found) == 120
    for purpose in (Purpose.IDENTITY, Purpose.MOVEMENT, Purpose.STATUTORY):
        keys = await hub.keyring.subject_keys(admin.tenant, found, purpose)
        assert len({key.secret for key in keys.values()}) == 120
    with pytest.raises(KeyDestroyed):
        await hub.keyring.subject_key(admin.tenant, found[0], Purpose.FACE)
