"""Private files that are either the old ones or the new ones, whatever happens in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postern.agent.spool_schema import sync_folder
from postern.errors import CannotOpen, StorageFull
from postern.sealing.envelope import KEY_ID_BYTES, Key, new_key


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` (mode 0600) at once and for good; what it held before is overwritten after that.

    Raises StorageFull when the disk takes no more. Overwriting reaches what the file system lets it reach:
    an SSD may keep a copy, which is why keys are changed and not only files.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with _held(path) as former:
            beside.replace(path)
            sync_folder(path.parent)
            if former is not None:
                _overwrite(former)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise StorageFull(
            f"{path} cannot be written ({fault.strerror}); free some space or mend the disk."
        ) from fault


@contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """The file that is about to be replaced, if there is one: it stays reachable by its descriptor."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _overwrite(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    os.pwrite(descriptor, os.urandom(size), 0)
    os.fsync(descriptor)


def site_key(path: Path) -> Key:
    """The key under which the agent seals what it must read again after a power cut; made when missing.

    It lies on the same disk, which keeps out whoever gets a part of it and not whoever takes the box: the
    console marks an agent with such a key as weak. Raises CannotOpen when the file is not such a key.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        key = new_key()
        write_private(path, key.id + key.secret)
        return key
    if len(data) != KEY_ID_BYTES + 32:
        raise CannotOpen(
            f"{path} is no site key; put the right one back, or remove the agent and enrol again."
        )
    return Key(id=data[:KEY_ID_BYTES], secret=data[KEY_ID_BYTES:])
