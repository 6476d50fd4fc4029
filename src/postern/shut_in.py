"""Shut a Linux process in by Landlock: it reads what is listed, writes nothing, and opens no TCP connection.

Source: https://docs.kernel.org/userspace-api/landlock.html, ABI 1 to 7. What was open before stays open, so
the listener is bound first. A connection to a Unix socket is not governed by it: what answers there decides.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_PR_SET_NO_NEW_PRIVS = 38
_VERSION_QUERY = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_BIND_AND_CONNECT = 0b11
_SCOPE_SOCKETS_AND_SIGNALS = 0b11


class _Rules(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def program_folders() -> list[Path]:
    """What a Python program reads of its own: the interpreter, its packages, the system's libraries."""
    found = [Path(one) for one in (sys.prefix, sys.base_prefix, *sys.path, "/usr", "/lib", "/lib64", "/etc")]
    return [one for one in found if one.is_dir()]


def bare_environment(arenas: int) -> dict[str, str]:
    """For a child that only computes: none of our settings, and no thread pools, which would only reserve
    memory. `arenas`: of the allocator, one for each thread that works at once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN_")}
    return {
        **kept,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": str(arenas),
    }


def shut_in(readable: Sequence[Path]) -> bool:
    """From here on this thread and all that it starts read beneath `readable` only. For good.

    Call it before any other thread starts. Returns False where the kernel has no Landlock (before 5.13, or
    not for this container); then nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, 0, _VERSION_QUERY)
    if version < 1:
        return False
    rules = _Rules(fs=_FILE_RIGHTS[min(version, 5)])
    if version >= 4:
        rules.net = _TCP_BIND_AND_CONNECT
    if version >= 6:
        rules.scoped = _SCOPE_SOCKETS_AND_SIGNALS
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(libc.syscall(_CREATE, ctypes.byref(rules), size, 0))
    try:
        for path in readable:
            _allow(libc, ruleset, path)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _EXECUTE | _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        rule = _PathRule(allowed=rights, parent=descriptor)
        _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
