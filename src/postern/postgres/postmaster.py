"""The running server: a direct child of this process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from postern.errors import DatabaseUnavailable, StorageFull
from postern.postgres.bootstrap import clean_environment, launch_command
from postern.postgres.identity import Identity

_STEP_SECONDS = 0.05
_TELL_EVERY_SECONDS = 5.0
_STATUS_LINE = 7
_LONGEST_LOG_BYTES = 20 * 1024 * 1024
_STOP_PATIENCE = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))


class Postmaster:
    """One server process from `spawn` to its end."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path, log_start: int) -> None:
        self._process = process
        self._folder = folder
        self._log = log
        self._log_start = log_start
        self._since = time.monotonic()

    @classmethod
    def spawn(
        cls, command: Sequence[str], *, identity: Identity, folder: Path, fds: Sequence[int], log: Path
    ) -> Postmaster:
        """Start `command` as `identity` on the data in `folder`, handing it the open folders `fds`."""
        _keep_short(log)
        with log.open("ab") as output:
            os.fchmod(output.fileno(), 0o600)
            process = subprocess.Popen(
                launch_command(identity, command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=fds,
                env=clean_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the supervisor, which then stops the server in order
            )
            return cls(process, folder, log, output.tell())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    async def ready(self, progress: Callable[[str], None]) -> None:
        """Wait until it takes connections, however long recovery is; progress says so every few seconds.

        Raises StorageFull or DatabaseUnavailable when it ends instead, with the reason it logged.
        """
        told = started = time.monotonic()
        while self._status() != "ready":
            if not self.running:
                raise self._fault()
            now = time.monotonic()
            if now - told >= _TELL_EVERY_SECONDS:
                told = now
                waited = f"{now - started:.0f} s"
                progress(f"PostgreSQL is still starting ({waited}); after a crash it replays its log first")
            await asyncio.sleep(_STEP_SECONDS)

    async def ended(self) -> float:
        """Wait until it ends by itself; the seconds that it lived."""
        while True:
            await asyncio.sleep(_STEP_SECONDS)
            if not self.running:
                return time.monotonic() - self._since

    async def stop(self, progress: Callable[[str], None]) -> None:
        """Stop it: a checkpoint first, then firmly when that takes longer than a minute."""
        for number, seconds in _STOP_PATIENCE:
            if not self.running:
                break
            self._process.send_signal(number)
            await self._wait(seconds)
            if self.running:
                progress("PostgreSQL takes long to stop; stopping it harder")
        self._process.wait()

    async def _wait(self, seconds: float) -> None:
        for _ in range(int(seconds / _STEP_SECONDS)):
            if not self.running:
                return
            await asyncio.sleep(_STEP_SECONDS)

    def _status(self) -> str:
        """What the server itself says in the eighth line of its pid file: starting, ready, stopping."""
        with suppress(OSError):
            lines = (self._folder / "postmaster.pid").read_text().splitlines()
            if len(lines) > _STATUS_LINE and int(lines[0]) == self.pid:
                return lines[_STATUS_LINE].strip()
        return "unknown"

    def _fault(self) -> DatabaseUnavailable | StorageFull:
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            said = file.read().decode("utf-8", "replace")
        if "No space left on device" in said:
            return StorageFull(
                f"The disk of {self._folder} is full: PostgreSQL cannot start. Free some space and try again."
            )
        reasons: list[str] = re.findall(r"(?:FATAL|PANIC):\s+(.*)", said)
        reason = reasons[-1] if reasons else f"it ended with status {self._process.returncode}"
        return DatabaseUnavailable(f"PostgreSQL cannot start: {reason}. Its log is {self._log}.")


def _keep_short(log: Path) -> None:
    """Keep one older log when this one has grown long."""
    if log.exists() and log.stat().st_size > _LONGEST_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
