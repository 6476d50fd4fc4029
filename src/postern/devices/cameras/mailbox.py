"""Frames on their way from a reading thread to the event loop, in a bounded space."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

from postern.devices.cameras.model import Frame


class Mailbox:
    """One writing thread, one awaiting reader.

    With `keep_all` the writer waits while it is full (a file can wait); without, the oldest frame is
    dropped and counted (a live camera goes on, and its newest frame matters most).
    """

    def __init__(self, *, space: int, keep_all: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._space = space
        self._keep_all = keep_all
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._arrived = asyncio.Event()
        self._closed = False
        self._fault: Exception | None = None
        self.dropped = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more will be taken in."""
        return self._closed

    def put(self, frame: Frame) -> bool:
        """Called by the writing thread. False when the reader has gone."""
        with self._changed:
            while self._keep_all and len(self._frames) >= self._space and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            if len(self._frames) >= self._space:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
        self._wake()
        return True

    def close(self, fault: Exception | None = None) -> None:
        """No more frames: what lies here is still read, then `fault` is raised if there is one."""
        with self._changed:
            if not self._closed:
                self._closed, self._fault = True, fault
            self._changed.notify_all()
        self._wake()

    async def get(self) -> Frame | None:
        """The next frame, None after the last. Raises the fault that the mailbox was closed with."""
        while True:
            with self._changed:
                if self._frames:
                    self._changed.notify_all()
                    return self._frames.popleft()
                if self._closed:
                    if self._fault is not None:
                        raise self._fault
                    return None
                self._arrived.clear()
            await self._arrived.wait()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrived.set)
