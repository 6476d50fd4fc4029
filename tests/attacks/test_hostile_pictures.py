"""Hostile picture files end in words or pixels, in bounded memory, and the decoder can only compute."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from postern.devices.recognition import picture_process, pictures
from postern.devices.recognition.picture_headers import read_header
from postern.devices.recognition.pictures import PictureDecoder, judge
from postern.errors import BadPicture
from tests.attacks.hostile_pictures import drawn, mutated, packed, png_bomb, seeds

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory and calls are measured on Linux"
)
MUTATIONS = 600


@pytest.fixture(scope="module")
def decoder() -> Iterator[PictureDecoder]:
    found = PictureDecoder()
    yield found
    found.close()


def peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(one for one in lines if one.startswith("VmHWM")).split()[1]) >> 10


@LINUX
def test_changed_pictures_end_in_pixels_or_words_and_never_in_a_new_process(decoder: PictureDecoder) -> None:
    decoder.decode(packed(drawn(), "PNG"))
    first, refused, taken = decoder.pid, 0, 0
    for data in islice(mutated(np.random.default_rng(6), seeds()), MUTATIONS):
        try:
            judge(data)
            rgb = decoder.decode(data)
        except BadPicture:
            refused += 1
        else:
            taken += 1
            assert rgb.dtype == np.uint8
            assert rgb.ndim == 3
    assert refused > 100
    assert taken > 100
    assert decoder.pid == first
    assert peak_mib(first or 0) < 400


@LINUX
def test_the_largest_picture_that_is_taken_stays_within_its_memory(decoder: PictureDecoder) -> None:
    decoder.close()
    side = 8000
    data = packed(Image.new("RGB", (side, side), (1, 2, 3)), "PNG", compress_level=1)
    judge(data)
    assert decoder.decode(data).shape == (side, side, 3)
    assert peak_mib(decoder.pid or 0) < picture_process.MEMORY >> 20


@LINUX
def test_what_needs_more_memory_is_refused_in_words_and_the_next_is_decoded(decoder: PictureDecoder) -> None:
    side = 40_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "MOST_PIXELS", side * side)  # as if the header's judge had been fooled
        with pytest.raises(BadPicture, match="memory"):
            decoder.decode(png_bomb(side, side))
    assert peak_mib(decoder.pid or 0) < picture_process.MEMORY >> 20
    assert decoder.decode(packed(drawn(), "JPEG")).shape == (48, 64, 3)


@pytest.mark.parametrize("side", [9_000, 30_000, 65_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    before = pictures._DECODER.pid
    with pytest.raises(BadPicture, match="pixels"):
        pictures.load_picture(png_bomb(side, side))
    assert pictures._DECODER.pid == before


def test_a_small_file_that_claims_a_large_picture_is_refused_before_it_is_decoded() -> None:
    data = packed(Image.new("RGB", (7000, 7000)), "WEBP", lossless=True, method=0)
    assert len(data) < 100
    with pytest.raises(BadPicture, match="as no photograph"):
        judge(data)


def test_an_animation_of_thousands_is_refused() -> None:
    frame = packed(drawn(32, 32), "WEBP")
    two = packed(drawn(32, 32), "WEBP", save_all=True, append_images=[drawn(32, 32).rotate(90)])
    at = two.index(b"ANMF")
    length = int.from_bytes(two[at + 4 : at + 8], "little")
    chunk = two[at : at + 8 + length + length % 2]
    with pytest.raises(BadPicture, match="animation"):
        judge(two + chunk * (pictures.MOST_FRAMES + 1))
    judge(frame)


@pytest.mark.parametrize("data", [one for one in seeds()])
def test_the_header_says_what_the_decoder_finds(decoder: PictureDecoder, data: bytes) -> None:
    header = read_header(data)
    assert header is not None
    assert sorted((header.width, header.height)) == sorted(decoder.decode(data).shape[:2])


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*"]),
)
@settings(max_examples=400, deadline=None)
def test_no_bytes_make_the_header_s_judge_fail(data: bytes, start: bytes) -> None:
    try:
        read_header(start + data)
    except ValueError:
        return


_TRIES = """
import json, os, socket, sys
from postern.devices.recognition import picture_process
picture_process._load_decoders()
if sys.argv[1] == "confined":
    picture_process.confine()
def tried(act):
    try:
        act()
    except (OSError, ValueError) as fault:
        return type(fault).__name__
    return "done"
print(json.dumps({
    "read": tried(lambda: os.open("/etc/passwd", os.O_RDONLY)),
    "write": tried(lambda: os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)),
    "connect": tried(lambda: socket.socket().connect(("127.0.0.1", int(sys.argv[3])))),
    "start": tried(lambda: os.fork() or os._exit(0)),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
}), flush=True)
"""


def _tries(how: str, folder: Path) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-c", _TRIES, how, str(folder / "made"), str(port)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


@LINUX
def test_the_decoder_opens_nothing_connects_to_nothing_and_starts_nothing(tmp_path: Path) -> None:
    assert set(_tries("confined", tmp_path).values()) == {"PermissionError"}
    assert not (tmp_path / "made").exists()


@LINUX
def test_the_attack_catches_a_decoder_that_is_not_confined(tmp_path: Path) -> None:
    assert set(_tries("free", tmp_path).values()) == {"done"}


def test_a_decoder_that_is_killed_in_mid_picture_fails_that_picture_alone(decoder: PictureDecoder) -> None:
    decoder.decode(packed(drawn(), "PNG"))
    subprocess.run(["kill", "-STOP", str(decoder.pid)], check=True)
    impatient, began = PictureDecoder(seconds=0.3), time.monotonic()
    impatient.decode(packed(drawn(), "PNG"))
    subprocess.run(["kill", "-STOP", str(impatient.pid)], check=True)
    with pytest.raises(BadPicture, match="within"):
        impatient.decode(packed(drawn(), "PNG"))
    assert time.monotonic() - began < 30
    assert impatient.decode(packed(drawn(), "PNG")).shape == (48, 64, 3)
    impatient.close()
    subprocess.run(["kill", "-CONT", str(decoder.pid)], check=True)
    assert decoder.decode(packed(drawn(), "PNG")).shape == (48, 64, 3)
