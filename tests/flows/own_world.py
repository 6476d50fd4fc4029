"""One hub for every test of people's own rights: each test brings a person of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from psycopg.conninfo import make_conninfo

from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.ids import PersonId
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.demo import Demo, set_up_demo
from postern.operations.operators import members
from postern.operations.people import register
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.pool import Database
from postern.privacy.member import Member
from postern.prove.scratch import scratch
from postern.settings import Settings
from postern.web.app import create_app
from tests.flows.operations.drawn import CARD, NOON, DrawnRecognition, load_drawn

HOME = "https://postern.example.org"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PASSPHRASE = "a stone bridge over quiet water"


@dataclass(frozen=True, kw_only=True)
class Phone:
    """Somebody's browser, with its cookies."""

    client: httpx.AsyncClient

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """A form of a page of ours, without a form key."""
        return await self.client.post(path, data=fields, headers=SAME_ORIGIN)

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """A form of one of one's own pages."""
        key = re.search(r'name="form_key" value="([0-9a-f]{64})"', (await self.get("/me")).text)
        return await self.post(path, form_key=key.group(1) if key else "", **fields)

    @property
    def remembered_name(self) -> str:
        return next(one.value for one in self.client.cookies.jar if one.name.endswith("-name")) or ""


@dataclass(frozen=True, kw_only=True)
class World:
    """A hub with the demo organisation."""

    hub: Services
    demo: Demo
    clock: SetClock
    app: FastAPI

    @property
    def admin(self) -> Actor:
        return self.as_role(Role.ADMINISTRATOR)

    def as_role(self, role: Role) -> Actor:
        return Actor(tenant=self.demo.tenant, name=role.value, role=role)

    async def newcomer(self, name: str, **details: object) -> PersonId:
        """Somebody nobody else's test knows."""
        given = PersonDetails(name=name, **details)  # type: ignore[arg-type]  # a test's own words
        return (await register.add_person(self.hub, self.admin, given)).id

    async def link(self, person: PersonId) -> str:
        """A one-time link's path."""
        return (await members.new_member_link(self.hub, self.admin, person)).removeprefix(HOME)

    @asynccontextmanager
    async def phone(self) -> AsyncIterator[Phone]:
        """A browser that is signed in nowhere."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            yield Phone(client=client)

    @asynccontextmanager
    async def own_phone(self, person: PersonId) -> AsyncIterator[Phone]:
        """The person's phone, signed in by a link."""
        async with self.phone() as phone:
            answer = await phone.post(await self.link(person), passphrase=PASSPHRASE, again=PASSPHRASE)
            assert answer.headers["location"] == "/me?said=own-ready"
            yield phone

    async def member(self, person: PersonId) -> Member:
        """The person as a member, without a browser."""
        return Member(tenant=self.demo.tenant, person=person, name="")


@pytest.fixture(scope="session")
async def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("own")
    (folder / "pictures").mkdir(mode=0o700)
    clock = SetClock(NOON)
    async with AsyncExitStack() as open_:
        owner = await open_.enter_async_context(scratch(cluster, "hub"))
        keys = await open_.enter_async_context(scratch(cluster, "keystore"))
        at_work = Database.open(make_conninfo(owner.conninfo, user=RUNTIME))
        runtime = await open_.enter_async_context(at_work)
        hub = Services(
            database=runtime,
            keyring=PostgresKeyring(keys, UnattendedKeyFile.create(folder / "unattended.key")),
            pictures=PictureFolder(folder / "pictures"),
            clock=clock,
            recognition=RecognitionPort(recognise=DrawnRecognition(), load_picture=load_drawn, card=CARD),
            public_url=HOME,
        )
        demo = await set_up_demo(hub)
        app = create_app(hub, Settings(data=folder, mode="demo"))
        yield World(hub=hub, demo=demo, clock=clock, app=app)
