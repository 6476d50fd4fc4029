"""What somebody who checks a journal can find, in the words of an auditor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.errors import PosternError


class What(StrEnum):
    """What was done to the journal."""

    DELETED = "deleted"
    """Entries are missing between others."""
    REORDERED = "reordered"
    CHANGED = "changed"
    """Entries are not what was signed: altered, or removed or put in with the later ones renumbered."""
    FORKED = "forked"
    """There are two histories, both signed."""
    TRUNCATED = "truncated"
    """The end was cut off."""
    ROLLED_BACK = "rolled back"
    """An older copy was put back, with its older checkpoints."""
    NOT_SIGNED = "not signed"
    """A checkpoint is not by the key that was given, or there is none."""
    UNREADABLE = "unreadable"
    """It is not in the format that it should be in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong, and what it means."""

    what: What
    words: str


class JournalTampered(PosternError):
    """The hub found its own journal other than it signed it; it signs nothing more until somebody looked."""

    code = "journal-tampered"

    def __init__(self, finding: Finding) -> None:
        super().__init__(
            f"{finding.words} Keep a copy of the database as evidence and find out who could write to it."
        )
        self.finding = finding
