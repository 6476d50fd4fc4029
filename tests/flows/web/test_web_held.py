"""What is held about me and who looked: all of it, to oneself alone; withdraw, rectify, export, erase."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from postern.errors import BadInput, Conflict, KeyDestroyed, NotFound, Refused
from postern.ids import OperatorId, PersonId, new_id
from postern.operations import look
from postern.operations.operators.sign_in import start_login
from postern.operations.people import credentials
from postern.operations.people.enrol import enrol
from postern.operations.privacy import consent, lawful_requests, own_consent, own_requests
from postern.operations.privacy.held import held
from postern.operations.privacy.lawful_requests import Told
from postern.operations.sites import places as sites
from postern.operators import store as operators
from postern.operators.model import Operator, Role
from postern.privacy.lawful import LawfulAnswer
from postern.privacy.member import JOURNAL_NAME, Member
from postern.privacy.model import ConsentForm
from postern.privacy.requests import RequestKind, RequestState
from postern.sealing.keyring import Purpose
from postern.web.login import FORM_KEY_HEADER, form_key_of
from tests.flows.own_world import SAME_ORIGIN, World, world

__all__ = ["world"]


def member_of(world: World, person: PersonId) -> Member:
    return Member(tenant=world.demo.tenant, person=person, name="")


async def test_one_sees_everything_about_oneself_and_who_looked(world: World) -> None:
    person = await world.newcomer("Hedda Held", birth_date=date(1991, 7, 9), notes="left-handed")
    await credentials.issue_card(world.hub, world.admin, person=person, number="0477HELD99")
    guard = world.as_role(Role.SECURITY)
    await look.person_file(world.hub, guard, person, purpose="a lost card", case="L-4")
    async with world.own_phone(person) as phone:
        page = (await phone.get("/me/held")).text
        for told in ("Hedda Held", "9 Jul 1991", "left-handed", "…LD99", "a lost card", "L-4", "security"):
            assert told in page, told
        assert "0477HELD99" not in page
        file = json.loads((await phone.get("/me/held/file.json")).text)
        printed = await phone.get("/me/held/file.pdf")
    assert file["details"]["name"] == "Hedda Held"
    assert {"security", JOURNAL_NAME, "administrator"} == {one["actor"] for one in file["looks"]}
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF")


async def test_the_paper_is_in_chinese_for_whoever_reads_chinese(world: World) -> None:
    person = await world.newcomer("何持有")
    async with world.own_phone(person) as phone:
        phone.client.cookies.set("postern-language", "zh")
        assert "关于我保存了什么" in (await phone.get("/me/held")).text
        assert b"STSong-Light" in (await phone.get("/me/held/file.pdf")).content


async def test_looking_is_in_the_journal_before_anything_is_told(world: World) -> None:
    person = await world.newcomer("Jonas Journal")
    await held(world.hub, member_of(world, person))
    await held(world.hub, member_of(world, person), exported=True)
    told = await look.looked_at(world.hub, world.admin, person, purpose="a test")
    own = [(one.act.value, one.purpose) for one in told.looks if one.actor == JOURNAL_NAME]
    assert own == [("exported", "own data"), ("looked", "own data")]


async def test_one_consents_and_withdraws_by_oneself_and_only_the_face_goes(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Wanda Withdraws")
    async with world.own_phone(person) as phone:
        assert (await phone.send("/me/held/consent")).status_code == 422
        answer = await phone.send("/me/held/consent", agreed="yes", keep_photo="yes")
        assert answer.headers["location"] == "/me/held?said=own-consented"
        (given,) = await consent.consents(hub, world.admin, person)
        assert (given.form, given.recorded_by) == (ConsentForm.ONLINE, JOURNAL_NAME)
        await enrol(hub, world.admin, person=person, photos=[b"pic" + bytes((90, 30, 200))])
        assert "The photo is kept, too." in (await phone.get("/me/held")).text
        await phone.send("/me/held/withdraw-photo")
        assert "No photo is kept." in (await phone.get("/me/held")).text
        await phone.send("/me/held/withdraw")
        page = (await phone.get("/me/held")).text
    assert "withdrawn" in page
    with pytest.raises(KeyDestroyed):
        await hub.keyring.subject_key(world.demo.tenant, person, Purpose.FACE)
    await hub.keyring.subject_key(world.demo.tenant, person, Purpose.IDENTITY)
    with pytest.raises(NotFound):
        await own_consent.withdraw(hub, member_of(world, person))


async def test_a_request_is_answered_and_the_answer_is_seen(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Rosa Rectify")
    officer = world.as_role(Role.PRIVACY_OFFICER)
    async with world.own_phone(person) as phone:
        assert (await phone.send("/me/held/rectify", rectify=" ")).status_code == 422
        await phone.send("/me/held/rectify", rectify="My surname is Rectifey.")
        assert "waits for its answer" in (await phone.get("/me/held")).text
        (mine,) = [one for one in await own_requests.waiting(hub, officer) if one.name == "Rosa Rectify"]
        await own_requests.decide(hub, officer, mine.request.id, done=True, answer="Put right today.")
        page = (await phone.get("/me/held")).text
    assert "Put right today." in page
    with pytest.raises(Conflict):
        await own_requests.decide(hub, officer, mine.request.id, done=False, answer="Once more.")


async def test_an_erasure_that_is_granted_ends_the_page_and_every_request(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Erik Erased")
    officer, me = world.as_role(Role.PRIVACY_OFFICER), member_of(world, person)
    await own_requests.ask(hub, me, RequestKind.RECTIFY, "It is Eric.")
    asked = await own_requests.ask(hub, me, RequestKind.ERASE, "")
    with pytest.raises(Conflict):
        await own_requests.ask(hub, me, RequestKind.ERASE, "now")
    async with world.own_phone(person) as phone:
        await own_requests.decide(hub, officer, asked.id, done=True, answer="As you asked.")
        assert (await phone.get("/me/held")).headers["location"] == "/me/sign-in"
    assert not [one for one in await own_requests.waiting(hub, officer) if one.request.person == person]
    with pytest.raises(NotFound):
        await held(hub, me)


async def test_a_declined_erasure_erases_nothing(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Dora Declined")
    officer, me = world.as_role(Role.PRIVACY_OFFICER), member_of(world, person)
    asked = await own_requests.ask(hub, me, RequestKind.ERASE, "please")
    await own_requests.decide(hub, officer, asked.id, done=False, answer="You still work here.")
    found = await held(hub, me)
    assert [(one.state, one.answer) for one in found.requests] == [
        (RequestState.DECLINED, "You still work here.")
    ]


async def test_only_whoever_keeps_privacy_reads_requests(world: World) -> None:
    for role in (Role.HR, Role.SECURITY, Role.AUDITOR):
        with pytest.raises(Refused):
            await own_requests.waiting(world.hub, world.as_role(role))


def asked(number: str, **changed: object) -> Told:
    """What a court wrote."""
    written = Told(
        received=date(2026, 3, 2),
        authority="District court",
        law="StPO § 95, 12 Gs 3/26",
        asked="passages of a day",
        answer=LawfulAnswer.HANDED_OVER,
        handed="one page",
        numbers=[number],
        tell_from=date(2026, 3, 4),
    )
    return replace(written, **changed)  # type: ignore[arg-type]  # a test's own words


async def test_an_authority_s_request_is_told_from_its_day_on_and_never_where_a_law_forbids(
    world: World,
) -> None:
    hub, admin = world.hub, world.admin
    person = await world.newcomer("Lars Lawful", employee_number="L-77")
    await lawful_requests.record(hub, admin, asked("L-77"))
    later, never = asked("L-77", tell_from=date(2026, 4, 1)), asked("L-77", tell_from=None, secrecy="§ 95a")
    for one in (later, never):
        await lawful_requests.record(hub, admin, one)
    found = await held(hub, member_of(world, person))
    assert [one.tell_from for one in found.authorities] == [date(2026, 3, 4)]
    told = [one for one in found.looks if one.purpose == "an authority's request"]
    assert len(told) == 1
    every = await lawful_requests.register(hub, world.as_role(Role.AUDITOR))
    assert len([one for one in every if person in one.subjects]) == 3


async def test_the_register_takes_nothing_incomplete_and_nobody_unknown(world: World) -> None:
    await world.newcomer("Mia Missing", employee_number="M-1")
    for wrong in (
        asked("M-1", authority=""),
        asked("M-1", handed=" "),
        asked("M-1", tell_from=None),
    ):
        with pytest.raises(BadInput):
            await lawful_requests.record(world.hub, world.admin, wrong)
    with pytest.raises(NotFound):
        await lawful_requests.record(world.hub, world.admin, asked("M-2"))
    with pytest.raises(Refused):
        await lawful_requests.record(world.hub, world.as_role(Role.HR), asked("M-1"))


async def test_jurisdictions_and_requests_over_the_api(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Ada Api")
    asked_for = await own_requests.ask(hub, member_of(world, person), RequestKind.RECTIFY, "It is Adah.")
    place = await sites.create_site(hub, world.admin, name="Paris", time_zone="Europe/Paris", country="FR")
    officer = Operator(
        id=OperatorId(new_id()), tenant=world.demo.tenant, login_name="odile", role=Role.PRIVACY_OFFICER
    )
    async with hub.database.transaction(officer.tenant) as tx:
        await operators.add(tx, hub.keyring, officer)
        signed = await start_login(hub, tx, officer, detail="drawn")
    async with world.phone() as desk:
        client = desk.client
        client.cookies.set("__Host-postern", signed.secret)
        client.headers.update({**SAME_ORIGIN, FORM_KEY_HEADER: form_key_of(signed.secret)})
        path = f"/api/v1/sites/{place.id}/jurisdiction"
        law = (await client.get(path)).json()
        (hours,) = [one for one in law["rulings"] if one["question"] == "working-time"]
        assert (law["profile"], hours["value"]) == ("fr", "refused")
        changed = await client.put(path, json={"profile": "eu", "version": law["version"]})
        assert changed.json()["chosen"] == "eu"
        assert (await client.put(path, json={"profile": "eu", "version": 0})).status_code == 409
        waiting = (await client.get("/api/v1/own-requests")).json()
        assert [one["text"] for one in waiting if one["person"] == str(person)] == ["It is Adah."]
        answered = f"/api/v1/own-requests/{asked_for.id}/answer"
        assert (await client.post(answered, json={"done": True, "answer": "Done."})).status_code == 204
    (mine,) = (await held(hub, member_of(world, person))).requests
    assert (mine.state, mine.decided_by) == (RequestState.DONE, "odile")
