"""What a site's jurisdiction forbids is refused by the operations, with the reason."""

from __future__ import annotations

from datetime import date

import pytest

from postern.errors import Conflict, NotFound, Refused
from postern.ids import SiteId
from postern.operations import consent, jurisdiction, retention, sites
from postern.operators.model import Role
from postern.privacy.model import ConsentForm
from postern.privacy.profiles import ForbiddenHere
from postern.privacy.retention import KindDays, Retention
from postern.records.model import Kind
from tests.flows.own_world import World, world

__all__ = ["world"]


async def site_in(world: World, country: str | None) -> SiteId:
    return (
        await sites.create_site(
            world.hub, world.admin, name=f"In {country}", time_zone="Europe/Paris", country=country
        )
    ).id


async def test_a_site_follows_its_country_until_another_jurisdiction_is_chosen(world: World) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, "FR")
    async with hub.database.transaction(admin.tenant) as tx:
        assert not await jurisdiction.hours_by_face(hub, tx, admin.tenant, site)
        with pytest.raises(ForbiddenHere, match="CNIL"):
            await jurisdiction.refuse_hours_by_face(hub, tx, admin.tenant, site)
    await jurisdiction.choose_profile(hub, admin, site, "eu", version=0)
    async with hub.database.transaction(admin.tenant) as tx:
        assert await jurisdiction.hours_by_face(hub, tx, admin.tenant, site)
    await jurisdiction.choose_profile(hub, admin, site, None, version=1)
    async with hub.database.transaction(admin.tenant) as tx:
        assert (await jurisdiction.profile_of(hub, tx, admin.tenant, site)).id == "fr"


async def test_a_stale_choice_an_unknown_one_and_a_stranger_are_refused(world: World) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, None)
    await jurisdiction.choose_profile(hub, admin, site, "sg", version=0)
    with pytest.raises(Conflict):
        await jurisdiction.choose_profile(hub, admin, site, "cn", version=0)
    with pytest.raises(NotFound):
        await jurisdiction.choose_profile(hub, admin, site, "atlantis", version=1)
    with pytest.raises(Refused):
        await jurisdiction.choose_profile(hub, world.as_role(Role.HR), site, "cn", version=1)


async def test_a_retention_that_is_too_long_is_refused_and_cut_when_the_law_changes(world: World) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, None)
    kinds = tuple(KindDays(kind=kind, days=400) for kind in Kind)
    await retention.change_retention(hub, admin, Retention(site=site, kinds=kinds, picture_days=200))
    await jurisdiction.choose_profile(hub, admin, site, "fr", version=0)
    kept = await retention.retention_of(hub, admin, site)
    assert {kept.days(kind) for kind in Kind} == {180}
    assert kept.picture_days == 180
    with pytest.raises(ForbiddenHere, match="six months"):
        await retention.change_retention(hub, admin, Retention(site=site, kinds=kinds, version=kept.version))


async def test_a_child_s_face_needs_a_guardian_and_illinois_a_signature(world: World) -> None:
    hub, admin = world.hub, world.admin
    illinois = await site_in(world, "US")
    child = await world.newcomer("Kim Child", birth_date=date(2015, 5, 1))
    with pytest.raises(ForbiddenHere, match="under 16"):
        await consent.give_consent(hub, admin, person=child)
    given = await consent.give_consent(hub, admin, person=child, guardian=" Jo Child,  father ")
    assert given.guardian == "Jo Child, father"
    grown = await world.newcomer("Ira Grown", home_site=illinois)
    with pytest.raises(ForbiddenHere, match="740 ILCS"):
        await consent.give_consent(hub, admin, person=grown, form=ConsentForm.ON_SCREEN)
    await consent.give_consent(hub, admin, person=grown, form=ConsentForm.SIGNED_PAPER)
