"""Recognition, a door and an agent that are drawn: `postern prove` attacks with the same ones."""

from __future__ import annotations

from postern.prove.drawn import (
    CARD,
    NOON,
    DrawnAgent,
    DrawnController,
    DrawnRecognition,
    load_drawn,
)

__all__ = ["CARD", "NOON", "DrawnAgent", "DrawnController", "DrawnRecognition", "load_drawn"]
