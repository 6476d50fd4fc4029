"""Server-sent messages."""

from __future__ import annotations


def message(kind: str, text: str) -> str:
    """In the form of `text/event-stream`: each line of the text on a data line of its own."""
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return f"event: {kind}\n{lines}\n"
