"""`postern try` from the command line: the whole path, and one clear line for what cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KEYS = ["source", "at", "access_point", "kind", "subject", "decision", "reason", "score", "ms"]


def postern_try(*arguments: str | Path, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if data is not None:
        environment["POSTERN_DATA"] = str(data)
    return subprocess.run(
        [sys.executable, "-m", "postern", "try", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def passages(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((240, 320, 3), 128, np.uint8)).save(path)
    return path


@pytest.fixture
def salley(pictures: Path) -> list[Path]:
    return sorted((pictures / "faces" / "johns" / "John_Salley").iterdir())


def test_nothing_but_passages_is_printed_and_everything_else_is_one_clear_line(
    tmp_path: Path, grey: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00\x00\x00\x18ftypmp42" + os.urandom(2000))
    missing = tmp_path / "missing.jpg"
    done = postern_try(grey, missing, broken, "rtsp://127.0.0.1:1/nothing", data=tmp_path / "data")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("postern: ") for line in lines)
    assert lines[0] == f"postern: {grey}: neither a face nor a plate was found in it"
    assert str(missing) in lines[1]
    assert str(broken) in lines[2]
    assert "rtsp://127.0.0.1:1/nothing" in lines[3]


@pytest.mark.slow
def test_a_photo_without_a_face_enrols_nobody(tmp_path: Path, grey: Path) -> None:
    done = postern_try("--person", f"Ada={grey}", grey, data=tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"postern: {grey}: No face was found.")


@pytest.mark.parametrize("person", ["Ada=", "Ada=/nowhere/photo.jpg"])
def test_a_person_without_name_or_photo_is_told_at_once(tmp_path: Path, grey: Path, person: str) -> None:
    done = postern_try("--person", person, grey, data=tmp_path / "data")
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_without_a_source_it_is_wrong_usage(tmp_path: Path) -> None:
    assert postern_try(data=tmp_path / "data").returncode == 2


def test_an_enrolled_face_is_granted_by_name_and_a_stranger_is_denied_without_one(
    tmp_path: Path, pictures: Path, salley: list[Path]
) -> None:
    photos = ",".join(str(path) for path in salley[:3])
    stranger = sorted((pictures / "faces" / "johns" / "John_Savage").iterdir())[0]
    done = postern_try("--person", f"J. Salley={photos}", salley[3], stranger, data=tmp_path / "data")
    assert done.returncode == 0, done.stderr
    known, unknown = passages(done)
    assert list(known) == KEYS
    assert (known["kind"], known["subject"], known["decision"], known["reason"]) == (
        "face",
        "J. Salley",
        "granted",
        "granted",
    )
    assert (unknown["subject"], unknown["decision"], unknown["reason"]) == (None, "denied", "no-match")


def test_a_registered_plate_is_granted_and_another_is_denied(tmp_path: Path, pictures: Path) -> None:
    folder = pictures / "plates" / "eu"
    done = postern_try(
        "--vehicle", "RK 755 AJ", folder / "test_002.jpg", folder / "test_004.jpg", data=tmp_path / "data"
    )
    granted, denied = passages(done)
    assert (granted["kind"], granted["subject"], granted["decision"]) == ("plate", "RK 755 AJ", "granted")
    assert (denied["kind"], denied["decision"], denied["reason"]) == ("plate", "denied", "unknown-credential")


@pytest.mark.slow
def test_two_people_cannot_be_enrolled_with_one_face(tmp_path: Path, salley: list[Path]) -> None:
    done = postern_try(
        "--person", f"One={salley[0]}", "--person", f"Two={salley[0]}", salley[1], data=tmp_path / "data"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "enrolled for somebody else already" in done.stderr


@pytest.mark.slow
def test_nothing_is_left_behind_unless_it_is_to_be_kept(tmp_path: Path, grey: Path) -> None:
    data = tmp_path / "data"
    postern_try(grey, data=data)
    assert not (data / "pg").exists()
    assert postern_try("--keep", grey, data=data).returncode == 0
    assert (data / "pg" / "data").exists()
    assert postern_try("--keep", grey, data=data).returncode == 0, "a kept site can be used again"
