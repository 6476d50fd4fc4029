"""`make fuzz`: changed pictures, videos and QR codes for as long as is wanted, on a seed that is printed.

What must hold: pixels or words, never a fault; and the decoder of pictures stays within its memory.
"""

from __future__ import annotations

import argparse
import io
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import segno
from PIL import Image

from postern.devices.cameras.decoder import Order
from postern.devices.cameras.process import Decoder
from postern.devices.recognition import picture_process
from postern.devices.recognition.codes import read_codes
from postern.devices.recognition.pictures import PictureDecoder, judge
from postern.errors import BadPicture
from tests.attacks.hostile_pictures import mutated, seeds

FRAMES = 12


def pictures(random: np.random.Generator, until: float) -> Iterator[int]:
    """One for every file that was judged and, where it was let through, decoded."""
    decoder = PictureDecoder()
    try:
        for data in mutated(random, seeds()):
            try:
                judge(data)
                decoder.decode(data)
            except BadPicture:
                pass
            yield 1
            if decoder.pid is not None and peak(decoder.pid) >= picture_process.MEMORY:
                raise AssertionError("the decoder of pictures went beyond its memory")
            if time.monotonic() > until:
                return
    finally:
        decoder.close()


def peak(pid: int) -> int:
    """The most memory that the process has used, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(one.split()[1]) << 10 for one in lines if one.startswith("VmHWM")), 0)


def videos(random: np.random.Generator, until: float) -> Iterator[int]:
    """One for every changed video that was played to its end; each has a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        original, changed = Path(folder) / "drawn.avi", Path(folder) / "changed.avi"
        writer = cv2.VideoWriter(str(original), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for index in range(FRAMES):
            writer.write(np.full((48, 64, 3), index * 20, dtype=np.uint8))
        writer.release()
        for data in mutated(random, [original.read_bytes()]):
            changed.write_bytes(data)
            decoder = Decoder(Order(kind="video", target=str(changed), rate=10.0, patience=5.0))
            for _ in range(100 * FRAMES):
                if decoder.read() is None:
                    break
            decoder.kill()
            decoder.end()
            yield 1
            if time.monotonic() > until:
                return


def codes(random: np.random.Generator, until: float) -> Iterator[int]:
    """One for every spoilt code that was looked at."""
    while time.monotonic() < until:
        file = io.BytesIO()
        text = random.bytes(int(random.integers(1, 60))).hex()
        segno.make(text, micro=False).save(file, kind="png", scale=4)
        rgb = np.array(Image.open(file).convert("RGB"))
        spoilt = random.random(rgb.shape[:2]) < random.random() / 4
        rgb[spoilt] = random.integers(0, 256, 3)
        for found in read_codes(rgb):
            if not isinstance(found, str):
                raise TypeError("a code is text")
        yield 1


TARGETS = {"pictures": pictures, "videos": videos, "codes": codes}


def main() -> None:
    """Every target for so many seconds; the seed tells how to do it again."""
    options = argparse.ArgumentParser()
    options.add_argument("targets", nargs="*", metavar="|".join(TARGETS))
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=secrets.randbits(32))
    chosen = options.parse_args()
    for name in chosen.targets or TARGETS:
        random = np.random.default_rng(chosen.seed)
        tries = sum(TARGETS[name](random, time.monotonic() + chosen.seconds))
        print(f"{name}: {tries} tries, 0 faults, seed {chosen.seed}")  # noqa: T201 - the program's output


if __name__ == "__main__":
    main()
