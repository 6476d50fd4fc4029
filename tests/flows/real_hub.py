"""The real hub for tests of agents: its application on a port, its operations, its PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postern.agent.main import Agent, AgentSettings, opened
from postern.agent.ports import AgentPorts
from postern.clock import SystemClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import DoorId, ReaderId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.demo import Demo, set_up_demo
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from postern.settings import Settings
from postern.sites.store import SitePlan, plan
from postern.web.app import create_app
from tests.flows.agent_hub import served
from tests.flows.agent_site import TestDoor, ports

ALWAYS_CARD = "0410A1B2C4"
"""Bruno Keller's, who may pass at any hour."""


@dataclass(frozen=True, kw_only=True)
class RealHub:
    """The hub with its demo site."""

    services: Services
    url: str
    demo: Demo
    admin: Actor
    places: SitePlan

    @property
    def reader(self) -> ReaderId:
        """A reader of the front door's way in."""
        way_in = next(one for one in self.places.access_points if one.name == "Front door, in")
        return next(one.id for one in self.places.readers if one.access_point == way_in.id)

    def door(self, name: str) -> DoorId:
        """The door of that name."""
        return next(one.id for one in self.places.doors if one.name == name)


@asynccontextmanager
async def running_real_hub(
    database: Database, keystore_database: Database, folder: Path
) -> AsyncIterator[RealHub]:
    """The hub, running."""
    (folder / "pictures").mkdir(mode=0o700)
    services = Services(
        database=database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(folder / "unattended.key")),
        pictures=PictureFolder(folder / "pictures"),
        clock=SystemClock(),
    )
    demo = await set_up_demo(services)
    async with database.transaction(demo.tenant) as tx:
        places = await plan(tx, services.keyring, demo.tenant, demo.site)
    admin = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
    async with served(create_app(services, Settings(data=folder, mode="demo"))) as url:
        yield RealHub(services=services, url=url, demo=demo, admin=admin, places=places)


@asynccontextmanager
async def agent_of(
    hub: RealHub, folder: Path, door: TestDoor | None = None, given: AgentPorts | None = None
) -> AsyncIterator[Agent]:
    """An enrolled agent of the demo site that does nothing by itself."""
    code = await agents.new_code(hub.services, hub.admin, hub.demo.site)
    settings = AgentSettings(folder=folder, hub_url=hub.url, code=code)
    async with opened(settings, given or ports(door or TestDoor())) as agent:
        try:
            yield agent
        finally:
            await agent.doors.close()


@asynccontextmanager
async def running_agent(
    hub: RealHub, folder: Path, door: TestDoor | None = None, given: AgentPorts | None = None
) -> AsyncIterator[Agent]:
    """The same, running, and with its policy in force."""
    async with agent_of(hub, folder, door, given) as agent:
        running = asyncio.create_task(agent.run())
        try:
            while len(agent.doors.controllers) + len(agent.doors.alarms) < len(hub.places.doors):
                await asyncio.sleep(0.01)
            yield agent
        finally:
            running.cancel()
            await asyncio.wait([running])
