"""Picture files become pixels here, and only here.

The header is judged before anything is decoded; the decoding is done by a process of its own that is kept
(`picture_process.py`), shut in and bounded, so that a hostile file reaches neither keys nor the network.
"""

from __future__ import annotations

import asyncio
import atexit
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from postern.biometrics.model import Rgb
from postern.devices.recognition.picture_headers import read_header
from postern.devices.recognition.picture_pixels import check_size
from postern.devices.recognition.picture_process import (
    DAMAGED,
    ORDER,
    PIXELS,
    READY,
    REPLY,
    SPENT,
)
from postern.errors import BadPicture, Unavailable
from postern.shut_in import bare_environment

MOST_BYTES = 64 * 1024 * 1024
MOST_PIXELS = 64_000_000
SMALL_ENOUGH = 4_000_000
MOST_PIXELS_A_BYTE = 1000
"""Of pictures larger than that. Photographs have 1 to 20, a blank sheet about 200; bombs have a million."""
MOST_FRAMES = 1000
"""Only the first picture counts, but some decoders walk over all of them."""
DECODE_SECONDS = 30.0
_START_SECONDS = 60.0


def load_picture(source: Path | str | bytes) -> Rgb:
    """The first picture in a file, or in a file's bytes, upright and in 8-bit RGB.

    Turned as its EXIF says; CMYK, grey, 16-bit and palettes converted; transparency laid on white; of several
    pictures in one file the first. It blocks until the decoder has answered. Raises BadPicture, saying what
    to do, on anything that cannot be used.
    """
    data = source if isinstance(source, bytes) else _read(Path(source))
    judge(data)
    return _DECODER.decode(data)


async def decode_picture(data: bytes) -> Rgb:
    """`load_picture` for a loop that has others to serve meanwhile."""
    return await asyncio.to_thread(load_picture, data)


def judge(data: bytes) -> None:
    """Raises BadPicture for what its first bytes forbid to decode."""
    if not data:
        raise BadPicture("The file is empty; copy it again.")
    if len(data) > MOST_BYTES:
        raise BadPicture(f"The file is larger than {MOST_BYTES >> 20} MiB; give a smaller picture.")
    try:
        header = read_header(data)
    except ValueError as fault:
        raise BadPicture("The picture is damaged or cut short; copy it again from its source.") from fault
    if header is None:
        raise BadPicture("The file is no picture; give a JPEG, PNG, WebP, BMP or TIFF.")
    check_size(header.width, header.height, most_pixels=MOST_PIXELS)
    pixels = header.width * header.height
    if pixels > SMALL_ENOUGH and pixels > MOST_PIXELS_A_BYTE * len(data):
        raise BadPicture(
            f"The file claims {header.width} × {header.height} pixels in {len(data)} bytes, as no photograph "
            "does; save it anew as JPEG or PNG."
        )
    if header.frames > MOST_FRAMES:
        raise BadPicture(f"The animation has more than {MOST_FRAMES} pictures; give a single one.")


class PictureDecoder:
    """One decoding process, started with the first picture and replaced when it ends. Safe among threads."""

    def __init__(self, seconds: float = DECODE_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def decode(self, data: bytes) -> Rgb:
        """The pixels. Raises BadPicture, and Unavailable when no process can be started."""
        with self._lock:
            line = self._ready()
            try:
                line.settimeout(self._seconds)
                line.sendall(ORDER.pack(MOST_PIXELS, len(data)))
                line.sendall(data)
                return self._reply(line)
            except TimeoutError as fault:
                self._end()
                raise BadPicture(
                    f"The picture was not decoded within {self._seconds:g} s; save it anew as JPEG or PNG."
                ) from fault
            except (EOFError, OSError) as fault:
                self._end()
                raise BadPicture(
                    "The picture ended the process that decodes pictures, so it is damaged or hostile; "
                    "save it anew as JPEG or PNG."
                ) from fault

    def close(self) -> None:
        """End the process; the next picture starts another."""
        with self._lock:
            self._end()

    def _ready(self) -> socket.socket:
        """The line to a process that waits for a picture; one that has ended since the last is replaced."""
        if self._line is not None and self.pid is not None and not _has_ended(self._line):
            return self._line
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "postern.devices.recognition.picture_process"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=bare_environment(arenas=1),
            )
        self._line = ours
        ours.settimeout(_START_SECONDS)
        try:
            mark, _, _ = REPLY.unpack(_filled(ours, bytearray(REPLY.size)))
            if mark != READY:
                raise EOFError
        except (EOFError, OSError) as fault:
            self._end()
            raise Unavailable("The process that decodes pictures does not start; try again.") from fault
        return ours

    def _reply(self, line: socket.socket) -> Rgb:
        """Nothing that it says is trusted further than its length."""
        mark, first, second = REPLY.unpack(_filled(line, bytearray(REPLY.size)))
        if mark == PIXELS and 0 < first * second <= MOST_PIXELS:
            rgb = np.empty((first, second, 3), dtype=np.uint8)
            _filled(line, rgb.reshape(-1).data)
            return rgb
        if mark == DAMAGED:
            raise BadPicture("The picture is damaged or cut short; copy it again from its source.")
        if mark == SPENT:
            raise BadPicture("The picture needs more memory than one picture may take; give a smaller one.")
        raise EOFError

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._line is not None:
            self._line.close()
            self._line = None


def _has_ended(line: socket.socket) -> bool:
    """Whether the other side has closed: an idle process says nothing."""
    line.setblocking(False)
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _filled(line: socket.socket, room: bytearray | memoryview) -> bytearray | memoryview:
    """`room` full of what comes. Raises EOFError when the line ends before."""
    view, filled = memoryview(room), 0
    while filled < len(view):
        count = line.recv_into(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return room


_DECODER = PictureDecoder()
"""The one of this program; idle it costs a process that sleeps."""
atexit.register(_DECODER.close)


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadPicture("This is a folder, not a picture; name a file in it.")
        if path.exists() and not path.is_file():
            raise BadPicture("This is a device or pipe, not a picture; name a file.")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError as fault:
        raise BadPicture("There is no such file; check the path.") from fault
    except OSError as fault:
        raise BadPicture(f"The file cannot be read ({fault.strerror}); check its permissions.") from fault
