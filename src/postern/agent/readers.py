"""The readers of the policy in force: a task for each camera, started, changed and ended with the policy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from postern.access.policy import Policy
from postern.agent.admission import Admissions
from postern.agent.channel import Done, Play
from postern.agent.eyes import CodeEye, Current, Eye, FaceEye, PlateEye, TwoEyes
from postern.agent.health import ReaderHealth
from postern.agent.ports import AgentPorts, Source
from postern.agent.tasks import Tasks, cancelled
from postern.agent.track import TrackRules
from postern.agent.watch import watch
from postern.backoff import delays
from postern.errors import BadInput, PosternError, Unavailable
from postern.ids import ReaderId
from postern.sites.model import Reader, ReaderKind

log = structlog.get_logger(__name__)

CAMERAS = (ReaderKind.FACE_CAMERA, ReaderKind.PLATE_CAMERA, ReaderKind.QR_READER)
"""Readers with a source of frames; a QR reader without one is a device of its own."""
CODES_EVERY = timedelta(milliseconds=400)
"""How often a face camera looks for a QR code, beside looking for faces in every frame."""


def eye_of(
    reader: Reader, ports: AgentPorts, current: Current, *, still: bool, rules: TrackRules | None = None
) -> Eye:
    """What looks through the reader."""
    if reader.kind is ReaderKind.PLATE_CAMERA:
        return PlateEye(ports.recognition, current, at=reader.access_point, still=still, rules=rules)
    if reader.kind is ReaderKind.QR_READER:
        if ports.read_codes is None:
            raise Unavailable("QR codes cannot be read from cameras here")
        return CodeEye(ports.read_codes, still=still)
    faces = FaceEye(ports.recognition, current, still=still, rules=rules)
    if ports.read_codes is None:
        return faces
    return TwoEyes(faces, CodeEye(ports.read_codes, still=still, every=CODES_EVERY))


@dataclass(kw_only=True, slots=True)
class _Watched:
    reader: Reader
    task: asyncio.Task[None]
    source: Source | None = None
    trouble: str | None = None
    since: datetime


class Readers:
    """Every camera that the policy names, and how each does."""

    def __init__(
        self,
        ports: AgentPorts,
        admissions: Admissions,
        current: Current,
        tasks: Tasks,
        rules: TrackRules | None = None,
    ) -> None:
        self._ports = ports
        self._admissions = admissions
        self._current = current
        self._tasks = tasks
        self._rules = rules
        self._watched: dict[ReaderId, _Watched] = {}

    async def apply(self, policy: Policy) -> None:
        """Watch what this policy names; readers that did not change go on undisturbed."""
        wanted = {
            one.id: one
            for one in policy.readers
            if one.enabled and one.kind in CAMERAS and one.source.strip()
        }
        for id, watched in list(self._watched.items()):
            if wanted.get(id) != watched.reader:
                await self._end(id)
        for reader in wanted.values():
            if reader.id not in self._watched:
                task = self._tasks.start(self._watch(reader), name=f"reader {reader.id}")
                self._watched[reader.id] = _Watched(reader=reader, task=task, since=self._ports.clock.now())

    async def play(self, command: Play) -> Done:
        """Show a file to a reader once, as its camera would; returns when it is playing."""
        reader = self._admissions.simulated_reader(command.reader)
        if reader.kind not in CAMERAS:
            raise BadInput("only cameras can be shown a file; choose another reader")
        if "://" in command.source or command.source.startswith("webcam:"):
            raise BadInput("only a file can be played; give its path on the agent's machine")
        source = self._ports.open_source(command.source, as_live=True)
        self._tasks.start(self._play(source, reader), name=f"play at {reader.id}")
        return Done(done=True, detail="playing")

    def health(self) -> tuple[ReaderHealth, ...]:
        """How every camera does."""
        return tuple(_health(one) for one in self._watched.values())

    async def close(self) -> None:
        """End every watching."""
        for id in list(self._watched):
            await self._end(id)

    async def _watch(self, reader: Reader) -> None:
        """Watch until a file ends; a source that cannot be opened is tried again, less and less often."""
        waits = delays(first=1.0, longest=60.0)
        while True:
            watched = self._watched[reader.id]
            try:
                source = watched.source = self._ports.open_source(reader.source, as_live=True)
                try:
                    eye = self._eye(reader, source)
                    await watch(source, eye, reader, self._admissions, self._tasks)
                finally:
                    await source.close()
            except PosternError as fault:
                watched.trouble = str(fault)
                log.warning("source", reader=str(reader.id), detail=watched.trouble)
            else:
                return
            await asyncio.sleep(next(waits))

    async def _play(self, source: Source, reader: Reader) -> None:
        try:
            await watch(source, self._eye(reader, source), reader, self._admissions, self._tasks)
        except PosternError as fault:
            log.warning("play", reader=str(reader.id), detail=str(fault))
        finally:
            await source.close()

    def _eye(self, reader: Reader, source: Source) -> Eye:
        return eye_of(reader, self._ports, self._current, still=source.still, rules=self._rules)

    async def _end(self, id: ReaderId) -> None:
        await cancelled(self._watched.pop(id).task)


def _health(watched: _Watched) -> ReaderHealth:
    if watched.source is None:
        return ReaderHealth(
            reader=watched.reader.id,
            connection="reconnecting" if watched.trouble else "opening",
            since=watched.since,
            trouble=watched.trouble,
        )
    state = watched.source.state
    return ReaderHealth(
        reader=watched.reader.id,
        connection=str(state.connection),
        since=state.since,
        trouble=state.trouble or watched.trouble,
        dropped=state.dropped,
    )
