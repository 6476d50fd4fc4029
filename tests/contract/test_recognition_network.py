"""The face network: converted from dlib's own weights, kept whole, and equal to dlib."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest

from postern.devices.recognition.dlib_card import CARD
from postern.devices.recognition.dlib_weights import NETWORK_FILE, NETWORK_SHA256, read_network, weights_file
from postern.devices.recognition.face_network import FaceNetwork, converted
from postern.errors import StorageFull, Unavailable


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def network(models: Path) -> FaceNetwork:
    return FaceNetwork(models)


def drawn_chips() -> np.ndarray:
    """Noise, plain areas, gradients and shapes: whatever pixels may be, the numbers must agree."""
    random = np.random.default_rng(11)
    chips = random.integers(0, 256, (8, 150, 150, 3), dtype=np.uint8)
    chips[1] = 0
    chips[2] = 255
    chips[3] = np.linspace(0, 255, 150, dtype=np.uint8)[:, None, None]
    chips[4, 30:120, 40:110] = (210, 160, 130)
    chips[5] = chips[4][:, ::-1] // 2
    chips[6, :, :75] = (20, 40, 200)
    return chips


def test_the_converted_network_equals_dlib(network: FaceNetwork) -> None:
    reference = dlib.face_recognition_model_v1(str(weights_file(NETWORK_FILE, NETWORK_SHA256)))
    chips = drawn_chips()
    theirs = np.array([np.array(reference.compute_face_descriptor(chip)) for chip in chips])
    assert np.abs(network.vectors(chips) - theirs).max() <= 1e-5


def test_a_template_is_the_mean_of_a_chip_and_its_mirror_image(network: FaceNetwork) -> None:
    chip = drawn_chips()[4]
    mirrored = np.ascontiguousarray(chip[:, ::-1])
    template = network.encode(chip)
    assert template.model == CARD.id
    assert template.vector.shape == (CARD.length,)
    assert np.allclose(template.vector, network.vectors(np.stack([chip, mirrored])).mean(axis=0), atol=1e-6)
    assert np.allclose(template.vector, network.encode(mirrored).vector, atol=1e-6)


def test_it_is_converted_once_and_kept(models: Path, network: FaceNetwork) -> None:
    before = converted(models).stat().st_mtime_ns
    assert converted(models).stat().st_mtime_ns == before
    assert sorted(one.name for one in models.iterdir()) == [f"{CARD.id}.onnx", f"{CARD.id}.onnx.sha256"]


def test_a_damaged_copy_is_made_again(tmp_path: Path) -> None:
    path = converted(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert converted(tmp_path).read_bytes() == whole


def test_a_folder_that_takes_nothing_is_a_clear_fault(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_bytes(b"")
    with pytest.raises(StorageFull, match="cannot be kept"):
        converted(occupied / "models")


def test_missing_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="install"):
        weights_file("no_such_file.dat", NETWORK_SHA256)
    with pytest.raises(Unavailable, match="install"):
        weights_file(NETWORK_FILE, "0" * 64)
    foreign = tmp_path / "foreign.dat"
    foreign.write_bytes(bytes(4096))
    with pytest.raises(Unavailable, match="laid out"):
        read_network(foreign)
