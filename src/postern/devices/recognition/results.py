"""What `postern read` and `postern compare` tell, as values that turn into JSON."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from postern.biometrics.comparison import compare
from postern.biometrics.model import PadResult, SeenFace
from postern.devices.recognition.faces import FaceRecogniser
from postern.devices.recognition.pictures import load_picture
from postern.devices.recognition.plates import PlateRecogniser
from postern.errors import BadInput, BadPicture
from postern.vehicles.plates import Quad


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPlate:
    """One plate of a picture. `quad` in pixels, clockwise from the upper left of the text."""

    text: str
    country: str | None
    score: float
    quad: Quad


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadQuality:
    """A face's quality: score 0 to 1 and the problems' names."""

    score: float
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadFace:
    """One face. `box` is x, y, width, height in pixels. `pad` is "not-checked": no check is made yet."""

    box: tuple[int, int, int, int]
    quality: ReadQuality
    pad: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRead:
    """What was seen in a file, in `ms` milliseconds from the opened file to the result."""

    file: str
    ms: float
    plates: tuple[ReadPlate, ...]
    faces: tuple[ReadFace, ...]

    def to_json(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two files' largest faces compared. `same` is `score` >= `threshold`."""

    a: str
    b: str
    score: float
    threshold: float
    same: bool

    def to_json(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """A file, or pair of files, that could not be used; the command's exit status is then not 0."""

    file: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognisers:
    """What reading files needs, loaded once."""

    faces: FaceRecogniser
    plates: PlateRecogniser

    @classmethod
    def load(cls, models: Path, *, threads: int = 1) -> Recognisers:
        """`models` is the folder of converted networks. Raises Unavailable when weights are missing."""
        return cls(faces=FaceRecogniser(models, threads=threads), plates=PlateRecogniser(threads=threads))


def read_file(recognisers: Recognisers, file: str, *, country: str | None = None) -> FileRead | Unusable:
    """Faces and plates of one picture file."""
    try:
        rgb = load_picture(Path(file))
    except BadPicture as fault:
        return Unusable(file=file, error=str(fault))
    started = time.perf_counter()
    plates = recognisers.plates.read(rgb, country=country)
    faces = recognisers.faces.detect(rgb)
    return FileRead(
        file=file,
        ms=round((time.perf_counter() - started) * 1000, 1),
        plates=tuple(
            ReadPlate(text=one.text, country=one.country, score=one.score, quad=one.quad) for one in plates
        ),
        faces=tuple(
            ReadFace(
                box=(one.box.x, one.box.y, one.box.width, one.box.height),
                quality=ReadQuality(
                    score=one.quality.score, problems=tuple(p.value for p in one.quality.problems)
                ),
                pad=PadResult.NOT_CHECKED.value,
            )
            for one in faces
        ),
    )


def compare_files(faces: FaceRecogniser, a: str, b: str) -> Comparison | Unusable:
    """Whether the largest faces of two picture files are one person's (verification)."""
    templates = []
    for file in (a, b):
        try:
            templates.append(_largest_face(faces, file).template)
        except BadPicture as fault:
            return Unusable(file=file, error=str(fault))
    card = faces.card
    score = compare(card, templates[0], templates[1])
    return Comparison(
        a=a,
        b=b,
        score=round(score, 4),
        threshold=card.verification_threshold,
        same=score >= card.verification_threshold,
    )


def pairs_of(file: str) -> Iterator[tuple[str, str]]:
    """The pairs of a CSV file with columns `a` and `b`; relative paths are relative to that file's folder
    where they exist there, else to the working folder. Raises BadInput when it cannot be read."""
    folder = Path(file).parent
    try:
        with Path(file).open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not {"a", "b"} <= set(rows.fieldnames or ()):
                raise BadInput(f"{file} needs the columns a and b in its first line.")
            for row in rows:
                if not row["a"] or not row["b"]:
                    raise BadInput(f"{file}, line {rows.line_num}: give a file for a and one for b.")
                yield _located(folder, row["a"]), _located(folder, row["b"])
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise BadInput(f"{file} cannot be read as CSV; give UTF-8 text with columns a and b.") from fault


def _located(folder: Path, name: str) -> str:
    beside = folder / name
    return str(beside) if beside.is_file() else name


def _largest_face(faces: FaceRecogniser, file: str) -> SeenFace:
    rgb = load_picture(Path(file))
    sightings = faces.detect(rgb)
    if not sightings:
        raise BadPicture("No face was found; use a photo that shows one face from the front.")
    return SeenFace(sighting=sightings[0], template=faces.encode(rgb, sightings[0]))
