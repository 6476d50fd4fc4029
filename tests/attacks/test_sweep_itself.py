"""The sweep finds what is there: without this, "0 found" would prove nothing."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from postern.prove.sweep import CHUNK, Sweep, encodings

VALUE = "Wilhelmina Überschär 00042"


@pytest.mark.parametrize("encoding", [name for name, _ in encodings(VALUE)])
def test_the_sweep_finds_a_value_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    noise = random.Random(encoding).randbytes(1000)
    (tmp_path / "file").write_bytes(noise + dict(encodings(VALUE))[encoding] + noise)
    found, _ = Sweep([VALUE, "another value"]).files(tmp_path)
    assert {(f.value, f.offset) for f in found if f.encoding == encoding} == {(VALUE, 1000)}


@pytest.mark.parametrize("before", range(4))
def test_the_sweep_finds_a_value_inside_a_longer_base64_text(tmp_path: Path, before: int) -> None:
    (tmp_path / "file").write_bytes(base64.b64encode(b"x" * before + VALUE.encode() + b"yz"))
    assert Sweep([VALUE]).files(tmp_path)[0]


def test_the_sweep_finds_a_value_across_the_border_of_two_chunks(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0" * (CHUNK - 5) + VALUE.encode() + b"\0" * 100)
    assert [f.offset for f in Sweep([VALUE]).files(tmp_path)[0]] == [CHUNK - 5]


def test_the_sweep_finds_nothing_in_noise_and_reads_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(random.Random(7).randbytes(2_000_000))
    values = [f"planted value number {n:05d}" for n in range(2000)]
    assert Sweep(values).files(tmp_path) == ([], 2_000_000)


def test_a_value_too_short_to_search_for_is_refused_instead_of_overlooked() -> None:
    with pytest.raises(ValueError, match="shorter than 8 bytes"):
        Sweep(["M5XSX"])
