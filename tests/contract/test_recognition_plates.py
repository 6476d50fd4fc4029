"""Plates in pictures: measured on real ones where they are at hand, on drawn ones everywhere."""

from __future__ import annotations

import csv
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from postern.biometrics.model import Rgb
from postern.devices.recognition.faces import FaceRecogniser
from postern.devices.recognition.pictures import load_picture
from postern.devices.recognition.plate_scoring import plausibility_of_text
from postern.devices.recognition.plates import PlateRecogniser
from postern.devices.recognition.results import FileRead, Recognisers, Unusable, read_file
from postern.vehicles.plates import comparison_form

BASELINE = {"eu": 0.94, "br": 1.0, "us": 0.80, "cn": 9 / 16}
"""Plain RapidOCR, any token equal to the truth; our best-scored plate must not be worse."""
SAMPLED = 4
"""Of that many pictures one is read, of a country with few pictures all; `make accuracy` reads every one."""
FEW = 10
MISLABELLED = {"br/FZB9581.jpg"}
"""The plate in this picture says FBZ 9581; its truth does not."""


@pytest.fixture(scope="module")
def recogniser() -> PlateRecogniser:
    return PlateRecogniser()


def a_vehicle(
    *lines: str, ground: str = "white", ink: str = "black", size: tuple[int, int] = (960, 640)
) -> Rgb:
    """A grey street, a dark body, and on it a plate with `lines` one below the other."""
    picture = Image.new("RGB", size, (140, 145, 150))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((180, 120, 780, 600), fill=(45, 50, 60))
    font = ImageFont.load_default(56)
    width = max(draw.textlength(line, font=font) for line in lines)
    left, top, height = 480 - width / 2, 440, 66
    draw.rectangle((left - 16, top - 8, left + width + 16, top + height * len(lines)), fill=ground)
    for row, line in enumerate(lines):
        draw.text((480, top + row * height), line, fill=ink, font=font, anchor="ma")
    return np.asarray(picture)


def test_a_picture_without_text_holds_no_plate(recogniser: PlateRecogniser) -> None:
    assert recogniser.read(np.full((480, 640, 3), 127, dtype=np.uint8)) == []


@pytest.mark.parametrize("size", [(16, 16), (16, 900), (900, 16)])
def test_pictures_of_odd_sizes_are_read_without_fault(
    recogniser: PlateRecogniser, size: tuple[int, int]
) -> None:
    assert recogniser.read(np.zeros((*size, 3), dtype=np.uint8)) == []


def test_a_drawn_plate_is_read_with_its_place_and_country(recogniser: PlateRecogniser) -> None:
    best = recogniser.read(a_vehicle("RK-755AJ"), country="SK")[0]
    assert (best.text, best.country) == ("RK755AJ", "SK")
    assert 0.8 < best.score <= 1.0
    x, y = np.mean(best.quad, axis=0)
    assert abs(x - 480) < 40
    assert abs(y - 473) < 30


def test_a_plate_of_two_lines_is_read_as_one(recogniser: PlateRecogniser) -> None:
    best = recogniser.read(a_vehicle("JST", "2699"), country="BR")[0]
    assert best.text == "JST2699"


def test_a_time_stamp_and_an_address_are_no_rivals_of_the_plate(recogniser: PlateRecogniser) -> None:
    picture = Image.fromarray(a_vehicle("AKS 4329"))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(34)
    draw.text((20, 10), "2024-06-16 06:46:42", fill="white", font=font)
    draw.text((300, 200), "www.example.com 1-800-555-0134", fill="white", font=font)
    found = recogniser.read(np.asarray(picture))
    assert found[0].text == "AKS4329"
    assert all(other.score < 0.5 * found[0].score for other in found[1:])


@pytest.mark.parametrize(
    "text",
    [
        "2014-06-16 06:46:42",
        "2014-04-",
        "06:22:05",
        "376-8750",
        "1-800-555-0134",
        "www.x-y.com",
        "59.990,00 €",
    ],
)
def test_what_is_written_elsewhere_is_hardly_plausible(text: str) -> None:
    assert plausibility_of_text(text) <= 0.1


@pytest.mark.parametrize("text", ["RK-755AJ", "JST·2699", "627-WWI", "京A·12345", "1B8 0338", "W 20111"])
def test_what_plates_say_is_plausible(text: str) -> None:
    assert plausibility_of_text(text) == 1.0


def test_nothing_is_ever_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert PlateRecogniser().read(a_vehicle("RK-755AJ"))


def test_a_file_becomes_one_json_line(
    recogniser: PlateRecogniser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    faces = FaceRecogniser(tmp_path_factory.mktemp("models"))
    both = Recognisers(faces=faces, plates=recogniser)
    file = tmp_path / "car.png"
    Image.fromarray(a_vehicle("RK-755AJ")).save(file)
    read = read_file(both, str(file), country="SK")
    assert isinstance(read, FileRead)
    line = json.loads(json.dumps(read.to_json()))
    assert set(line) == {"file", "ms", "plates", "faces"}
    assert set(line["plates"][0]) == {"text", "country", "score", "quad"}
    missing = read_file(both, str(tmp_path / "no.png"))
    assert isinstance(missing, Unusable)
    assert set(missing.to_json()) == {"file", "error"}


def _best(recogniser: PlateRecogniser, file: Path) -> tuple[str, float]:
    """The best-scored plate, or nothing, and the seconds it took."""
    rgb = load_picture(file)
    started = time.perf_counter()
    found = recogniser.read(rgb)
    return found[0].text if found else "", time.perf_counter() - started


def _best_of_each(files: list[Path]) -> list[tuple[str, float]]:
    """One recogniser for each core, since none is safe for several threads at once."""
    idle = SimpleQueue[PlateRecogniser]()
    cores = len(os.sched_getaffinity(0))
    for _ in range(cores):
        idle.put(PlateRecogniser())

    def read(file: Path) -> tuple[str, float]:
        mine = idle.get()
        try:
            return _best(mine, file)
        finally:
            idle.put(mine)

    with ThreadPoolExecutor(cores) as threads:
        return list(threads.map(read, files))


def _chosen(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """All of them for `make accuracy`, otherwise a sample that is the same each time."""
    if os.environ.get("POSTERN_ALL_PICTURES") == "yes":
        return rows
    by_country: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_country.setdefault(row["country"], []).append(row)
    return [row for some in by_country.values() for row in some[:: 1 if len(some) <= FEW else SAMPLED]]


def test_the_best_scored_plate_is_right_as_often_as_the_baseline(
    pictures: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = pictures / "plates"
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    missed: list[str] = []
    with (folder / "truth.csv").open(encoding="utf-8") as lines:
        rows = _chosen([row for row in csv.DictReader(lines) if row["image"] not in MISLABELLED])
    found = _best_of_each([folder / row["image"] for row in rows])
    for row, (best, took) in zip(rows, found, strict=True):
        seconds[row["country"]] += took
        total[row["country"]] += 1
        if comparison_form(best) == comparison_form(row["text"]):
            right[row["country"]] += 1
        else:
            missed.append(f"{row['image']}: {row['text']}, read {best or 'nothing'}")
    for country, count in total.items():
        share, each = 100 * right[country] / count, 1000 * seconds[country] / count
        record_property(
            "measured", f"plates {country}: {right[country]} of {count} = {share:.1f} %, {each:.0f} ms each"
        )
    for country, count in total.items():
        assert right[country] / count >= BASELINE[country], missed
