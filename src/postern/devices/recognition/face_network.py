"""The default face encoder: dlib's network in ONNX Runtime, converted at first use and kept."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from postern.biometrics.model import Rgb, Template
from postern.devices.recognition.dlib_card import CARD
from postern.devices.recognition.dlib_weights import (
    NETWORK_FILE,
    NETWORK_SHA256,
    Floats,
    read_network,
    weights_file,
)
from postern.devices.recognition.onnx_session import open_session
from postern.errors import StorageFull


class FaceNetwork:
    """Turns aligned chips into templates."""

    def __init__(self, models: Path, *, threads: int = 1) -> None:
        """Opens the converted network in `models`, converting it first where it is missing or damaged."""
        self._session = open_session(converted(models), threads=threads)

    def encode(self, chip: Rgb) -> Template:
        """The template of one aligned chip, 150 × 150 RGB: the mean of it and its mirror image."""
        return Template(model=CARD.id, vector=self.vectors(np.stack([chip, chip[:, ::-1]])).mean(axis=0))

    def vectors(self, chips: Rgb) -> Floats:
        """The network's bare output, n × 128, for n × 150 × 150 × 3 chips."""
        return np.asarray(self._session.run(None, {"chips": chips})[0], dtype=np.float32)


def converted(models: Path) -> Path:
    """The ONNX file in `models`, with its checksum beside it; made where missing or not matching."""
    path, checksum = models / f"{CARD.id}.onnx", models / f"{CARD.id}.onnx.sha256"
    if _is_whole(path, checksum):
        return path
    # Imported only here: most starts find the network converted, and loading ONNX's own package takes longer.
    from postern.devices.recognition.dlib_graph import build_graph

    graph = build_graph(read_network(weights_file(NETWORK_FILE, NETWORK_SHA256)))
    try:
        models.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, graph)
        _write(checksum, hashlib.sha256(graph).hexdigest().encode())
    except OSError as fault:
        raise StorageFull(f"The face network cannot be kept in {models}: {fault.strerror}.") from fault
    return path


def _is_whole(path: Path, checksum: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == checksum.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, data: bytes) -> None:
    """All or nothing, so that a power cut or two processes at once leave a whole file."""
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as part:
        try:
            part.write(data)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
