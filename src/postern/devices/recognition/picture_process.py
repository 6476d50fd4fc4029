"""The process that decodes picture files: hostile bytes meet decoders here and nowhere else.

It holds no key and no setting. Before it takes the first picture it has loaded its decoders, bounded its
memory and time, and given up opening files, sockets and processes. What it answers is plain numbers and
pixels, so the parent need not trust it: a reply's mark, then two sizes, then pixels.
"""

from __future__ import annotations

import io
import resource
import signal
import socket
import struct
import sys
import time
from contextlib import suppress

from PIL import Image

from postern.devices.recognition.picture_headers import Form
from postern.devices.recognition.picture_pixels import Decoded, decode
from postern.few_calls import keep_few_calls
from postern.shut_in import shut_in

ORDER = struct.Struct(">II")
"""The most pixels to decode, and how many bytes of a file follow."""
REPLY = struct.Struct(">BII")
"""A mark; then height and width of the pixels that follow, or zeros."""
READY, PIXELS, DAMAGED, SPENT = 0, 1, 2, 3
MEMORY = 1280 << 20
"""Address space. 64 million pixels as WebP, the hungriest format, need about 1,100 MiB."""
PROCESSOR_SECONDS = 240
_RESTS_AFTER = 180.0
"""Seconds of computing after which it ends by itself, between two pictures; the next has a new process."""


def main() -> None:
    """Serve on the socket that is standard input until it closes."""
    with socket.socket(fileno=sys.stdin.fileno()) as line:
        _load_decoders()
        confine()
        line.sendall(REPLY.pack(READY, 0, 0))
        while (head := _exactly(line, ORDER.size)) is not None:
            most_pixels, size = ORDER.unpack(head)
            data = _exactly(line, size)
            if data is None:
                return
            _answer(line, bytes(data), most_pixels)
            if time.process_time() > _RESTS_AFTER:
                return


def confine() -> None:
    """Bound memory, time and files, and give up what decoding does not need. For good."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
    ):
        resource.setrlimit(what, (most, most))
    shut_in([])
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    keep_few_calls()


def _load_decoders() -> None:
    """Every decoder once: afterwards no file can be opened to load one."""
    for form in Form:
        drawn = io.BytesIO()
        Image.new("RGB", (16, 16)).save(drawn, form.value)
        for strip in decode(drawn.getvalue(), most_pixels=256).strips:
            del strip
    for mode in ("LA", "I;16", "P", "CMYK"):
        drawn = io.BytesIO()
        Image.new(mode, (16, 16)).save(drawn, "TIFF", compression="raw")
        for strip in decode(drawn.getvalue(), most_pixels=256).strips:
            del strip


def _answer(line: socket.socket, data: bytes, most_pixels: int) -> None:
    """A process boundary: whatever goes wrong with one picture is told, and the process goes on."""
    try:
        decoded = decode(data, most_pixels=most_pixels)
        first = next(decoded.strips, b"")
    except MemoryError:
        line.sendall(REPLY.pack(SPENT, 0, 0))
    except Exception:  # noqa: BLE001  the boundary that the docstring names
        line.sendall(REPLY.pack(DAMAGED, 0, 0))
    else:
        _give(line, decoded, first)


def _give(line: socket.socket, decoded: Decoded, first: bytes) -> None:
    line.sendall(REPLY.pack(PIXELS, decoded.height, decoded.width))
    line.sendall(first)
    for strip in decoded.strips:
        line.sendall(strip)


def _exactly(line: socket.socket, size: int) -> bytearray | None:
    """`size` bytes, or None when the parent has gone."""
    data = bytearray(size)
    room, filled = memoryview(data), 0
    while filled < size:
        count = line.recv_into(room[filled:])
        if not count:
            return None
        filled += count
    return data


if __name__ == "__main__":
    with suppress(BrokenPipeError, ConnectionResetError):
        main()
