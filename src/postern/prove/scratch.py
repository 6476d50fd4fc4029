"""Fresh databases in a cluster that runs, and a small site on them: made in a moment, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from postern.access.controller import DoorController
from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import DoorId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.keystore.tombstones import TombstoneFile
from postern.operations.admit import Entrance
from postern.operations.demo import Demo, set_up_demo
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operators.model import Actor, Role
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.migrate import Folder, migrate
from postern.postgres.pool import Database
from postern.prove.drawn import CARD, NOON, DrawnAgent, DrawnController, DrawnRecognition, load_drawn
from postern.sealing import hybrid, signing
from postern.sites.store import SitePlan, plan


@asynccontextmanager
async def scratch(cluster: Cluster, folder: Folder) -> AsyncIterator[Database]:
    """A fresh database with the schema of `folder`, copied from a template that is migrated once."""
    supervisor = cluster.conninfo(database="postgres", role="supervisor")
    template, name = f"template_{folder}", f"test_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(supervisor, autocommit=True) as connection:
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,))
        if await found.fetchone() is None:
            make = sql.SQL("CREATE DATABASE {} OWNER postern")
            await connection.execute(make.format(sql.Identifier(template)))
            async with Database.open(cluster.conninfo(database=template), size=2) as database:
                await migrate(database, folder)
        copy = sql.SQL("CREATE DATABASE {} OWNER postern TEMPLATE {} STRATEGY file_copy")
        await connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            async with Database.open(cluster.conninfo(database=name)) as database:
                yield database
        finally:
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True, kw_only=True)
class DrawnSite:
    """The demo site on a hub without a process, and an agent that keeps its records in memory."""

    folder: Path
    hub: Services
    owner: Database
    keystore: Database
    clock: SetClock
    demo: Demo
    admin: Actor
    places: SitePlan
    agent: DrawnAgent
    entrance: Entrance


@asynccontextmanager
async def drawn_site(cluster: Cluster) -> AsyncIterator[DrawnSite]:
    """One on fresh databases of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postern-drawn-")))
        owner = await stack.enter_async_context(scratch(cluster, "hub"))
        keystore = await stack.enter_async_context(scratch(cluster, "keystore"))
        runtime = make_conninfo(owner.conninfo, user=RUNTIME)
        clock = SetClock(NOON)
        (folder / "pictures").mkdir(mode=0o700)
        hub = Services(
            database=await stack.enter_async_context(Database.open(runtime)),
            keyring=PostgresKeyring(keystore, UnattendedKeyFile.create(folder / "unattended.key")),
            pictures=PictureFolder(folder / "pictures"),
            clock=clock,
            recognition=RecognitionPort(recognise=DrawnRecognition(), load_picture=load_drawn, card=CARD),
            public_url="https://postern.example.org",
            tombstones=TombstoneFile(folder / "tombstones"),
        )
        demo = await set_up_demo(hub)
        admin = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
        async with hub.database.transaction(demo.tenant) as tx:
            places = await plan(tx, hub.keyring, demo.tenant, demo.site)
        agent = await enrolled(hub, admin, demo)
        controller = DrawnController(agent.log)
        controllers: dict[DoorId, DoorController] = {door.id: controller for door in places.doors}
        yield DrawnSite(
            folder=folder,
            hub=hub,
            owner=owner,
            keystore=keystore,
            clock=clock,
            demo=demo,
            admin=admin,
            places=places,
            agent=agent,
            entrance=Entrance(spool=agent, controllers=controllers, clock=clock),
        )


async def enrolled(hub: Services, admin: Actor, demo: Demo) -> DrawnAgent:
    """A new agent of the demo site."""
    sign_private, hpke_private = signing.generate(), hybrid.generate()
    made = await agents.enrol(
        hub,
        code=await agents.new_code(hub, admin, demo.site),
        sign_public=signing.public_of(sign_private),
        hpke_public=hybrid.public_of(hpke_private),
    )
    return DrawnAgent(hub=hub, sign_private=sign_private, hpke_private=hpke_private, enrolled=made)
