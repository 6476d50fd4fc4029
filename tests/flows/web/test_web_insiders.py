"""Second persons, exports, budgets and desks as programs and pages meet them."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from pyrage import decrypt, x25519

from postern.clock import utc_day
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.operators import operators as operator_operations
from postern.operations.services import Services
from postern.operations.sites import places as site_operations
from postern.operators.model import Actor, Role
from tests.attacks.test_roles_by_endpoint import Seat, seat
from tests.flows.web.conftest import SAME_ORIGIN, Browser

WHY = {"purpose": "a stolen bicycle", "case": "C-1"}


async def post(somebody: Seat, path: str, **body: object) -> tuple[int, object]:
    headers = {**SAME_ORIGIN, "postern-form-key": somebody.form_key}
    answer = await somebody.client.post(path, json=body, headers=headers)
    is_json = "json" in answer.headers.get("content-type", "")
    return answer.status_code, answer.json() if is_json else answer.content


async def test_a_far_search_over_the_api_waits_for_its_second_person(
    app: FastAPI, hub: Services, demo: Demo, admin: Actor
) -> None:
    person = (await look.find_people(hub, admin)).rows[0].person.id
    today = utc_day(hub.clock.now())
    search = {
        "subject": str(person),
        "sites": [demo.site],
        "first": str(today - timedelta(days=40)),
        "last": str(today),
        **WHY,
    }
    async with (
        seat(app, hub, demo.tenant, Role.SECURITY) as guard,
        seat(app, hub, demo.tenant, Role.PRIVACY_OFFICER) as officer,
    ):
        status, refused = await post(guard, "/api/v1/searches", **search)
        assert (status, refused["code"]) == (403, "refused")  # type: ignore[index]
        status, _asked = await post(guard, "/api/v1/searches/requests", **search)
        assert status == 201
        (waiting,) = (await officer.client.get("/api/v1/approvals")).json()
        assert (waiting["asked_by"], waiting["subjects"]) == ("security.1", [str(person)])
        path = f"/api/v1/approvals/{waiting['id']}/decision"
        assert (await post(guard, path, approved=True, reason="I may"))[0] == 403
        assert (await post(officer, path, approved=True, reason="police request"))[0] == 200
        status, found = await post(guard, "/api/v1/searches", **search, approval=waiting["id"])
        assert (status, found) == (200, [])
        (own,) = (await guard.client.get("/api/v1/approvals/own")).json()
        assert (own["state"], own["decided_by"]) == ("used", "privacy-officer.1")
        hour, day = (await guard.client.get("/api/v1/budget")).json()
        assert (hour["used"], hour["subjects"], day["subjects"]) == (1, 20, 60)


async def test_an_export_over_the_api_is_an_age_file(
    app: FastAPI, hub: Services, demo: Demo, admin: Actor
) -> None:
    people = [str(row.person.id) for row in (await look.find_people(hub, admin)).rows]
    holder = x25519.Identity.generate()
    wanted = {"recipient": "Payroll", "recipient_key": str(holder.to_public()), "people": people, **WHY}
    async with seat(app, hub, demo.tenant, Role.HR) as clerk:
        status, sealed = await post(clerk, "/api/v1/exports", **wanted)
        assert status == 200
        assert isinstance(sealed, bytes)
        assert b"Ada Nowak" in decrypt(sealed, [holder])
        assert (await post(clerk, "/api/v1/exports", **wanted | {"people": None}))[0] == 403


async def test_the_page_of_operators_sets_a_desk_once_there_are_two_sites(
    browser: Browser, hub: Services, demo: Demo, admin: Actor
) -> None:
    await operator_operations.add_operator(hub, admin, login_name="gil", role=Role.SECURITY)
    assert "Desk of gil" not in (await browser.get("/operators")).text
    depot = await site_operations.create_site(hub, admin, name="Depot", time_zone="Europe/Berlin")
    assert "Desk of gil" in (await browser.get("/operators")).text
    gil = next(one for one in await operator_operations.operators(hub, admin) if one.login_name == "gil")
    answer = await browser.send(f"/operators/{gil.id}/desk", site=[str(depot.id)])
    assert answer.status_code == 303
    guard = Actor(tenant=demo.tenant, name="gil", role=Role.SECURITY, operator=gil.id)
    assert await look.is_watched(hub, guard, depot.id)
    assert not await look.is_watched(hub, guard, demo.site)
