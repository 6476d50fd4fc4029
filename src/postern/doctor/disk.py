"""Room left where the data lies."""

from __future__ import annotations

import shutil
from pathlib import Path

from postern.doctor.finding import Finding, danger, ok, warn

NAME = "disk"
DANGER_BYTES = 500 * 2**20
"""Below this the next large checkpoint or a day of pictures may not fit any more."""
WARN_BYTES = 5 * 2**30
WARN_SHARE = 0.05


def judge(*, free: int, total: int, folder: Path) -> Finding:
    """`free` of `total` bytes are left."""
    room = f"{free / 2**30:.1f} GiB of {total / 2**30:.1f} GiB are free for {folder}"
    cure = "free some space or move the data folder to a larger disk; a full disk stops admitting by record"
    if free < DANGER_BYTES:
        return danger(NAME, room, cure)
    if free < WARN_BYTES or free < WARN_SHARE * total:
        return warn(NAME, room, cure)
    return ok(NAME, room)


def examine(folder: Path) -> list[Finding]:
    """The disk that holds `folder`, or will hold it."""
    place = folder
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    return [judge(free=usage.free, total=usage.total, folder=folder)]
