"""The main path once over given sources, for `postern try`: the same eyes, decision, spool and release."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.access.decision import CodePresented, FacePresented, PlatePresented
from postern.access.model import SubjectKind
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.agent.admission import Admissions
from postern.agent.doors import Doors
from postern.agent.eyes import Matching
from postern.agent.ports import AgentPorts, Source
from postern.agent.readers import CAMERAS, eye_of
from postern.agent.tasks import Tasks
from postern.agent.watch import Outcome, admitted, sightings
from postern.biometrics.comparison import Match
from postern.errors import BadInput
from postern.operations.ports import Spool
from postern.sites.model import AccessPoint, Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedPassage:
    """One person or vehicle at a reader. `score` 0 to 1; `ms` from its frame to the decision, door told."""

    source: str
    at: datetime
    access_point: AccessPoint
    presented: FacePresented | PlatePresented | CodePresented
    subject: UUID | None
    subject_kind: SubjectKind | None
    plate: str | None
    granted: bool
    reason: Reason
    score: float
    frames: int
    ms: float


async def passages(
    sources: Sequence[Source], reader: Reader, *, policy: Policy, ports: AgentPorts, spool: Spool
) -> AsyncGenerator[TriedPassage]:
    """What happens at `reader` when it sees `sources`, one after the other.

    Decisions are recorded in `spool` and doors are released through the ports, as always: hand in a spool of
    its own and simulated controllers to try without consequence. Raises SourceUnavailable.
    """
    if reader.kind not in CAMERAS:
        raise BadInput("pictures can only be shown to a face camera or a plate camera; choose another reader")
    access_point = policy.access_point(reader.access_point)
    if access_point is None:
        raise BadInput("the policy has no such access point; choose another reader")
    matching = Matching.of(policy, ports.card)
    tasks = Tasks()
    doors = Doors(ports.open_controller, spool, ports.clock, tasks)
    admissions = Admissions(
        spool=spool, doors=doors, clock=ports.clock, policy=lambda: policy, tasks=tasks, asked_every=None
    )
    await doors.apply(policy)
    try:
        for source in sources:
            eye = eye_of(reader, ports, lambda: matching, still=source.still)
            async with contextlib.aclosing(sightings(source, eye)) as seen:
                async for sighted in seen:
                    yield _tried(access_point, await admitted(admissions, reader, sighted))
    finally:
        await doors.close()


def _tried(access_point: AccessPoint, outcome: Outcome) -> TriedPassage:
    presented = outcome.sighted.seen.observation.presented
    decision = outcome.admitted.decision
    is_plate, is_code = isinstance(presented, PlatePresented), isinstance(presented, CodePresented)
    known = isinstance(presented, FacePresented) and isinstance(presented.result, Match)
    holder = decision.holder
    return TriedPassage(
        source=outcome.sighted.source,
        at=outcome.sighted.at,
        access_point=access_point,
        presented=presented,
        subject=holder.subject if holder is not None and (known or is_plate or is_code) else None,
        subject_kind=holder.kind if holder is not None else None,
        plate=presented.text if isinstance(presented, PlatePresented) else None,
        granted=decision.reason.grants,
        reason=decision.reason,
        score=_score(presented),
        frames=outcome.sighted.seen.observation.frames,
        ms=outcome.ms,
    )


def _score(presented: FacePresented | PlatePresented | CodePresented) -> float:
    match presented:
        case FacePresented():
            return presented.result.score
        case PlatePresented():
            return presented.score
        case CodePresented():
            return 1.0  # a code is read whole, or not at all
