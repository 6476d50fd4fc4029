"""From a 1080p frame to the decision on record and the door's release, part by part, on one core.

    python -m benchmarks.recognition [ROUNDS]

Beside it, in the same run and on the same frames: plain dlib (detector at 640 pixels, five landmarks, its own
network) and plain RapidOCR. Frames are drawn, with test pictures laid onto them where POSTERN_TEST_PICTURES
names a folder; without it the face network is measured on a chip alone and the plate is drawn.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import cv2
import dlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.admission import Admission
from benchmarks.measure import say, timed
from postern.access.decision import FacePresented, PlatePresented, Presented
from postern.biometrics.comparison import Gallery, identify
from postern.biometrics.model import Reference, Rgb, Template
from postern.devices.recognition.dlib_weights import (
    LANDMARKS_FILE,
    LANDMARKS_SHA256,
    NETWORK_FILE,
    NETWORK_SHA256,
    weights_file,
)
from postern.devices.recognition.faces import FIRST_LOOK, FaceRecogniser
from postern.devices.recognition.pictures import load_picture
from postern.devices.recognition.plate_regions import Region, crop
from postern.devices.recognition.plates import LOOKS, PlateRecogniser
from postern.ids import PersonId, ReferenceId
from postern.vehicles.grammars import resolve
from postern.vehicles.plates import PlateReading

WIDTH, HEIGHT = 1920, 1080
PEOPLE = 10_000
"""References in the gallery that a face is compared with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One line of the report: what was done and its median in milliseconds."""

    name: str
    ms: float


def main(arguments: Sequence[str]) -> None:
    """Print the medians of ROUNDS (5) runs of every part."""
    rounds = int(arguments[0]) if arguments else 5
    one_core()
    say(f"recognition, one core, {WIDTH} × {HEIGHT}, median of {rounds}, milliseconds")
    with tempfile.TemporaryDirectory() as models:
        faces = FaceRecogniser(Path(models))
    plates = PlateRecogniser()
    photos = pictures_of("faces/*/*")
    cars = pictures_of("plates/eu") + pictures_of("plates/us")
    if photos:
        report("face", face_parts(faces, on_frame(photos[0], 420), rounds))
    else:
        say("face: set POSTERN_TEST_PICTURES to measure whole frames; the network alone:")
        report("face", network_parts(faces, rounds))
    report("plate", plate_parts(plates, on_frame(cars[0], 900) if cars else drawn_vehicle(), rounds))


def one_core() -> None:
    """Keep this process, and every thread that a library starts, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)


def face_parts(faces: FaceRecogniser, frame: Rgb, rounds: int) -> list[Part]:
    """Detect, landmarks and quality, encode, compare, decide, record; the whole; and plain dlib."""
    box = faces.find(frame, FIRST_LOOK, border=0.0)[0]
    sighting = faces.sight(frame, box)
    template = faces.encode(frame, sighting)
    references = drawn_references(faces, template)
    gallery = Gallery(faces.card, references)
    presented = FacePresented(result=identify(gallery, template))
    plain = plain_dlib()
    with Admission(tuple(one.person for one in references)) as door:

        def whole() -> None:
            (seen,) = faces.see(frame)
            door.admit(FacePresented(result=identify(gallery, seen.template)))

        return [
            Part(name="detect", ms=timed(lambda: faces.find(frame, FIRST_LOOK, border=0.0), rounds)),
            Part(name="landmarks, chip and quality", ms=timed(lambda: faces.sight(frame, box), rounds)),
            Part(
                name="chip, encode (and its mirror image)",
                ms=timed(lambda: faces.encode(frame, sighting), rounds),
            ),
            Part(name=f"compare with {PEOPLE} people", ms=timed(lambda: identify(gallery, template), rounds)),
            *decision_parts(door, presented),
            Part(name="frame to the door's release, all of it", ms=timed(whole, rounds)),
            Part(name="plain dlib: detect, landmarks, encode", ms=timed(lambda: plain(frame), rounds)),
        ]


def decision_parts(door: Admission, presented: Presented) -> list[Part]:
    """What follows recognition; the entry carries a picture and is synced to disk before the door moves."""
    return [
        Part(name="decide", ms=door.decide_ms(presented)),
        Part(name="decide, seal, sync to the spool, release", ms=door.admit_ms(presented)),
    ]


