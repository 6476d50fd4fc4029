"""The site's doors: their controllers, and what came of every release."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from postern.access.controller import DoorController, DoorState, Staged
from postern.access.passage import (
    DoorTimes,
    DoorWatch,
    Finding,
    Happened,
    Released,
    Settled,
    TimePassed,
    Unlocked,
    follow,
    next_deadline,
)
from postern.access.policy import Policy
from postern.agent.channel import Done, Stage
from postern.agent.ports import OpenController
from postern.agent.tasks import Tasks, cancelled
from postern.backoff import delays
from postern.clock import Clock, utc_day
from postern.errors import NotFound, PosternError, Refused
from postern.ids import DoorId
from postern.operations.ports import Spool
from postern.records.model import DoorRecord, Happening, Outcome, PassageRecord, kind_of
from postern.records.sealed import encode
from postern.sites.model import Door

log = structlog.get_logger(__name__)


class _Announced:
    """A controller whose releases are announced to the follower first.

    The contact may speak before `admit` has come back: without this an opening would look forced.
    """

    def __init__(self, controller: DoorController, announce: Callable[[float], None]) -> None:
        self._controller = controller
        self._announce = announce

    async def release(self, *, seconds: float) -> None:
        self._announce(seconds)
        await self._controller.release(seconds=seconds)

    def states(self) -> AsyncIterator[DoorState]:
        return self._controller.states()

    async def close(self) -> None:
        await self._controller.close()


class DoorKeeper:
    """Follows one door and records what it finds, in order."""

    def __init__(
        self, door: Door, controller: DoorController, spool: Spool, clock: Clock, tasks: Tasks
    ) -> None:
        self.door = door
        self.controller: DoorController = _Announced(controller, self._unlocked)
        self.staged = controller if isinstance(controller, Staged) else None
        """The same, where the door is only simulated."""
        self._spool = spool
        self._clock = clock
        self._happened: asyncio.Queue[Happened] = asyncio.Queue()
        self._watch = DoorWatch(
            times=DoorTimes(
                held_after=timedelta(seconds=door.held_open_seconds),
                contact_fitted=door.contact_fitted,
                free_exit=door.free_exit,
            )
        )
        self._task = tasks.start(self._run(), name=f"door {door.id}")

    def released(self, released: Released) -> None:
        """A release was told to the controller."""
        self._happened.put_nowait(released)

    def _unlocked(self, seconds: float) -> None:
        self._happened.put_nowait(Unlocked(at=self._clock.now(), seconds=seconds))

    async def close(self) -> None:
        """Let go of the controller and stop following."""
        await cancelled(self._task)
        await self.controller.close()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                followed = follow(self._watch, await self._next())
                self._watch = followed.watch
                for finding in followed.findings:
                    await self._record(finding)

    async def _listen(self) -> None:
        async for state in self.controller.states():
            self._happened.put_nowait(state)

    async def _next(self) -> Happened:
        """What happened next, or that the next deadline is there."""
        deadline = next_deadline(self._watch)
        if deadline is None:
            return await self._happened.get()
        left = max(0.001, (deadline - self._clock.now()).total_seconds())
        try:
            async with asyncio.timeout(left):
                return await self._happened.get()
        except TimeoutError:
            return TimePassed(at=self._clock.now())

    async def _record(self, finding: Finding) -> None:
        settles = finding.decision_seq if isinstance(finding, Settled) else None
        await _write_in_the_end(self._spool, _happening(self.door.id, finding), settles=settles)


class Doors:
    """Every door of the policy in force. `controllers` is a live view."""

    def __init__(self, open_controller: OpenController, spool: Spool, clock: Clock, tasks: Tasks) -> None:
        self._open_controller = open_controller
        self._spool = spool
        self._clock = clock
        self._tasks = tasks
        self._keepers: dict[DoorId, DoorKeeper] = {}
        self._controllers: dict[DoorId, DoorController] = {}
        self._troubles: dict[DoorId, str] = {}

    @property
    def controllers(self) -> Mapping[DoorId, DoorController]:
        """Each door's controller."""
        return self._controllers

    @property
    def alarms(self) -> tuple[str, ...]:
        """Doors that cannot be driven, in words."""
        return tuple(self._troubles.values())

    async def apply(self, policy: Policy) -> None:
        """Drive the doors of this policy, opening and closing controllers only where a door changed."""
        wanted = {door.id: door for door in policy.doors}
        for id, keeper in list(self._keepers.items()):
            if not _driven_alike(wanted.get(id), keeper.door):
                await self._let_go(id)
        for door in policy.doors:
            if door.id not in self._keepers:
                await self._take_on(door)

    def released(self, door: DoorId, released: Released) -> None:
        """A release of that door was told to its controller."""
        if (keeper := self._keepers.get(door)) is not None:
            keeper.released(released)

    def stage(self, command: Stage) -> Done:
        """Play what happens at a simulated door. Raises NotFound; Refused for one in a wall."""
        keeper = self._keepers.get(command.door)
        if keeper is None:
            raise NotFound("this site has no such door, or no controller for it; look at the door's settings")
        if keeper.staged is None:
            raise Refused("only a simulated door takes this; go to the door and do it there")
        match command.act:
            case "forced":
                keeper.staged.force_open()
            case "shut":
                keeper.staged.shut()
            case visitor:
                keeper.staged.expect(visitor)
        return Done(done=True, detail="staged")

    async def close(self) -> None:
        """Let go of every controller."""
        for id in list(self._keepers):
            await self._let_go(id)

    async def _take_on(self, door: Door) -> None:
        try:
            controller = self._open_controller(door)
        except PosternError as fault:
            self._troubles[door.id] = f"door {door.id}: {fault}"
            log.error("door has no controller", door=str(door.id), detail=str(fault))
            return
        self._troubles.pop(door.id, None)
        self._keepers[door.id] = keeper = DoorKeeper(door, controller, self._spool, self._clock, self._tasks)
        self._controllers[door.id] = keeper.controller

    async def _let_go(self, id: DoorId) -> None:
        del self._controllers[id]
        await self._keepers.pop(id).close()


