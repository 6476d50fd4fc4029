"""`postern read` and `postern compare`: what recognition sees in files, with no site and no record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from postern.devices.recognition.faces import FaceRecogniser
from postern.devices.recognition.results import (
    Comparison,
    FileRead,
    Recognisers,
    Unusable,
    compare_files,
    pairs_of,
    read_file,
)
from postern.settings import Settings

Say = Callable[[str], None]


def read(settings: Settings, files: Sequence[str], *, country: str | None, say: Say, warn: Say) -> bool:
    """Print what is seen in each file; whether every file could be used."""
    recognisers = Recognisers.load(settings.folder("models"), threads=settings.recognition_threads)
    return _told((read_file(recognisers, file, country=country) for file in files), say, warn)


def compare(settings: Settings, pairs: Iterable[tuple[str, str]], *, say: Say, warn: Say) -> bool:
    """Print how alike the faces of each pair are; whether every pair could be used."""
    faces = FaceRecogniser(settings.folder("models"), threads=settings.recognition_threads)
    return _told((compare_files(faces, a, b) for a, b in pairs), say, warn)


def pairs_in(file: str) -> Iterable[tuple[str, str]]:
    """The pairs that a CSV file lists. Raises BadInput when it cannot be read."""
    return pairs_of(file)


def _told(results: Iterable[FileRead | Comparison | Unusable], say: Say, warn: Say) -> bool:
    """One JSON object a line; what could not be used goes to the warnings."""
    all_used = True
    for result in results:
        if isinstance(result, Unusable):
            all_used = False
            warn(f"{result.file}: {result.error}")
        else:
            say(json.dumps(result.to_json(), ensure_ascii=False))
    return all_used