def network_parts(faces: FaceRecogniser, rounds: int) -> list[Part]:
    """The network on one chip, beside dlib's own."""
    chip = np.random.default_rng(1).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    network = dlib.face_recognition_model_v1(str(weights_file(NETWORK_FILE, NETWORK_SHA256)))
    return [
        Part(name="encode one chip", ms=timed(lambda: faces.network.vectors(chip[None]), rounds)),
        Part(
            name="plain dlib: encode one chip",
            ms=timed(lambda: network.compute_face_descriptor(chip), rounds),
        ),
    ]


def plate_parts(plates: PlateRecogniser, frame: Rgb, rounds: int) -> list[Part]:
    """Find lines, read them, grammar, decide, record; the whole; and plain RapidOCR."""
    from rapidocr import RapidOCR

    quads = plates.finder.find(frame, longest=LOOKS[0])
    crops = [crop(frame, Region(quad=quad)) for quad in quads]
    lines = plates.reader.read(crops)
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    plain = RapidOCR(params={"Global.log_level": "critical", **threads})
    bgr = np.ascontiguousarray(frame[:, :, ::-1])
    best = plates.read(frame)
    presented = PlatePresented(text="V0042", score=0.99)

    def whole() -> None:
        seen = plates.read(frame)
        door.admit(PlatePresented(text=seen[0].text, score=seen[0].score) if seen else presented)

    with Admission(()) as door:
        return [
            Part(
                name="find lines, first look",
                ms=timed(lambda: plates.finder.find(frame, longest=LOOKS[0]), rounds),
            ),
            Part(name=f"read {len(crops)} lines once", ms=timed(lambda: plates.reader.read(crops), rounds)),
            Part(name="grammar", ms=timed(lambda: [resolve(line.slots) for line in lines], rounds)),
            *decision_parts(door, presented),
            Part(name=f"frame to decision ({_read(best)}), all of it", ms=timed(whole, rounds)),
            Part(name="plain RapidOCR", ms=timed(lambda: plain(bgr), rounds)),
        ]


def _read(readings: Sequence[PlateReading]) -> str:
    return readings[0].text if readings else "nothing read"


def plain_dlib() -> Callable[[Rgb], object]:
    """The usual way with dlib: detector on the fitted picture, five landmarks, its own network."""
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(weights_file(LANDMARKS_FILE, LANDMARKS_SHA256)))
    network = dlib.face_recognition_model_v1(str(weights_file(NETWORK_FILE, NETWORK_SHA256)))

    def see(frame: Rgb) -> object:
        fitted = cv2.resize(frame, (640, 640 * HEIGHT // WIDTH), interpolation=cv2.INTER_AREA)
        found = detector(fitted, 0)
        return [network.compute_face_descriptor(fitted, landmarks(fitted, one)) for one in found]

    return see


def drawn_references(faces: FaceRecogniser, template: Template) -> list[Reference]:
    """One person of that template, and random vectors as long as real ones for the others."""
    vectors = np.random.default_rng(2).standard_normal((PEOPLE - 1, faces.card.length)).astype(np.float32)
    vectors *= np.float32(1.3) / np.linalg.norm(vectors, axis=1, keepdims=True)
    drawn = [Template(model=faces.card.id, vector=vector) for vector in vectors]
    return [
        Reference(id=ReferenceId(uuid4()), person=PersonId(uuid4()), template=one)
        for one in (template, *drawn)
    ]


def on_frame(path: Path, height: int) -> Rgb:
    """The picture laid onto a drawn 1080p frame, `height` pixels tall."""
    photo = load_picture(path)
    width = round(photo.shape[1] * height / photo.shape[0])
    frame = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    frame[:] = np.linspace(90, 150, HEIGHT, dtype=np.uint8)[:, None, None]
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    frame[top : top + height, left : left + width] = cv2.resize(photo, (width, height))
    return frame


def drawn_vehicle() -> Rgb:
    """A plate on a dark body, for machines without test pictures."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (140, 145, 150))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((560, 300, 1360, 960), fill=(45, 50, 60))
    draw.rectangle((800, 700, 1120, 780), fill="white")
    draw.text((960, 704), "RK-755AJ", fill="black", font=ImageFont.load_default(56), anchor="ma")
    return np.asarray(picture)


def pictures_of(pattern: str) -> list[Path]:
    """Test pictures in the folders that match, in the order of their names."""
    named = os.environ.get("POSTERN_TEST_PICTURES")
    return sorted(Path(named).glob(f"{pattern}/*.jpg")) if named else []


def report(title: str, parts: Sequence[Part]) -> None:
    """One line each."""
    for part in parts:
        say(f"  {title:6} {part.name:46} {part.ms:10.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
