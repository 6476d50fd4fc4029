"""The curious insider is stopped at the 21st subject of an hour, by any mix of routes, and all is written."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from postern.errors import Refused
from postern.ids import TenantId
from postern.operations.admit import Entrance
from postern.operations.archive import evidence, wall
from postern.operations.demo import Demo
from postern.operations.insiders import approvals, budget
from postern.operations.insiders.budget import Opening
from postern.operations.people import export
from postern.operations.people.export import Export
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.prove.insider import Insider, Target, a_target, an_insider, verdict
from postern.sites.store import SitePlan
from tests.attacks.test_roles_by_endpoint import seat
from tests.flows.operations.conftest import admin, agent, clock, controller, demo, entrance, hub, places
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.web.conftest import SAME_ORIGIN, app

__all__ = ["admin", "agent", "app", "clock", "controller", "demo", "entrance", "hub", "places"]

ROLES = (Role.SECURITY, Role.ADMINISTRATOR)


@pytest.fixture
async def target(
    hub: Services, demo: Demo, admin: Actor, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> Target:
    return await a_target(hub, demo, admin, agent, entrance, places)


mixes = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 49)), min_size=8, max_size=40)


@given(role=st.sampled_from(ROLES), mix=mixes)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_mix_of_routes_opens_a_twenty_first_subject_or_goes_unwritten(
    target: Target, role: Role, mix: list[tuple[int, int]]
) -> None:
    insider = await an_insider(target, role)
    for route, number in mix:
        await insider.go(route, number)
    assert await verdict(insider) == []


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_of_the_script_does_open_somebody(target: Target, role: Role) -> None:
    insider = await an_insider(target, role)
    for route in insider.routes:
        fresh = await an_insider(target, role)
        assert await getattr(fresh, route.__name__)(8), route.__name__


async def greedy(target: Target, role: Role, seed: int = 7) -> Insider:
    """One who tries everything, over and over, in a fixed order."""
    draw, insider = random.Random(seed), await an_insider(target, role)
    for _ in range(70):
        await insider.go(draw.randrange(10), draw.randrange(50))
    return insider


@pytest.mark.parametrize("role", ROLES)
async def test_who_tries_everything_is_stopped(target: Target, role: Role) -> None:
    insider = await greedy(target, role)
    assert insider.refused > 20
    assert await verdict(insider) == []


async def test_one_by_one_the_twentieth_is_opened_and_the_twenty_first_is_not(target: Target) -> None:
    insider = await an_insider(target, Role.SECURITY)
    for number in range(21):
        await insider.go(0, number)
    assert (len(insider.seen), insider.refused) == (20, 1)
    assert await verdict(insider) == []


async def test_a_bulk_export_does_not_go_round_the_budget(target: Target) -> None:
    insider = await an_insider(target, Role.ADMINISTRATOR)
    wanted = Export(recipient="Myself", recipient_key=f"age1{'q' * 58}", people=target.people)
    key = "age1uceh3fyxts64ffxy9qem6qrlh9ez7e0n6h9edkkykhf6c0qqr3dq5pljvn"
    wanted = replace(wanted, recipient_key=key)
    with pytest.raises(Refused, match="second person"):
        await export.export_people(target.hub, insider.actor, wanted, purpose="curious", case="C-0")
    asked = await export.ask_to_export(target.hub, insider.actor, wanted, purpose="curious", case="C-0")
    with pytest.raises(Refused, match="own request"):
        await approvals.decide(target.hub, insider.actor, asked.id, approved=True, reason="I may")


async def test_the_mutant_that_counts_searches_instead_of_subjects_is_caught(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = budget._count

    async def one_a_search(services: Services, tx: Any, actor: Actor, opening: Opening) -> Any:
        return await real(services, tx, actor, replace(opening, subjects=opening.subjects[:1], others=()))

    monkeypatch.setattr(budget, "_count", one_a_search)
    found = await verdict(await greedy(target, Role.SECURITY))
    assert any("subjects opened within an hour" in failure for failure in found)


async def test_the_mutant_with_one_route_that_is_not_counted_is_caught(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def uncounted(services: Services, tx: Any, actor: Actor, opening: Opening) -> None:
        await budget.open_subjects(services, tx, actor, replace(opening, own_desk=True))

    monkeypatch.setattr(wall, "open_subjects", uncounted)
    insider = await an_insider(target, Role.SECURITY)
    for number in range(20):
        await insider.go(0, number)
    await insider.go(5, 8)
    assert any("subjects opened within an hour" in failure for failure in await verdict(insider))


async def test_the_mutant_that_writes_nothing_down_is_caught(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*args: object, **named: object) -> None:
        return None

    monkeypatch.setattr(evidence, "open_subjects", silent)
    monkeypatch.setattr(budget, "trace", silent)
    insider = await greedy(target, Role.SECURITY)
    found = await verdict(insider)
    assert any("without the journal" in failure for failure in found)
    assert any("in the journal" in failure for failure in found)


async def test_the_mutant_without_a_turn_of_ones_own_is_caught(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests at one moment: without the lock each of them sees a budget that is whole."""

    async def at_once(insider: Insider) -> None:
        await asyncio.gather(*(insider.go(0, number) for number in range(50)))

    honest = await an_insider(target, Role.SECURITY)
    await at_once(honest)
    assert await verdict(honest) == []

    real = budget.store.opened

    async def no_turn(tx: AsyncConnection[Any], tenant: TenantId, opened_by: str) -> None:
        return None

    async def slowly(*given: Any) -> Any:
        known = await real(*given)
        await asyncio.sleep(0.05)
        return known

    monkeypatch.setattr(budget.store, "take_turn", no_turn)
    monkeypatch.setattr(budget.store, "opened", slowly)
    lucky = await an_insider(target, Role.SECURITY)
    await at_once(lucky)
    assert any("subjects opened within an hour" in failure for failure in await verdict(lucky))


async def test_over_http_page_and_api_count_together_and_answer_429(
    app: FastAPI, hub: Services, target: Target
) -> None:
    people, vehicles = [str(one) for one in target.people], [str(one) for one in target.vehicles]
    paths = [f"/people/{one}" for one in people[20:28]]  # 8 subjects
    paths += [f"/api/v1/people/{one}" for one in people[24:32]]  # 4 more
    paths += [f"/vehicles/{one}" for one in vehicles[:3]]  # 6 more, with their keepers
    paths += ["/api/v1/people?text=Person+48", "/people?q=Person+49"]  # 2 more
    async with seat(app, hub, target.demo.tenant, Role.SECURITY) as mallory:
        answers = [(await mallory.client.get(path)).status_code for path in paths]
        assert set(answers) == {200}
        page = await mallory.client.get(f"/people/{people[40]}")
        document = await mallory.client.get(f"/api/v1/people/{people[40]}")
        found = await mallory.client.post(
            "/api/v1/try",
            files={"picture": ("car.jpg", b"car\x10\x20\x30")},
            data={"site": "1", "access_point": str(target.way_in)},
            headers={**SAME_ORIGIN, "postern-form-key": mallory.form_key},
        )
        again = await mallory.client.get(f"/people/{people[20]}")
    assert [page.status_code, document.status_code, found.status_code, again.status_code] == [
        429,
        429,
        429,
        200,
    ]
    assert "Person 40" not in page.text + document.text
    assert document.json()["code" if "code" in document.json() else "type"]
    assert "privacy officer has been told" in document.text
