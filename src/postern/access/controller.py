"""The port to a door: what Postern asks of whatever moves the barrier and watches its contact.

A release is a command with a bounded duration that the device itself times. So a program that dies after
releasing leaves no door open, and the same release given twice only starts the device's time again.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from postern.clock import aware
from postern.errors import BadInput

SHORTEST_RELEASE = 0.1
LONGEST_RELEASE = 120.0
"""Seconds. Longer than a driver needs; to hold a door open for hours is another decision than a release."""


class Contact(StrEnum):
    """What the door contact says; `unknown` when none is fitted or the device has not spoken."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorState:
    """How a door stood at `at` (UTC, when we learned it); `online`: whether its controller answers."""

    contact: Contact
    at: datetime
    online: bool

    def __post_init__(self) -> None:
        aware(self.at)


class DoorController(Protocol):
    """One door's actuator and contact."""

    async def release(self, *, seconds: float) -> None:
        """Let the door be opened for `seconds`, timed by the device. Returns once the device has taken it.

        Raises `ControllerUnavailable` when the device does not answer, refuses, or does not confirm in time
        (it may then have acted), and `BadInput` when `seconds` is outside the limits of this module.
        """
        ...

    def states(self) -> AsyncIterator[DoorState]:
        """The present state first, then every change of contact or of being online, until `close`."""
        ...

    async def close(self) -> None:
        """Let go of connections and end every iterator of `states`. May be called twice."""
        ...


class Visitor(StrEnum):
    """What whoever stands before a simulated door does when it is released."""

    GOES_THROUGH = "goes-through"
    NOBODY = "nobody"
    HOLDS_IT_OPEN = "holds-it-open"


@runtime_checkable
class Staged(Protocol):
    """A door that is not there: what happens at it can be played."""

    def expect(self, visitor: Visitor) -> None:
        """Choose what happens at the releases to come."""
        ...

    def force_open(self) -> None:
        """Somebody opens it although nothing released it."""
        ...

    def shut(self) -> None:
        """Somebody pushes it closed."""
        ...


def checked_seconds(seconds: float) -> float:
    """`seconds` if a release may last that long. Raises `BadInput` otherwise."""
    if not math.isfinite(seconds) or not SHORTEST_RELEASE <= seconds <= LONGEST_RELEASE:
        raise BadInput(
            f"a door can be released for {SHORTEST_RELEASE:g} to {LONGEST_RELEASE:g} seconds, "
            f"not {seconds!r}; correct the door's opening time"
        )
    return seconds
