"""API keys as a program uses them: a bearer for /api/v1 alone, within scopes, and bait among them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from postern.clock import SetClock, utc_day
from postern.errors import BadInput, Refused
from postern.ids import OperatorId, new_id
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.insiders import budget
from postern.operations.operators import api_keys, who_they_are
from postern.operations.operators.api_keys import NewKey
from postern.operations.services import Services
from postern.operators import store
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Operator, Role
from postern.operators.roles import Duty
from tests.flows.web.conftest import HOME


@pytest.fixture
async def hanna(hub: Services, demo: Demo) -> Actor:
    operator = Operator(id=OperatorId(new_id()), tenant=demo.tenant, login_name="hanna", role=Role.HR)
    async with hub.database.transaction(demo.tenant) as tx:
        await store.add(tx, hub.keyring, operator)
    return Actor(tenant=demo.tenant, name="hanna", role=Role.HR, operator=operator.id)


def wanted(hub: Services, owner: Actor, *scopes: Duty, days: int = 30) -> NewKey:
    assert owner.operator is not None
    last_day = utc_day(hub.clock.now() + timedelta(days=days))
    return NewKey(operator=owner.operator, name="payroll", scopes=scopes, last_day=last_day)


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_a_key_asks_for_its_operator_within_its_scopes_without_a_form_key(
    hub: Services, admin: Actor, hanna: Actor, program: httpx.AsyncClient
) -> None:
    key = await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE, Duty.CHANGE_PEOPLE))
    assert key.secret.startswith("postern_")
    added = await program.post("/api/v1/people", json={"name": "Nina"}, headers=bearer(key.secret))
    assert added.status_code == 201, added.text
    listed = await program.get("/api/v1/people", headers=bearer(key.secret))
    assert listed.json()["total"] == 7
    assert (await program.get("/api/v1/sites", headers=bearer(key.secret))).status_code == 403
    assert (await program.get("/api/v1/journal", headers=bearer(key.secret))).status_code == 403

    entries = await look.journal_page(hub, admin, limit=50)
    assert {one.entry.actor for one in entries} >= {"hanna/payroll"}
    (line,) = await api_keys.keys(hub, admin)
    assert (line.operator, line.used_day, line.good) == ("hanna", utc_day(hub.clock.now()), True)


async def test_a_key_opens_no_page_and_no_cookie_is_needed_or_given(
    hub: Services, admin: Actor, hanna: Actor, program: httpx.AsyncClient
) -> None:
    key = await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE))
    page = await program.get("/people", headers=bearer(key.secret))
    assert page.headers["location"] == "/sign-in"
    answer = await program.get("/api/v1/people", headers=bearer(key.secret))
    assert "set-cookie" not in answer.headers
    forged = await program.post("/people/new", data={"name": "X"}, headers=bearer(key.secret))
    assert forged.status_code == 403


async def test_ended_expired_unknown_and_disabled_are_answered_alike(
    hub: Services, demo: Demo, admin: Actor, hanna: Actor, program: httpx.AsyncClient, clock: SetClock
) -> None:
    ended = await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE))
    await api_keys.end_key(hub, admin, ended.id)
    short = await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE, days=0))
    bait = await api_keys.plant_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE))
    clock.advance(timedelta(days=1))
    answers = [
        await program.get("/api/v1/people", headers=bearer(secret))
        for secret in (ended.secret, short.secret, bait.secret, "postern_nobodys", "x")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}


async def test_a_key_cannot_widen_its_operators_budget(
    hub: Services, admin: Actor, hanna: Actor, program: httpx.AsyncClient
) -> None:
    people = [row.person.id for row in (await look.find_people(hub, admin, limit=50)).rows]
    key = await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE))
    for one in people[:3]:
        await look.person_file(hub, hanna, one)
    await program.get(f"/api/v1/people/{people[3]}", headers=bearer(key.secret))
    assert [line.used for line in await budget.own_budget(hub, hanna)] == [4, 4]


async def test_bait_opens_nothing_and_alarms(
    hub: Services, admin: Actor, hanna: Actor, program: httpx.AsyncClient
) -> None:
    bait = await api_keys.plant_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE))
    answer = await program.get("/api/v1/people", headers=bearer(bait.secret))
    assert answer.status_code == 401
    (alarm,) = await insider_alarms.insider_alarms(hub, admin)
    assert (alarm.concern, alarm.about) == (Concern.BAIT_KEY_USED, "API key payroll")
    await api_keys.end_key(hub, admin, bait.id)
    again = await program.get("/api/v1/people", headers=bearer(bait.secret))
    assert again.status_code == 401


async def test_no_key_is_made_for_the_hours_of_nobody(hub: Services, admin: Actor, hanna: Actor) -> None:
    for duty in (Duty.SEE_HOURS, Duty.KEEP_HOURS):
        with pytest.raises(BadInput, match="hours of nobody: without see-all-hours"):
            await api_keys.make_key(hub, admin, wanted(hub, hanna, duty))
    await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_HOURS, Duty.SEE_ALL_HOURS))
    assert hanna.operator is not None
    someone = (await look.find_people(hub, admin, limit=1)).rows[0].person.id
    await who_they_are.link_person(hub, admin, hanna.operator, someone)
    await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_HOURS))


async def test_a_key_covers_no_more_than_its_operator_may_and_nothing_that_needs_a_person(
    hub: Services, admin: Actor, hanna: Actor
) -> None:
    with pytest.raises(BadInput, match="hanna may not"):
        await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.OPEN_DOOR))
    with pytest.raises(BadInput, match="approve"):
        await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.APPROVE))
    with pytest.raises(BadInput, match="at least one"):
        await api_keys.make_key(hub, admin, wanted(hub, hanna))
    with pytest.raises(BadInput, match="366 days"):
        await api_keys.make_key(hub, admin, wanted(hub, hanna, Duty.SEE_PEOPLE, days=400))
    with pytest.raises(Refused):
        await api_keys.make_key(hub, hanna, wanted(hub, hanna, Duty.SEE_PEOPLE))
