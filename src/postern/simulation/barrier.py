"""A barrier or door in simulated time: once it is released, what passes it is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum

from postern.access.controller import Contact, DoorState, checked_seconds
from postern.clock import Clock

OPENS_AFTER = timedelta(seconds=2)
CLOSES_AFTER = timedelta(seconds=8)
_LONG_AFTER = timedelta(seconds=30)


class Passing(StrEnum):
    """What whoever stands before it does once it is released."""

    GOES_THROUGH = "goes-through"
    TURNS_BACK = "turns-back"
    """It never opens far enough for the contact to speak: nobody goes through."""
    POWER_FAILS = "power-fails"
    """It opens, and nobody is left to see what comes of it."""


class PlayedDoor:
    """A controller whose contact tells at once, when played, what will have happened some seconds later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: asyncio.Queue[DoorState | None] = asyncio.Queue()

    async def release(self, *, seconds: float) -> None:
        """See `DoorController`."""
        checked_seconds(seconds)

    def play(self, passing: Passing) -> None:
        """What comes of the release just given."""
        match passing:
            case Passing.GOES_THROUGH:
                self._tell(Contact.OPEN, OPENS_AFTER)
                self._tell(Contact.CLOSED, CLOSES_AFTER)
            case Passing.TURNS_BACK:
                self._tell(Contact.CLOSED, _LONG_AFTER)
            case Passing.POWER_FAILS:
                pass

    async def states(self) -> AsyncIterator[DoorState]:
        """See `DoorController`."""
        yield DoorState(contact=Contact.CLOSED, at=self._clock.now(), online=True)
        while (state := await self._states.get()) is not None:
            yield state

    async def close(self) -> None:
        """See `DoorController`."""
        self._states.put_nowait(None)

    def _tell(self, contact: Contact, after: timedelta) -> None:
        self._states.put_nowait(DoorState(contact=contact, at=self._clock.now() + after, online=True))
