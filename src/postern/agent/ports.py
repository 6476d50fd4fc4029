"""What an agent is handed: it imports no device. `wiring` gives the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postern.access.controller import DoorController
from postern.biometrics.model import ModelCard, Rgb
from postern.clock import Clock
from postern.operations.ports import Recognition
from postern.sites.model import Door


class Frame(Protocol):
    """One picture of a source; `index` grows, with holes where frames were dropped."""

    @property
    def source(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def rgb(self) -> Rgb: ...
    @property
    def index(self) -> int: ...


class SourceState(Protocol):
    """How a source stands: "opening", "connected", "reconnecting" or "ended", since when, and why."""

    @property
    def connection(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def trouble(self) -> str | None: ...
    @property
    def dropped(self) -> int: ...


class Source(Protocol):
    """A camera, a video or pictures. `still`: each frame stands alone."""

    @property
    def name(self) -> str: ...
    @property
    def still(self) -> bool: ...
    @property
    def state(self) -> SourceState: ...

    def frames(self) -> AsyncIterator[Frame]:
        """Every frame until it ends. Raises SourceUnavailable; a live one reconnects by itself."""
        ...

    async def close(self) -> None:
        """End it and every iterator of its frames."""
        ...


class OpenSource(Protocol):
    """`as_live`: a video file is shown no faster than it was filmed."""

    def __call__(self, text: str, *, as_live: bool) -> Source:
        """Raises SourceUnavailable when nothing can be there."""
        ...


class OpenController(Protocol):
    """The controller of a door."""

    def __call__(self, door: Door) -> DoorController:
        """Connects later. Raises BadInput or another PosternError when the door's settings cannot be used."""
        ...


ReadCodes = Callable[[Rgb], Awaitable[Sequence[str]]]
"""The text of every QR code in a picture. Raises Unavailable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentPorts:
    """Everything outside: cameras, recognition (with its face model's card), door controllers, time.

    Without `read_codes` no camera reads QR codes.
    """

    open_source: OpenSource
    recognition: Recognition
    card: ModelCard
    open_controller: OpenController
    clock: Clock
    read_codes: ReadCodes | None = None
