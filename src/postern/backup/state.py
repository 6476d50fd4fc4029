"""What the hub remembers of its backups, in the data folder: where it stands, and what it was told last."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from postern import documents
from postern.errors import BadInput

STATE, DRILL, PICTURES = "state.json", "drill.json", "pictures.pushed"


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """`data` and `keystore`: how far each log is in the backups. `done_at`: the last round that was whole."""

    life: str
    data: int
    keystore: int
    based_at: datetime | None = None
    done_at: datetime | None = None
    tombstones: int = 0
    files: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drilled:
    """When a drill last went well, how far back it found the hub, and how long it took."""

    at: datetime
    recovery_point: datetime
    seconds: float


def load_state(folder: Path) -> State | None:
    """None before the first round, and where the file cannot be read: then a new life is begun."""
    try:
        return documents.from_bytes(State, (folder / STATE).read_bytes())
    except (FileNotFoundError, BadInput):
        return None


def load_drill(folder: Path) -> Drilled | None:
    """None before the first drill."""
    try:
        return documents.from_bytes(Drilled, (folder / DRILL).read_bytes())
    except (FileNotFoundError, BadInput):
        return None


def save(folder: Path, name: str, document: object) -> None:
    """Replace the file as a whole; durable on return."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{name}.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(documents.to_bytes(document) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)
