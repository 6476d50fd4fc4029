"""The person's own pages at /me: who is let in by what, and that no operator's login opens them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from postern.errors import BadInput, NotFound, NotSignedIn, Refused, TooMany
from postern.ids import OperatorId, PersonId, new_id
from postern.operations import look
from postern.operations.operators import members
from postern.operations.operators.sign_in import start_login
from postern.operations.people import register
from postern.operators import store as operators
from postern.operators.model import Operator, Role
from postern.privacy.member import JOURNAL_NAME
from postern.web.login import FORM_KEY_HEADER, form_key_of
from tests.flows.operations.test_operations_visits import DrawnPost
from tests.flows.own_world import HOME, PASSPHRASE, SAME_ORIGIN, World, world

__all__ = ["world"]


async def test_a_link_is_opened_often_and_spent_once(world: World) -> None:
    link = await world.link(await world.newcomer("Ines Link"))
    async with world.phone() as phone:
        for _ in range(2):
            assert "choose how you sign in" in (await phone.get(link)).text
        assert (await phone.post(link, passphrase="short", again="short")).status_code == 422
        assert (await phone.post(link, passphrase=PASSPHRASE, again="another")).status_code == 422
        assert (await phone.post(link, passphrase=PASSPHRASE, again=PASSPHRASE)).status_code == 303
        assert "Ines Link" in (await phone.get("/me")).text
        assert (await phone.get(link)).status_code == 404
        assert (await phone.post(link, passphrase=PASSPHRASE, again=PASSPHRASE)).status_code == 404


async def test_one_s_own_cookie_is_out_of_scripts_reach_and_no_operators_login(world: World) -> None:
    async with world.own_phone(await world.newcomer("Ole Cookie")) as phone:
        cookie = next(one for one in phone.client.cookies.jar if one.name == "__Host-postern-me")
        assert cookie.secure
        assert "HttpOnly" in str(cookie._rest)
        for path in ("/", "/people", "/privacy", "/profile", "/api/v1/people"):
            answer = await phone.get(path)
            assert answer.status_code == 401 or answer.headers["location"] == "/sign-in", path


async def test_an_operators_login_opens_nobodys_own_page_and_gives_links_once(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Uma Console")
    operator = Operator(id=OperatorId(new_id()), tenant=world.demo.tenant, login_name="hanna", role=Role.HR)
    async with hub.database.transaction(operator.tenant) as tx:
        await operators.add(tx, hub.keyring, operator)
        signed = await start_login(hub, tx, operator, detail="drawn")
    transport = httpx.ASGITransport(app=world.app, raise_app_exceptions=False)
    cookies = {"__Host-postern": signed.secret}
    async with httpx.AsyncClient(transport=transport, base_url=HOME, cookies=cookies) as client:
        answer = await client.get("/me")
        assert (answer.status_code, answer.headers["location"]) == (303, "/me/sign-in")
        headers = {**SAME_ORIGIN, FORM_KEY_HEADER: form_key_of(signed.secret)}
        page = await client.post(f"/people/{person}/own-page", headers=headers)
        assert f"{HOME}/me/first/" in page.text
        assert "<svg" in page.text
        assert "/me/first/" not in (await client.get(f"/people/{person}")).text


async def test_a_form_without_its_key_changes_nothing(world: World) -> None:
    async with world.own_phone(await world.newcomer("Per Form")) as phone:
        assert (await phone.post("/me/sign-out")).status_code == 403
        assert (await phone.client.post("/me/sign-out")).status_code == 403  # from nowhere of ours
        assert (await phone.get("/me")).status_code == 200


async def test_signed_out_and_in_again_with_the_name_that_the_phone_remembers(world: World) -> None:
    async with world.own_phone(await world.newcomer("Rita Again")) as phone:
        answer = await phone.send("/me/sign-out")
        assert answer.headers["location"] == "/me/sign-in?said=signed-out"
        page = (await phone.get("/me/sign-in")).text
        name = re.search(r'name="name" value="([0-9A-Z]{5}-[0-9A-Z]{5})"', page)
        assert name is not None
        typed = name.group(1).lower().replace("-", " ")
        assert (await phone.post("/me/sign-in", name=typed, passphrase=PASSPHRASE)).status_code == 303
        assert "Rita Again" in (await phone.get("/me")).text


async def test_guessing_is_slowed_down_and_told_in_the_journal(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Gus Guessed")
    async with world.own_phone(person) as phone:
        name = phone.remembered_name
    faults = []
    for _ in range(7):
        with pytest.raises((NotSignedIn, TooMany)) as fault:
            await members.sign_in(hub, name=name, passphrase="a wrong one, of course")
        faults.append(fault.type)
    assert faults == [NotSignedIn] * 5 + [TooMany] * 2
    with pytest.raises(TooMany):
        await members.sign_in(hub, name=name, passphrase=PASSPHRASE)
    told = await look.looked_at(hub, world.admin, person, purpose="a test")
    refused = [one for one in told.looks if one.act.value == "refused"]
    assert [one.actor for one in refused] == [JOURNAL_NAME] * 5


async def test_a_new_link_ends_every_login_and_the_old_passphrase(world: World) -> None:
    person = await world.newcomer("Nora Anew")
    async with world.own_phone(person) as phone:
        name = phone.remembered_name
        link = (await world.link(person)).rpartition("/")[2]
        await members.spend_link(world.hub, link, passphrase="another one, and longer")
        assert (await phone.get("/me")).status_code == 303
        with pytest.raises(NotSignedIn):
            await members.sign_in(world.hub, name=name, passphrase=PASSPHRASE)


async def test_an_earlier_link_is_void_once_another_was_given(world: World) -> None:
    person = await world.newcomer("Vera Void")
    first, second = [(await world.link(person)).rpartition("/")[2] for _ in range(2)]
    with pytest.raises(NotFound):
        await members.look_at_link(world.hub, first)
    await members.look_at_link(world.hub, second)


async def test_links_and_logins_run_out(world: World) -> None:
    hub, clock, person = world.hub, world.clock, await world.newcomer("Tim Late")
    began = clock.now()
    link = (await world.link(person)).rpartition("/")[2]
    clock.advance(members.LINK_GOOD_FOR)
    with pytest.raises(NotFound):
        await members.look_at_link(hub, link)
    fresh = (await world.link(person)).rpartition("/")[2]
    signed = await members.spend_link(hub, fresh, passphrase=PASSPHRASE)
    for _ in range(2):  # each use lets it last on
        clock.advance(members.IDLE - timedelta(hours=1))
        assert (await members.who(hub, signed.secret)).person == person
    clock.advance(members.IDLE)
    with pytest.raises(NotSignedIn):
        await members.who(hub, signed.secret)
    clock.advance(began - clock.now())


async def test_an_erased_person_is_signed_out_and_cannot_come_back(world: World) -> None:
    hub, person = world.hub, await world.newcomer("Edda Erased")
    waiting = await world.link(person)
    async with world.own_phone(person) as phone:
        name = phone.remembered_name
        await register.remove_person(hub, world.admin, person)
        assert (await phone.get("/me")).headers["location"] == "/me/sign-in"
        assert (await phone.get(waiting)).status_code == 404
    with pytest.raises(NotSignedIn):
        await members.sign_in(hub, name=name, passphrase=PASSPHRASE)
    async with hub.database.transaction(world.demo.tenant) as tx:
        for table in ("member", "member_link", "member_login"):
            query = f"SELECT count(*) FROM {table} WHERE person_id = %s"
            cursor = await tx.execute(query, (person,))
            assert await cursor.fetchone() == (0,), table


async def test_only_whoever_keeps_people_gives_out_links(world: World) -> None:
    person = await world.newcomer("Lina Kept")
    for role in (Role.SECURITY, Role.AUDITOR, Role.INSTALLER, Role.PRIVACY_OFFICER):
        with pytest.raises(Refused):
            await members.new_member_link(world.hub, world.as_role(role), person)
    with pytest.raises(NotFound):
        await members.new_member_link(world.hub, world.admin, PersonId(UUID(int=7)))


async def test_a_link_is_mailed_where_mail_is_set_up_and_there_is_an_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, person = world.hub, await world.newcomer("Mel Mailed", mail="mel@example.org")
    with pytest.raises(Refused):
        await members.mail_member_link(hub, world.admin, person)
    post = DrawnPost()
    monkeypatch.setitem(hub.__dict__, "post", post)
    await members.mail_member_link(hub, world.admin, person)
    (letter,) = post.sent
    link = next(word for word in letter.text.split() if "/me/first/" in word)
    assert letter.to == "mel@example.org"
    await members.look_at_link(hub, link.rpartition("/")[2])
    with pytest.raises(BadInput):
        await members.mail_member_link(hub, world.admin, await world.newcomer("Nil Nomail"))
