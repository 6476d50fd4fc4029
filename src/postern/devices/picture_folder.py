"""Sealed pictures in a local folder: written, synced, renamed, and no time of change that tells the hour."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from pathlib import Path

from postern.errors import BadInput, NotFound, StorageFull, Unavailable

_NAME = re.compile(r"[0-9a-f]{32}")
_DAY_SECONDS = 86_400


class PictureFolder:
    """The `PictureStore` of one machine. Names are random, so that a name tells nothing either."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, sealed: bytes) -> None:
        """See `PictureStore.put`."""
        await asyncio.to_thread(self._put, self._path(name), sealed)

    async def get(self, name: str) -> bytes:
        """See `PictureStore.get`."""
        try:
            return await asyncio.to_thread(self._path(name).read_bytes)
        except FileNotFoundError as fault:
            raise NotFound("this picture is not kept (any more)") from fault
        except OSError as fault:
            raise Unavailable("the picture store cannot be read; look at its disk") from fault

    async def delete(self, name: str) -> None:
        """See `PictureStore.delete`."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise BadInput("a picture's name is 32 hexadecimal digits")
        return self._folder / name[:2] / name

    def _put(self, path: Path, sealed: bytes) -> None:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if not path.exists():
                _write(path, sealed)
            for folder in (path.parent, path.parent.parent):
                _settle(folder)
        except OSError as fault:
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("the disk of the pictures is full; free some space") from fault
            raise Unavailable("the picture store cannot be written; look at its disk") from fault


def _write(path: Path, sealed: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            _forget_hour(file.fileno())
            os.fsync(file.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _forget_hour(descriptor: int) -> None:
    """The hour would tell when somebody passed, which the archive keeps sealed."""
    day = os.fstat(descriptor).st_mtime // _DAY_SECONDS * _DAY_SECONDS
    os.utime(descriptor, (day, day))


def _settle(folder: Path) -> None:
    """Make the folder's own entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _forget_hour(descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
