"""Watching: for every camera of the policy, from its frames to admissions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

import structlog

from postern.access.decision import Request
from postern.agent.admission import Admissions
from postern.agent.eyes import Eye, Seen
from postern.agent.ports import Frame, Source
from postern.agent.tasks import Tasks
from postern.errors import PosternError, SourceUnavailable
from postern.operations.admit import Admitted
from postern.sites.model import Reader

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighted:
    """Something seen, where and when, and the `time.perf_counter()` at which its frame was taken up."""

    seen: Seen
    source: str
    at: datetime
    started: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one observation. `ms`: from taking up the frame that settled it to telling the door."""

    sighted: Sighted
    admitted: Admitted
    ms: float


async def sightings(source: Source, eye: Eye) -> AsyncGenerator[Sighted]:
    """Everything that `eye` makes out in the source, until it ends. Raises SourceUnavailable, after whoever
    was before the camera when it broke off.

    One frame at a time: a live source drops what is not taken up. A frame on which recognition fails is lost.
    """
    last: Frame | None = None
    broken: SourceUnavailable | None = None
    try:
        async for frame in source.frames():
            last, started = frame, time.perf_counter()
            try:
                found = await eye.look(frame)
            except PosternError as fault:
                log.warning("frame not recognised", source=source.name, detail=str(fault))
                continue
            for seen in found:
                yield Sighted(seen=seen, source=frame.source, at=frame.at, started=started)
    except SourceUnavailable as fault:
        broken = fault
    if last is not None:
        for seen in await eye.finish():
            yield Sighted(seen=seen, source=last.source, at=last.at, started=time.perf_counter())
    if broken is not None:
        raise broken


async def admitted(admissions: Admissions, reader: Reader, sighted: Sighted) -> Outcome:
    """Ask for admission at the reader's access point. Raises StorageFull or another fault of the spool."""
    request = Request(
        access_point=reader.access_point,
        presented=sighted.seen.observation.presented,
        reader=reader.id,
    )
    again = sighted.seen.observation.again
    result = await admissions.request(request, sighted.seen.evidence, again=again)
    return Outcome(sighted=sighted, admitted=result, ms=(time.perf_counter() - sighted.started) * 1000)


async def watch(source: Source, eye: Eye, reader: Reader, admissions: Admissions, tasks: Tasks) -> None:
    """Admit whatever is seen until the source ends; a slow door, run in `tasks`, never holds up a frame.

    Raises SourceUnavailable.
    """
    async with contextlib.aclosing(sightings(source, eye)) as seen:
        async for sighted in seen:
            tasks.start(_admit(admissions, reader, sighted), name=f"admit at {reader.id}")


async def _admit(admissions: Admissions, reader: Reader, sighted: Sighted) -> None:
    if sighted.seen.observation.again and not admissions.lanes.stands_at(reader.access_point):
        return  # the barrier has opened for it: a second decision would be a second vehicle's
    try:
        outcome = await admitted(admissions, reader, sighted)
    except PosternError as fault:
        log.error("refused, not recorded", reader=str(reader.id), detail=str(fault))
        return
    log.info(
        "decision",
        reader=str(reader.id),
        reason=outcome.admitted.decision.reason.value,
        ms=round(outcome.ms, 1),
    )
