"""Picture files and folders of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from postern.clock import Clock
from postern.devices.cameras.address import PICTURES, Address, SourceKind
from postern.devices.cameras.model import Connection, Frame, SourceState
from postern.devices.recognition.pictures import load_picture
from postern.errors import BadPicture, SourceUnavailable


class PictureSource:
    """One picture, or every picture of a folder in the order of their names."""

    live = False
    still = True

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self.name = address.shown
        self.state = SourceState(connection=Connection.OPENING, since=clock.now())

    async def frames(self) -> AsyncIterator[Frame]:
        """A folder's pictures that cannot be used are told in `state.trouble` and passed over."""
        folder = self._address.kind is SourceKind.FOLDER
        given = 0
        for path in await asyncio.to_thread(self._paths):
            try:
                rgb = await asyncio.to_thread(load_picture, path)
            except BadPicture as fault:
                if not folder:
                    raise SourceUnavailable(f"{self.name}: {fault}") from fault
                self._become(Connection.CONNECTED, f"{path.name}: {fault}")
                continue
            yield Frame(source=str(path), at=self._clock.now(), rgb=rgb, index=given)
            given += 1
        self._become(Connection.ENDED, self.state.trouble)
        if not given:
            raise SourceUnavailable(f"{self.name}: no usable picture is in it; give .jpg, .png or .webp.")

    async def close(self) -> None:
        """Nothing is held open."""

    def _paths(self) -> list[Path]:
        path = Path(self._address.target)
        if self._address.kind is SourceKind.PICTURE:
            return [path]
        try:
            return sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURES and one.is_file())
        except OSError as fault:
            raise SourceUnavailable(f"{self.name}: the folder cannot be read ({fault.strerror}).") from fault

    def _become(self, connection: Connection, trouble: str | None) -> None:
        self.state = SourceState(connection=connection, since=self._clock.now(), trouble=trouble)
