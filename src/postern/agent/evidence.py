"""The picture that is kept with a decision: small, and without the faces of anybody else."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from postern.biometrics.model import Box, Rgb

LONGEST_SIDE = 1280
_QUALITY = 80
_BLOCKS = 6
"""A hidden face is this many blocks wide: fewer than any face network can use."""


def jpeg_of(rgb: Rgb, hidden: Iterable[Box] = (), *, longest: int = LONGEST_SIDE) -> bytes:
    """The frame as JPEG, at most `longest` pixels long, the boxes in `hidden` made unrecognisable."""
    covered = rgb
    for box in hidden:
        covered = _without(covered, box)
    picture = Image.fromarray(covered)
    picture.thumbnail((longest, longest), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _without(rgb: Rgb, box: Box) -> Rgb:
    """A copy in which the box, and a quarter around it, is a few blocks of even colour."""
    height, width = rgb.shape[:2]
    left, right = max(0, box.x - box.width // 4), min(width, box.x + box.width + box.width // 4)
    top, bottom = max(0, box.y - box.height // 4), min(height, box.y + box.height + box.height // 4)
    if right <= left or bottom <= top:
        return rgb
    copy = rgb.copy()
    face = Image.fromarray(copy[top:bottom, left:right])
    blocks = face.resize((_BLOCKS, _BLOCKS), Image.Resampling.BOX)
    copy[top:bottom, left:right] = np.asarray(blocks.resize(face.size, Image.Resampling.NEAREST))
    return copy
