"""Faces in pictures: on real photographs where they are at hand, on drawn ones everywhere."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest

from postern.biometrics.comparison import Gallery, Match, NoMatch, compare, identify
from postern.biometrics.model import PadResult, Reference, Rgb, SeenFace
from postern.biometrics.quality import Problem, judge_photo
from postern.devices.recognition.faces import FaceRecogniser
from postern.devices.recognition.pictures import load_picture
from postern.devices.recognition.results import Comparison, Unusable, compare_files, pairs_of
from postern.errors import BadInput
from postern.ids import PersonId, ReferenceId

ENROLLED = 3
"""Photos of each person, by name, that are enrolled; the others are probes."""


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> FaceRecogniser:
    return FaceRecogniser(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def people(pictures: Path) -> dict[str, list[Path]]:
    folders = sorted(one for one in (pictures / "faces" / "johns").iterdir() if one.is_dir())
    return {folder.name: sorted(folder.glob("*.jpg")) for folder in folders}


@pytest.fixture(scope="module")
def seen(recogniser: FaceRecogniser, people: dict[str, list[Path]]) -> dict[Path, list[SeenFace]]:
    return {path: recogniser.see(load_picture(path)) for paths in people.values() for path in paths}


def test_a_picture_without_a_face_has_none(recogniser: FaceRecogniser) -> None:
    assert recogniser.see(np.full((480, 640, 3), 127, dtype=np.uint8)) == []
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert recogniser.see(noise) == []


@pytest.mark.parametrize("size", [(16, 16), (16, 2000), (2000, 16), (37, 41)])
def test_pictures_of_odd_sizes_are_searched_without_fault(
    recogniser: FaceRecogniser, size: tuple[int, int]
) -> None:
    assert recogniser.see(np.zeros((*size, 3), dtype=np.uint8)) == []


def test_at_least_39_of_40_are_decided_right_and_nobody_is_taken_for_another(
    people: dict[str, list[Path]], seen: dict[Path, list[SeenFace]], recogniser: FaceRecogniser
) -> None:
    ids = {name: PersonId(uuid4()) for name in people}
    gallery = Gallery(
        recogniser.card,
        [
            Reference(id=ReferenceId(uuid4()), person=ids[name], template=seen[path][0].template)
            for name, paths in people.items()
            for path in paths[:ENROLLED]
        ],
    )
    probes = [(ids[name], seen[path]) for name, paths in people.items() for path in paths[ENROLLED:]]
    results = [(who, identify(gallery, faces[0].template)) for who, faces in probes if faces]
    right = sum(isinstance(found, Match) and found.person == who for who, found in results)
    wrong = sum(isinstance(found, Match) and found.person != who for who, found in results)
    sys.stdout.write(f"faces: {right} of {len(probes)} right, {wrong} taken for another\n")
    assert wrong == 0
    assert right >= len(probes) - 1


def test_whoever_is_not_enrolled_is_nobody(
    people: dict[str, list[Path]], seen: dict[Path, list[SeenFace]], recogniser: FaceRecogniser
) -> None:
    for stranger, paths in people.items():
        references = [
            Reference(id=ReferenceId(uuid4()), person=PersonId(uuid4()), template=seen[path][0].template)
            for name, others in people.items()
            if name != stranger
            for path in others
        ]
        gallery = Gallery(recogniser.card, references)
        assert all(isinstance(identify(gallery, seen[path][0].template), NoMatch) for path in paths)


def test_small_press_photographs_may_be_enrolled(seen: dict[Path, list[SeenFace]]) -> None:
    for path, faces in seen.items():
        quality = judge_photo([(one.sighting.box.width, one.sighting.quality) for one in faces])
        assert quality.enrollable, f"{path.name}: {quality}"


def test_blurred_copies_are_refused(recogniser: FaceRecogniser, people: dict[str, list[Path]]) -> None:
    for paths in people.values():
        for path in paths[:3]:
            soft = cv2.GaussianBlur(load_picture(path), (0, 0), 4)
            faces = recogniser.detect(np.asarray(soft, dtype=np.uint8))
            quality = judge_photo([(one.box.width, one.quality) for one in faces])
            assert {Problem.BLURRED, Problem.NO_FACE} & set(quality.problems), path.name


def test_two_people_in_one_photo_are_refused(
    recogniser: FaceRecogniser, people: dict[str, list[Path]]
) -> None:
    side_by_side = np.hstack([load_picture(paths[0]) for paths in list(people.values())[:2]])
    faces = recogniser.detect(side_by_side)
    assert len(faces) == 2
    quality = judge_photo([(one.box.width, one.quality) for one in faces])
    assert quality.problems[0] is Problem.SEVERAL_FACES


def test_dark_and_bright_copies_say_so(recogniser: FaceRecogniser, people: dict[str, list[Path]]) -> None:
    photo = load_picture(next(iter(people.values()))[0])
    dark = recogniser.detect((photo * 0.15).astype(np.uint8))
    bright = recogniser.detect(np.clip(photo * 0.25 + 205, 0, 255).astype(np.uint8))
    assert all(Problem.TOO_DARK in one.quality.problems for one in dark)
    assert all(Problem.TOO_BRIGHT in one.quality.problems for one in bright)


def on_a_large_picture(photo: Rgb, side: int) -> Rgb:
    frame = np.full((1080, 1920, 3), 110, dtype=np.uint8)
    face = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    frame[400 : 400 + side, 900 : 900 + side] = face
    return frame


@pytest.mark.parametrize("side", [140, 400])
def test_a_face_in_a_1080p_frame_is_found_and_is_the_same(
    recogniser: FaceRecogniser,
    people: dict[str, list[Path]],
    seen: dict[Path, list[SeenFace]],
    side: int,
) -> None:
    path = next(iter(people.values()))[0]
    found = recogniser.see(on_a_large_picture(load_picture(path), side))
    assert len(found) == 1
    box = found[0].sighting.box
    assert 850 < box.x + box.width / 2 < 1350
    score = compare(recogniser.card, found[0].template, seen[path][0].template)
    assert score > recogniser.card.verification_threshold


def test_pairs_are_compared_by_file(
    recogniser: FaceRecogniser, people: dict[str, list[Path]], tmp_path: Path
) -> None:
    (one, other, *_), (stranger, *_) = list(people.values())[:2]
    listed = tmp_path / "pairs.csv"
    listed.write_text(f"a,b\n{one},{other}\n{one},{stranger}\n", encoding="utf-8")
    results = [compare_files(recogniser, a, b) for a, b in pairs_of(str(listed))]
    assert all(isinstance(result, Comparison) for result in results)
    assert [result.same for result in results if isinstance(result, Comparison)] == [True, False]
    assert set(results[0].to_json()) == {"a", "b", "score", "threshold", "same"}


def test_a_file_without_a_face_is_told_in_a_comparison(recogniser: FaceRecogniser, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    cv2.imwrite(str(plain), np.full((64, 64, 3), 90, dtype=np.uint8))
    result = compare_files(recogniser, str(plain), str(tmp_path / "missing.jpg"))
    assert isinstance(result, Unusable)
    assert "No face" in result.error


@pytest.mark.parametrize("content", ["", "first,second\nx,y\n", "a,b\nonly\n"])
def test_a_list_of_pairs_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    listed = tmp_path / "pairs.csv"
    listed.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput):
        list(pairs_of(str(listed)))


def test_pad_is_said_not_to_be_checked() -> None:
    assert PadResult.NOT_CHECKED.value == "not-checked"
