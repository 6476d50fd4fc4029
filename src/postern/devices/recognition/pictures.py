"""Picture files become pixels here, and only here. The header is judged before anything is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from postern.biometrics.model import Rgb
from postern.errors import BadPicture

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""What is decoded. JPEG includes MPO, a JPEG with further pictures behind it, as telephones write."""
MOST_BYTES = 64 * 1024 * 1024
MOST_PIXELS = 64_000_000
FEWEST = 16
"""Pixels that each side must have."""

Image.MAX_IMAGE_PIXELS = None  # our own limit, MOST_PIXELS, is checked on the header instead of warned about

_DECODER_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files."""


def load_picture(source: Path | str | bytes) -> Rgb:
    """The first picture in a file, or in a file's bytes, upright and in 8-bit RGB.

    Turned as its EXIF says; CMYK, grey, 16-bit and palettes converted; transparency laid on white; of several
    pictures in one file the first. Raises BadPicture, saying what to do, on anything that cannot be used.
    """
    data = source if isinstance(source, bytes) else _read(Path(source))
    if not data:
        raise BadPicture("The file is empty; copy it again.")
    if len(data) > MOST_BYTES:
        raise BadPicture(f"The file is larger than {MOST_BYTES >> 20} MiB; give a smaller picture.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            picture.load()
            return _rgb(_upright(picture))
    except BadPicture:
        raise
    except UnidentifiedImageError as fault:
        raise BadPicture("The file is no picture; give a JPEG, PNG, WebP, BMP or TIFF.") from fault
    except _DECODER_FAULTS as fault:
        raise BadPicture("The picture is damaged or cut short; copy it again from its source.") from fault


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


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadPicture(
            f"The picture has {width} × {height} pixels; at most {MOST_PIXELS // 1_000_000} million are "
            "taken, give a smaller one."
        )
    if min(width, height) < FEWEST:
        raise BadPicture(f"The picture has only {width} × {height} pixels; give a larger one.")


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as the EXIF orientation says; damaged EXIF turns nothing."""
    try:
        return ImageOps.exif_transpose(picture)
    except _DECODER_FAULTS:
        return picture


def _rgb(picture: Image.Image) -> Rgb:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(np.asarray(picture))
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        on_white = Image.new("RGBA", seen.size, "white")
        on_white.alpha_composite(seen)
        picture = on_white
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def _from_deep_grey(grey: np.ndarray) -> Rgb:
    """16-bit and floating-point grey: values above 8 bits are scaled down from 16."""
    values = np.nan_to_num(grey.astype(np.float64))
    if values.max(initial=0.0) > 255.0:
        values = values / 257.0
    eight = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(eight[:, :, None], 3, axis=2)
