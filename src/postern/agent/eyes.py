"""From frames to observations with their evidence: recognition, comparison and tracking of one camera."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from postern.access.decision import FacePresented
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.agent.evidence import jpeg_of
from postern.agent.ports import Frame, ReadCodes
from postern.agent.track import STILL, Observation, TrackRules
from postern.agent.track_codes import ABSENCE, CodeTracker
from postern.agent.track_faces import FaceSeen, FaceTracker
from postern.agent.track_plates import PlateTracker
from postern.biometrics.comparison import Gallery, Match, identify
from postern.biometrics.model import Box, ModelCard, Rgb
from postern.errors import PosternError
from postern.ids import AccessPointId, PersonId
from postern.operations.ports import Recognition


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An observation, and the JPEG that may be kept with it: none of somebody unknown."""

    observation: Observation
    evidence: bytes | None


class Eye(Protocol):
    """What looks at the frames of one source."""

    async def look(self, frame: Frame) -> list[Seen]:
        """What became certain with this frame. Raises a PosternError when recognition failed on it."""
        ...

    async def finish(self) -> list[Seen]:
        """What is left to say when the source has ended."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """What faces and plates are compared with, made once for every policy."""

    policy: Policy
    gallery: Gallery

    @classmethod
    def of(cls, policy: Policy, card: ModelCard) -> Matching:
        """The gallery holds the references of the card's model; others cannot be compared."""
        return cls(policy=policy, gallery=Gallery(card, policy.references(card.id)))

    def holder_of_plate(self, text: str) -> UUID | None:
        """Whose plate it is."""
        found = self.policy.holder_of(CredentialKind.PLATE, text)
        return found[0].subject if found is not None else None

    def least_score(self, at: AccessPointId) -> float:
        """How surely a plate must be read there; 0 where there is no lane."""
        access_point = self.policy.access_point(at)
        lane = access_point.lane if access_point is not None else None
        return lane.least_score if lane is not None else 0.0


Current = Callable[[], Matching]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    rgb: Rgb
    faces: tuple[tuple[PersonId | None, Box], ...] = ()


class _Tracks(Protocol):
    """What both trackers can do at the end, and which frames may still become evidence."""

    def finish(self) -> list[Observation]: ...

    def wanted_frames(self) -> Set[int]: ...


class _KeepingEye(ABC):
    """Keeps frames only while they may become evidence."""

    _tracker: _Tracks

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    async def finish(self) -> list[Seen]:
        """See `Eye`."""
        return await self._with_evidence(self._tracker.finish())

    async def _with_evidence(self, observations: Sequence[Observation]) -> list[Seen]:
        seen = [
            Seen(observation=one, evidence=await asyncio.to_thread(self._evidence, one))
            for one in observations
        ]
        wanted = self._tracker.wanted_frames()
        self._kept = {index: kept for index, kept in self._kept.items() if index in wanted}
        return seen

    @abstractmethod
    def _evidence(self, observation: Observation) -> bytes | None:
        """The JPEG that may be kept with it."""


class FaceEye(_KeepingEye):
    """Looks for faces. Frames are kept only while they may become evidence of somebody named."""

    _tracker: FaceTracker

    def __init__(
        self, recognition: Recognition, current: Current, *, still: bool, rules: TrackRules | None = None
    ) -> None:
        super().__init__()
        self._recognition = recognition
        self._current = current
        self._tracker = FaceTracker(current().gallery.card, STILL if still else rules)
        self._still = still

    async def look(self, frame: Frame) -> list[Seen]:
        """See `Eye`."""
        found = await self._recognition.faces(frame.rgb)
        gallery = self._current().gallery
        faces = [
            FaceSeen(
                box=one.sighting.box,
                template=one.template,
                quality=one.sighting.quality,
                result=identify(gallery, one.template),
            )
            for one in found
        ]
        self._kept[frame.index] = _Kept(rgb=frame.rgb, faces=tuple((one.person, one.box) for one in faces))
        observations = self._tracker.step(frame.at, frame.index, faces)
        if self._still:
            observations += self._tracker.finish()
        return await self._with_evidence(observations)

    def _evidence(self, observation: Observation) -> bytes | None:
        presented, kept = observation.presented, self._kept.get(observation.frame)
        if (
            kept is None
            or not isinstance(presented, FacePresented)
            or not isinstance(presented.result, Match)
        ):
            return None
        others = [box for person, box in kept.faces if person != presented.result.person]
        return jpeg_of(kept.rgb, others)


class PlateEye(_KeepingEye):
    """Looks for plates, at the access point `at`: its lane says how surely one must be read."""

    _tracker: PlateTracker

    def __init__(
        self,
        recognition: Recognition,
        current: Current,
        *,
        at: AccessPointId,
        still: bool,
        rules: TrackRules | None = None,
    ) -> None:
        super().__init__()
        self._recognition = recognition
        self._current = current
        known = lambda text: current().holder_of_plate(text)  # noqa: E731 - the policy of that moment
        least = lambda: current().least_score(at)  # noqa: E731 - the policy of that moment
        self._tracker = PlateTracker(known, STILL if still else rules, least_score=least)
        self._still = still

    async def look(self, frame: Frame) -> list[Seen]:
        """See `Eye`."""
        readings = await self._recognition.plates(frame.rgb, self._current().policy.site.country)
        self._kept[frame.index] = _Kept(rgb=frame.rgb)
        observations = self._tracker.step(frame.at, frame.index, readings)
        if self._still:
            observations += self._tracker.finish()
        return await self._with_evidence(observations)

    def _evidence(self, observation: Observation) -> bytes | None:
        kept = self._kept.get(observation.frame)
        return jpeg_of(kept.rgb) if kept is not None else None


class CodeEye:
    """Looks for QR codes. It keeps no picture: whoever holds a code before a camera was not asked for one."""

    def __init__(self, read: ReadCodes, *, still: bool, every: timedelta = timedelta(0)) -> None:
        """`every`: look at a frame only when the last one looked at is so long ago."""
        self._read = read
        self._tracker = CodeTracker(timedelta(0) if still else ABSENCE)
        self._every = timedelta(0) if still else every
        self._looked: datetime | None = None

    async def look(self, frame: Frame) -> list[Seen]:
        """See `Eye`."""
        if self._looked is not None and frame.at - self._looked < self._every:
            return []
        self._looked = frame.at
        observations = self._tracker.step(frame.at, frame.index, await self._read(frame.rgb))
        return [Seen(observation=one, evidence=None) for one in observations]

    async def finish(self) -> list[Seen]:
        """See `Eye`."""
        return []


class TwoEyes:
    """Two that look at the same frames: a face camera before which somebody may hold a code instead."""

    def __init__(self, first: Eye, second: Eye) -> None:
        self._eyes = (first, second)

    async def look(self, frame: Frame) -> list[Seen]:
        """See `Eye`. When one of them fails, what the other saw counts."""
        answers = await asyncio.gather(*(eye.look(frame) for eye in self._eyes), return_exceptions=True)
        seen = [one for answer in answers if isinstance(answer, list) for one in answer]
        faults = [one for one in answers if isinstance(one, BaseException)]
        unforeseen = [one for one in faults if not isinstance(one, PosternError)]
        if faults and (unforeseen or not seen):
            raise (unforeseen or faults)[0]
        return seen

    async def finish(self) -> list[Seen]:
        """See `Eye`."""
        return [one for eye in self._eyes for one in await eye.finish()]
