"""The parent's side of a decoder: start it, read its frames, and say in words why it ended."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from postern.devices.cameras.decoder import HEADER, MARK, End, Order
from postern.shut_in import bare_environment
from postern.sites.addresses import without_login

_PREFIX = re.compile(r"^\[[^\]]*\]\s*")
_LARGEST = 16384


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decoded:
    """A decoded picture and its media time in seconds."""

    index: int
    media: float
    rgb: npt.NDArray[np.uint8]


class Decoder:
    """A running decoder. `read` blocks: give it a thread of its own."""

    def __init__(self, order: Order) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "postern.devices.cameras.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=bare_environment(arenas=2),
        )
        if not (self._process.stdin and self._process.stdout and self._process.stderr):
            raise RuntimeError("the decoder was started without pipes")
        self._frames: IO[bytes] = self._process.stdout
        self._words: deque[str] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        try:
            self._process.stdin.write(order.to_line())
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it ended already; `read` and `end` tell

    def read(self) -> Decoded | None:
        """The next frame, or None when the decoder has ended."""
        head = self._frames.read(HEADER.size)
        if len(head) < HEADER.size:
            return None
        mark, index, media, height, width = HEADER.unpack(head)
        if mark != MARK or not 0 < height <= _LARGEST or not 0 < width <= _LARGEST:
            self.kill()
            return None
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        room, filled = rgb.reshape(-1).data, 0
        while filled < len(room):
            count = self._frames.readinto(room[filled:])  # type: ignore[attr-defined]  # IO[bytes] lacks it
            if not count:
                return None
            filled += count
        return Decoded(index=index, media=media, rgb=rgb)

    def end(self) -> End:
        """Wait for the decoder and say how it ended; anything unforeseen counts as broken off."""
        status = self._process.wait()
        self._listener.join()
        self._frames.close()
        return End(status) if status in set(End) else End.BROKE_OFF

    def kill(self) -> None:
        """End it now. May be called from another thread, and twice."""
        self._process.kill()

    @property
    def last_words(self) -> str | None:
        """The decoder's last own words about trouble, without logins; None when it said nothing."""
        return self._words[-1] if self._words else None

    def _listen(self, errors: IO[bytes]) -> None:
        with errors:
            for line in errors:
                words = _PREFIX.sub("", without_login(line.decode(errors="replace").strip()))
                if words:
                    self._words.append(words[:200])
