"""The table of roles, expanded: every role at every address that it has no line for, and another tenant's
things at every address that takes an id. Through the application itself, page and API alike."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.ids import TenantId
from postern.operations.demo import Demo
from postern.operations.parking.checkout import Till
from postern.operations.public.counter_books import CounterBooks
from postern.operations.services import Services
from postern.operators.model import Role
from postern.operators.roles import DUTIES, TABLE, Door, Duty, Endpoint, read_table
from postern.prove.seat import (
    ANY,
    GUARDED,
    SIGN_IN,
    STREAMS,
    TAKES_AN_ID,
    Seat,
    ids_for,
    may,
    neighbours,
    rows_of,
    seat,
)
from postern.settings import Settings
from postern.web.app import create_app
from postern.web.endpoints import endpoints_of
from postern.web.ports import ConsolePorts
from tests.flows.operations.conftest import clock, demo, hub
from tests.flows.web.conftest import HOME, app

__all__ = ["Seat", "app", "clock", "demo", "hub", "seat"]


@pytest.mark.parametrize("role", list(Role))
async def test_whatever_a_role_is_not_granted_is_refused_on_every_address(
    app: FastAPI, hub: Services, demo: Demo, role: Role
) -> None:
    answers: dict[Endpoint, int] = {}
    async with seat(app, hub, demo.tenant, role) as somebody:
        for endpoint in GUARDED:
            if endpoint.path in STREAMS and may(role, endpoint):
                continue
            answers[endpoint] = (await somebody.ask(endpoint, ANY)).status_code
    assert {endpoint for endpoint, status in answers.items() if status == 403} == {
        endpoint for endpoint in answers if not may(role, endpoint)
    }
    assert [endpoint for endpoint, status in answers.items() if status >= 500] == []


async def test_a_refusal_is_in_the_journal_with_its_address(app: FastAPI, hub: Services, demo: Demo) -> None:
    async with seat(app, hub, demo.tenant, Role.AUDITOR) as auditor:
        await auditor.client.get("/people")
        page = (await auditor.client.get("/api/v1/journal")).json()
    refused = [one for one in page if one["act"] == "refused"]
    assert [(one["actor"], one["purpose"]) for one in refused] == [("auditor.1", "GET /people")]


def test_every_address_of_the_application_has_its_line_and_every_line_an_address(app: FastAPI) -> None:
    assert {endpoint for _, endpoint in endpoints_of(app)} == set(TABLE.needs)


async def test_an_address_without_a_line_is_closed_to_everybody(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    async def forgotten() -> str:
        return "secret"

    app.add_api_route("/forgotten", forgotten)
    async with seat(app, hub, demo.tenant, Role.ADMINISTRATOR) as administrator:
        answer = await administrator.client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


async def test_an_agents_address_wants_a_signature(app: FastAPI, hub: Services, demo: Demo) -> None:
    async with seat(app, hub, demo.tenant, Role.ADMINISTRATOR) as administrator:
        answers = {
            endpoint: (await administrator.ask(endpoint, {})).status_code
            for endpoint, need in TABLE.needs.items()
            if need is Door.AGENTS and endpoint.method != "WEBSOCKET"  # test_agent_real_hub speaks that
        }
    assert {endpoint: status for endpoint, status in answers.items() if status not in (401, 422)} == {}


async def test_without_a_login_only_the_public_addresses_answer(
    app: FastAPI, hub: Services, demo: Demo
) -> None:
    refusing: set[Endpoint] = set()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        stranger = Seat(client=client, form_key="")
        asked = [
            endpoint
            for endpoint, need in TABLE.needs.items()
            if need is not Door.AGENTS and endpoint.method != "WEBSOCKET"
        ]
        for endpoint in asked:
            answer = await stranger.ask(endpoint, ANY)
            sent_to_sign_in = answer.status_code == 303 and answer.headers["location"] in SIGN_IN
            if answer.status_code == 401 or sent_to_sign_in:
                refusing.add(endpoint)
    assert refusing == {one for one in asked if TABLE.needs[one] is not Door.ANYONE}


@pytest.fixture
async def others(hub: Services, demo: Demo, clock: SetClock, tmp_path: Path) -> dict[str, str]:
    """Ids of another organisation's things, as they would stand in an address; a garage is one of them."""
    return await neighbours(hub, clock, tmp_path)


@pytest.fixture
def app_with_a_till(hub: Services, demo: Demo, clock: SetClock, tmp_path: Path) -> FastAPI:
    """The hub's application where drivers' money is taken at a desk: the one of every organisation here."""
    desk = Desk(tmp_path / "slips", clock)
    till = Till(provider=desk, books=CounterBooks(services=hub), public_url=HOME, desk=desk)
    return create_app(hub, Settings(data=tmp_path, mode="demo"), ConsolePorts(pay_url=HOME, till=till))


async def test_another_tenants_things_are_not_there_whatever_the_address(
    app_with_a_till: FastAPI, hub: Services, demo: Demo, others: dict[str, str]
) -> None:
    tenant = TenantId(int(others["tenant"]))
    before = await rows_of(hub, tenant)
    answers: dict[Endpoint, int] = {}
    async with seat(app_with_a_till, hub, demo.tenant, Role.ADMINISTRATOR) as administrator:
        for endpoint in TAKES_AN_ID:
            answers[endpoint] = (await administrator.ask(endpoint, ids_for(endpoint, others))).status_code
    assert sorted(f"{s} {e.method} {e.path}" for e, s in answers.items() if s != 404) == []
    assert await rows_of(hub, tenant) == before


def test_a_table_with_an_unknown_duty_a_missing_one_or_a_doubled_line_is_refused() -> None:
    doors = "".join(f"{door.value}: []\n" for door in Door)
    whole = f"{doors}duties:\n{''.join(map(line_of, Duty))}"
    assert read_table(whole).needs == {}
    for broken in (
        whole.replace("  watch:", "  stare:"),
        whole.replace(line_of(Duty.WATCH), ""),
        whole.replace("anyone: []", "anyone: [GET /x, GET /x]"),
        whole.replace("roles: [auditor]", "roles: [nobody]", 1),
    ):
        with pytest.raises(ValueError, match=r"table|not a valid"):
            read_table(broken)


def line_of(duty: Duty) -> str:
    return f"  {duty.value}:\n    roles: [auditor]\n    endpoints: []\n"


def test_no_role_is_charged_with_looking_and_with_keeping_the_journal_but_the_administrator() -> None:
    both = {role for role in Role if {Duty.SEARCH, Duty.READ_JOURNAL} <= DUTIES[role]}
    assert both == {Role.ADMINISTRATOR}
