"""What an entry of the journal says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from postern.clock import aware
from postern.errors import BadInput

LONGEST_CLEAR_TEXT = 200
"""Characters of actor, purpose and case reference; what is longer belongs in the sealed detail."""


class Act(StrEnum):
    """What was done."""

    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    REFUSED = "refused"
    """Something was asked for and not granted: a wrong password, a missing duty, a spent budget."""
    LOOKED = "looked"
    SEARCHED = "searched"
    EXPORTED = "exported"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    ENROLLED = "enrolled"
    CONSENTED = "consented"
    WITHDREW = "withdrew"
    REVOKED = "revoked"
    ERASED = "erased"
    PUBLISHED = "published"
    OPENED_DOOR = "opened-door"
    LOCKED_DOWN = "locked-down"
    RELEASED = "released"
    """A lockdown is over."""
    MUSTERED = "mustered"
    """A muster was called or ended, or somebody was marked at one."""
    ALARMED = "alarmed"
    STARTED = "started"
    ASKED = "asked"
    """For a second person's consent."""
    APPROVED = "approved"
    ANSWERED = "answered"
    """A call for help from a kiosk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Who did what, when and why; `subjects` (to whom) and `detail` are sealed.

    `actor` is an operator's login name, or "agent:3", or "job:policy". What stays in clear must not name
    a person recorded: `purpose` and `case` are the actor's reasons.
    """

    at: datetime
    actor: str
    act: Act
    purpose: str
    case: str | None = None
    subjects: tuple[UUID, ...] = ()
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", aware(self.at))
        for text in (self.actor, self.purpose, self.case or ""):
            if len(text) > LONGEST_CLEAR_TEXT or "\0" in text:
                raise BadInput(
                    f"Keep the purpose and the case reference under {LONGEST_CLEAR_TEXT} characters."
                )
        if not self.actor:
            raise ValueError("a journal entry names its actor")


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedEntry:
    """An entry as it stands in a tenant's journal: its index, from 0 without a gap, and its leaf hash."""

    index: int
    entry: Entry
    leaf: bytes
