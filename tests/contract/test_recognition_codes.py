"""QR codes in pictures: read at an angle and on a busy ground, and nothing where there is none."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import segno
from PIL import Image

from postern.biometrics.model import Rgb
from postern.devices.recognition.codes import read_codes

TEXT = "P1.abcdefghijklmnopqrstuv"


def held(size: int, angle: float, text: str = TEXT) -> Rgb:
    """A code `size` pixels wide, turned, before a noisy wall of 1280 × 720."""
    file = io.BytesIO()
    segno.make(text, error="m", micro=False).save(file, kind="png", scale=6, border=4)
    code = cv2.resize(np.asarray(Image.open(file).convert("RGB")), (size, size), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), angle, 1)
    turn[:, 2] += (400, 200)
    wall = np.random.default_rng(1).integers(90, 170, (720, 1280, 3), dtype=np.uint8)
    shown = cv2.warpAffine(code, turn, (1280, 720))
    mask = cv2.warpAffine(np.full_like(code, 255), turn, (1280, 720))
    return np.where(mask > 0, shown, wall)


@pytest.mark.parametrize(("size", "angle"), [(200, 0), (200, 20), (260, 40), (400, -30)])
def test_a_code_is_read(size: int, angle: float) -> None:
    assert read_codes(held(size, angle)) == (TEXT,)


def test_a_wall_and_a_torn_code_say_nothing() -> None:
    torn = held(300, 0)
    torn[300:500, 500:720] = 255
    assert read_codes(torn) == ()
    assert read_codes(np.full((480, 640, 3), 90, dtype=np.uint8)) == ()
