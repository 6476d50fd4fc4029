"""Become a program of PostgreSQL: leave root, die with the parent, dump no core, then exec.

Run by path in its own interpreter: `python launch.py PARENT UID GID PROGRAM ARGUMENTS…`. It starts with
root's rights where there are any, so it may be read from folders that the system user cannot reach.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process. Exits with 3 when the parent is already gone."""
    parent, uid, gid = (int(argument) for argument in sys.argv[1:4])
    program = sys.argv[4:]
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Set after setuid, which would clear it. SIGINT is PostgreSQL's fast shutdown: it disconnects its
    # clients and leaves clean files; SIGTERM would wait for clients that may outlive their parent.
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(3)
    os.execv(program[0], program)  # noqa: S606  no shell is the point


if __name__ == "__main__":
    main()
