"""A hub in a data folder as `postern up` makes it, people in it, its backups, and what opens after a restore.

Only the supervisor and the web are missing: databases, keys, backups and restores are the real ones.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from postern import wiring
from postern.access.controller import DoorController
from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind, Grant
from postern.backup import restoring
from postern.backup.catalogue import Catalogue
from postern.backup.keys import hub_keys, make_keys, restore_keys
from postern.backup.restoring import Wanted
from postern.backup.rounds import Backup, Hub
from postern.backup.targets import Folder
from postern.clock import SystemClock
from postern.ids import DoorId, PersonId
from postern.keystore.keyring import PostgresKeyring
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo, set_up_demo
from postern.operations.people import credentials, register
from postern.operations.people.enrol import enrol
from postern.operations.ports import RecognitionPort
from postern.operations.privacy import consent, erase
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.postgres.pool import Database
from postern.prove.drawn import CARD, DrawnAgent, DrawnController, DrawnRecognition, load_drawn
from postern.prove.scratch import enrolled
from postern.prove.stored import every_plaintext
from postern.settings import Settings
from postern.sites import store as sites


@asynccontextmanager
async def running(
    data: Path, safe_copy: Path | None = None
) -> AsyncIterator[tuple[Services, dict[str, str]]]:
    """The databases and operations of a hub on that folder; `safe_copy`: of its `keys`."""
    if safe_copy is not None:
        shutil.copytree(safe_copy, data / "keys")
    settings = Settings(data=data, mode="demo")
    async with (
        wiring.databases(settings, lambda _: None, durable=False) as handover,
        wiring.services(settings, handover) as services,
    ):
        yield services, {"data": handover.owner, "keystore": handover.keystore}


async def found(services: Services, owners: dict[str, str], values: frozenset[str]) -> frozenset[str]:
    """Those of the values that are in anything that whoever has both databases and the root key can open."""
    async with services.database.transaction() as tx:
        (tenant,) = await sites.tenant_ids(tx)
    assert isinstance(services.keyring, PostgresKeyring)
    fresh = PostgresKeyring(services.keyring.database, services.keyring.roots)
    seen: set[str] = set()
    async with Database.open(owners["data"], size=1) as owner:
        async for _, plaintext in every_plaintext(owner, fresh, tenant):
            seen |= {value for value in values - seen if value.encode() in plaintext}
    return frozenset(seen)


@dataclass(frozen=True, kw_only=True)
class Victim:
    """Somebody who will be erased, and what is known of them."""

    id: PersonId
    name: str
    number: str
    card: str

    @property
    def values(self) -> frozenset[str]:
        return frozenset({self.name, self.number, self.card})


@dataclass(frozen=True, kw_only=True)
class Backups:
    """What is left of a hub: its target, the keys, and who was erased before the last of the bases.

    `bases`: the newest first.
    """

    folder: Path
    restore_key: Path
    target: Folder
    victims: tuple[Victim, ...]
    bases: tuple[str, ...]

    @property
    def values(self) -> frozenset[str]:
        return frozenset[str]().union(*(one.values for one in self.victims))

    @asynccontextmanager
    async def restored(self, base: str) -> AsyncIterator[tuple[Services, dict[str, str]]]:
        """A hub on a clean folder, as of that base, before anything that its start does."""
        into = self.folder / f"restored-{self.bases.index(base)}"
        keys = restore_keys(self.restore_key)
        until = Catalogue(self.target, keys).opened(base).head.at
        wanted = Wanted(target=self.target, keys=keys, into=into, clock=SystemClock(), base=base, until=until)
        await restoring.restore(wanted)
        async with running(into, self.folder / "safe") as hub:
            yield hub
        shutil.rmtree(into)


async def erased_after(folder: Path, chance: random.Random, *, bases: int, victims: int) -> Backups:
    """A hub that lived through so many backups with its victims, erased them, and made one more."""
    hub_key, restore_key = make_keys(folder / "keys")
    target, data = Folder(folder / "target"), folder / "hub"
    async with running(data) as (services, owners):
        backup = Backup(
            Hub(data=data, target=target, keys=hub_keys(hub_key), owners=owners, clock=SystemClock())
        )
        seat = await _seated(services)
        people = [await _victim(seat, chance) for _ in range(victims)]
        for _ in range(bases):
            for one in people:
                await _passes(seat, one)
            await asyncio.to_thread(backup.round, base=True)
            await asyncio.to_thread(backup.round)
        for one in people:
            await erase.erase_person(seat.services, seat.admin, one.id, reason="asked for it")
        await asyncio.to_thread(backup.round, base=True)
        await asyncio.to_thread(backup.round)
    shutil.copytree(data / "keys", folder / "safe")
    shutil.rmtree(data)
    return Backups(
        folder=folder,
        restore_key=restore_key,
        target=target,
        victims=tuple(people),
        bases=tuple(Catalogue(target, restore_keys(restore_key)).bases("data")),
    )


@dataclass(frozen=True, kw_only=True)
class _Seat:
    services: Services
    admin: Actor
    demo: Demo
    agent: DrawnAgent
    entrance: Entrance


async def _seated(services: Services) -> _Seat:
    port = RecognitionPort(recognise=DrawnRecognition(), load_picture=load_drawn, card=CARD)
    seeing = replace(services, recognition=port)
    demo = await set_up_demo(seeing)
    admin = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
    agent = await enrolled(seeing, admin, demo)
    async with seeing.database.transaction(demo.tenant) as tx:
        places = await sites.plan(tx, seeing.keyring, demo.tenant, demo.site)
    controllers: dict[DoorId, DoorController] = {one.id: DrawnController(agent.log) for one in places.doors}
    entrance = Entrance(spool=agent, controllers=controllers, clock=seeing.clock)
    return _Seat(services=seeing, admin=admin, demo=demo, agent=agent, entrance=entrance)


async def _victim(seat: _Seat, chance: random.Random) -> Victim:
    services, admin = seat.services, seat.admin
    drawn = f"{chance.randrange(1 << 48):012X}"
    name, number, card = f"Victim {drawn}", f"N{drawn}", f"04{drawn}"
    person = await register.add_person(services, admin, PersonDetails(name=name, employee_number=number))
    await consent.give_consent(services, admin, person=person.id, keep_photo=True)
    face = b"pic" + bytes(chance.randrange(1, 256) for _ in range(3))
    await enrol(services, admin, person=person.id, photos=[face])
    issued = await credentials.issue_card(services, admin, person=person.id, number=card)
    levels = await access_levels.access_levels(services, admin)
    grants = [Grant(level=one.id) for one in levels]
    await access_levels.set_grants(services, admin, holding=issued.holding, grants=grants)
    return Victim(id=person.id, name=name, number=number, card=card)


async def _passes(seat: _Seat, victim: Victim) -> None:
    """By card, recorded and received."""
    await publish_stale(seat.services)
    policy = await seat.agent.policy()
    door = next(one.id for one in policy.access_points if one.name == "Front door, in")
    presented = CodePresented(kind=CredentialKind.CARD, value=victim.card)
    before = len(seat.agent.entries)
    await admit(seat.entrance, policy, Request(access_point=door, presented=presented))
    fresh = seat.agent.entries[before:]
    await receive(seat.services, await seat.agent.known(), fresh)
