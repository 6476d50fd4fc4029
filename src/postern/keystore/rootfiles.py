"""The small files in which root keys lie: locked, sealed to a device, or as a reference to one."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from postern.errors import SettingsInvalid

Content = Mapping[str, str | int]


def text_of(value: bytes) -> str:
    """Bytes as they stand in such a file."""
    return base64.b64encode(value).decode()


def bytes_of(content: Content, name: str) -> bytes:
    """The bytes of one of its fields. KeyError or ValueError when there are none."""
    return base64.b64decode(str(content[name]), validate=True)


def write_new(path: Path, content: Content) -> None:
    """Write the whole file, readable by its owner only, or nothing: a half-written root key is a lost one.

    FileExistsError when there is one already.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(dict(content), indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never replaces
        sync_folder(path.parent)
    finally:
        draft.unlink()


def read(path: Path, wanted: str) -> Content:
    """The file's content, if it is of the format `wanted`. SettingsInvalid, with what to do, otherwise."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsInvalid(f"Others on this machine may read the root key in {path}: run chmod 600 on it.")
    try:
        content = json.loads(path.read_text())
    except ValueError as fault:
        raise damaged(path) from fault
    if not isinstance(content, dict) or content.get("format") != wanted:
        raise damaged(path)
    return content


def damaged(path: Path) -> SettingsInvalid:
    return SettingsInvalid(f"{path} is damaged or no root key of this kind; restore it from its safe copy.")


def sync_folder(path: Path) -> None:
    """Make what was added to, renamed in or removed from the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
