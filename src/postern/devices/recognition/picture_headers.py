"""What a picture file says of itself, read by its first bytes alone, before any decoder sees it.

Pure and small: it reads lengths and sizes and follows them no further than the data goes. Sources: ITU T.81
(JPEG), W3C PNG 3rd edition, RFC 9649 (WebP), Microsoft's BITMAPINFOHEADER, TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """The formats that are taken, as Pillow names them. JPEG includes MPO."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    BMP = "BMP"
    TIFF = "TIFF"


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureHeader:
    """A format, a size in pixels, and how many pictures follow each other in an animation."""

    form: Form
    width: int
    height: int
    frames: int = 1


MOST_STEPS = 4096
"""Segments, chunks or tags that are looked at: a file whose size comes later is none of a camera."""

_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers between SOF0 and SOF15 that are none."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length."""


def read_header(data: bytes) -> PictureHeader | None:
    """The header, or None when it is of none of the formats. Raises ValueError when it is damaged."""
    for begins, read in _READERS:
        if begins(data):
            try:
                return read(data)
            except (struct.error, IndexError) as fault:
                raise ValueError("the header is cut short") from fault
    return None


def _jpeg(data: bytes) -> PictureHeader:
    at = 2
    for _ in range(MOST_STEPS):
        at = data.index(0xFF, at)
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in _ALONE or marker == 0:
            continue
        if marker in (0xD9, 0xDA):
            break
        (length,) = struct.unpack_from(">H", data, at)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return PictureHeader(form=Form.JPEG, width=width, height=height)
        at += max(length, 2)
    raise ValueError("no size comes before the picture")


def _png(data: bytes) -> PictureHeader:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    if kind != b"IHDR" or length != 13:
        raise ValueError("the first chunk is not the header")
    at, frames = 33, 1
    for _ in range(MOST_STEPS):
        if at + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"acTL":
            (frames,) = struct.unpack_from(">I", data, at + 8)
        if kind in (b"IDAT", b"acTL"):
            break
        at += 12 + length
    return PictureHeader(form=Form.PNG, width=width, height=height, frames=frames)


def _webp(data: bytes) -> PictureHeader:
    kind = data[12:16]
    if kind == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise ValueError("the picture does not begin as VP8 does")
        width, height = struct.unpack_from("<HH", data, 26)
        return PictureHeader(form=Form.WEBP, width=width & 0x3FFF, height=height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return PictureHeader(form=Form.WEBP, width=(bits & 0x3FFF) + 1, height=(bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise ValueError("the first chunk is none of WebP's")
    width = int.from_bytes(data[24:27], "little") + 1
    height = int.from_bytes(data[27:30], "little") + 1
    if len(data) < 30:
        raise ValueError("the header is cut short")
    return PictureHeader(form=Form.WEBP, width=width, height=height, frames=max(1, _webp_frames(data)))


def _webp_frames(data: bytes) -> int:
    at, frames = 30, 0
    while at + 8 <= len(data) and frames <= MOST_STEPS:
        kind, length = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    return frames


def _bmp(data: bytes) -> PictureHeader:
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return PictureHeader(form=Form.BMP, width=abs(width), height=abs(height))


def _tiff(data: bytes) -> PictureHeader:
    order = "<" if data[:2] == b"II" else ">"
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, first)
    sizes: dict[int, int] = {}
    for index in range(min(count, MOST_STEPS)):
        tag, kind = struct.unpack_from(f"{order}HH", data, first + 2 + 12 * index)
        if tag in (256, 257) and kind in (3, 4):
            (sizes[tag],) = struct.unpack_from(
                f"{order}{'H' if kind == 3 else 'I'}", data, first + 10 + 12 * index
            )
    if len(sizes) != 2:
        raise ValueError("the first picture states no size")
    return PictureHeader(form=Form.TIFF, width=sizes[256], height=sizes[257])


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], PictureHeader]], ...] = (
    (lambda data: data[:2] == b"\xff\xd8", _jpeg),
    (lambda data: data[:8] == b"\x89PNG\r\n\x1a\n", _png),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (lambda data: data[:2] == b"BM", _bmp),
    (lambda data: data[:4] in (b"II*\0", b"MM\0*"), _tiff),
)
