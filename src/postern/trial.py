"""`postern try`: a site for a moment. What is shown to it takes the whole real path, from frame to archive.

Enrolment, policy, recognition, decision, spool, and the wire between agent and hub are a real site's. Only
the doors are simulated, and hub and agent talk within this process instead of over the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from postern import wiring
from postern.agent.main import Agent, AgentSettings, opened
from postern.agent.once import TriedPassage, passages
from postern.agent.ports import AgentPorts
from postern.errors import BadInput, PosternError
from postern.settings import Settings
from postern.sites.model import Reader
from postern.supervise import DataFolderLock
from postern.trial_site import TrialSite, set_up
from postern.vehicles.plates import comparison_form
from postern.web.app import create_app

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPerson:
    """Somebody to enrol, and the photos to do it with."""

    name: str
    photos: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Who may pass, and what is shown."""

    people: tuple[TrialPerson, ...]
    vehicles: tuple[str, ...]
    sources: tuple[str, ...]


def person_named(text: str) -> TrialPerson:
    """Read `NAME=PHOTO[,PHOTO…]`. Raises BadInput, in words, when it is something else."""
    name, equals, photos = text.partition("=")
    paths = tuple(Path(one.strip()).expanduser() for one in photos.split(",") if one.strip())
    if not equals or not name.strip() or not paths:
        raise BadInput(f"--person {text!r} should look like --person 'Ada Nowak=ada1.jpg,ada2.jpg'")
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path}: there is no such photo; check the path")
    return TrialPerson(name=name.strip(), photos=paths)


async def run(trial: Trial, *, keep: Path | None, say: Say, warn: Say) -> bool:
    """Show the sources; `say` each passage as JSON and `warn` of what could not be used.

    Whether every source could be shown. Raises PosternError when nobody can be enrolled as asked.
    """
    async with contextlib.AsyncExitStack() as stack:
        settings = stack.enter_context(_stage(keep))
        pool = await stack.enter_async_context(wiring.recognition_pool(settings, Settings().folder("models")))
        pool.start()
        databases = wiring.databases(settings, lambda _: None, durable=keep is not None)
        handover = await stack.enter_async_context(databases)
        recognition = wiring.recognition_port(pool)
        services = await stack.enter_async_context(
            wiring.services(settings, handover, recognition=recognition)
        )
        await wiring.make_room(services)
        site = await set_up(services, people=_people(trial), vehicles=trial.vehicles, warn=warn)
        ports = wiring.agent_ports(pool, reconnect=False)
        agent = await stack.enter_async_context(
            opened(
                AgentSettings(folder=settings.folder("agent-trial"), hub_url="http://hub", code=site.code),
                ports,
                httpx.ASGITransport(create_app(services, settings)),
            )
        )
        await agent.sync.once()
        return await _Show(site, agent, ports, say, warn).all(trial.sources)


def _people(trial: Trial) -> dict[str, list[Path]]:
    """Photos by name: a name given twice is one person with more photos."""
    people: dict[str, list[Path]] = {}
    for person in trial.people:
        people.setdefault(person.name, []).extend(person.photos)
    return people


@contextlib.contextmanager
def _stage(keep: Path | None) -> Iterator[Settings]:
    """A data folder for the trial: the named one, locked, or one that is gone afterwards."""
    if keep is not None:
        settings = Settings(data=keep, mode="demo")
        settings.folder("run")
        with DataFolderLock(keep):
            yield settings
        return
    with tempfile.TemporaryDirectory(prefix="postern-try-") as folder:
        yield Settings(data=Path(folder) / "data", mode="demo")


class _Show:
    """Showing sources to the trial site's two cameras, and telling what came of it."""

    def __init__(self, site: TrialSite, agent: Agent, ports: AgentPorts, say: Say, warn: Say) -> None:
        self._site = site
        self._agent = agent
        self._ports = ports
        self._say = say
        self._warn = warn

    async def all(self, sources: tuple[str, ...]) -> bool:
        """Every source in turn; whether all could be shown."""
        shown = [await self._one(source) for source in sources]
        return all(shown)

    async def _one(self, text: str) -> bool:
        try:
            found = await self._shown(text)
        except PosternError as fault:
            self._warn(str(fault) if text in str(fault) else f"{text}: {fault}")
            return False
        finally:
            await self._agent.sync.push()
        if not found:
            self._warn(f"{text}: neither a face nor a plate was found in it")
        return True

    async def _shown(self, text: str) -> int:
        """How many passages the source brought, at both cameras, which look at it at the same time.

        When it breaks off, both tell what they saw until then; only then is SourceUnavailable raised.
        """
        cameras = [self._camera(text, reader) for reader in (self._site.face_camera, self._site.plate_camera)]
        counted = await asyncio.gather(*cameras, return_exceptions=True)
        for fault in counted:
            if isinstance(fault, BaseException):
                raise fault
        return sum(count for count in counted if isinstance(count, int))

    async def _camera(self, text: str, reader: Reader) -> int:
        source = self._ports.open_source(text, as_live=False)
        count = 0
        try:
            policy, spool = self._agent.admissions.policy, self._agent.spool
            seen = passages([source], reader, policy=policy, ports=self._ports, spool=spool)
            async with contextlib.aclosing(seen) as tried:
                async for passage in tried:
                    count += 1
                    self._say(self._as_json(passage))
        finally:
            await source.close()
        return count

    def _as_json(self, passage: TriedPassage) -> str:
        plate = passage.plate
        name = self._site.names.get(passage.subject) if passage.subject else None
        if plate is not None:
            name = self._site.plates.get(comparison_form(plate), plate)
        told = {
            "source": passage.source,
            "at": passage.at.isoformat(),
            "access_point": passage.access_point.name,
            "kind": "plate" if plate is not None else "face",
            "subject": name,
            "decision": "granted" if passage.granted else "denied",
            "reason": passage.reason.value,
            "score": round(passage.score, 4),
            "ms": round(passage.ms, 1),
        }
        return json.dumps(told, ensure_ascii=False)
