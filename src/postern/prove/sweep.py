"""Search files for planted values in every encoding in which a careless program leaves them behind.

A sweep is only as good as its own test: `test_the_sweep_finds_*` plants each value in each encoding and
wants it found, so that "0 found" elsewhere means something.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WINDOW = 8
"""Bytes of a pattern that the fast first pass compares; a pattern must be at least this long."""
CHUNK = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A planted value that lies readable in a file."""

    value: str
    encoding: str
    path: Path
    offset: int


def encodings(value: str | bytes) -> Iterator[tuple[str, bytes]]:
    """Every way in which `value` may lie in a file, named. Base64 is given at all three alignments."""
    raw = value.encode() if isinstance(value, str) else value
    yield "raw", raw
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        first, last = (0, 2, 3)[shift], len(text) - (4 if (shift + len(raw)) % 3 else 0)
        yield f"base64+{shift}", text[first:last]
        if b"+" in text or b"/" in text:
            yield f"base64url+{shift}", text[first:last].replace(b"+", b"-").replace(b"/", b"_")
    if isinstance(value, str):
        yield "utf-16-le", value.encode("utf-16-le")
        yield "utf-16-be", value.encode("utf-16-be")
        escaped = json.dumps(value)[1:-1].encode()
        if escaped != raw:
            yield "json", escaped


class Sweep:
    """Patterns of many values, searched for together.

    The first pass looks up every 8-byte window of a file in the sorted prefixes of all patterns (behind a
    16-bit filter, so most windows cost one table look-up); only what matches there is compared in full.
    """

    def __init__(self, values: Iterable[str | bytes]) -> None:
        self._by_prefix: dict[int, list[tuple[str, str, bytes]]] = {}
        for value in values:
            label = value if isinstance(value, str) else value[:WINDOW].hex()
            for encoding, pattern in encodings(value):
                if len(pattern) < WINDOW:
                    raise ValueError(
                        f"{label!r} as {encoding} is shorter than {WINDOW} bytes: plant longer values"
                    )
                prefix = int.from_bytes(pattern[:WINDOW], "little")
                self._by_prefix.setdefault(prefix, []).append((label, encoding, pattern))
        self._prefixes = np.array(sorted(self._by_prefix), dtype=np.uint64)
        self._filter = np.zeros(1 << 16, dtype=bool)
        self._filter[self._fold(self._prefixes)] = True
        self._longest = max(
            (len(p) for entries in self._by_prefix.values() for _, _, p in entries), default=0
        )

    @staticmethod
    def _fold(windows: np.ndarray) -> np.ndarray:
        mixed = windows * np.uint64(0x9E3779B97F4A7C15)
        return (mixed >> np.uint64(48)).astype(np.uint16)

    def files(self, *roots: Path) -> tuple[list[Finding], int]:
        """Findings in every regular file below `roots`, and the bytes that were read."""
        found: list[Finding] = []
        size = 0
        for root in roots:
            for path in [root] if root.is_file() else sorted(root.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    for data, start in self._chunks(path):
                        size += len(data)
                        found += self._in(data, path, start)
        return found, size

    def _chunks(self, path: Path) -> Iterator[tuple[bytes, int]]:
        start, tail = 0, b""
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                data = tail + block
                yield data, start - len(tail)
                start += len(block)
                tail = data[-self._longest :]

    def _in(self, data: bytes, path: Path, start: int) -> Iterator[Finding]:
        for shift in range(WINDOW):
            usable = (len(data) - shift) // WINDOW * WINDOW
            if usable <= 0:
                continue
            windows = np.frombuffer(data, dtype="<u8", count=usable // WINDOW, offset=shift)
            likely = np.flatnonzero(self._filter[self._fold(windows)])
            if likely.size == 0:
                continue
            where = np.searchsorted(self._prefixes, windows[likely])
            where[where == self._prefixes.size] = 0
            for index in likely[self._prefixes[where] == windows[likely]]:
                offset = int(index) * WINDOW + shift
                for label, encoding, pattern in self._by_prefix[int(windows[index])]:
                    if data.startswith(pattern, offset):
                        yield Finding(value=label, encoding=encoding, path=path, offset=start + offset)
