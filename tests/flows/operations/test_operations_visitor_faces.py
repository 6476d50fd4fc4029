"""A visitor's face: consented to on the phone, at doors while the visit lasts, and gone with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from postern.access.decision import CodePresented, Granted, Request
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.errors import KeyDestroyed, NotFound
from postern.operations.admit import Entrance, admit
from postern.operations.demo import Demo
from postern.operations.people import enrol as enrolment
from postern.operations.people import register
from postern.operations.privacy import consent, erase, jurisdiction
from postern.operations.privacy.erase import ErasureIncomplete
from postern.operations.public import counter_wire as wire
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.visitors import faces, visits
from postern.operations.visitors import page as visit_page
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors.faces import GivenFace
from postern.operations.visitors.visits import Invited
from postern.operations.visitors.watch import follow_visits
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.privacy.profiles import ForbiddenHere
from postern.sealing.keyring import Purpose
from postern.sites.store import SitePlan
from postern.spans import Span
from postern.visitors.model import VisitDetails
from tests.flows.operations.conftest import admin, agent, clock, controller, demo, entrance, hub, places
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_main_path import way

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places"]

HOUR = timedelta(hours=1)
HERS, DARK = b"pic" + bytes((40, 200, 90)), b"pic" + bytes(3)


@pytest.fixture(autouse=True)
async def offered(hub: Services, admin: Actor, demo: Demo) -> None:
    """The site offers it."""
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    await visit_rules.change_rules(hub, admin, replace(found.rules, faces=True), english="", chinese="")


async def invited(hub: Services, admin: Actor, demo: Demo, *, begins: timedelta = -HOUR) -> Invited:
    levels = await access_levels.access_levels(hub, admin)
    now = hub.clock.now()
    details = VisitDetails(
        site=demo.site,
        name="Mei Tanaka",
        level=next(one.id for one in levels if one.name == "Always"),
        valid=Span(start=now + begins, end=now + begins + 5 * HOUR),
    )
    return await visits.invite(hub, admin, details)


async def given(hub: Services, made: Invited, photo: bytes = HERS, **more: object) -> wire.FaceAnswer:
    shown = await visit_page.invitation(hub, made.link)
    wording = shown.face.wording if shown.face is not None else ""
    face = GivenFace(wording=wording, language="en", name="Mei Tanaka", photo=photo)
    return await visit_page.give_face(hub, made.link, replace(face, **more))


async def at_doors(agent: DrawnAgent) -> set[UUID]:
    policy: Policy = await agent.policy()
    return {one for part in policy.gallery for one in part.people}


async def opens(agent: DrawnAgent, entrance: Entrance, places: SitePlan, made: Invited) -> bool:
    """Whether the QR code opens the front door now."""
    shown = CodePresented(kind=CredentialKind.QR, value=made.visit.code)
    request = Request(access_point=way(places, "Front door, in"), presented=shown)
    return isinstance((await admit(entrance, await agent.policy(), request)).decision, Granted)


async def test_a_face_is_at_doors_while_the_visit_lasts_and_gone_with_it(
    hub: Services,
    admin: Actor,
    demo: Demo,
    agent: DrawnAgent,
    entrance: Entrance,
    places: SitePlan,
    clock: object,
) -> None:
    made = await invited(hub, admin, demo)
    answer = await given(hub, made)
    assert (answer.fault.code, answer.view.face and answer.view.face.state) == ("", "given")
    assert made.visit.id in await at_doors(agent)
    assert await opens(agent, entrance, places, made)  # the code does the same

    await visits.tell(hub, admin, made.visit.id, out=False)
    await visits.tell(hub, admin, made.visit.id, out=True)
    assert made.visit.id not in await at_doors(agent)
    assert await faces.end_faces(hub, demo.tenant, by="job:visits") == [made.visit.id]
    assert await faces.end_faces(hub, demo.tenant, by="job:visits") == []
    with pytest.raises(KeyDestroyed):
        await hub.keyring.subject_key(demo.tenant, made.visit.id, Purpose.FACE)
    shown = await visit_page.invitation(hub, made.link)
    assert shown.face is not None
    assert (shown.face.state, shown.face.wording) == ("ended", "face-recognition eu 2026-11")
    receipt = next(one for one in await erase.erasures(hub, admin) if one.subject == made.visit.id).receipt
    assert receipt is not None
    assert receipt.opened_in_all == 0
    assert {"visit_reference", "policy"} <= {one.what for one in receipt.tried}


async def test_agents_get_the_face_only_shortly_before_the_visit(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await invited(hub, admin, demo, begins=HOUR)
    await given(hub, made)
    assert made.visit.id not in await at_doors(agent)

    later = hub.clock.now() + timedelta(minutes=50)
    monkeypatch.setattr(type(hub.clock), "now", lambda _: later)
    await follow_visits(hub, demo.tenant, demo.site)
    assert made.visit.id in await at_doors(agent)

    over = later + 6 * HOUR  # nobody came
    monkeypatch.setattr(type(hub.clock), "now", lambda _: over)
    await follow_visits(hub, demo.tenant, demo.site)
    assert made.visit.id not in await at_doors(agent)
    assert await faces.end_faces(hub, demo.tenant, by="job:visits") == [made.visit.id]


async def test_whoever_withdraws_keeps_the_code_and_may_consent_anew(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> None:
    made = await invited(hub, admin, demo)
    await given(hub, made)
    with_it = await visit_page.withdraw_face(hub, made.link)
    assert with_it.face is not None
    assert with_it.face.state == "offered"
    assert made.visit.id not in await at_doors(agent)
    assert await opens(agent, entrance, places, made)
    assert (
        await visit_page.withdraw_face(hub, made.link)
    ).code == made.visit.code  # once more: nothing to do

    assert (await given(hub, made)).fault.code == ""
    assert made.visit.id in await at_doors(agent)
    await faces.take_face(hub, admin, made.visit.id)
    with pytest.raises(NotFound):
        await faces.take_face(hub, admin, made.visit.id)


async def test_a_photo_that_does_not_serve_leaves_nothing_behind(
    hub: Services, admin: Actor, demo: Demo
) -> None:
    made = await invited(hub, admin, demo)
    answer = await given(hub, made, DARK)
    assert "dark" in answer.fault.english
    assert answer.fault.chinese
    assert (await given(hub, made, b"no picture")).fault.code == "photo"
    assert (await given(hub, made, HERS, wording="another")).fault.code == "conflict"
    assert (await given(hub, made, HERS, name=" ")).fault.code == "bad-input"
    assert (await visit_page.invitation(hub, made.link)).face.state == "offered"  # type: ignore[union-attr]


async def test_a_face_like_another_is_not_kept_and_its_giver_learns_nothing(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent
) -> None:
    """Otherwise whoever holds a link could try out whose face is known here."""
    person = await register.add_person(hub, admin, PersonDetails(name="Ada", employee_number="F-1"))
    await consent.give_consent(hub, admin, person=person.id)
    await enrolment.enrol(hub, admin, person=person.id, photos=[HERS])
    alike, other = await invited(hub, admin, demo), await invited(hub, admin, demo)

    answers = [await given(hub, alike), await given(hub, other, b"pic" + bytes((250, 10, 10)))]
    told = [replace(one.view, code="", looks=()) for one in answers]
    assert told[0] == told[1]
    assert [one.fault for one in answers] == [wire.FaceFault(), wire.FaceFault()]
    assert {alike.visit.id, other.visit.id} & await at_doors(agent) == {other.visit.id}
    third = await invited(hub, admin, demo)  # of the same time as the second
    await given(hub, third, b"pic" + bytes((250, 10, 10)))
    assert third.visit.id not in await at_doors(agent)


async def test_the_law_of_the_site_is_asked(
    hub: Services, admin: Actor, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = next(one for one in await jurisdiction.rules_of_sites(hub, admin) if one.site.id == demo.site)
    await jurisdiction.choose_profile(hub, admin, demo.site, "us-il", version=rules.version)
    made = await invited(hub, admin, demo)
    child = await given(hub, made, minor=True)
    assert "740 ILCS 14/15 (b)" in child.fault.english
    guarded = await given(hub, made, minor=True, guardian="Aiko Tanaka, mother")
    assert guarded.view.face is not None
    assert guarded.view.face.guardian == "Aiko Tanaka, mother"

    before = datetime(2024, 7, 1, 12, tzinfo=UTC)  # when Illinois took signatures on paper alone
    monkeypatch.setattr(type(hub.clock), "now", lambda _: before)
    early = await invited(hub, admin, demo)
    shown = await visit_page.invitation(hub, early.link)
    assert shown.face is not None
    assert shown.face.state == "forbidden"
    assert (await given(hub, early)).fault.code == "forbidden-here"
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    with pytest.raises(ForbiddenHere, match="paper"):
        await visit_rules.change_rules(hub, admin, found.rules, english="", chinese="")


async def test_in_china_a_visitor_agrees_to_the_record_of_their_passages_by_itself(
    hub: Services, admin: Actor, demo: Demo
) -> None:
    rules = next(one for one in await jurisdiction.rules_of_sites(hub, admin) if one.site.id == demo.site)
    await jurisdiction.choose_profile(hub, admin, demo.site, "cn", version=rules.version)
    made = await invited(hub, admin, demo)
    shown = await visit_page.invitation(hub, made.link)
    assert shown.face is not None
    assert "行踪轨迹" in shown.face.movements_chinese
    refused = await given(hub, made)
    assert refused.fault.code == "forbidden-here"
    assert "第二十九条" in refused.fault.chinese
    assert refused.view.face is not None
    assert refused.view.face.state == "offered"
    answer = await given(hub, made, movements=True)
    assert answer.view.face is not None
    assert answer.view.face.wording == "face-recognition cn 2026-11, movements cn 2026-11"
    await jurisdiction.choose_profile(hub, admin, demo.site, "eu", version=rules.version + 1)
    elsewhere = await visit_page.invitation(hub, (await invited(hub, admin, demo)).link)
    assert elsewhere.face is not None
    assert not elsewhere.face.movements_chinese


async def test_a_site_that_does_not_offer_it_takes_no_face(hub: Services, admin: Actor, demo: Demo) -> None:
    found = await visit_rules.rules_of_site(hub, admin, demo.site)
    await visit_rules.change_rules(hub, admin, replace(found.rules, faces=False), english="", chinese="")
    made = await invited(hub, admin, demo)
    assert (await visit_page.invitation(hub, made.link)).face is None
    assert (await given(hub, made, wording="face-recognition 2026-01")).fault.code == "refused"


async def test_the_mutant_that_leaves_the_face_key_gets_no_receipt(
    hub: Services, admin: Actor, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await invited(hub, admin, demo)
    await given(hub, made)

    async def none(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(hub.keyring, "destroy_subject_keys", none)
    with pytest.raises(ErasureIncomplete, match="visit_reference"):
        await visit_page.withdraw_face(hub, made.link)


async def test_an_erased_visit_takes_its_face_along(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent
) -> None:
    made = await invited(hub, admin, demo)
    await given(hub, made)
    receipt = await erase.erase_visit(hub, admin, made.visit.id)
    assert receipt.opened_in_all == 0
    assert next(one.tried for one in receipt.tried if one.what == "visit_reference") == 1
    assert made.visit.id not in await at_doors(agent)
    await publish_stale(hub)
    with pytest.raises(KeyDestroyed):
        await hub.keyring.subject_key(demo.tenant, made.visit.id, Purpose.FACE)
