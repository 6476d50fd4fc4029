"""Cursor: how far books that are derived from records have come with one agent."""

from __future__ import annotations

from dataclasses import dataclass

from postern.ids import AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """How far the books have taken in an agent's records: all up to `upto`, but for those `missing`."""

    agent: AgentId
    upto: int = 0
    missing: tuple[int, ...] = ()
