"""`open_source`: whatever an installer names becomes frames; a live camera that goes away is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from postern.clock import Clock, SystemClock
from postern.devices.cameras.address import SourceKind, parse
from postern.devices.cameras.model import Frame, ReadingPlan, SourceState
from postern.devices.cameras.stills import PictureSource
from postern.devices.cameras.video import VideoSource


class Source(Protocol):
    """Something that gives frames; `name` is how it is shown, without a login."""

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool:
        """Whether it goes on without waiting for us, so that old frames are dropped."""
        ...

    @property
    def still(self) -> bool:
        """Whether each frame is a picture of its own, unrelated in time to the others."""
        ...

    @property
    def state(self) -> SourceState: ...

    def frames(self) -> AsyncIterator[Frame]:
        """Every frame until it ends. Raises SourceUnavailable; a live source reconnects instead."""
        ...

    async def close(self) -> None: ...


def open_source(text: str, *, plan: ReadingPlan | None = None, clock: Clock | None = None) -> Source:
    """The source that `text` names: a picture, a folder, a video file, rtsp://…, http://… or webcam:0.

    Raises SourceUnavailable when nothing can be there; what only trying shows comes from `frames`.
    """
    address, plan, clock = parse(text), plan or ReadingPlan(), clock or SystemClock()
    if address.kind in (SourceKind.PICTURE, SourceKind.FOLDER):
        return PictureSource(address, clock)
    return VideoSource(address, plan, clock)
