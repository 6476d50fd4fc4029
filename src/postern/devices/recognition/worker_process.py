"""A recognition worker: one process, one kind of work, told what to do over one socket.

It ends when its parent does (by signal, and because the socket closes), leaves interrupting to its parent,
and never dumps core: faces and templates are in its memory.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from postern.biometrics.model import Rgb, SeenFace
from postern.errors import PosternError
from postern.shut_in import program_folders, shut_in
from postern.vehicles.plates import PlateReading

_PR_SET_PDEATHSIG = 1


class WorkerKind(StrEnum):
    """What a worker does."""

    FACES = "faces"
    PLATES = "plates"
    CODES = "codes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What comes before a picture's bytes."""

    shape: tuple[int, int, int]
    country: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was found, or in words why nothing was."""

    found: tuple[SeenFace, ...] | tuple[PlateReading, ...] | tuple[str, ...] = ()
    fault: str | None = None


Work = Callable[[Rgb, str | None], tuple[SeenFace, ...] | tuple[PlateReading, ...] | tuple[str, ...]]


def main(arguments: list[str]) -> None:
    """`kind models threads parent descriptor`: serve until the socket closes."""
    kind, models, threads, parent, descriptor = arguments
    _behave(int(parent))
    connection = Connection(int(descriptor))
    try:
        work = _prepare(WorkerKind(kind), Path(models), int(threads))
    except PosternError as fault:
        connection.send(Answer(fault=str(fault)))
        return
    connection.send(Answer())
    while True:
        try:
            order: Order = connection.recv()
            data = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send(_answer(work, order, data))


def _answer(work: Work, order: Order, data: bytes) -> Answer:
    """A process boundary: whatever goes wrong with one picture is told, and the worker goes on."""
    try:
        rgb = np.frombuffer(data, dtype=np.uint8).reshape(order.shape)
        return Answer(found=work(rgb, order.country))
    except Exception as fault:  # noqa: BLE001  the boundary that the docstring names
        return Answer(fault=f"{type(fault).__name__}: {fault}")


def _prepare(kind: WorkerKind, models: Path, threads: int) -> Work:
    """Load only what this kind needs; from before the first picture on it writes and connects to nothing."""
    if kind is not WorkerKind.CODES:
        import onnxruntime  # noqa: F401  it looks at the machine's processor, which it may not see later

    if kind is WorkerKind.FACES:
        from postern.devices.recognition.face_network import converted
        from postern.devices.recognition.faces import FaceRecogniser

        converted(models)  # written at the very first start, hence before it is shut in
        shut_in([*program_folders(), models])
        faces = FaceRecogniser(models, threads=threads)
        return lambda rgb, _country: tuple(faces.see(rgb))
    shut_in(program_folders())
    if kind is WorkerKind.CODES:
        from postern.devices.recognition.codes import read_codes

        return lambda rgb, _country: read_codes(rgb)
    from postern.devices.recognition.plates import PlateRecogniser

    plates = PlateRecogniser(threads=threads)
    return lambda rgb, country: tuple(plates.read(rgb, country=country))


def _behave(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above took effect
        sys.exit(0)


if __name__ == "__main__":
    # By its real name, because the parent unpickles Answer from there and knows no such class in __main__.
    import_module("postern.devices.recognition.worker_process").main(sys.argv[1:])
