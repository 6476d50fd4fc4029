"""Reads dlib's face network from its own weights file, without dlib.

The file is a plain sequence: 29 times the tensor of a convolution (weights, then biases) and the tensor of
the affine layer behind it (scale, then shift), and at the end the 256 × 128 matrix. A tensor is a
packed-integer header (version 2, then four sizes; each a length byte and little-endian bytes) and raw
little-endian float32.
Source of the layout: dlib's `serialize(tensor)` and `serialize_impl.h` (Boost licence).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from postern.devices.recognition.dlib_card import LENGTH
from postern.errors import Unavailable

Floats = npt.NDArray[np.float32]

NETWORK_FILE = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS_FILE = "shape_predictor_5_face_landmarks.dat"
NETWORK_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
LANDMARKS_SHA256 = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"

BLOCK_CHANNELS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
DOWN_BLOCKS = frozenset({3, 7, 10, 13})
_LARGEST_GAP = 512
"""Bytes of layer settings between two tensors; a longer gap means another file."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Convolution:
    """A convolution with the affine layer behind it folded in."""

    weights: Floats
    biases: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceNetwork:
    """The stem, two convolutions for each of the 14 residual blocks, and the final matrix."""

    stem: Convolution
    blocks: tuple[tuple[Convolution, Convolution], ...]
    matrix: Floats


def weights_file(name: str, sha256: str) -> Path:
    """Where the installed weights package keeps `name`; the package itself is never imported.

    Raises Unavailable when the package is missing or the file is not the known one.
    """
    spec = find_spec("face_recognition_models")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    path = folder / "models" / name if folder is not None else None
    if path is None or not path.is_file():
        raise Unavailable(f"{name} is missing; install face_recognition_models 0.3.0 again.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise Unavailable(
            f"{path} is damaged or another version; install face_recognition_models 0.3.0 again."
        )
    return path


def read_network(path: Path) -> FaceNetwork:
    """Parse the weights file. Raises Unavailable when a tensor is not where it must be."""
    data = path.read_bytes()
    tensors = _tensors(
        data, [size for shape in _shapes() for size in _sizes_of(shape)] + [(256, LENGTH, 1, 1)]
    )
    folded = [_fold(next(tensors), next(tensors), shape) for shape in _shapes()]
    pairs = tuple((folded[i], folded[i + 1]) for i in range(1, len(folded), 2))
    return FaceNetwork(stem=folded[0], blocks=pairs, matrix=next(tensors).reshape(256, LENGTH))


def _shapes() -> list[tuple[int, int, int]]:
    """(output channels, input channels, kernel side) of the 29 convolutions in the file's order."""
    shapes = [(32, 3, 7)]
    before = 32
    for channels in BLOCK_CHANNELS:
        shapes += [(channels, before, 3), (channels, channels, 3)]
        before = channels
    return shapes


def _sizes_of(shape: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    out, into, side = shape
    return [(out * into * side * side + out, 1, 1, 1), (2 * out, 1, 1, 1)]


def _tensors(data: bytes, sizes: list[tuple[int, int, int, int]]) -> Iterator[Floats]:
    at = 0
    for size in sizes:
        header = _packed(2) + b"".join(_packed(one) for one in size)
        found = data.find(header, at, at + _LARGEST_GAP)
        if found < 0:
            raise Unavailable("The face network's weights are not laid out as known; reinstall the package.")
        start = found + len(header)
        count = int(np.prod(size))
        yield np.frombuffer(data, dtype="<f4", count=count, offset=start)
        at = start + 4 * count


def _packed(value: int) -> bytes:
    body = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")
    return bytes([len(body)]) + body


def _fold(convolution: Floats, affine: Floats, shape: tuple[int, int, int]) -> Convolution:
    """y = scale · (w * x + b) + shift as one convolution."""
    out, into, side = shape
    scale, shift = affine[:out], affine[out:]
    weights = convolution[:-out].reshape(out, into, side, side)
    return Convolution(
        weights=(weights * scale[:, None, None, None]).astype(np.float32),
        biases=(convolution[-out:] * scale + shift).astype(np.float32),
    )
