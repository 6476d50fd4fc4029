"""Geometry of lines of text: where they stand to each other, and how to cut them out upright."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from postern.biometrics.model import Rgb

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Region:
    """A quad (4 × 2, clockwise from the upper left) around one line, in pixels."""

    quad: Floats

    @property
    def width(self) -> float:
        return (
            float(np.linalg.norm(self.quad[1] - self.quad[0]) + np.linalg.norm(self.quad[2] - self.quad[3]))
            / 2
        )

    @property
    def height(self) -> float:
        return (
            float(np.linalg.norm(self.quad[3] - self.quad[0]) + np.linalg.norm(self.quad[2] - self.quad[1]))
            / 2
        )

    @property
    def centre(self) -> Floats:
        middle: Floats = self.quad.mean(axis=0)
        return middle

    @property
    def along(self) -> Floats:
        """Unit vector from left to right."""
        vector = (self.quad[1] - self.quad[0]) + (self.quad[2] - self.quad[3])
        unit: Floats = vector / max(float(np.linalg.norm(vector)), 1e-6)
        return unit

    def grown(self, left: float, right: float, above: float, below: float) -> Region:
        """The region with that many of its own heights added on each side."""
        across = self.along * self.height
        down = np.array([-across[1], across[0]], dtype=np.float32)
        shift = np.stack(
            [
                -across * left - down * above,
                across * right - down * above,
                across * right + down * below,
                -across * left + down * below,
            ]
        )
        return Region(quad=(self.quad + shift).astype(np.float32))


def _length(one: Floats, opposite: Floats) -> float:
    return float(np.linalg.norm(one) + np.linalg.norm(opposite)) / 2


def crop(rgb: Rgb, region: Region) -> Rgb:
    """The region cut out and laid upright; what lies outside the picture repeats its edge."""
    width, height = max(8, round(region.width)), max(8, round(region.height))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(region.quad.astype(np.float32), corners)
    return np.asarray(
        cv2.warpPerspective(
            rgb, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.uint8,
    )


def uncropped(region: Region, quad: Floats) -> Region:
    """A quad found in `crop(rgb, region)`, put back into the picture."""
    width, height = max(8, round(region.width)), max(8, round(region.height))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners, region.quad.astype(np.float32))
    back = cv2.perspectiveTransform(quad.reshape(1, 4, 2).astype(np.float32), transform)[0]
    return Region(quad=back.astype(np.float32))


def joined(parts: Sequence[Region]) -> Region:
    """The smallest rotated rectangle around all parts, turned like the first."""
    along = parts[0].along
    down = np.array([-along[1], along[0]], dtype=np.float32)
    points = np.concatenate([part.quad for part in parts])
    x, y = points @ along, points @ down
    corners = [(x.min(), y.min()), (x.max(), y.min()), (x.max(), y.max()), (x.min(), y.max())]
    return Region(quad=np.array([along * a + down * b for a, b in corners], dtype=np.float32))


def neighbours(regions: Sequence[Region]) -> Iterator[tuple[int, int]]:
    """Pairs (left, right) of regions that continue one line: alike in height, close, level."""
    for i, left in enumerate(regions):
        for j, right in enumerate(regions):
            if i == j or not 0.6 < left.height / right.height < 1.67:
                continue
            step = right.centre - left.centre
            ahead = float(step @ left.along)
            aside = abs(float(step @ np.array([-left.along[1], left.along[0]])))
            gap = ahead - (left.width + right.width) / 2
            if ahead > 0 and aside < 0.4 * left.height and -0.5 < gap / left.height < 1.2:
                yield i, j


def stacks(regions: Sequence[Region]) -> Iterator[tuple[int, int]]:
    """Pairs (upper, lower) of regions that may be the two lines of one plate."""
    for i, upper in enumerate(regions):
        for j, lower in enumerate(regions):
            if i == j or not 0.4 < upper.height / lower.height < 1.7 or upper.width > 1.4 * lower.width:
                continue
            step = lower.centre - upper.centre
            sideways = abs(float(step @ lower.along))
            down = float(step @ np.array([-lower.along[1], lower.along[0]]))
            reach = (upper.height + lower.height) / 2
            if 0.6 * reach < down < 1.6 * reach and sideways < 0.35 * lower.width:
                yield i, j
