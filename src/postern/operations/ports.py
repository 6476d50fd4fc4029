"""What operations ask of the world outside, each with two real implementations or handed in by `wiring`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from postern.biometrics.model import ModelCard, Rgb, SeenFace
from postern.records.model import Kind
from postern.vehicles.plates import PlateReading


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedPicture:
    """A picture sealed under a key of its own; `name` is 32 random hex digits."""

    name: str
    sealed: bytes


class PictureStore(Protocol):
    """Where sealed pictures lie: a local folder, or a bucket."""

    async def put(self, name: str, sealed: bytes) -> None:
        """Returns once the bytes survive a power cut. Putting the same name again replaces nothing new.

        Raises StorageFull or Unavailable; then nothing may be acknowledged.
        """
        ...

    async def get(self, name: str) -> bytes:
        """Raises NotFound when there is no such picture (any more), Unavailable when the store is away."""
        ...

    async def delete(self, name: str) -> None:
        """Gone afterwards, whether it was there or not."""
        ...


class Spool(Protocol):
    """The agent's durable backlog, which `admit` writes to without knowing agents."""

    async def append(
        self,
        *,
        kind: Kind,
        day: date,
        plaintext: bytes,
        pictures: Sequence[SealedPicture] = (),
        releases_at: datetime | None = None,
        settles: int | None = None,
    ) -> int:
        """Seal to the hub and write; returns the entry's seq once it survives a power cut.

        `releases_at`: a door is let go on this entry, and a passage must follow it; `settles` is the seq of
        the entry whose passage this one tells. Raises StorageFull or another PosternError when durability
        cannot be promised.
        """
        ...


class Recognition(Protocol):
    """The worker processes that find faces and read plates."""

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        """Every face in the picture, encoded."""
        ...

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        """Plates in the picture, best first."""
        ...


class LoadPicture(Protocol):
    """Turns a picture file's bytes into pixels. Raises BadPicture with what to do about it."""

    def __call__(self, data: bytes, /) -> Rgb: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognitionPort:
    """Recognition as the hub uses it: for enrolment and for trying a picture."""

    recognise: Recognition
    load_picture: LoadPicture
    card: ModelCard
