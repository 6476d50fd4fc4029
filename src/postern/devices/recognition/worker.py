"""Recognition in processes of its own: nothing that a picture does there can stop a door elsewhere.

Each kind of work has its own workers, so reading plates never waits for faces nor the other way round. A
worker that crashes or hangs is replaced, and only the call it was serving fails.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from postern.biometrics.model import Rgb, SeenFace
from postern.devices.recognition.worker_process import Answer, Order, WorkerKind
from postern.errors import BadInput, Unavailable
from postern.vehicles.plates import PlateReading

CALL_SECONDS = 30.0
START_SECONDS = 120.0
"""Loading the networks, and converting the face network at the very first start, on a slow machine."""


class RecognitionPool:
    """The workers of one agent or hub. Use as an async context manager, or call `close` at the end."""

    def __init__(
        self, models: Path, *, threads: int = 1, each: int = 1, call_seconds: float = CALL_SECONDS
    ) -> None:
        """`models` is where the converted face network is kept; `each` is how many workers a kind has.

        `threads` bounds the cores one worker uses. Nothing is started before the first call or `start`.
        """
        self._workers = {
            kind: [_Worker(kind, models, threads, call_seconds) for _ in range(each)] for kind in WorkerKind
        }
        self._idle: dict[WorkerKind, asyncio.Queue[_Worker]] = {kind: asyncio.Queue() for kind in WorkerKind}
        for kind, workers in self._workers.items():
            for worker in workers:
                self._idle[kind].put_nowait(worker)
        self._waiters = ThreadPoolExecutor(each * len(WorkerKind), thread_name_prefix="recognition")
        self._closed = False

    async def faces(self, rgb: Rgb) -> list[SeenFace]:
        """Every face in the picture, largest first, encoded. Raises Unavailable when the worker failed."""
        found = await self._call(WorkerKind.FACES, rgb, None)
        return [one for one in found if isinstance(one, SeenFace)]

    async def plates(self, rgb: Rgb, country: str | None = None) -> list[PlateReading]:
        """The plates in the picture, best first. Raises Unavailable when the worker failed."""
        found = await self._call(WorkerKind.PLATES, rgb, country)
        return [one for one in found if isinstance(one, PlateReading)]

    async def codes(self, rgb: Rgb) -> list[str]:
        """The text of every QR code in the picture. Raises Unavailable when the worker failed."""
        found = await self._call(WorkerKind.CODES, rgb, None)
        return [one for one in found if isinstance(one, str)]

    def start(self) -> None:
        """Start every worker with a network to load now, so that the first call need not wait for it."""
        for kind in (WorkerKind.FACES, WorkerKind.PLATES):
            for worker in self._workers[kind]:
                worker.ensure_running()

    def processes(self) -> Mapping[WorkerKind, tuple[int, ...]]:
        """The process ids of the workers that run, for health checks."""
        return {
            kind: tuple(pid for worker in workers if (pid := worker.pid) is not None)
            for kind, workers in self._workers.items()
        }

    async def close(self) -> None:
        """End all workers; calls under way fail with Unavailable."""
        self._closed = True
        for workers in self._workers.values():
            for worker in workers:
                worker.kill()
        await asyncio.to_thread(self._waiters.shutdown)
        for workers in self._workers.values():
            for worker in workers:
                worker.dispose()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, kind: WorkerKind, rgb: Rgb, country: str | None) -> tuple[object, ...]:
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
            raise BadInput("Recognition takes height × width × 3 pixels of 8 bits; use load_picture.")
        idle = self._idle[kind]
        worker = await idle.get()
        if self._closed:
            idle.put_nowait(worker)
            raise Unavailable("Recognition has been shut down.")
        try:
            worker.ensure_running()
            call = asyncio.get_running_loop().run_in_executor(self._waiters, worker.ask, rgb, country)
        except BaseException:
            idle.put_nowait(worker)
            raise
        call.add_done_callback(lambda done: self._release(worker, done))
        return (await asyncio.shield(call)).found

    def _release(self, worker: _Worker, done: asyncio.Future[Answer]) -> None:
        """Also after a caller gave up waiting: a worker is idle again only when its answer is in."""
        if not done.cancelled():
            done.exception()
        if not self._closed:
            worker.ensure_running()
        self._idle[worker.kind].put_nowait(worker)


class _Worker:
    """One process and the socket to it. `ask` blocks and belongs in a thread; the rest is the loop's."""

    def __init__(self, kind: WorkerKind, models: Path, threads: int, call_seconds: float) -> None:
        self.kind = kind
        self._arguments = [kind.value, str(models), str(threads), str(os.getpid())]
        self._call_seconds = call_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ensure_running(self) -> None:
        """Start the process unless it runs. Called on the loop's thread: a child dies with the thread that
        started it (PR_SET_PDEATHSIG), and threads of an executor may end."""
        if self.pid is not None:
            return
        self.dispose()
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "postern.devices.recognition.worker_process",
                    *self._arguments,
                    str(descriptor),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("POSTERN_")},
                pass_fds=(descriptor,),
            )
        self._connection = Connection(ours.detach())
        self._ready = False

    def ask(self, rgb: Rgb, country: str | None) -> Answer:
        """Hand the picture over and wait. Raises Unavailable, and ends the process, when it fails."""
        connection = self._connection
        if connection is None:
            raise Unavailable("Recognition has been shut down.")
        try:
            if not self._ready:
                self._receive(connection, START_SECONDS)
                self._ready = True
            height, width, channels = rgb.shape
            connection.send(Order(shape=(height, width, channels), country=country))
            connection.send_bytes(np.ascontiguousarray(rgb).data.cast("B"))
            return self._receive(connection, self._call_seconds)
        except (EOFError, OSError) as fault:
            self.kill()
            raise Unavailable(
                f"The worker for {self.kind.value} ended in mid-picture; it was replaced, try again."
            ) from fault

    def _receive(self, connection: Connection, seconds: float) -> Answer:
        if not connection.poll(seconds):
            self.kill()
            raise Unavailable(
                f"The worker for {self.kind.value} was silent for {seconds:g} s; it was replaced, try again."
            )
        answer: Answer = connection.recv()
        if answer.fault is not None:
            raise Unavailable(f"Recognition of {self.kind.value} failed: {answer.fault}")
        return answer

    def kill(self) -> None:
        """End the process, if any, at once. May be called from any thread, and twice."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def dispose(self) -> None:
        """End the process and close the socket. Only while no thread is in `ask`."""
        self.kill()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
