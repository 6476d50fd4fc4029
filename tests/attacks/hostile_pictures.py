"""Picture files that attack whoever decodes them: bombs, lies, halves, and drawn ones changed at random."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

FORMS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def drawn(width: int = 64, height: int = 48) -> Image.Image:
    """Colours that change from pixel to pixel, so that every byte of the file matters."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 4 % 256, y * 5 % 256, (x * y) % 256], axis=2)
    return Image.fromarray(rgb.astype(np.uint8))


def packed(picture: Image.Image, form: str, **options: object) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A file of a few kilobytes that unpacks to `width` × `height` pixels of one bit."""
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def seeds() -> list[bytes]:
    """One small file of every format and of every odd kind."""
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [drawn(32, 32), drawn(32, 32).rotate(90)]
    return [
        *(packed(drawn(), form) for form in FORMS),
        packed(drawn().convert("CMYK"), "JPEG"),
        packed(drawn(), "JPEG", exif=exif, progressive=True),
        packed(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)), "PNG"),
        packed(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        packed(drawn().convert("P"), "PNG", transparency=3),
        packed(drawn(), "TIFF", compression="tiff_lzw"),
    ]


def mutated(random: np.random.Generator, originals: list[bytes]) -> Iterator[bytes]:
    """For ever: one of the originals with bytes flipped, cut, doubled, or a length replaced."""
    edges = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
    while True:
        data = bytearray(originals[random.integers(len(originals))])
        for _ in range(int(random.integers(1, 8))):
            at = int(random.integers(len(data)))
            match int(random.integers(5)):
                case 0:
                    data[at] ^= 1 << int(random.integers(8))
                case 1:
                    data[at] = int(random.integers(256))
                case 2:
                    del data[at : at + int(random.integers(1, 64))]
                case 3:
                    data[at:at] = data[at : at + int(random.integers(1, 64))]
                case _:
                    order = ">I" if random.integers(2) else "<I"
                    data[at : at + 4] = struct.pack(order, edges[random.integers(len(edges))])
            if not data:
                break
        yield bytes(data)
