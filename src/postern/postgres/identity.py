"""Which system user PostgreSQL runs as: this one, or, since it refuses root, one made for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from postern.errors import DatabaseUnavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The numeric system user and group that own the data and run the server."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether PostgreSQL runs as someone else than this process."""
        return self.uid != os.geteuid()


def identity_for(folder: Path, name: str) -> Identity:
    """Who runs the cluster `name` in `folder`: this user, or for root the folder's owner or `postern-NAME`.

    Two clusters get two system users, so that a break-in through one cannot read the other's files.
    Raises DatabaseUnavailable when this user may not use the folder, or no system user can be had.
    """
    owner = folder.stat() if folder.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise DatabaseUnavailable(
                f"{folder} belongs to another system user; start Postern as that one, or choose another "
                "data folder with POSTERN_DATA."
            )
        return Identity(uid=os.geteuid(), gid=os.getegid())
    if owner is not None and owner.st_uid != 0:
        return Identity(uid=owner.st_uid, gid=owner.st_gid)
    for candidate in (_made(f"postern-{name}"), _existing("postgres"), _existing("nobody")):
        if candidate is not None:
            return candidate
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root and no system user could be made for it; "
        f"make one with 'useradd --system postern-{name}', or start Postern as a plain user."
    )


def _existing(name: str) -> Identity | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid)


def _made(name: str) -> Identity | None:
    """The system user `name`, made when missing; another start may be making one at the same moment."""
    for _ in range(5):
        found = _existing(name)
        if found is not None:
            return found
        if shutil.which("useradd") is None:
            return None
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        shell = ["--shell", "/usr/sbin/nologin"]
        done = subprocess.run(["useradd", *options, *shell, name], capture_output=True, check=False)
        if done.returncode != 0:
            time.sleep(0.2)
    return _existing(name)
