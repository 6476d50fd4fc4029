"""Sample → Template → Reference: what a face becomes on its way to being compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from postern.biometrics.quality import FaceQuality
from postern.errors import BadInput
from postern.ids import PersonId, ReferenceId

Vector = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]
"""A picture: height × width × 3, red first, 8 bits a channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in pixels; `x`, `y` is its upper left corner and may lie outside the picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """What must be known of a face encoder before its templates may be compared.

    Thresholds and margin are comparison scores (see `comparison.score_of`). Identification among many names
    nobody below `threshold`, nor when the best person leads the second by less than `margin`; verification of
    one pair says "same" from `verification_threshold` on, which is lower because it has one chance to err.
    """

    id: str
    input_size: int
    alignment: str
    normalisation: str
    length: int
    farthest: float
    """The Euclidean distance at which the comparison score reaches 0."""
    threshold: float
    verification_threshold: float
    margin: float
    licence: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Template:
    """An encoded face. Only templates of one `model` can be compared."""

    model: str
    vector: Vector = field(repr=False)

    def __post_init__(self) -> None:
        if self.vector.ndim != 1 or self.vector.dtype != np.float32 or not np.isfinite(self.vector).all():
            raise BadInput("A template is one row of finite 32-bit floats; enrol the face again.")

    def to_bytes(self) -> bytes:
        """Model id, a zero byte, then the vector in little-endian float32. Seal this, never store it bare."""
        return self.model.encode() + b"\0" + self.vector.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Template:
        """The inverse of `to_bytes`. Raises BadInput on anything else."""
        model, separator, body = data.partition(b"\0")
        if not separator or not body or len(body) % 4:
            raise BadInput("These bytes are no template; enrol the face again.")
        return cls(model=model.decode(), vector=np.frombuffer(body, dtype="<f4").astype(np.float32))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """A template stored at enrolment. One person may have several."""

    id: ReferenceId
    person: PersonId
    template: Template


class PadResult(StrEnum):
    """Presentation attack detection: whether a living face, or a picture of one, was presented."""

    BONA_FIDE = "bona-fide"
    ATTACK = "attack"
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pad:
    """A PAD result; `score` is 0 (surely an attack) to 1 (surely bona fide), None where not checked."""

    result: PadResult
    score: float | None = None


NOT_CHECKED = Pad(result=PadResult.NOT_CHECKED)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceSighting:
    """A face found in a picture: where, its five landmarks, and how good it is.

    `landmarks` is 5 × 2 (x, y) in the order of dlib's model: outer and inner corner of the eye on the
    picture's right, outer and inner corner of the eye on its left, base of the nose.
    """

    box: Box
    landmarks: npt.NDArray[np.float32]
    quality: FaceQuality


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeenFace:
    """A face found and encoded."""

    sighting: FaceSighting
    template: Template
