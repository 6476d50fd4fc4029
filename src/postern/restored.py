"""The mark that a restore leaves in a data folder, until the hub has begun anew on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from postern import documents
from postern.errors import Conflict

MARK, BEGUN = "restored.json", "restored.begun.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was put back: all that the hub had until `point`. `whole`: the restore was finished."""

    whole: bool
    life: str
    base: str
    point: datetime
    at: datetime


def mark_in(folder: Path) -> Restored | None:
    """The mark; None where nothing was restored, or a hub has begun on it since."""
    try:
        return documents.from_bytes(Restored, (folder / MARK).read_bytes())
    except FileNotFoundError:
        return None


def require_whole(folder: Path) -> Restored | None:
    """The mark of a finished restore, if any. Raises Conflict for one that was cut off."""
    mark = mark_in(folder)
    if mark is not None and not mark.whole:
        raise Conflict(
            f"{folder} holds a restore that was not finished: remove that folder and restore again. The "
            "backups are as they were."
        )
    return mark


def has_begun(folder: Path) -> None:
    """A hub has begun anew on it."""
    (folder / MARK).replace(folder / BEGUN)
