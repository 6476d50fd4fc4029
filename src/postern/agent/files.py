"""Private files that are either the old ones or the new ones, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path

from postern.agent.spool_schema import sync_folder
from postern.errors import CannotOpen, StorageFull
from postern.sealing.envelope import KEY_ID_BYTES, Key, new_key


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` (mode 0600) at once and for good. Raises StorageFull when the disk takes no more."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise StorageFull(
            f"{path} cannot be written ({fault.strerror}); free some space or mend the disk."
        ) from fault


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
