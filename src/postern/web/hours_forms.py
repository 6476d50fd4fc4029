"""A correction as it comes in a form, on the console and on one's own phone alike."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import CorrectionDeed, Direction
from postern.web.forms import FormReader
from postern.web.hours_view import wall_moment

WAYS = (Direction.IN, Direction.OUT)


def read_correction(fields: FormReader, zone: ZoneInfo) -> WantedCorrection | None:
    """What is asked for; None, with errors told, when it cannot be read. Times are the site's wall's."""
    for name in ("day", "deed", "reason"):
        fields.needed(name)
    deed = fields.parsed("deed", CorrectionDeed, "form.not-in-list")
    day, punch = fields.day("day"), fields.id("punch")
    at = fields.parsed("at", lambda text: wall_moment(text, zone), "form.not-a-time")
    direction = fields.parsed("direction", Direction, "form.not-in-list")
    if deed in (CorrectionDeed.ADD, CorrectionDeed.MOVE) and at is None:
        fields.errors.setdefault("at", "form.needed")
    if deed is CorrectionDeed.ADD and direction is None:
        fields.errors.setdefault("direction", "form.needed")
    if deed in (CorrectionDeed.MOVE, CorrectionDeed.REMOVE) and punch is None:
        fields.errors.setdefault("punch", "form.needed")
    if fields.errors or deed is None or day is None:
        return None
    timed = deed in (CorrectionDeed.ADD, CorrectionDeed.MOVE)
    return WantedCorrection(
        day=day,
        deed=deed,
        reason=fields.text("reason"),
        punch=punch if deed in (CorrectionDeed.MOVE, CorrectionDeed.REMOVE) else None,
        at=at if timed else None,
        direction=direction if timed else None,
    )
