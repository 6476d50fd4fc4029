"""While index keys are rotated, people are looked up, added, changed and removed, and nothing goes wrong."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from postern import blind_indexes
from postern.blind_indexes import IndexTable, Value
from postern.errors import Conflict
from postern.ids import PersonId, TenantId, new_id
from postern.operations.demo import Demo
from postern.operations.keys.rotate_keys import rotate_index_key
from postern.operations.people import register
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.people import store as people
from postern.people.model import Person, PersonDetails
from postern.postgres.pool import Transaction
from postern.sealing.keyring import Keyring
from tests.flows.operations.test_operations_rotate_index import keyring_of, problems, quietly

EVERYBODY = 60


class Bustle:
    """What goes on meanwhile, and what went wrong with it."""

    def __init__(self, hub: Services, actor: Actor, everybody: list[Person]) -> None:
        self._hub, self._actor, self._everybody = hub, actor, everybody
        self._random = random.Random(7)
        self.over = False
        self.wrong: list[str] = []
        self.looks = 0

    async def look_up(self) -> None:
        """Everybody is found by their number, whenever."""
        while not self.over:
            one = self._random.choice(self._everybody)
            if await self._found(one.details.employee_number or "") != one.id:
                self.wrong.append(f"{one.details.employee_number} was not found")
            self.looks += 1

    async def take_numbers(self) -> None:
        """Nobody is given a number that another one has."""
        while not self.over:
            one = self._random.choice(self._everybody)
            twin = replace(one, id=PersonId(new_id()))
            await self._hub.keyring.new_subject_keys(one.tenant, twin.id)
            try:
                async with self._hub.database.transaction(one.tenant) as tx:
                    await people.add(tx, self._hub.keyring, twin)
                self.wrong.append(f"{one.details.employee_number} was given twice")
            except Conflict:
                pass

    async def come_change_and_go(self) -> None:
        """Somebody is added, gets another number and is removed."""
        n = 0
        while not self.over:
            n += 1
            details = PersonDetails(name="Passing Through", employee_number=f"PASSING-{n}")
            person = await register.add_person(self._hub, self._actor, details)
            changed = await register.change_person(
                self._hub,
                self._actor,
                id=person.id,
                version=person.version,
                details=replace(details, employee_number=f"CHANGED-{n}"),
            )
            if await self._found(f"CHANGED-{n}") != changed.id or await self._found(f"PASSING-{n}"):
                self.wrong.append(f"CHANGED-{n} is not what finds its owner")
            async with self._hub.database.transaction(person.tenant) as tx:
                await people.remove(tx, person.tenant, person.id)
            if await self._found(f"CHANGED-{n}"):
                self.wrong.append(f"CHANGED-{n} finds somebody who is gone")

    async def _found(self, number: str) -> PersonId | None:
        async with self._hub.database.transaction(self._actor.tenant) as tx:
            return await people.find(
                tx, self._hub.keyring, self._actor.tenant, field="employee_number", value=number
            )


async def rotated_amid(hub: Services, demo: Demo, admin: Actor) -> Bustle:
    """Two rotations in small steps, with all of that going on; what was seen."""
    everybody = [
        await register.add_person(hub, admin, PersonDetails(name=f"Person {n}", employee_number=f"N-{n}"))
        for n in range(EVERYBODY)
    ]
    bustle = Bustle(hub, admin, everybody)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(bustle.look_up())
        tasks.create_task(bustle.take_numbers())
        tasks.create_task(bustle.come_change_and_go())
        for version in (2, 3):
            done = await rotate_index_key(hub, keyring_of(hub), demo.tenant, batch=2, progress=quietly)
            assert done.version == version
        bustle.over = True
    return bustle


async def test_look_ups_and_changes_go_on_while_index_keys_are_rotated(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    seen = await rotated_amid(hub, demo, admin)
    assert seen.looks > 20
    assert seen.wrong == []
    assert await problems(hub, demo.tenant) == []


async def test_looking_under_the_new_key_alone_would_be_noticed(
    hub: Services, demo: Demo, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found_under_the_new_key(
        tx: Transaction, keyring: Keyring, table: IndexTable, tenant: TenantId, values: Sequence[Value]
    ) -> dict[Value, UUID]:
        held = await blind_indexes.versions(tx, tenant)
        return await blind_indexes._find(tx, keyring, table, tenant, values, version=held.current)

    monkeypatch.setattr(blind_indexes, "find_all", found_under_the_new_key)
    assert (await rotated_amid(hub, demo, admin)).wrong
