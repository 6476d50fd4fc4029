"""What a site's jurisdiction forbids is refused by the operations, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.settings import AttendanceSettings
from postern.errors import BadInput, Conflict, NotFound, Refused
from postern.ids import SiteId
from postern.operations.attendance import setup as attendance_setup
from postern.operations.people.enrol import enrol
from postern.operations.privacy import consent, jurisdiction, retention
from postern.operations.privacy import texts as privacy_texts
from postern.operations.sites import places as sites
from postern.operators.model import Role
from postern.privacy import profiles
from postern.privacy.model import ConsentForm
from postern.privacy.profiles import ForbiddenHere, first_grounds
from postern.privacy.retention import KindDays, Retention
from postern.privacy.texts import Basis, Filing, Ground, Grounds, Purpose
from postern.records.model import Kind
from tests.flows.own_world import World, world

__all__ = ["world"]
GENERAL = profiles.profile("general", date(2026, 3, 4))
FIRST_GROUNDS = first_grounds([GENERAL])
FIRST_TEXT = GENERAL.consent_text


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


async def test_a_new_wording_is_shown_from_then_on_and_earlier_consents_keep_theirs(world: World) -> None:
    hub, admin = world.hub, world.admin
    paris = await site_in(world, "FR")
    first = (await privacy_texts.asked_at(hub, admin.tenant, paris)).face
    assert first == profiles.profile("fr", hub.clock.now().date()).consent_text
    person = await world.newcomer("Rea Reader", home_site=paris)
    assert (await privacy_texts.asked_of(hub, admin.tenant, person)).face == first
    everywhere = (await privacy_texts.asked_at(hub, admin.tenant, None)).face
    assert first.en in everywhere.en
    assert first.name not in (everywhere.name, FIRST_TEXT.name)
    made = await privacy_texts.publish_text(
        hub, admin, en=f"{FIRST_TEXT.en} Also at the gate.", zh=f"{FIRST_TEXT.zh}大门亦然。"
    )
    assert made.number == 1
    assert (await privacy_texts.asked_of(hub, admin.tenant, person)).face == made
    known = await privacy_texts.texts(hub, admin.tenant)
    assert known.in_force == (made,)
    assert {first.name, FIRST_TEXT.name} <= {one.name for one in known.earlier}
    with pytest.raises(BadInput):
        await privacy_texts.publish_text(hub, admin, en=FIRST_TEXT.en, zh="")
    with pytest.raises(Refused):
        await privacy_texts.publish_text(hub, world.as_role(Role.HR), en=FIRST_TEXT.en, zh=FIRST_TEXT.zh)


async def test_chinese_law_knows_no_legitimate_interests(world: World) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, "CN")
    begun = await privacy_texts.grounds(hub, admin.tenant)
    assert Basis.INTERESTS not in {one.basis for one in begun.every}
    await privacy_texts.set_grounds(hub, admin, begun)
    with pytest.raises(ForbiddenHere, match="第十三条"):
        await privacy_texts.set_grounds(hub, admin, FIRST_GROUNDS)
    await jurisdiction.choose_profile(hub, admin, site, "sg", version=0)
    await privacy_texts.set_grounds(hub, admin, FIRST_GROUNDS)


async def test_in_china_no_face_is_enrolled_without_a_consent_of_its_own_to_records_of_passages(
    world: World,
) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, "CN")
    person = await world.newcomer("Wei Whereabouts", home_site=site)
    photo = b"pic" + bytes((90, 20, 210))
    async with hub.database.transaction(admin.tenant) as tx:
        await tx.execute("DELETE FROM privacy_document WHERE kind = 'grounds'")  # as a tenant begins
    asked = await privacy_texts.asked_of(hub, admin.tenant, person)
    assert asked.movements is not None
    assert "行踪轨迹" in asked.movements.zh
    await consent.give_consent(hub, admin, person=person)
    with pytest.raises(ForbiddenHere, match="第二十八条"):
        await enrol(hub, admin, person=person, photos=[photo])
    await consent.give_consent(hub, admin, person=person, movements=True)
    assert (await enrol(hub, admin, person=person, photos=[photo])).references == 1

    other = await world.newcomer("Lena Labour", home_site=site)
    await consent.give_consent(hub, admin, person=other)
    rules = Ground(purpose=Purpose.MOVEMENTS, basis=Basis.CONTRACT, reference="劳动规章制度 2026-1")
    begun = await privacy_texts.grounds(hub, admin.tenant)
    changed = tuple(rules if one.purpose is rules.purpose else one for one in begun.every)
    await privacy_texts.set_grounds(hub, admin, Grounds(every=changed))
    assert (await privacy_texts.asked_of(hub, admin.tenant, other)).movements is None
    assert (await enrol(hub, admin, person=other, photos=[b"pic" + bytes((240, 30, 20))])).references == 1
    await privacy_texts.set_grounds(hub, admin, begun)


async def test_the_filing_is_due_from_the_enrolment_that_reaches_the_threshold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = world.hub, world.admin
    site = await site_in(world, None)
    await jurisdiction.choose_profile(hub, admin, site, "cn", version=0)
    state = await privacy_texts.filing_state(hub, admin)
    assert state is not None
    assert (state.threshold, state.filing.due) == (100_000, None)
    small = replace(state.ruling, value=str(state.people + 1))
    real = profiles.profile

    def lowered(id: str, on: date) -> profiles.Profile:
        found = real(id, on)
        return replace(found, rulings={**found.rulings, "filing-at": small}) if id == "cn" else found

    monkeypatch.setattr(jurisdiction, "profile", lowered)
    person = await world.newcomer("Fang Filed")
    await consent.give_consent(hub, admin, person=person, movements=True)
    await enrol(hub, admin, person=person, photos=[b"pic" + bytes((5, 250, 120))])
    await privacy_texts.set_filing(hub, admin, Filing(handler="Demo", reached=date(2020, 1, 1)))
    after = await privacy_texts.filing_state(hub, admin)
    assert after is not None
    assert (after.people, after.filing.reached) == (state.people + 1, hub.clock.now().date())
    assert after.filing.handler == "Demo"


async def test_a_change_of_country_ends_hours_from_faces(world: World) -> None:
    hub, admin = world.hub, world.admin
    site = await sites.create_site(hub, admin, name="Moved", time_zone="Europe/Paris", country="DE")
    wanted = AttendanceSettings(site=site.id, faces=True, pay=PayProfile(jurisdiction=Jurisdiction("de")))
    kept = await attendance_setup.set_attendance(hub, admin, wanted)
    assert kept.faces
    await sites.change_site(hub, admin, replace(site, country="FR"))
    assert not (await attendance_setup.attendance_of(hub, admin, site.id)).faces
