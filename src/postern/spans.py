"""Half-open spans of instants: the start belongs to them, the end does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.clock import aware


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `start` until just before `end`, both aware; None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        start = aware(self.start) if self.start is not None else None
        end = aware(self.end) if self.end is not None else None
        if start is not None and end is not None and end < start:
            raise ValueError("a span cannot end before it starts")

    def contains(self, at: datetime) -> bool:
        """Whether `at` lies in the span."""
        return not self.is_before(at) and (self.start is None or self.start <= at)

    def is_before(self, at: datetime) -> bool:
        """Whether the span is over by `at`."""
        return self.end is not None and self.end <= at


ALWAYS = Span()
