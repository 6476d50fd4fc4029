"""A clock that one process moves and others read: eight bytes of a file in memory."""

from __future__ import annotations

import mmap
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postern.clock import SetClock

_MICROSECOND = timedelta(microseconds=1)
_START = datetime(1970, 1, 1, tzinfo=UTC)


class SharedClock(SetClock):
    """Stands where it was put, for every process that has the file open."""

    def __init__(self, path: Path, at: datetime | None = None) -> None:
        """Make the file with `at`, or open the one that is there."""
        if at is not None:
            path.write_bytes(_packed(at))
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._shared = mmap.mmap(descriptor, 8)
        finally:
            os.close(descriptor)
        super().__init__(self.now())

    def now(self) -> datetime:
        """The moment at which it stands."""
        return _START + int.from_bytes(self._shared[:8], "little") * _MICROSECOND

    def advance(self, by: timedelta) -> None:
        """Move on by `by`, for everybody."""
        self._shared[:8] = _packed(self.now() + by)


def _packed(at: datetime) -> bytes:
    return ((at - _START) // _MICROSECOND).to_bytes(8, "little")
