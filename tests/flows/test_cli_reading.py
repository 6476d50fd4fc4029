"""`postern read`, `postern compare`, and how every command tells a fault."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def postern(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "postern", *arguments],
        env={**os.environ, "POSTERN_DATA": str(folder)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, so that the face network is converted once."""
    return tmp_path_factory.mktemp("reading") / "data"


@pytest.fixture
def empty_picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((240, 320, 3), 128, np.uint8)).save(path)
    return path


def test_a_picture_with_nothing_in_it_reads_as_nothing(folder: Path, empty_picture: Path) -> None:
    done = postern(folder, "read", str(empty_picture))
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["file"], told["plates"], told["faces"]) == (str(empty_picture), [], [])


def test_a_file_that_is_not_there_is_one_clear_line(folder: Path, empty_picture: Path) -> None:
    done = postern(folder, "read", "/nowhere.jpg", str(empty_picture))
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["postern: /nowhere.jpg: There is no such file; check the path."]
    assert len(done.stdout.splitlines()) == 1, "the other file is read all the same"


def test_a_file_that_is_no_picture_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_text("Dear Sir")
    done = postern(folder, "read", str(tmp_path / "letter.jpg"))
    assert done.returncode == 1
    assert done.stderr.startswith("postern: ")
    assert "is no picture" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_photos_without_a_face_cannot_be_compared(folder: Path, empty_picture: Path) -> None:
    done = postern(folder, "compare", str(empty_picture), str(empty_picture))
    assert (done.returncode, done.stdout) == (1, "")
    assert "No face was found" in done.stderr


def test_wrong_usage_has_a_status_of_its_own(folder: Path) -> None:
    assert postern(folder, "compare", "one").returncode == 2
    assert postern(folder, "read").returncode == 2
    assert postern(folder, "no-such-command").returncode == 2


def test_wrong_settings_are_told_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_PORT", "many")
    done = postern(folder, "doctor")
    assert done.returncode == 1
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_tells_findings_as_json(folder: Path) -> None:
    done = postern(folder, "doctor", "--json")
    findings = json.loads(done.stdout)
    assert {finding["name"] for finding in findings} >= {"sockets", "secrets", "files", "disk", "models"}
    assert done.returncode == any(finding["level"] == "danger" for finding in findings)


def test_two_photos_of_one_person_compare_as_the_same(folder: Path, pictures: Path) -> None:
    one, other, *_ = sorted((pictures / "faces" / "johns" / "John_Salley").iterdir())
    told = json.loads(postern(folder, "compare", str(one), str(other)).stdout)
    assert told["same"] is True
    assert told["score"] >= told["threshold"]


def test_pairs_of_a_table_are_compared_line_by_line(folder: Path, pictures: Path, tmp_path: Path) -> None:
    people = sorted((pictures / "faces" / "johns").iterdir())
    one, other = (sorted(person.iterdir())[0] for person in people[:2])
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b"), (one, one), (one, other)])
    done = postern(folder, "compare", "--pairs", str(tmp_path / "pairs.csv"))
    assert [json.loads(line)["same"] for line in done.stdout.splitlines()] == [True, False]


def test_a_line_of_the_pairs_that_lacks_a_file_is_named(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("a,b\none.jpg\n")
    done = postern(folder, "compare", "--pairs", str(table))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{table}, line 2: give a file for a and one for b." in done.stderr


def test_a_country_whose_plates_nobody_knows_is_told_and_the_picture_is_read(
    folder: Path, empty_picture: Path
) -> None:
    done = postern(folder, "read", "--country", "Narnia", str(empty_picture))
    assert done.returncode == 0
    assert "no plates of 'Narnia' are known" in done.stderr
    assert json.loads(done.stdout)["file"] == str(empty_picture)


def test_a_plate_is_read(folder: Path, pictures: Path) -> None:
    told = json.loads(postern(folder, "read", str(pictures / "plates" / "eu" / "test_002.jpg")).stdout)
    assert told["plates"][0]["text"] == "RK755AJ"
