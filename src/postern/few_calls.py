"""Leave a Linux process only the system calls that computing on open descriptors needs (seccomp filter).

Source: https://docs.kernel.org/userspace-api/seccomp_filter.html; the numbers are those of the kernel's
tables for x86-64 and arm64. Every other call fails with EPERM: nothing can be opened, connected or started.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import sys
from dataclasses import dataclass

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_SET_NO_NEW_PRIVS = 38
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_OTHER_TABLE = 0x40000000
"""From here on x86-64 counts the calls of another table (x32)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """An architecture's mark (AUDIT_ARCH) and the numbers of the calls that stay."""

    mark: int
    calls: tuple[int, ...]


_TABLES = {
    "x86_64": _Table(
        mark=0xC000003E,
        calls=(
            *(0, 1, 3, 5, 8),  # read, write, close, fstat, lseek
            *(9, 10, 11, 12, 25, 28),  # mmap, mprotect, munmap, brk, mremap, madvise
            *(13, 14, 15, 131),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack
            *(24, 39, 186, 202),  # sched_yield, getpid, gettid, futex
            *(44, 45, 48, 7, 271),  # sendto, recvfrom, shutdown, poll, ppoll
            *(96, 98, 228, 230, 35),  # gettimeofday, getrusage, clock_gettime, clock_nanosleep, nanosleep
            *(219, 318, 60, 231),  # restart_syscall, getrandom, exit, exit_group
        ),
    ),
    "aarch64": _Table(
        mark=0xC00000B7,
        calls=(
            *(63, 64, 57, 80, 62),  # read, write, close, fstat, lseek
            *(222, 226, 215, 214, 216, 233),  # mmap, mprotect, munmap, brk, mremap, madvise
            *(134, 135, 139, 132),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack
            *(124, 172, 178, 98),  # sched_yield, getpid, gettid, futex
            *(206, 207, 210, 73),  # sendto, recvfrom, shutdown, ppoll
            *(169, 165, 113, 115, 101),  # gettimeofday, getrusage, clock_gettime, clock_nanosleep, nanosleep
            *(128, 278, 93, 94),  # restart_syscall, getrandom, exit, exit_group
        ),
    ),
}


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def keep_few_calls() -> bool:
    """From here on this thread and all that it starts only compute and use what is open. For good.

    Import and load everything first. Returns False where the kernel or the architecture has no such filter;
    then nothing is changed.
    """
    table = _TABLES.get(platform.machine())
    if table is None or not sys.platform.startswith("linux"):
        return False
    steps = _steps(table)
    program = _Program(length=len(steps), steps=(_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _steps(table: _Table) -> list[_Step]:
    allowed = [
        _Step(_JUMP_EQUAL, len(table.calls) - index, 0, call) for index, call in enumerate(table.calls)
    ]
    return [
        # 1. Calls of another architecture have other numbers: none of them.
        _Step(_LOAD, 0, 0, _ARCHITECTURE_AT),
        _Step(_JUMP_EQUAL, 1, 0, table.mark),
        _Step(_RETURN, 0, 0, _KILL),
        # 2. The same for x86-64's other table.
        _Step(_LOAD, 0, 0, _NUMBER_AT),
        _Step(_JUMP_FROM, len(allowed), 0, _OTHER_TABLE),
        # 3. What is listed may run, the rest fails.
        *allowed,
        _Step(_RETURN, 0, 0, _FAIL),
        _Step(_RETURN, 0, 0, _ALLOW),
    ]
