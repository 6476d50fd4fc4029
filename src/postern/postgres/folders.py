"""The private folders of an embedded cluster, and the lock that keeps two supervisors apart."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from pathlib import Path

from postern.errors import DatabaseUnavailable
from postern.postgres.identity import Identity

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_LOCK = f"{SOCKET_NAME}.lock"
_LONGEST_SOCKET_PATH = 107  # sun_path holds 108 bytes with the closing zero


class FolderLock:
    """Held by the one supervisor of a cluster, across containers too; the system lets go of it at death."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self) -> None:
        """Raises DatabaseUnavailable when another supervisor holds it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise DatabaseUnavailable(
                f"Another Postern (process {holder}) already runs on {self._path.with_suffix('')}. "
                "Stop it first, or choose another data folder with POSTERN_DATA."
            ) from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        """Let the next one in; without effect when not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def private_folder(path: Path, identity: Identity) -> Path:
    """`path` as a 0700 folder that belongs to `identity`, made when missing.

    Raises DatabaseUnavailable when something else is there: a link, a file, another owner's folder.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (identity.uid, os.geteuid()):
        raise DatabaseUnavailable(
            f"{path} is not a folder of this installation; move it away and start again."
        )
    if identity.is_other:
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
    path.chmod(0o700)
    return path


def socket_folder(wanted: Path, identity: Identity) -> Path:
    """A private folder for the server's socket: `wanted`, or a short one when that path is too long for it.

    In the second case `wanted` becomes a link to the short one, for those who look for it there.
    """
    if len(os.fsencode(wanted / SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return private_folder(wanted, identity)
    base = Path("/run") if os.access("/run", os.W_OK) else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    digest = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:16]
    short = private_folder(base / f"postern-{digest}", identity)
    wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not wanted.is_symlink() and not wanted.exists():
        wanted.symlink_to(short)
    return short
