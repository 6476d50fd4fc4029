"""Pillow's part: one picture file to upright RGB, strip by strip. It runs in the decoder's process alone."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from postern.devices.recognition.picture_headers import Form
from postern.errors import BadPicture

Image.MAX_IMAGE_PIXELS = None  # the caller's own limit is checked on the header instead of warned about
STRIP = 256
"""Rows that are converted at a time: what is converted is never held twice."""

_DECODER_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    KeyError,
    OverflowError,
    AttributeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A decoded picture; `strips` are its rows from the top, three bytes a pixel."""

    width: int
    height: int
    strips: Iterator[bytes]


def decode(data: bytes, *, most_pixels: int) -> Decoded:
    """The first picture of a file, turned as its EXIF says. Raises BadPicture."""
    try:
        picture = Image.open(io.BytesIO(data), formats=[one.value for one in Form])
        check_size(*picture.size, most_pixels=most_pixels)
        picture.load()
        _turn(picture)
        return Decoded(width=picture.width, height=picture.height, strips=_strips(picture))
    except BadPicture:
        raise
    except UnidentifiedImageError as fault:
        raise BadPicture("The file is no picture; give a JPEG, PNG, WebP, BMP or TIFF.") from fault
    except _DECODER_FAULTS as fault:
        raise BadPicture("The picture is damaged or cut short; copy it again from its source.") from fault


FEWEST = 16
"""Pixels that each side must have."""


def check_size(width: int, height: int, *, most_pixels: int) -> None:
    """Raises BadPicture for a picture that is too large or too small."""
    if width * height > most_pixels:
        raise BadPicture(
            f"The picture has {width} × {height} pixels; at most {most_pixels // 1_000_000} million are "
            "taken, give a smaller one."
        )
    if min(width, height) < FEWEST:
        raise BadPicture(f"The picture has only {width} × {height} pixels; give a larger one.")


def _turn(picture: Image.Image) -> None:
    """As the EXIF orientation says; damaged EXIF turns nothing."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except _DECODER_FAULTS:
        return


def _strips(picture: Image.Image) -> Iterator[bytes]:
    deep = picture.mode.startswith("I") or picture.mode == "F"
    scale = 1.0
    if deep and max(_brightest(strip) for strip in _cut(picture)) > 255.0:
        scale = 257.0  # values above 8 bits are scaled down from 16
    for strip in _cut(picture):
        yield _from_deep_grey(strip, scale) if deep else _rgb(strip)


def _cut(picture: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, picture.height, STRIP):
        yield picture.crop((0, top, picture.width, min(top + STRIP, picture.height)))


def _rgb(strip: Image.Image) -> bytes:
    if strip.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in strip.info:
        seen = strip.convert("RGBA")
        on_white = Image.new("RGBA", seen.size, "white")
        on_white.alpha_composite(seen)
        strip = on_white
    return strip.convert("RGB").tobytes()


def _brightest(strip: Image.Image) -> float:
    return float(np.nan_to_num(np.asarray(strip, dtype=np.float32)).max(initial=0.0))


def _from_deep_grey(strip: Image.Image, scale: float) -> bytes:
    values = np.nan_to_num(np.asarray(strip, dtype=np.float32)) / np.float32(scale)
    eight = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(eight[:, :, None], 3, axis=2).tobytes()
