"""Is a sample of a face good enough to enrol, and if not, what should the person in front of it do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Problem(StrEnum):
    """What is wrong with a face sample, worst first."""

    NO_FACE = "no-face"
    SEVERAL_FACES = "several-faces"
    CUT_OFF = "cut-off"
    TOO_SMALL = "too-small"
    BLURRED = "blurred"
    TURNED = "turned"
    TOO_DARK = "too-dark"
    TOO_BRIGHT = "too-bright"

    def advice(self, language: str = "en") -> str:
        """What to do about it, in English ("en") or Chinese ("zh")."""
        return _ADVICE[self][1 if language.startswith("zh") else 0]


_ADVICE: dict[Problem, tuple[str, str]] = {
    Problem.NO_FACE: (
        "No face was found. Use a photo that shows one face from the front, without mask or sunglasses.",
        "未找到人脸。请使用一张正面、未戴口罩和墨镜的照片。",
    ),
    Problem.SEVERAL_FACES: (
        "Several faces were found. Use a photo of this one person alone, or crop it.",
        "发现多张人脸。请使用仅有本人的照片，或裁剪照片。",
    ),
    Problem.CUT_OFF: (
        "The face is cut off by the edge of the picture. Move to the middle.",
        "人脸被画面边缘截断。请移到画面中央。",
    ),
    Problem.TOO_SMALL: (
        "The face is too small. Come closer, or use a larger photo.",
        "人脸太小。请靠近一些，或使用更大的照片。",
    ),
    Problem.BLURRED: (
        "The face is blurred. Hold still, clean the lens, or use a sharper photo.",
        "人脸模糊。请保持不动、擦拭镜头，或使用更清晰的照片。",
    ),
    Problem.TURNED: (
        "The face is turned away. Look straight at the camera.",
        "脸部偏转。请正视镜头。",
    ),
    Problem.TOO_DARK: (
        "The face is too dark. Turn towards the light.",
        "脸部太暗。请面向光源。",
    ),
    Problem.TOO_BRIGHT: (
        "The face is too bright. Step out of the direct light or lower the exposure.",
        "脸部过亮。请避开直射光或降低曝光。",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceQuality:
    """How well a sample serves: `score` 0 to 1, and what is wrong with it, worst first."""

    score: float
    problems: tuple[Problem, ...] = ()

    @property
    def enrollable(self) -> bool:
        """Whether a reference may be made of it."""
        return not self.problems


SMALLEST_EYES = 18.0
"""Pixels between the eyes below which too little of a face is left to compare."""
LEAST_SHARPNESS = 0.045
"""Least `sharpness`. Small press photographs measure 0.085 to 0.4; softened by a Gaussian of 2.5 pixels on a
face of 110, at most 0.035."""
MOST_TURN = 0.30
"""How far the nose may stand from the middle between the eyes, in distances between the eyes."""
DARKEST, BRIGHTEST = 35.0, 225.0
"""Limits of the face's mean grey, 0 to 255."""
MOST_OUTSIDE = 0.25
"""Share of the face's box that may lie outside the picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """What is measured of one face before it is judged."""

    eyes: float
    """Pixels between the centres of the eyes in the picture as given."""
    sharpness: float
    grey: float
    """Mean grey of the face, 0 to 255."""
    turn: float
    """0: straight ahead; 0.5: the nose stands under one eye."""
    outside: float
    """Share of the face's box that lies outside the picture, 0 to 1."""


def sharpness(grey: npt.NDArray[np.float32]) -> float:
    """Fine detail of an aligned face, 150 × 150, in proportion to its coarse detail; contrast cancels out.

    The ratio of the energies of two bands (differences of Gaussians), two octaves apart: blur takes the fine
    one first.
    """
    fine = _blurred(grey, 0.7) - _blurred(grey, 1.4)
    coarse = _blurred(grey, 2.8) - _blurred(grey, 5.6)
    face = slice(25, 125)
    return float(fine[face, face].var() / max(float(coarse[face, face].var()), 1e-3))


def _blurred(grey: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    places = np.arange(grey.shape[0], dtype=np.float32)
    weights = np.exp(-0.5 * ((places[:, None] - places) / np.float32(sigma)) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    out: npt.NDArray[np.float32] = weights @ grey @ weights.T
    return out


def turn_of(landmarks: npt.NDArray[np.float32]) -> float:
    """How far the nose stands from the middle between the eyes, along the line of the eyes."""
    first, second = landmarks[0:2].mean(axis=0), landmarks[2:4].mean(axis=0)
    line = first - second
    along = float((landmarks[4] - second) @ line) / max(float(line @ line), 1e-6)
    return abs(along - 0.5)


def judge(measures: Measures) -> FaceQuality:
    """The quality of one face, by its measures alone."""
    checks = (
        (Problem.CUT_OFF, measures.outside > MOST_OUTSIDE),
        (Problem.TOO_SMALL, measures.eyes < SMALLEST_EYES),
        (Problem.BLURRED, measures.sharpness < LEAST_SHARPNESS),
        (Problem.TURNED, measures.turn > MOST_TURN),
        (Problem.TOO_DARK, measures.grey < DARKEST),
        (Problem.TOO_BRIGHT, measures.grey > BRIGHTEST),
    )
    parts = (
        min(1.0, measures.eyes / 60.0),
        min(1.0, measures.sharpness / (4.0 * LEAST_SHARPNESS)) ** 0.5,
        max(0.0, 1.0 - measures.turn / 0.5),
        max(0.0, 1.0 - abs(measures.grey - 128.0) / 128.0) ** 0.5,
        1.0 - measures.outside,
    )
    return FaceQuality(
        score=round(float(np.prod(parts)) ** (1.0 / len(parts)), 3),
        problems=tuple(problem for problem, wrong in checks if wrong),
    )


def judge_photo(faces: Sequence[tuple[float, FaceQuality]]) -> FaceQuality:
    """The quality of a photo for enrolment, from the (width in pixels, quality) of every face in it.

    A second face counts when it is at least 0.4 times as wide as the largest: smaller ones are bystanders.
    """
    if not faces:
        return FaceQuality(score=0.0, problems=(Problem.NO_FACE,))
    ranked = sorted(faces, key=lambda face: -face[0])
    largest = ranked[0][1]
    if len(ranked) > 1 and ranked[1][0] >= 0.4 * ranked[0][0]:
        return FaceQuality(score=0.0, problems=(Problem.SEVERAL_FACES, *largest.problems))
    return largest
