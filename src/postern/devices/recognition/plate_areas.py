"""Where in a picture might a plate be that the text detector overlooked? By colour, and by density of edges.

Plates of one colour (blue, green, yellow) are found as rotated rectangles; all others as dense patches of
upright edges, the oldest trick of the trade (for example Bai et al., "License plate location", 2003).
"""

from __future__ import annotations

import cv2
import numpy as np

from postern.biometrics.model import Rgb
from postern.devices.recognition.plate_regions import Floats, Region

_WORKING = 800
"""Longest side at which areas are searched, in pixels."""
_COLOURS = (((98, 90, 50), (126, 255, 255)), ((35, 45, 70), (92, 255, 255)), ((14, 100, 90), (33, 255, 255)))
"""Blue, green and yellow in OpenCV's hue (0 to 180), saturation and value."""
_EACH = 2


def likely_areas(rgb: Rgb) -> list[Region]:
    """Up to two areas by colour and two by edges, largest or densest first, in pixels of `rgb`."""
    scale = min(1.0, _WORKING / max(rgb.shape[:2]))
    fitted = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    small = np.asarray(fitted, dtype=np.uint8)
    areas = _by_colour(small) + _by_edges(small)
    return [Region(quad=(area.quad / scale).astype(np.float32)) for area in areas]


def _by_colour(rgb: Rgb) -> list[Region]:
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    found: list[tuple[float, Region]] = []
    for least, most in _COLOURS:
        mask = cv2.inRange(hsv, np.array(least), np.array(most))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 11), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 5), np.uint8))
        found += _rectangles(mask, fill=0.7, picture=rgb.shape[0] * rgb.shape[1])
    return [region for _, region in sorted(found, key=lambda one: -one[0])[:_EACH]]


def _by_edges(rgb: Rgb) -> list[Region]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    upright = cv2.convertScaleAbs(cv2.Sobel(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F, 1, 0))
    _, strong = cv2.threshold(upright, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    closed = cv2.morphologyEx(strong, cv2.MORPH_CLOSE, np.ones((3, 15), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((7, 15), np.uint8))
    found = _rectangles(opened, fill=0.6, picture=rgb.shape[0] * rgb.shape[1])
    return [region for _, region in sorted(found, key=lambda one: -one[0])[:_EACH]]


def _rectangles(mask: np.ndarray, *, fill: float, picture: int) -> list[tuple[float, Region]]:
    """(area, region) of blobs that are rectangles of a plate's proportions and not most of the picture."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found: list[tuple[float, Region]] = []
    for contour in contours:
        area = float(cv2.contourArea(contour))
        if area < 250:
            continue
        region = Region(
            quad=_clockwise(np.asarray(cv2.boxPoints(cv2.minAreaRect(contour)), dtype=np.float32))
        )
        proportion = region.width / max(region.height, 1.0)
        if 1.2 < proportion < 7 and area > fill * region.width * region.height and area < 0.9 * picture:
            found.append((area, region))
    return found


def _clockwise(corners: Floats) -> Floats:
    """The four corners from the upper left on, the long side lying."""
    centre = corners.mean(axis=0)
    order = np.argsort(np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0]))
    turned = corners[order]
    if np.linalg.norm(turned[1] - turned[0]) < np.linalg.norm(turned[2] - turned[1]):
        turned = np.roll(turned, -1, axis=0)
    if turned[1, 0] < turned[0, 0]:
        turned = np.roll(turned, 2, axis=0)
    return turned.astype(np.float32)
