"""What each agent last said of itself, in this process's memory: it is told anew every few seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from postern.ids import AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderWord:
    """A reader as its agent sees it: opening, connected, reconnecting or ended, and its last trouble."""

    reader: str
    connection: str
    trouble: str | None
    dropped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentWord:
    """An agent's last hello. `waiting`: records that it has yet to send; `lockdown`: what it goes by."""

    at: datetime
    software: str
    waiting: int
    alarms: tuple[str, ...]
    readers: tuple[ReaderWord, ...]
    lockdown: str = ""


@dataclass(slots=True)
class Heard:
    """The last hello of each agent."""

    agents: dict[AgentId, AgentWord] = field(default_factory=dict)
