"""A hub on a real PostgreSQL with a demo site, and an agent that keeps its records in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from postern.access.controller import DoorController
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import DoorId, TenantId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.admit import Entrance
from postern.operations.demo import Demo, set_up_demo
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from postern.sealing import hybrid, signing
from postern.sites.store import SitePlan, plan
from tests.flows.operations.drawn import CARD, NOON, DrawnAgent, DrawnController, DrawnRecognition, load_drawn


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path, clock: SetClock
) -> Services:
    root = UnattendedKeyFile.create(tmp_path / "unattended.key")
    (tmp_path / "pictures").mkdir(mode=0o700)
    return Services(
        database=runtime_database,
        keyring=PostgresKeyring(keystore_database, root),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=clock,
        recognition=RecognitionPort(recognise=DrawnRecognition(), load_picture=load_drawn, card=CARD),
        public_url="https://postern.example.org",
    )


@pytest.fixture
async def demo(hub: Services) -> Demo:
    return await set_up_demo(hub)


@pytest.fixture
def admin(demo: Demo) -> Actor:
    return Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)


@pytest.fixture
async def places(hub: Services, demo: Demo) -> SitePlan:
    async with hub.database.transaction(demo.tenant) as tx:
        return await plan(tx, hub.keyring, demo.tenant, demo.site)


@pytest.fixture
async def agent(hub: Services, demo: Demo, admin: Actor) -> DrawnAgent:
    sign_private, hpke_private = signing.generate(), hybrid.generate()
    code = await agents.new_code(hub, admin, demo.site)
    enrolled = await agents.enrol(
        hub,
        code=code,
        sign_public=signing.public_of(sign_private),
        hpke_public=hybrid.public_of(hpke_private),
    )
    return DrawnAgent(hub=hub, sign_private=sign_private, hpke_private=hpke_private, enrolled=enrolled)


@pytest.fixture
def controller(agent: DrawnAgent) -> DrawnController:
    return DrawnController(agent.log)


@pytest.fixture
def entrance(agent: DrawnAgent, controller: DrawnController, places: SitePlan, clock: SetClock) -> Entrance:
    controllers: dict[DoorId, DoorController] = {door.id: controller for door in places.doors}
    return Entrance(spool=agent, controllers=controllers, clock=clock)


@pytest.fixture
def stranger() -> Actor:
    return Actor(tenant=TenantId(999), name="stranger", role=Role.ADMINISTRATOR)
