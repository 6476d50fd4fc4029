"""QR codes before a camera: each is told once, and again when it was out of sight for a while. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from postern.access.decision import CodePresented
from postern.access.model import CredentialKind
from postern.agent.track import Observation

OURS = re.compile(r"P1\.[A-Za-z0-9_-]{1,61}", re.ASCII)
"""The text of every code that Postern gives out; posters and parcels in view count for nothing."""
ABSENCE = timedelta(seconds=3)


class CodeTracker:
    """The codes of one camera. A code is checked by its own error correction, so that one frame is enough."""

    def __init__(self, absence: timedelta = ABSENCE) -> None:
        self._absence = absence
        self._seen: dict[str, datetime] = {}

    def step(self, at: datetime, frame: int, texts: Sequence[str]) -> list[Observation]:
        """What is new with this frame."""
        self._seen = {text: last for text, last in self._seen.items() if at - last < self._absence}
        ours = [text for text in texts if OURS.fullmatch(text)]
        fresh = [text for text in dict.fromkeys(ours) if text not in self._seen]
        self._seen |= dict.fromkeys(ours, at)
        return [
            Observation(presented=CodePresented(kind=CredentialKind.QR, value=text), frame=frame, frames=1)
            for text in fresh
        ]
