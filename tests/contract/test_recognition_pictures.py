"""Whatever file is given as a picture: upright RGB, or words that say what to do."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from postern.devices.recognition import pictures as module
from postern.devices.recognition.pictures import load_picture
from postern.errors import BadPicture


def drawn(width: int = 64, height: int = 48) -> Image.Image:
    """Red on the left, blue on the right, a white stripe on top."""
    picture = Image.new("RGB", (width, height), (200, 0, 0))
    picture.paste((0, 0, 200), (width // 2, 0, width, height))
    picture.paste((255, 255, 255), (0, 0, width, 8))
    return picture


def packed(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def looks_drawn(rgb: np.ndarray) -> bool:
    left, right, top = rgb[30, 10].astype(int), rgb[30, 50].astype(int), rgb[2, 30].astype(int)
    return bool(left[0] > 150 > left[2] and right[2] > 150 > right[0] and top.min() > 220)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_each_format_becomes_rgb(form: str) -> None:
    rgb = load_picture(packed(drawn(), form))
    assert rgb.shape == (48, 64, 3)
    assert rgb.dtype == np.uint8
    assert looks_drawn(rgb)


def test_a_path_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "drawn.png"
    path.write_bytes(packed(drawn(), "PNG"))
    assert np.array_equal(load_picture(path), load_picture(str(path)))
    assert np.array_equal(load_picture(path), load_picture(path.read_bytes()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(orientation: int) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = drawn().transpose(turn[orientation]) if orientation in turn else drawn()
    exif = Image.Exif()
    exif[0x0112] = orientation
    rgb = load_picture(packed(stored, "JPEG", exif=exif, quality=95))
    assert rgb.shape == (48, 64, 3)
    assert looks_drawn(rgb)


@pytest.mark.parametrize(
    ("mode", "form"), [("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("YCbCr", "TIFF")]
)
def test_other_colour_modes_become_rgb(mode: str, form: str) -> None:
    assert load_picture(packed(drawn().convert(mode), form)).shape == (48, 64, 3)


def test_cmyk_jpeg_keeps_its_colours() -> None:
    assert looks_drawn(load_picture(packed(drawn().convert("CMYK"), "JPEG", quality=95)))


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    deep = Image.fromarray(np.full((32, 32), 32768, dtype=np.uint16))
    assert abs(int(load_picture(packed(deep, "PNG"))[0, 0, 0]) - 127) <= 1


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert (load_picture(packed(clear, "PNG")) == 255).all()


def test_of_an_animation_the_first_picture_counts() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    data = packed(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert tuple(load_picture(data)[0, 0]) == (255, 0, 0)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    with pytest.raises(BadPicture, match="empty"):
        load_picture(path)
    with pytest.raises(BadPicture, match="empty"):
        load_picture(b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_a_truncated_file_is_refused(form: str) -> None:
    random = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = packed(Image.fromarray(random), form)
    with pytest.raises(BadPicture, match=r"damaged|no picture"):
        load_picture(data[: len(data) // 2])


@pytest.mark.parametrize(
    "data", [b"hello, world", b"%PDF-1.7", b"GIF89a" + bytes(64), b"\xff\xd8", b"\0" * 4096]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture, match=r"no picture|damaged"):
        load_picture(data)


def test_an_enormous_picture_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 64 * 48 - 1)
    data = packed(drawn(), "PNG")
    with pytest.raises(BadPicture, match="64 × 48"):
        load_picture(data[:64] + bytes(16))  # only the header is whole: the rest is never decoded


def test_a_bomb_that_says_it_is_huge_is_refused() -> None:
    header = packed(Image.new("1", (30000, 30000)), "PNG")
    with pytest.raises(BadPicture, match="30000 × 30000"):
        load_picture(header)


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(BadPicture, match="larger than"):
        load_picture(packed(drawn(), "BMP"))


def test_a_picture_of_a_few_pixels_is_refused() -> None:
    with pytest.raises(BadPicture, match="only 4 × 4"):
        load_picture(packed(drawn(4, 4), "PNG"))


def test_a_missing_file_a_folder_and_a_device_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match="no such file"):
        load_picture(tmp_path / "nothing.jpg")
    with pytest.raises(BadPicture, match="folder"):
        load_picture(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadPicture, match="device or pipe"):
        load_picture(pipe)


def test_bytes_changed_at_random_never_do_worse_than_be_refused() -> None:
    random = np.random.default_rng(5)
    for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF"):
        whole = np.frombuffer(packed(drawn(), form), dtype=np.uint8)
        for _ in range(60):
            changed = whole.copy()
            changed[random.integers(0, len(whole), 4)] = random.integers(0, 256, 4)
            try:
                rgb = load_picture(changed.tobytes())
            except BadPicture:
                continue
            assert rgb.dtype == np.uint8
            assert rgb.shape[2] == 3
