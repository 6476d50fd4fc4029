"""The parent of all on one machine: starts programs in order, restarts what dies, stops in reverse order.

A child learns on its standard input what it must not read from its arguments or environment (others on the
machine may see those), and takes the end of that input for the end of its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import structlog

from postern.backoff import delays
from postern.ending import ended
from postern.errors import Conflict, Unavailable

_log = structlog.get_logger(__name__)

Progress = Callable[[str], None]

_SETTLED_SECONDS = 60.0
"""A child that lived this long had started well; its next restart waits little again."""
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """What the parent tells the hub: where its databases are and what unlocks the root key."""

    data: str
    keystore: str
    passphrase: str | None = field(default=None, repr=False)
    owner: str = ""
    """The data as the role that owns its tables: for this machine's own tools, never told to the hub."""

    def to_bytes(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(replace(self, owner=""))).encode() + b"\n"

    @classmethod
    def receive(cls) -> Handover:
        """Read it from standard input. Raises ValueError when this program was not started by its parent."""
        document = json.loads(sys.stdin.buffer.readline() or b"null")
        if not isinstance(document, dict):
            raise ValueError("'postern hub' is started by 'postern up', which tells it what it needs")
        return cls(**document)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A child: its command, its first line of input, where its errors go, and how to see that it works."""

    name: str
    command: tuple[str, ...]
    errors: Path
    is_healthy: Callable[[], Awaitable[bool]]
    handover: bytes = b"\n"
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: frozenset[str] | None = None
    """Of this process's environment, only these; None: all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What a running parent says of itself in the data folder. `servers`: conninfos of its databases."""

    pid: int
    demo: bool
    servers: Mapping[str, str] = field(default_factory=dict)


class DataFolderLock:
    """Holds the data folder for one parent; the kernel lets go of it when the parent dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "run" / "up.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> DataFolderLock:
        """Raises Conflict while another parent has it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            os.close(descriptor)
            raise Conflict(
                f"Postern is already running on {self._folder}; stop that one, or set POSTERN_DATA to "
                "another folder."
            ) from fault
        os.ftruncate(descriptor, 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def tell(self, running: Running) -> None:
        """Write down what others may ask with `running_on`."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(asdict(running)).encode(), 0)


def running_on(folder: Path) -> Running | None:
    """The parent that runs on `folder`; None when none does, whatever an earlier one left written there."""
    try:
        with (folder / "run" / "up.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Running(**json.loads(file.read() or b"null") or {"pid": 0, "demo": False})
    except FileNotFoundError:
        pass
    return None


class Supervisor:
    """Keeps programs running. Use it as `async with`: leaving stops them, the last started first."""

    def __init__(self, progress: Progress, *, start_seconds: float = 120.0) -> None:
        self._progress = progress
        self._start_seconds = start_seconds
        self._kept: list[_Kept] = []

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *_: object) -> None:
        for kept in reversed(self._kept):
            await kept.stop()

    async def start(self, program: Program) -> None:
        """Start `program` and return once it is healthy.

        Raises Unavailable, with its last words, when it ends or is not healthy in time.
        """
        kept = _Kept(program, self._progress)
        self._kept.append(kept)
        await kept.start(self._start_seconds)

    def pids(self) -> dict[str, int]:
        """The children that run at this moment, by name."""
        return {kept.program.name: kept.pid for kept in self._kept if kept.pid is not None}


class _Kept:
    """One child, kept running until it is stopped."""

    def __init__(self, program: Program, progress: Progress) -> None:
        self.program = program
        self._progress = progress
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def start(self, seconds: float) -> None:
        self._process = await self._launch()
        deadline = time.monotonic() + seconds
        while not await self.program.is_healthy():
            if self._process.returncode is not None:
                raise Unavailable(f"{self.program.name} did not start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self.program.name} did not start in {seconds:.0f} seconds: {self._last_words()}"
                )
            await asyncio.sleep(_LOOK_SECONDS)
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def _launch(self) -> asyncio.subprocess.Process:
        with self.program.errors.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *self.program.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                env={**self._inherited(), **self.program.environment},
                # Its own session, so that Ctrl-C reaches this parent alone, which then stops all in order.
                start_new_session=True,
            )
        if process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(self.program.handover)
                await process.stdin.drain()
        return process

    def _inherited(self) -> dict[str, str]:
        names = self.program.inherits
        return {name: value for name, value in os.environ.items() if names is None or name in names}

    async def _keep(self) -> None:
        waits = delays()
        while self._process is not None:
            started = time.monotonic()
            code = await self._process.wait()
            if time.monotonic() - started > _SETTLED_SECONDS:
                waits = delays()
            _log.error("child-ended", program=self.program.name, code=code)
            self._progress(f"{self.program.name} ended unexpectedly ({_ending(code)}); starting it again")
            await asyncio.sleep(next(waits))
            self._process = await self._launch()

    async def stop(self) -> None:
        """Ask it to end, wait, and kill it if it does not."""
        if self._keeping is not None:
            await ended(self._keeping)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            _log.error("child-killed", program=self.program.name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def _last_words(self) -> str:
        """The last line the child said, which for our own programs is one clear sentence."""
        lines = self.program.errors.read_text("utf-8", "replace").strip().splitlines()
        said = lines[-1].removeprefix("postern: ") if lines else "it said nothing"
        return f"{said} (all of it: {self.program.errors})"


def _ending(code: int) -> str:
    """An exit status or a signal in words."""
    if code >= 0:
        return f"status {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def no_core_dumps() -> None:
    """Keep this process's memory, with the keys in it, off the disk when it crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_parent(patience: float = 10.0) -> None:
    """In a child: end this process when standard input ends, because then the parent has ended."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience)
        os._exit(1)

    threading.Thread(target=watch, name="watch the parent", daemon=True).start()


async def until_told_to_stop(
    work: Coroutine[None, None, None], on_stop: Callable[[], None] = lambda: None
) -> None:
    """Do `work` until it ends or SIGINT or SIGTERM comes, which cancels it so that it can tidy up."""
    task = asyncio.ensure_future(work)
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            on_stop()
        stopping = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopping:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
