"""Is a sample of a face good enough to enrol, and if not, what should the person in front of it do?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
