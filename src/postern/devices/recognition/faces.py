"""Faces in a picture: dlib's detector and five landmarks, then the face network."""

from __future__ import annotations

from pathlib import Path

import cv2
import dlib
import numpy as np

from postern.biometrics.model import Box, FaceSighting, ModelCard, Rgb, SeenFace, Template
from postern.biometrics.quality import Measures, judge, sharpness, turn_of
from postern.devices.recognition.dlib_card import CARD, CHIP
from postern.devices.recognition.dlib_weights import LANDMARKS_FILE, LANDMARKS_SHA256, weights_file
from postern.devices.recognition.face_network import FaceNetwork

FIRST_LOOK = 640
"""Longest side of the picture in the first look, in pixels. The detector finds faces from 80 pixels up."""
SECOND_LOOK = 1280
"""The same in the second look, taken only where the first found nothing."""
_LARGEST_ENLARGEMENT = 4.0
_BORDER = 0.25
"""Border added in the second look, so that tightly cropped faces are found too; in shares of a side."""
_CHIP_PADDING = 0.25
_FACE_OF_CHIP = slice(25, 125)
"""The part of the chip that is face, not hair or background."""


class FaceRecogniser:
    """Finds and encodes faces. Not safe for use by several threads at once."""

    card: ModelCard = CARD

    def __init__(self, models: Path, *, threads: int = 1) -> None:
        """`models` is the folder where the converted network is kept. Raises Unavailable without weights."""
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(weights_file(LANDMARKS_FILE, LANDMARKS_SHA256)))
        self.network = FaceNetwork(models, threads=threads)

    def detect(self, rgb: Rgb) -> list[FaceSighting]:
        """Every face from the front, largest first, each with its quality."""
        picture = np.ascontiguousarray(rgb)
        boxes = self.find(picture, FIRST_LOOK, border=0.0) or self.find(picture, SECOND_LOOK, border=_BORDER)
        sightings = [self.sight(picture, box) for box in boxes]
        return sorted(sightings, key=lambda sighting: -sighting.box.width)

    def encode(self, rgb: Rgb, sighting: FaceSighting) -> Template:
        """The template of a face that `detect` found in the same picture."""
        return self.network.encode(self.chip(np.ascontiguousarray(rgb), sighting))

    def see(self, rgb: Rgb) -> list[SeenFace]:
        """Detect and encode in one go."""
        return [
            SeenFace(sighting=sighting, template=self.encode(rgb, sighting)) for sighting in self.detect(rgb)
        ]

    def find(self, rgb: Rgb, longest: int, *, border: float) -> list[Box]:
        """Boxes of the faces in the picture fitted to `longest` pixels."""
        height, width = rgb.shape[:2]
        scale = min(longest / max(height, width), _LARGEST_ENLARGEMENT)
        edge = round(border * min(height, width))
        framed = cv2.copyMakeBorder(rgb, edge, edge, edge, edge, cv2.BORDER_REPLICATE) if edge else rgb
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        fitted = cv2.resize(framed, None, fx=scale, fy=scale, interpolation=method)
        found, _, _ = self._detector.run(fitted, 0, 0.0)
        return [
            Box(
                x=round(one.left() / scale) - edge,
                y=round(one.top() / scale) - edge,
                width=round(one.width() / scale),
                height=round(one.height() / scale),
            )
            for one in found
        ]

    def sight(self, rgb: Rgb, box: Box) -> FaceSighting:
        """Landmarks and quality of the face in `box`."""
        rectangle = dlib.rectangle(box.x, box.y, box.x + box.width, box.y + box.height)
        shape = self._landmarks(rgb, rectangle)
        landmarks = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float32)
        chip = _chip(rgb, rectangle, landmarks)
        grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY).astype(np.float32)
        eyes = landmarks[0:2].mean(axis=0) - landmarks[2:4].mean(axis=0)
        measures = Measures(
            eyes=float(np.linalg.norm(eyes)),
            sharpness=sharpness(grey),
            grey=float(grey[_FACE_OF_CHIP, _FACE_OF_CHIP].mean()),
            turn=turn_of(landmarks),
            outside=_share_outside(box, rgb.shape[1], rgb.shape[0]),
        )
        return FaceSighting(box=box, landmarks=landmarks, quality=judge(measures))

    def chip(self, rgb: Rgb, sighting: FaceSighting) -> Rgb:
        """The face cut out, turned upright and scaled, as the network expects it."""
        box = sighting.box
        rectangle = dlib.rectangle(box.x, box.y, box.x + box.width, box.y + box.height)
        return _chip(rgb, rectangle, sighting.landmarks)


def _chip(rgb: Rgb, rectangle: dlib.rectangle, landmarks: np.ndarray) -> Rgb:
    points = dlib.points([dlib.point(round(x), round(y)) for x, y in landmarks])
    shape = dlib.full_object_detection(rectangle, points)
    return np.asarray(dlib.get_face_chip(rgb, shape, size=CHIP, padding=_CHIP_PADDING), dtype=np.uint8)


def _share_outside(box: Box, width: int, height: int) -> float:
    inside_x = max(0, min(box.x + box.width, width) - max(box.x, 0))
    inside_y = max(0, min(box.y + box.height, height) - max(box.y, 0))
    return 1.0 - inside_x * inside_y / max(1, box.width * box.height)
