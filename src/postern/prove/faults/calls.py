"""A program's writes and syncs, answered by another process: the kernel asks before each of them.

    python calls.py SOCKET PROGRAM ARGUMENTS...

Source: seccomp's user notification, https://docs.kernel.org/userspace-api/seccomp_filter.html (Linux 5.5 on).
It needs no root, no compiler and no change of the program; threads and children are governed with it. This
file imports nothing of Postern, as PostgreSQL is started through it with an empty environment.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NUMBERS = {
    "x86_64": {1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 75: "fdatasync", 296: "pwritev"},
    "aarch64": {64: "write", 68: "pwrite64", 66: "writev", 82: "fsync", 83: "fdatasync", 70: "pwritev"},
}
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06
_ASK, _ALLOW = 0x7FC00000, 0x7FFF0000
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_PR_SET_NO_NEW_PRIVS = 38
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_GO_ON = 1
_NOTICE = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call, before it is made, by a thread that waits. `offset` is None where the file's own holds."""

    thread: int
    name: str
    descriptor: int
    buffer: int
    length: int
    offset: int | None

    @property
    def is_sync(self) -> bool:
        """Whether it is to make durable what was written before."""
        return self.name in ("fsync", "fdatasync")

    @property
    def path(self) -> str:
        """The file's name; empty when the thread has ended meanwhile."""
        with suppress(OSError):
            return str(self.link.readlink())
        return ""

    @property
    def link(self) -> Path:
        """The file itself, whatever its name is by now."""
        return Path(f"/proc/{self.thread}/fd/{self.descriptor}")

    def data(self, length: int) -> bytes:
        """The first bytes that it would write."""
        with Path(f"/proc/{self.thread}/mem").open("rb", buffering=0) as memory:
            memory.seek(self.buffer)
            return memory.read(length)


Answer = Callable[[Call], int | None]
"""What a call comes to: None, the kernel makes it; else what it returns, an error as its negative number."""


def filter_program(machine: str) -> bytes:
    """The filter as the kernel reads it: asks about the calls above, allows all others."""
    numbers = list(_NUMBERS[machine])
    code = [(_LOAD, 0, 0, 4), (_IS, 1, 0, _ARCHITECTURE[machine]), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, 0)]
    code += [(_IS, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    code += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ASK)]
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def hand_over(to: Path) -> None:
    """From here on each write and sync of this process, and of all that it starts, is asked about at `to`."""
    machine, libc = platform.machine(), ctypes.CDLL(None, use_errno=True)
    if machine not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"calls cannot be asked about on {machine}")
    program = ctypes.create_string_buffer(filter_program(machine))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    told = Program(len(program) // 8, ctypes.addressof(program))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(to))
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):  # the first from Linux 5.19 on
            listener = libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, flags, ctypes.byref(told))
            if listener >= 0:
                break
        else:
            raise OSError(ctypes.get_errno(), "the kernel does not let calls be asked about")
        handle = array.array("i", [listener])
        connection.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handle)])
    os.close(listener)


class Tap:
    """Where programs hand over their calls, the socket `path`; `answer` is asked of one at a time."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.path = path
        self._answer = answer
        self._lock = threading.Lock()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen()
        self._end, self._ending = os.pipe()
        self._threads = [threading.Thread(target=self._welcome, name="calls", daemon=True)]
        self._threads[0].start()

    def under(self, *command: str) -> tuple[str, ...]:
        """How a program is started under it."""
        return (sys.executable, __file__, str(self.path), *command)

    def close(self) -> None:
        """Answer no more: calls of programs that still run fail from here on."""
        os.write(self._ending, b"!")
        for one in self._threads:
            one.join()
        self._door.close()
        for descriptor in (self._end, self._ending):
            os.close(descriptor)
        self.path.unlink()

    def _is_there(self, descriptor: int) -> bool:
        """Wait for something to read there; False at the end of either."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._end, select.POLLIN)
        ready = dict(poll.poll())
        return self._end not in ready and bool(ready.get(descriptor, 0) & select.POLLIN)

    def _welcome(self) -> None:
        while self._is_there(self._door.fileno()):
            connection, _ = self._door.accept()
            with connection:
                _, handles, _, _ = socket.recv_fds(connection, 1, 1)
            for listener in handles:
                thread = threading.Thread(target=self._listen, args=(listener,), name="calls", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _listen(self, listener: int) -> None:
        try:
            while self._is_there(listener):
                notice = bytearray(_NOTICE.size)
                # Whoever asked may have been killed meanwhile: then there is nothing to receive or to answer.
                with suppress(OSError):
                    fcntl.ioctl(listener, _RECEIVE, notice)
                    id, thread, _, number, _, _, *arguments = _NOTICE.unpack(notice)
                    self._settle(listener, id, _call(thread, number, arguments))
        finally:
            os.close(listener)

    def _settle(self, listener: int, id: int, call: Call) -> None:
        with self._lock:
            value = self._answer(call)
        if value is None:
            answer = _ANSWER.pack(id, 0, 0, _GO_ON)
        else:
            answer = _ANSWER.pack(id, max(value, 0), min(value, 0), 0)
        fcntl.ioctl(listener, _SEND, bytearray(answer))


def _call(thread: int, number: int, arguments: list[int]) -> Call:
    name = _NUMBERS[platform.machine()][number]
    return Call(
        thread=thread,
        name=name,
        descriptor=arguments[0] & 0xFFFFFFFF,
        buffer=arguments[1],
        length=arguments[2],
        offset=arguments[3] if name.startswith("p") else None,
    )


def kill(process: int) -> None:
    """kill -9, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    hand_over(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the program to be put under it, as an attack gave it
