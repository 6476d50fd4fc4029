"""Two faces that a door could take for each other are never at its doors together, whichever came first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postern.ids import PersonId
from postern.operations.demo import Demo
from postern.operations.people import enrol as enrolment
from postern.operations.people import register
from postern.operations.privacy import consent
from postern.operations.public import counter_wire as wire
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.visitors import alike, visits
from postern.operations.visitors import page as visit_page
from postern.operations.visitors.visits import Invited
from postern.operators.model import Actor
from postern.people.model import PersonDetails
from postern.sites.store import SitePlan
from postern.spans import Span
from postern.visitors import face_store, store
from tests.flows.operations.conftest import admin, agent, clock, controller, demo, entrance, hub, places
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_visitor_faces import at_doors, given, invited, offered, opens

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "offered", "places"]

HERS, OTHER = b"pic" + bytes((40, 200, 90)), b"pic" + bytes((250, 10, 10))
DAY = timedelta(days=1)


async def employed(hub: Services, admin: Actor) -> PersonId:
    person = await register.add_person(hub, admin, PersonDetails(name="Ada", employee_number="F-1"))
    await consent.give_consent(hub, admin, person=person.id)
    return person.id


async def nothing(*_: Any, **__: Any) -> None:
    """A mutant's lock."""


async def nobody(*_: Any, **__: Any) -> set[Any]:
    """A mutant that finds nobody alike."""
    return set()


async def not_alike(*_: Any, **__: Any) -> bool:
    """A mutant that does not look again."""
    return False


async def test_a_visitor_gives_way_to_whoever_is_enrolled_after_them_and_learns_nothing(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, entrance: Any, places: SitePlan
) -> None:
    made, other = await invited(hub, admin, demo), await invited(hub, admin, demo)
    before = (await given(hub, made)).view
    await given(hub, other, OTHER)
    assert {made.visit.id, other.visit.id} <= await at_doors(agent)

    person = await employed(hub, admin)
    assert (await enrolment.enrol(hub, admin, person=person, photos=[HERS])).references == 1
    assert {made.visit.id, other.visit.id, person} & await at_doors(agent) == {other.visit.id}
    async with hub.database.transaction(demo.tenant) as tx:
        after = await store.get(tx, hub.keyring, demo.tenant, made.visit.id)
        assert await face_store.references(tx, hub.keyring, demo.tenant, [made.visit.id]) == []
    assert after.face is not None
    assert after.face.alike  # what the desk sees
    assert await visit_page.invitation(hub, made.link) == before
    assert await opens(agent, entrance, places, made)


async def test_the_mutant_that_compares_one_way_lets_two_alike_faces_to_the_doors(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "visits_like", nobody)
    made = await invited(hub, admin, demo)
    await given(hub, made)
    await enrolment.enrol(hub, admin, person=await employed(hub, admin), photos=[HERS])
    assert made.visit.id in await at_doors(agent)


async def moved_to_the_same_day(hub: Services, admin: Actor, demo: Demo) -> tuple[Invited, Invited]:
    """Two visitors who look alike, of two days; then the second's day becomes the first's."""
    today, tomorrow = await invited(hub, admin, demo), await invited(hub, admin, demo, begins=DAY)
    await given(hub, today)
    assert (await given(hub, tomorrow)).fault == wire.FaceFault()
    async with hub.database.transaction(demo.tenant) as tx:
        first, second = [
            await store.get(tx, hub.keyring, demo.tenant, one.visit.id) for one in (today, tomorrow)
        ]
        assert second.face is not None
        assert not second.face.alike
        valid = Span(start=first.details.valid.start, end=first.details.valid.end)
        await visits.store_changed(hub, tx, replace(second, details=replace(second.details, valid=valid)))
    await publish_stale(hub)
    return today, tomorrow


async def test_a_visit_whose_day_becomes_that_of_another_who_looks_alike_loses_the_face(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent
) -> None:
    today, tomorrow = await moved_to_the_same_day(hub, admin, demo)
    assert {today.visit.id, tomorrow.visit.id} & await at_doors(agent) == {today.visit.id}
    async with hub.database.transaction(demo.tenant) as tx:
        assert await face_store.references(tx, hub.keyring, demo.tenant, [tomorrow.visit.id]) == []


async def test_the_mutant_that_does_not_look_again_lets_both_to_the_doors(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "became_alike", not_alike)
    today, tomorrow = await moved_to_the_same_day(hub, admin, demo)
    assert {today.visit.id, tomorrow.visit.id} <= await at_doors(agent)


async def waits(hub: Services, demo: Demo, act: Awaitable[object]) -> bool:
    """Whether `act` waits while another keeps a face."""
    async with hub.database.transaction(demo.tenant) as tx:
        await alike.one_at_a_time(tx, demo.tenant)
        task = asyncio.ensure_future(act)
        waiting = False
        while not waiting and not task.done():
            cursor = await tx.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            found = await cursor.fetchone()
            waiting = found is not None and found[0]
            await asyncio.sleep(0)
    await task
    return waiting


async def test_two_faces_are_never_kept_at_the_same_moment_without_seeing_each_other(
    hub: Services, admin: Actor, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, made = await employed(hub, admin), await invited(hub, admin, demo)
    assert await waits(hub, demo, given(hub, made, OTHER))
    assert await waits(hub, demo, enrolment.enrol(hub, admin, person=person, photos=[HERS]))
    monkeypatch.setattr(alike, "one_at_a_time", nothing)
    later = await invited(hub, admin, demo)
    async with hub.database.transaction(demo.tenant) as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(%s, %s)", (alike._LOCK, demo.tenant))
        await given(hub, later, b"pic" + bytes((10, 10, 240)))  # the mutant runs on
