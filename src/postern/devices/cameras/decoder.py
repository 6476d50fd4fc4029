"""The program that decodes one source, in a process of its own: `python -m postern.devices.cameras.decoder`.

Decoders meet hostile bytes and hang on silent cameras; here either ends one process and nothing else. It
reads one line of JSON (an `Order`) from standard input, so that a camera's password is in no process list,
and writes frames to standard output: a header, then height × width × 3 bytes of RGB. It ends with an `End`.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import time
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO

from postern.shut_in import program_folders, shut_in

HEADER = struct.Struct("<4sQdII")
"""Mark, index, media time in seconds, height, width."""
MARK = b"FRM1"
MOST_PIXELS = 36_000_000
"""Of one frame: 8K is 33 million."""
MEMORY = 2 << 30
"""Address space, in bytes."""
_TOLERANCE = 0.002
"""Seconds by which containers round a time stamp."""

_FILE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,mjpeg,flv,asf,ogg,dhav,"
    "m4v,gif,apng,ivf"
)
"""Containers of one file. Playlists are left out: they could make the reader open other files and hosts."""


class End(IntEnum):
    """How a decoder ended."""

    DONE = 0
    NOT_OPENED = 3
    NO_FRAME = 4
    BROKE_OFF = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What to decode: `target` as in an address, at most `rate` frames a second, `patience` in seconds."""

    kind: str
    target: str
    rate: float
    patience: float

    def to_line(self) -> bytes:
        """As the decoder reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> int:
    """Decode until the source ends, breaks off, or nobody reads any more."""
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    os.environ["OPENCV_LOG_LEVEL"] = "ERROR"
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _options(order.kind, order.target)
    _confine(order)
    capture = _open(order)
    if not capture.isOpened():
        return End.NOT_OPENED
    if _pixels(capture) > MOST_PIXELS:
        sys.stderr.write(f"more than {MOST_PIXELS // 1_000_000} million pixels a picture\n")
        return End.NO_FRAME
    try:
        return _decode(capture, order, sys.stdout.buffer)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return End.DONE


def _confine(order: Order) -> None:
    """Bound what hostile bytes can do to this machine; a file's decoder reads that file and no network."""
    import cv2

    cv2.setNumThreads(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if order.kind == "video" and Path(order.target).is_file():
        shut_in([*program_folders(), Path(order.target)])


def _pixels(capture: Any) -> int:
    """As the file's header says; what a frame really has is known before it is written only."""
    import cv2

    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _options(kind: str, target: str) -> str:
    if kind == "video":
        return f"protocol_whitelist;file|format_whitelist;{_FILE_FORMATS}"
    if target.lower().startswith("rtsp"):
        return "rtsp_transport;tcp|protocol_whitelist;rtsp,rtsps,tcp,tls,rtp,udp"
    return "protocol_whitelist;http,https,tcp,tls,httpproxy"


def _open(order: Order) -> Any:
    import cv2

    if order.kind == "webcam":
        return cv2.VideoCapture(int(order.target), cv2.CAP_V4L2)
    wait = int(order.patience * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait]
    return cv2.VideoCapture(order.target, cv2.CAP_FFMPEG, [*limits, cv2.CAP_PROP_N_THREADS, 1])


def _decode(capture: Any, order: Order, out: BinaryIO) -> End:
    import cv2

    live = order.kind != "video"
    began = time.monotonic()
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    index, due, media = 0, 0.0, 0.0
    while capture.grab():
        media = time.monotonic() - began if live else _media_time(capture, index, rate, media)
        if media >= due - _TOLERANCE:
            readable, bgr = capture.retrieve()
            if readable:
                _write(out, index, media, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
                due = max(due + 1.0 / order.rate, media - 1.0 / order.rate)
        index += 1
    if not index:
        return End.NO_FRAME
    length = capture.get(cv2.CAP_PROP_FRAME_COUNT) / rate
    return End.BROKE_OFF if live or media < 0.8 * length - 1.0 else End.DONE


def _media_time(capture: Any, index: int, rate: float, last: float) -> float:
    """Seconds into the file; files without time stamps are counted at their stated rate."""
    import cv2

    stamped = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
    return stamped if stamped > last or index == 0 else max(last, index / rate)


def _write(out: BinaryIO, index: int, media: float, rgb: Any) -> None:
    height, width = rgb.shape[:2]
    out.write(HEADER.pack(MARK, index, media, height, width))
    out.write(rgb.data)
    out.flush()


if __name__ == "__main__":
    raise SystemExit(main())
