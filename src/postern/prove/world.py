"""A Postern of real processes to attack: both database clusters with fsync on, the hub, agents under load.

What must hold is read afterwards through the keyring, in `verdict.py`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from postern import wiring
from postern.access.model import Grant, SubjectKind
from postern.ids import AccessPointId, AreaId, DoorId, SiteId, TenantId, new_id
from postern.operations.people import credentials, register
from postern.operations.services import Services
from postern.operations.sites import access_levels, agents
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.postgres.embedded import Cluster
from postern.settings import Settings
from postern.sites.model import AccessPoint, Area, Door
from postern.supervise import Handover

PEOPLE = 4
PATIENCE = 240
"""Seconds after which whatever is waited for will not come any more, on a busy machine either."""


@dataclass(kw_only=True)
class World:
    """One hub with its databases, set up and running."""

    folder: Path
    clusters: dict[str, Cluster]
    handover: Handover
    services: Services
    port: int
    hub: subprocess.Popen[bytes] | None = None
    mutant: str = ""
    agents: list[AgentUnderLoad] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_hub(self, mutant: str = "", *, under: tuple[str, ...] = ()) -> None:
        """Start the hub's process (`under` a tracer, say), unless it runs as it should already.

        It takes a moment until it answers.
        """
        if self.hub is not None and self.hub.poll() is None and self.mutant == mutant and not under:
            return
        self.kill_hub()
        self.mutant = mutant
        environment = {
            **os.environ,
            "POSTERN_DATA": str(self.folder),
            "POSTERN_MODE": "demo",
            "POSTERN_PORT": str(self.port),
        }
        program = ["postern.prove.mutant_hub", mutant] if mutant else ["postern", "hub"]
        said = (self.folder / "log" / "hub.out").open("ab")
        with said:
            self.hub = subprocess.Popen(
                [*under, sys.executable, "-m", *program],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        assert self.hub.stdin
        self.hub.stdin.write(self.handover.to_bytes())
        self.hub.stdin.flush()

    def tend_hub(self) -> None:
        """Start it again, as its supervisor would, when a database was down as it started.

        Fails with its last words when it ended for any other reason.
        """
        if self.hub is not None and self.hub.poll() is not None:
            said = (self.folder / "log" / "hub.out").read_text()
            assert "database" in said.strip().rpartition("\n")[2], said[-2000:]
            self.start_hub(self.mutant)

    async def hub_answers(self) -> None:
        """Wait until the hub serves."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                self.tend_hub()
                with suppress(httpx.HTTPError):
                    await client.get(f"{self.url}/healthz")
                    return
                await asyncio.sleep(0.05)

    def kill_hub(self) -> None:
        """kill -9."""
        if self.hub is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.hub.pid, signal.SIGKILL)
            self.hub.wait()
            if self.hub.stdin:
                self.hub.stdin.close()
            self.hub = None

    async def kill_database(self, name: str, down: float = 0.0) -> None:
        """kill -9 of a cluster's postmaster, and start it again as its supervisor would."""
        cluster = self.clusters[name]
        assert cluster.pid
        os.kill(cluster.pid, signal.SIGKILL)
        await asyncio.sleep(down)
        await cluster.stop()
        await cluster.start()

    def actor(self, plan: Plan) -> Actor:
        return Actor(tenant=plan.tenant, name="tester", role=Role.ADMINISTRATOR)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One organisation with one site, whose people may pass its one door with their cards."""

    tenant: TenantId
    site: SiteId


async def build(world: World) -> Plan:
    """Set one up through the operations."""
    services = world.services
    tenant = await sites.create_tenant(services, "Crash Test")
    actor = Actor(tenant=tenant.id, name="tester", role=Role.ADMINISTRATOR)
    site = await sites.create_site(services, actor, name="Site", time_zone="Europe/Berlin")
    outside = await sites.add(
        services, actor, Area(id=AreaId(new_id()), site=site.id, name="Outside", outside=True)
    )
    inside = await sites.add(services, actor, Area(id=AreaId(new_id()), site=site.id, name="Inside"))
    door = await sites.add(services, actor, Door(id=DoorId(new_id()), site=site.id, name="Door"))
    point = await sites.add(
        services,
        actor,
        AccessPoint(
            id=AccessPointId(new_id()),
            site=site.id,
            door=door.id,
            name="In",
            from_area=outside.id,
            to_area=inside.id,
        ),
    )
    level = await access_levels.add_access_level(
        services, actor, name="Everywhere", access_points=frozenset({point.id})
    )
    for number in range(PEOPLE):
        person = await register.add_person(services, actor, PersonDetails(name=f"Person {number}"))
        await credentials.issue_card(services, actor, person=person.id, number=f"CARD{number:04}")
        held = await access_levels.holding(services, actor, subject=person.id, kind=SubjectKind.PERSON)
        await access_levels.set_grants(services, actor, holding=held, grants=[Grant(level=level.id)])
    await publish_stale(services)
    return Plan(tenant=tenant.id, site=site.id)


class AgentUnderLoad:
    """One agent's folder, ledger and process."""

    def __init__(self, world: World, plan: Plan, *, mutant: str = "") -> None:
        self.world = world
        self.plan = plan
        self.mutant = mutant
        home = world.folder / f"agent-{len(world.agents)}"
        self.folder = home / "state"
        self.ledger = home / "ledger"
        home.mkdir()
        self.ledger.touch()
        self.code = ""
        self.process: subprocess.Popen[bytes] | None = None
        world.agents.append(self)

    async def new_code(self) -> None:
        self.code = await agents.new_code(self.world.services, self.world.actor(self.plan), self.plan.site)

    def command(self, *more: str) -> list[str]:
        """How its process is started."""
        program = [sys.executable, "-m", "postern.prove.load", str(self.folder), self.world.url]
        given = ["--code", self.code, *(["--mutant", self.mutant] if self.mutant else [])]
        return [*program, str(self.ledger), *given, *more]

    def said(self) -> str:
        """What its processes said of faults, so far."""
        lines = (self.folder.parent / "said").read_text().splitlines()
        return "\n".join(line for line in lines if line != "next")

    def start(self) -> None:
        with (self.folder.parent / "said").open("ab") as said:
            self.process = subprocess.Popen(self.command(), cwd=self.folder.parent, stdout=said, stderr=said)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    async def drain(self) -> None:
        """Let it send all that waits, and end."""
        await self.has_released(1)  # it listens by then
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        while (code := self.process.poll()) is None:
            self.world.tend_hub()
            await asyncio.sleep(0.02)
        self.process = None
        assert code == 0, self.said()[-3000:]

    def unsynced(self) -> set[tuple[int, int]]:
        """Decisions (agent, seq) in the spool that no hub has acknowledged; the process must not run."""
        with closing(sqlite3.connect(self.folder / "spool.sqlite")) as spool:
            rows = spool.execute("SELECT agent, seq FROM entry WHERE acknowledged IS NULL")
            return {(int(agent), int(seq)) for agent, seq in rows}

    def highest(self) -> int:
        """The last number in the spool; the process must not run."""
        with closing(sqlite3.connect(self.folder / "spool.sqlite")) as spool:
            return int(spool.execute("SELECT next_seq - 1 FROM owner").fetchone()[0])

    def acknowledged(self) -> set[tuple[int, int]]:
        """Decisions in the spool of which the hub said that it has them; the process must not run."""
        with closing(sqlite3.connect(self.folder / "spool.sqlite")) as spool:
            rows = spool.execute("SELECT agent, seq FROM entry WHERE acknowledged IS NOT NULL")
            return {(int(agent), int(seq)) for agent, seq in rows}

    def copy_state(self) -> Path:
        """An old copy of its folder, as an image or a backup would be; the process must not run."""
        copy = self.folder.with_name(f"copy-{new_id().hex}")
        shutil.copytree(self.folder, copy)
        return copy

    def roll_back(self, copy: Path) -> set[tuple[int, int]]:
        """Put the copy in place of its folder. What goes with it and no hub had: see `judge`."""
        gone = self.unsynced()
        shutil.rmtree(self.folder)
        shutil.copytree(copy, self.folder)
        return gone - self.unsynced()

    def wipe(self) -> set[tuple[int, int]]:
        """Delete its folder, as a new image does. What goes with it and no hub had: see `judge`."""
        gone = self.unsynced()
        shutil.rmtree(self.folder)
        return gone

    def released(self) -> int:
        """How many releases its ledger holds."""
        return self.ledger.read_bytes().count(b"\n")

    async def has_acknowledged(self, more: int) -> None:
        """Wait for so many more decisions to be at the hub, by its own word."""
        told = self.folder.parent / "acknowledged"

        def so_far() -> int:
            return sum(int(line) for line in told.read_text().split()) if told.exists() else 0

        wanted = so_far() + more
        async with asyncio.timeout(PATIENCE):
            while so_far() < wanted:
                self.world.tend_hub()
                await asyncio.sleep(0.02)

    async def has_released(self, more: int) -> None:
        """Wait for that many more releases."""
        wanted = self.released() + more
        async with asyncio.timeout(PATIENCE):
            while self.released() < wanted:
                self.world.tend_hub()
                if self.process is not None and self.process.poll() is not None:
                    raise AssertionError(self.said()[-3000:])
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running_agent(world: World, *, mutant: str = "") -> AsyncIterator[AgentUnderLoad]:
    """An agent of a new site, under load."""
    agent = AgentUnderLoad(world, await build(world), mutant=mutant)
    await agent.new_code()
    agent.start()
    await agent.has_released(10)
    try:
        yield agent
    finally:
        agent.kill()


def free_port() -> int:
    """A port that nothing uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def world(
    prefix: str = "postern-attack-",
    *,
    databases_on: Callable[[Path], AbstractContextManager[None]] | None = None,
) -> AsyncIterator[World]:
    """Both clusters, made anew and durable, and what the test itself needs to look at them.

    `databases_on` puts their folder on a disk of its own for as long as they are there.
    """
    clusters: dict[str, Cluster] = {}
    make = wiring._cluster

    def noted(*given: Any, **named: Any) -> Cluster:
        cluster = make(*given, **named)
        clusters[given[1]] = cluster
        return cluster

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
        settings = Settings(data=folder, mode="demo")
        if databases_on is not None:
            stack.enter_context(databases_on(settings.folder("pg")))
        with patch.object(wiring, "_cluster", noted):
            handover = await stack.enter_async_context(wiring.databases(settings, lambda _: None))
        services = await stack.enter_async_context(wiring.services(settings, handover))
        made = World(folder=folder, clusters=clusters, handover=handover, services=services, port=free_port())
        try:
            yield made
        finally:
            for agent in made.agents:
                agent.kill()
            made.kill_hub()
