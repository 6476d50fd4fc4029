"""One door's states, handed to any number of listeners without losing a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from postern.access.controller import Contact, DoorState
from postern.clock import Clock


class StateFeed:
    """Keeps the last state and passes every change on. Its queues are unbounded: a door changes a few
    times a minute at most, and a change that was dropped would be a passage that was lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: DoorState | None = None
        self._listeners: set[asyncio.Queue[DoorState | None]] = set()
        self._closed = False

    @property
    def last(self) -> DoorState | None:
        """The state last told, None before the device was first tried."""
        return self._last

    def tell(self, *, contact: Contact, online: bool) -> None:
        """Pass a state on if it differs from the last one."""
        if self._last is not None and (self._last.contact, self._last.online) == (contact, online):
            return
        self._last = DoorState(contact=contact, online=online, at=self._clock.now())
        for listener in self._listeners:
            listener.put_nowait(self._last)

    def offline(self) -> None:
        """The device does not answer, so that its contact is unknown."""
        self.tell(contact=Contact.UNKNOWN, online=False)

    async def states(self) -> AsyncIterator[DoorState]:
        """The last state if there is one, then every change, until `close`."""
        if self._closed:
            return
        queue: asyncio.Queue[DoorState | None] = asyncio.Queue()
        if self._last is not None:
            queue.put_nowait(self._last)
        self._listeners.add(queue)
        try:
            while (state := await queue.get()) is not None:
                yield state
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every listener."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)
