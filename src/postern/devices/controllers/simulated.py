"""A door that is not there: for the demo site and the console's simulated door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from postern.access.controller import Contact, DoorState, Visitor, checked_seconds
from postern.clock import Clock
from postern.devices.controllers.feed import StateFeed
from postern.ending import ended
from postern.errors import ControllerUnavailable


class SimulatedDoor:
    """Opens `walk_up` seconds after a release and closes `walk_through` seconds later, unless told not to."""

    def __init__(self, *, clock: Clock, walk_up: float = 0.8, walk_through: float = 2.0) -> None:
        self._feed = StateFeed(clock)
        self._feed.tell(contact=Contact.CLOSED, online=True)
        self._walk_up = walk_up
        self._walk_through = walk_through
        self._visitor = Visitor.GOES_THROUGH
        self._walking: asyncio.Task[None] | None = None
        self.releases: list[float] = []
        """Seconds of each release taken, oldest first."""

    async def release(self, *, seconds: float) -> None:
        """See `DoorController`."""
        checked_seconds(seconds)
        if self._feed.last is None or not self._feed.last.online:
            raise ControllerUnavailable("the simulated door is switched off; switch it on again")
        self.releases.append(seconds)
        if self._visitor is not Visitor.NOBODY and self._walk_up < seconds and not self._is_walking():
            self._walking = asyncio.create_task(self._walk(), name="walk through the simulated door")

    def _is_walking(self) -> bool:
        return self._walking is not None and not self._walking.done()

    async def _walk(self) -> None:
        await asyncio.sleep(self._walk_up)
        self._feed.tell(contact=Contact.OPEN, online=True)
        if self._visitor is Visitor.GOES_THROUGH:
            await asyncio.sleep(self._walk_through)
            self._feed.tell(contact=Contact.CLOSED, online=True)

    def expect(self, visitor: Visitor) -> None:
        """Choose what happens at the releases to come."""
        self._visitor = visitor

    def force_open(self) -> None:
        """Somebody opens it although nothing released it."""
        self._feed.tell(contact=Contact.OPEN, online=True)

    def shut(self) -> None:
        """Somebody pushes it closed."""
        self._feed.tell(contact=Contact.CLOSED, online=True)

    def switch_off(self) -> None:
        """The controller does not answer any more."""
        self._feed.offline()

    def switch_on(self) -> None:
        """The controller answers again, with the door closed."""
        self._feed.tell(contact=Contact.CLOSED, online=True)

    def states(self) -> AsyncIterator[DoorState]:
        """See `DoorController`."""
        return self._feed.states()

    async def close(self) -> None:
        """See `DoorController`."""
        self._feed.close()
        if self._walking is not None:
            await ended(self._walking)
