"""Video files, streams and webcams."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from postern.backoff import delays
from postern.clock import Clock
from postern.devices.cameras.address import Address, SourceKind
from postern.devices.cameras.decoder import End, Order
from postern.devices.cameras.mailbox import Mailbox
from postern.devices.cameras.model import Connection, Frame, ReadingPlan, SourceState
from postern.devices.cameras.probe import probe
from postern.devices.cameras.process import Decoded, Decoder
from postern.errors import SourceUnavailable


class VideoSource:
    """A video file, a stream or a webcam, decoded by a process and handed over by a thread of its own."""

    still = False

    def __init__(self, address: Address, plan: ReadingPlan, clock: Clock) -> None:
        self._address = address
        self._plan = plan
        self._clock = clock
        self._decoder: Decoder | None = None
        self._mailbox: Mailbox | None = None
        self._closing = asyncio.Event()
        self._state = SourceState(connection=Connection.OPENING, since=clock.now())
        self._dropped_before = 0
        self._next_index = 0
        self.name = address.shown
        self.live = address.live
        self._lasting = address.live and plan.reconnect

    @property
    def state(self) -> SourceState:
        """How it stands now."""
        here = self._mailbox.dropped if self._mailbox else 0
        return replace(self._state, dropped=self._dropped_before + here)

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame of a file; of a live source the newest, over all reconnections, until `close`."""
        waits = self._waits()
        while not self._closing.is_set():
            try:
                async for frame in self._one_connection():
                    if self._state.connection is not Connection.CONNECTED:
                        self._become(Connection.CONNECTED, None)
                        waits = self._waits()
                    yield frame
                if not self._lasting:
                    break
            except SourceUnavailable as fault:
                if not self._lasting:
                    self._become(Connection.ENDED, str(fault))
                    raise
                self._lost(str(fault))
                await self._pause(next(waits))
        self._become(Connection.ENDED, self._state.trouble)

    async def close(self) -> None:
        """End the decoder and every iterator of `frames`. May be called twice."""
        self._closing.set()
        if self._decoder is not None:
            self._decoder.kill()
        if self._mailbox is not None:
            self._mailbox.close()

    async def _one_connection(self) -> AsyncIterator[Frame]:
        if self._address.kind is SourceKind.STREAM:
            await probe(self._address, patience=self._plan.patience)
        if self._closing.is_set():
            return
        self._mailbox = mailbox = Mailbox(space=1 if self.live else self._plan.space, keep_all=not self.live)
        order = Order(
            kind=self._address.kind.value,
            target=self._address.target,
            rate=self._plan.rate,
            patience=self._plan.patience,
        )
        self._decoder = decoder = await asyncio.to_thread(Decoder, order)
        began = self._clock.now()
        threading.Thread(target=self._carry, args=(decoder, mailbox, began), daemon=True).start()
        try:
            while (frame := await mailbox.get()) is not None:
                await self._hold_back(frame.at)
                yield frame
        finally:
            mailbox.close()
            decoder.kill()
            self._dropped_before += mailbox.dropped
            mailbox.dropped = 0

    def _carry(self, decoder: Decoder, mailbox: Mailbox, began: datetime) -> None:
        """The reading thread: from the decoder's pipe to the mailbox, until either ends."""
        given = 0
        while (decoded := decoder.read()) is not None:
            given += 1
            if not mailbox.put(self._frame(decoded, began)):
                decoder.kill()
        mailbox.close(self._fault(decoder, decoder.end(), given))

    def _frame(self, decoded: Decoded, began: datetime) -> Frame:
        at = self._clock.now() if self.live else began + timedelta(seconds=decoded.media)
        index = self._next_index
        self._next_index += 1
        return Frame(source=self.name, at=at, rgb=decoded.rgb, index=index)

    def _fault(self, decoder: Decoder, end: End, given: int) -> SourceUnavailable | None:
        if end is End.DONE and (given or self.live):
            return None
        said = f" ({decoder.last_words})" if decoder.last_words else ""
        return SourceUnavailable(f"{self.name}: {_words(self._address.kind, end, given)}{said}")

    async def _hold_back(self, at: datetime) -> None:
        early = (at - self._clock.now()).total_seconds()
        if self._plan.as_live and not self.live and early > 0:
            await self._pause(early)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    def _waits(self) -> Iterator[float]:
        return delays(first=self._plan.first_wait, longest=self._plan.longest_wait)

    def _lost(self, trouble: str) -> None:
        since = self._state.since if self._state.connection is Connection.RECONNECTING else self._clock.now()
        self._state = SourceState(connection=Connection.RECONNECTING, since=since, trouble=trouble)

    def _become(self, connection: Connection, trouble: str | None) -> None:
        if connection is not self._state.connection:
            self._state = SourceState(connection=connection, since=self._clock.now(), trouble=trouble)


def _words(kind: SourceKind, end: End, given: int) -> str:
    """What to tell the installer."""
    if kind is SourceKind.WEBCAM:
        return (
            "this webcam does not open; check that it is plugged in, that its number is right, and that no "
            "other program holds it."
            if not given
            else "the webcam stopped; check its cable."
        )
    if kind is SourceKind.STREAM:
        return (
            "the camera answers but sends no picture that can be decoded; set it to H.264, H.265 or MJPEG."
            if not given
            else "the camera stopped sending."
        )
    if end is End.NOT_OPENED:
        return "this is no video that can be read; convert it to MP4 with H.264, or copy it again."
    if not given:
        return "the video holds no picture that can be decoded; copy it again, or convert it to MP4."
    return "the video breaks off before its end, the file is damaged; copy it again."
