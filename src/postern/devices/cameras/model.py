"""What a source gives and how it says how it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """One picture of a source. `index` counts what the source gave, from 0; dropped frames leave holes.

    `at` is when a live camera showed it, or the start of the reading plus the file's own media time.
    """

    source: str
    at: datetime
    rgb: npt.NDArray[np.uint8]
    index: int


class Connection(StrEnum):
    """How a source stands."""

    OPENING = "opening"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceState:
    """`since` is when it entered this state; `trouble` the last error in words; `dropped` counts frames."""

    connection: Connection
    since: datetime
    trouble: str | None = None
    dropped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingPlan:
    """How a source is read.

    `rate`: at most so many frames a second, of media time for files. `patience`: seconds that a camera may
    stay silent. `space`: frames of a file that may wait; of a live source only the newest does. `as_live`: a
    file is given no faster than it would be shown. `reconnect`: wait for a live source that went away;
    without, its trouble is raised. The waits between tries grow from `first_wait` to `longest_wait` seconds.
    """

    rate: float = 8.0
    patience: float = 10.0
    space: int = 2
    as_live: bool = False
    first_wait: float = 0.5
    longest_wait: float = 30.0
    reconnect: bool = True
