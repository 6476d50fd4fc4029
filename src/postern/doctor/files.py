"""Whether only Postern's own system users can reach the data folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from postern.doctor.finding import Finding, danger, ok

NAME = "files"
_SHOWN = 5


def strict(path: Path) -> bool:
    """Whether a file is a key or a password, which must be closed by itself and not only by its folders."""
    is_private_key = path.suffix == ".pem" and "key" in path.stem
    return is_private_key or path.suffix in {".key", ".password"} or path.parent.name == "keys"


def open_paths(folder: Path) -> Iterator[Path]:
    """Folders and secret files below `folder`, and itself, that others than the owner may enter or read."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if name != "base"]  # PostgreSQL's many files, closed above
        if stat.S_IMODE(here.stat().st_mode) & 0o077:
            yield here
        for name in files:
            path = here / name
            if strict(path) and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                yield path


def writable_above(folder: Path) -> Path | None:
    """A folder above `folder` in which others may rename or replace it, if any."""
    for parent in folder.absolute().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return parent
    return None


def examine(folder: Path) -> list[Finding]:
    """Modes of the data folder, of the folders in it and of the keys."""
    if not folder.exists():
        return [ok(NAME, f"{folder} does not exist yet")]
    findings = []
    found = list(open_paths(folder))
    for path in found[:_SHOWN]:
        mode = "700" if path.is_dir() else "600"
        findings.append(danger(NAME, f"others on this machine may open {path}", f"chmod {mode} '{path}'"))
    if len(found) > _SHOWN:
        cure = f"find '{folder}' -type d -exec chmod 700 {{}} +"
        findings.append(danger(NAME, f"and {len(found) - _SHOWN} more are open to others", cure))
    above = writable_above(folder)
    if above is not None:
        findings.append(
            danger(
                NAME,
                f"anybody on this machine may replace what lies in {above}, the data folder included",
                f"chmod o-w '{above}', or move the data folder",
            )
        )
    return findings or [ok(NAME, f"{folder} is closed to others")]
