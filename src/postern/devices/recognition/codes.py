"""Read the QR codes in a picture, by OpenCV's own detectors; their text is checked by the code itself."""

from __future__ import annotations

import cv2
import numpy as np

from postern.biometrics.model import Rgb

_LONGEST_SIDE = 960
"""Pixels. A code that is a seventh as wide as the picture is read; larger pictures take longer."""
_MOST_CODES = 8


def read_codes(rgb: Rgb) -> tuple[str, ...]:
    """The text of every QR code that can be read, each once; nothing of those that are damaged."""
    grey = _fitted(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY))
    # The second finds what the first misses, small and tilted codes above all, and takes longer.
    for detector in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
        try:
            _, texts, _, _ = detector.detectAndDecodeMulti(grey)
        except cv2.error:  # on some pictures that look almost like a code
            continue
        if found := tuple(dict.fromkeys(text for text in texts if text))[:_MOST_CODES]:
            return found
    return ()


def _fitted(grey: np.ndarray) -> np.ndarray:
    scale = _LONGEST_SIDE / max(grey.shape)
    if scale >= 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
