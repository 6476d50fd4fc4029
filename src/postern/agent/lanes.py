"""Vehicles at the barriers of a garage's lanes: asked about, judged, and asked about while they stand."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from postern.access.decision import PlatePresented, Request, decide
from postern.access.lanes import Clearance, Standing
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.agent.tasks import Tasks
from postern.clock import Clock
from postern.errors import PosternError
from postern.ids import AccessPointId, DoorId
from postern.operations.admit import Admitted
from postern.sites.model import Lane, LaneKind
from postern.vehicles.plates import comparison_form

log = structlog.get_logger(__name__)

ASKED_EVERY = timedelta(seconds=1)
"""While a vehicle stands at the barrier; a payment that the hub tells of wakes us sooner."""
STANDS_AT_MOST = timedelta(minutes=15)
"""Whoever stands longer has reversed out, unseen; nothing more is asked about it until it is seen again."""
_STILL_STANDING = (Reason.NOT_PAID, Reason.AWAITING_ANSWER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """May the vehicle with this plate leave through this access point? `score`: how surely it was read."""

    access_point: AccessPointId
    plate: str
    score: float


Ask = Callable[[Question], Awaitable[Clearance]]
Judge = Callable[[Request, bytes | None], Awaitable[Admitted]]


async def nobody_to_ask(question: Question) -> Clearance:
    """For an agent without a hub: every question stays open."""
    raise PosternError(f"no hub to ask about access point {question.access_point}; it opens with a case")


@dataclass(kw_only=True, slots=True, eq=False)
class _Vehicle:
    request: Request
    plate: PlatePresented
    lane: Lane
    evidence: bytes | None
    since: datetime
    read_before: _Vehicle | None = None
    """The same vehicle as it was read less surely, for which the barrier may be about to open."""
    last: Admitted | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def let_through(self) -> Admitted | None:
        """The answer that opened the barrier for it, if one did."""
        return self.last if self.last is not None and self.last.decision.reason.grants else None

    def is_same(self, plate: PlatePresented, lane: Lane) -> bool:
        """Whether the reading tells nothing new: the same text, and not sure for the first time."""
        became_sure = self.plate.score < lane.least_score <= plate.score
        return not became_sure and comparison_form(self.plate.text) == comparison_form(plate.text)


class Lanes:
    """At most one vehicle at each lane. Every answer is recorded before the barrier moves (see `admit`)."""

    def __init__(
        self,
        *,
        ask: Ask,
        judge: Judge,
        policy: Callable[[], Policy],
        clock: Clock,
        tasks: Tasks,
        every: timedelta | None = ASKED_EVERY,
    ) -> None:
        """`every` None: vehicles are only asked about again by `again`, for a clock that is moved by hand."""
        self.ask = ask
        self._judge = judge
        self._policy = policy
        self._clock = clock
        self._tasks = tasks
        self._every = every
        self._standing: dict[AccessPointId, _Vehicle] = {}
        self._judging: defaultdict[AccessPointId, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lane_of(self, request: Request) -> Lane | None:
        """The lane that a plate was shown at, if it was one."""
        if not isinstance(request.presented, PlatePresented):
            return None
        access_point = self._policy().access_point(request.access_point)
        return access_point.lane if access_point is not None else None

    async def arrived(
        self, lane: Lane, request: Request, evidence: bytes | None, *, again: bool = False
    ) -> Admitted:
        """Judge a vehicle that was read at the barrier; while it may not pass, go on asking about it.

        `again`: the one that stands there, read more surely. Raises StorageFull or another fault of the
        spool, when an answer could not be recorded.
        """
        plate = request.presented
        if not isinstance(plate, PlatePresented):
            raise ValueError("only a plate is read at a lane")
        before = self._standing.get(request.access_point)
        if before is not None and before.is_same(plate, lane) and before.last is not None:
            before.woken.set()
            return before.last
        self._forget(request.access_point)
        # A reading of nothing certain may be the same vehicle's: it has waited already.
        unsure = before is not None and min(before.plate.score, plate.score) < lane.least_score
        vehicle = _Vehicle(
            request=request,
            plate=plate,
            lane=lane,
            evidence=evidence,
            since=before.since if before is not None and unsure else self._clock.now(),
            read_before=before if again else None,
        )
        self._standing[request.access_point] = vehicle
        try:
            admitted = await self._judged(vehicle)
        except PosternError:
            self._leave(vehicle)
            raise
        if admitted.decision.reason not in _STILL_STANDING:
            self._leave(vehicle)
        elif self._every is not None:
            self._tasks.start(self._stand(vehicle, self._every), name="vehicle at a lane")
        return admitted

    async def again(self, access_point: AccessPointId) -> Admitted | None:
        """Ask about whoever stands there now; None when nobody does or the answer is the same."""
        vehicle = self._standing.get(access_point)
        if vehicle is None or vehicle.last is None:
            return None
        before = vehicle.last
        admitted = await self._judged(vehicle)
        if admitted.decision.reason not in _STILL_STANDING:
            self._leave(vehicle)
        return None if admitted is before else admitted

    def stands_at(self, access_point: AccessPointId) -> bool:
        """Whether a vehicle stands there that was not let through yet."""
        return access_point in self._standing

    def wake(self) -> None:
        """The hub has news: ask about everybody who stands somewhere, now."""
        for vehicle in self._standing.values():
            vehicle.woken.set()

    def opened(self, door: DoorId) -> None:
        """Somebody opened that barrier from afar: whoever stood there drives on."""
        for id in list(self._standing):
            access_point = self._policy().access_point(id)
            if access_point is not None and access_point.door == door:
                self._forget(id)

    async def _stand(self, vehicle: _Vehicle, every: timedelta) -> None:
        """Ask again until it may pass, or has stood too long."""
        while self._stands(vehicle) and self._clock.now() - vehicle.since < STANDS_AT_MOST:
            with suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds()):
                    await vehicle.woken.wait()
            vehicle.woken.clear()
            try:
                admitted = await self._judged(vehicle)
            except PosternError as fault:
                log.error("refused, not recorded", detail=str(fault))
                continue
            if admitted.decision.reason not in _STILL_STANDING:
                break
        self._leave(vehicle)

    async def _judged(self, vehicle: _Vehicle) -> Admitted:
        """The answer as things stand now. One that has not changed is not recorded again.

        One vehicle at a time at each barrier: one that is about to open is not asked for another.
        """
        async with self._judging[vehicle.request.access_point]:
            if vehicle.read_before is not None and (passed := vehicle.read_before.let_through()) is not None:
                return passed
            clearance = await self._clearance(vehicle)
            if vehicle.last is not None and not self._stands(vehicle):
                return vehicle.last
            waited = (self._clock.now() - vehicle.since).total_seconds()
            request = replace(vehicle.request, standing=Standing(clearance=clearance, waited=waited))
            reason = decide(request, self._policy(), self._clock.now()).reason
            if vehicle.last is None or reason is not vehicle.last.decision.reason:
                vehicle.last = await self._judge(request, vehicle.evidence)
            return vehicle.last

    async def _clearance(self, vehicle: _Vehicle) -> Clearance | None:
        """The hub's answer; None when it gives none within the lane's seconds."""
        if vehicle.lane.kind is not LaneKind.EXIT:
            return None
        question = Question(
            access_point=vehicle.request.access_point, plate=vehicle.plate.text, score=vehicle.plate.score
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(vehicle.lane.wait_seconds):
                while True:
                    try:
                        return await self.ask(question)
                    except PosternError as fault:
                        log.warning("no answer to a lane's question", detail=str(fault))
                        if self._every is None:
                            return None
                    await asyncio.sleep(self._every.total_seconds())
        return None

    def _stands(self, vehicle: _Vehicle) -> bool:
        return self._standing.get(vehicle.request.access_point) is vehicle

    def _leave(self, vehicle: _Vehicle) -> None:
        if self._stands(vehicle):
            del self._standing[vehicle.request.access_point]

    def _forget(self, access_point: AccessPointId) -> None:
        vehicle = self._standing.pop(access_point, None)
        if vehicle is not None:
            vehicle.woken.set()
