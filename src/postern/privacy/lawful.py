"""Requests of authorities for what is held: who asked, by which law, what was handed over, and whether the
person may be told. The register names people by their random ids only, and outlives an erasure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from postern.errors import BadInput

LONGEST_TEXT = 500


class LawfulAnswer(StrEnum):
    """What came of it."""

    HANDED_OVER = "handed-over"
    PARTLY = "partly"
    DECLINED = "declined"


@dataclass(frozen=True, kw_only=True, slots=True)
class LawfulRequest:
    """One line of the register. `tell_from`: from that day on the people concerned see it on their own
    pages; None: a law forbids to tell them, and `secrecy` says which."""

    received: date
    authority: str
    law: str
    asked: str
    answer: LawfulAnswer
    handed: str
    subjects: tuple[UUID, ...]
    recorded_at: datetime
    recorded_by: str
    tell_from: date | None
    secrecy: str = ""

    def __post_init__(self) -> None:
        for text in (self.authority, self.law, self.asked):
            if not 3 <= len(text.strip()) <= LONGEST_TEXT:
                raise BadInput(
                    f"name the authority, the law it relies on and what it asked for, in {LONGEST_TEXT} "
                    "characters each"
                )
        if self.answer is not LawfulAnswer.DECLINED and not self.handed.strip():
            raise BadInput("say what was handed over")
        if self.tell_from is None and not self.secrecy.strip():
            raise BadInput("name the law that forbids to tell the people concerned, or a day to tell them")

    def may_be_told(self, on: date) -> bool:
        """Whether the people concerned may see it on that day."""
        return self.tell_from is not None and self.tell_from <= on
