"""Admissions of one site: decide, record, release, follow the door. Cameras, readers, operators share it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from postern.access.decision import (
    CodePresented,
    PinPresented,
    PlatePresented,
    Presented,
    Request,
)
from postern.access.model import CredentialKind
from postern.access.passage import Released
from postern.access.policy import Policy
from postern.agent.channel import Done, OpenDoor, Present
from postern.agent.doors import Doors, write
from postern.agent.lanes import ASKED_EVERY, Ask, Lanes, nobody_to_ask
from postern.agent.tasks import Tasks
from postern.clock import Clock
from postern.errors import BadInput, ControllerUnavailable, NotFound, PosternError, Refused
from postern.ids import ReaderId
from postern.operations.admit import Admitted, Entrance, admit
from postern.operations.ports import Spool
from postern.records.model import CommandRecord
from postern.sites.model import ControllerKind, Reader

log = structlog.get_logger(__name__)


class Admissions:
    """Everything that may move a door goes through here."""

    def __init__(
        self,
        *,
        spool: Spool,
        doors: Doors,
        clock: Clock,
        policy: Callable[[], Policy | None],
        tasks: Tasks,
        ask: Ask = nobody_to_ask,
        asked_every: timedelta | None = ASKED_EVERY,
    ) -> None:
        """`ask`: whether a vehicle may leave a garage; while it stands, again after `asked_every`."""
        self._entrance = Entrance(spool=spool, controllers=doors.controllers, clock=clock)
        self._doors = doors
        self._policy = policy
        self._unrecorded: str | None = None
        self.lanes = Lanes(
            ask=ask,
            judge=self._admit,
            policy=lambda: self.policy,
            clock=clock,
            tasks=tasks,
            every=asked_every,
        )

    @property
    def alarms(self) -> tuple[str, ...]:
        """That decisions could not be recorded, until one can again."""
        return (self._unrecorded,) if self._unrecorded else ()

    @property
    def policy(self) -> Policy:
        """The policy in force. Raises Refused before the first one arrived."""
        policy = self._policy()
        if policy is None:
            raise Refused("this agent has no policy yet; let it reach its hub once")
        return policy

    async def request(
        self, request: Request, evidence: bytes | None = None, *, again: bool = False
    ) -> Admitted:
        """Admit or refuse. Raises StorageFull or another fault when a way in could not be recorded.

        A vehicle at a garage's lane is asked about first; the answer is the first one, and others may follow.
        `again`: the vehicle that stands at the lane, read more surely than before.
        """
        lane = self.lanes.lane_of(request)
        if lane is not None:
            return await self.lanes.arrived(lane, request, evidence, again=again)
        return await self._admit(request, evidence)

    async def _admit(self, request: Request, evidence: bytes | None) -> Admitted:
        try:
            admitted = await admit(self._entrance, self.policy, request, evidence)
        except PosternError as fault:
            self._unrecorded = f"decisions cannot be recorded: {fault}"
            raise
        unrecorded = admitted.seq is None
        self._unrecorded = f"a way out was not recorded: {admitted.fault}" if unrecorded else None
        if admitted.fault is not None:
            log.error("release", detail=str(admitted.fault))
        self._follow(admitted)
        return admitted

    async def present(self, command: Present) -> Done:
        """What the console presents at a simulated door, as if somebody stood there."""
        reader = self.simulated_reader(command.reader)
        admitted = await self.request(request_of(reader, command.kind, command.value))
        return Done(done=admitted.decision.reason.grants, detail=admitted.decision.reason.value)

    def simulated_reader(self, id: ReaderId) -> Reader:
        """A reader whose door is only simulated: nothing that the console presents may move a real one.

        Raises NotFound or Refused. The hub checks this too; it is not trusted with it.
        """
        reader = next((one for one in self.policy.readers if one.id == id), None)
        point = self.policy.access_point(reader.access_point) if reader is not None else None
        door = self.policy.door_of(point) if point is not None else None
        if reader is None or door is None:
            raise NotFound("this site has no such reader; choose another")
        if door.controller.kind is not ControllerKind.SIMULATED:
            raise Refused("only a simulated door takes this; go to the reader and present it there")
        return reader

    async def open_door(self, command: OpenDoor) -> Done:
        """Open a door for an operator. It is on record before the door moves; a failure is recorded after."""
        door = next((one for one in self.policy.doors if one.id == command.door), None)
        controller = self._entrance.controllers.get(command.door)
        if door is None or controller is None:
            raise NotFound("this site has no such door, or no controller for it; look at the door's settings")
        if not command.reason.strip():
            raise BadInput("a reason is needed to open a door from afar; write one")
        seq = await self._record(command, done=True)
        self.lanes.opened(door.id)
        at = self._entrance.clock.now()
        try:
            await controller.release(seconds=door.release_seconds)
        except ControllerUnavailable as fault:
            await self._record(command, done=False)
            self._doors.released(
                door.id, Released(decision_seq=seq, at=at, seconds=door.release_seconds, confirmed=False)
            )
            return Done(done=False, detail=str(fault))
        self._doors.released(door.id, Released(decision_seq=seq, at=at, seconds=door.release_seconds))
        return Done(done=True, detail="released")

    async def _record(self, command: OpenDoor, *, done: bool) -> int:
        happening = CommandRecord(
            at=self._entrance.clock.now(),
            door=command.door,
            operator=command.operator,
            reason=command.reason,
            done=done,
        )
        return await write(self._entrance.spool, happening, releases_at=happening.at if done else None)

    def _follow(self, admitted: Admitted) -> None:
        door = admitted.door
        if door is None or admitted.seq is None or not admitted.decision.reason.grants:
            return
        released = Released(
            decision_seq=admitted.seq,
            at=admitted.at,
            seconds=door.release_seconds,
            confirmed=admitted.released,
        )
        self._doors.released(door.id, released)


def request_of(reader: Reader, kind: CredentialKind, value: str) -> Request:
    """What a card, PIN or QR reader asks; a PIN is `keypad number-PIN`, a plate is taken as typed by hand.

    Raises BadInput for a face, which cannot be typed.
    """
    return Request(access_point=reader.access_point, reader=reader.id, presented=_presented(kind, value))


def _presented(kind: CredentialKind, value: str) -> Presented:
    if kind is CredentialKind.PIN:
        number, _, pin = value.partition("-")
        return PinPresented(keypad_number=number.strip(), pin=pin.strip())
    if kind is CredentialKind.PLATE:
        return PlatePresented(text=value, score=1.0)
    if kind is CredentialKind.FACE:
        raise BadInput("a face is shown to a camera; present a card, PIN, QR code or plate here")
    return CodePresented(kind=kind, value=value.strip())
