"""How the agent and its readers do, as the hub is told every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.ids import ReaderId

_LONGEST = 500
_MOST_ALARMS = 50
"""What the hub takes: characters of a text, and alarms at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderHealth:
    """One camera: "opening", "connected", "reconnecting" or "ended", since when, and its last trouble."""

    reader: ReaderId
    connection: str
    since: datetime
    trouble: str | None = None
    dropped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """`alarms` are in words; `waiting` counts spool entries that the hub has not acknowledged.

    `lockdown` is the "epoch.version" of what is locked down here.
    """

    software: str
    readers: tuple[ReaderHealth, ...] = ()
    alarms: tuple[str, ...] = ()
    waiting: int = 0
    lockdown: str = ""


def health_fields(health: Health) -> dict[str, object]:
    """As it goes into `hello`."""
    return {
        "software": health.software,
        "waiting": health.waiting,
        "lockdown": health.lockdown,
        "alarms": [alarm[:_LONGEST] for alarm in health.alarms[:_MOST_ALARMS]],
        "readers": [
            {
                "reader": str(one.reader),
                "connection": one.connection,
                "since": one.since.isoformat(),
                "trouble": one.trouble and one.trouble[:_LONGEST],
                "dropped": one.dropped,
            }
            for one in health.readers
        ],
    }