async def write(
    spool: Spool, happening: Happening, *, releases_at: datetime | None = None, settles: int | None = None
) -> int:
    """Append a happening to the spool under its own kind and day; durable on return."""
    return await spool.append(
        kind=kind_of(happening),
        day=utc_day(happening.at),
        plaintext=encode(happening),
        releases_at=releases_at,
        settles=settles,
    )


async def settle_interrupted(spool: Spool, unsettled: Sequence[tuple[int, datetime]]) -> None:
    """Tell the passages that the agent was killed before it could tell: nobody saw more than the release."""
    for seq, since in unsettled:
        passage = PassageRecord(at=since, decision_seq=seq, outcome=Outcome.PRESUMED)
        await _write_in_the_end(spool, passage, settles=seq)


async def _write_in_the_end(spool: Spool, happening: PassageRecord | DoorRecord, settles: int | None) -> None:
    """Write it down; while the disk takes nothing, wait and try again: a passage is not forgotten."""
    waits = delays(first=1.0, longest=30.0)
    while True:
        try:
            await write(spool, happening, settles=settles)
        except PosternError as fault:
            log.error("passage not recorded yet", detail=str(fault))
            await asyncio.sleep(next(waits))
        else:
            return


def _happening(door: DoorId, finding: Finding) -> PassageRecord | DoorRecord:
    if isinstance(finding, Settled):
        return PassageRecord(at=finding.at, decision_seq=finding.decision_seq, outcome=finding.outcome)
    return DoorRecord(at=finding.at, door=door, state=finding.condition)


def _driven_alike(one: Door | None, other: Door) -> bool:
    """Whether a changed door may keep its controller and what is known of it."""
    if one is None:
        return False
    fields = ("controller", "contact_fitted", "free_exit", "held_open_seconds")
    return all(getattr(one, name) == getattr(other, name) for name in fields)
