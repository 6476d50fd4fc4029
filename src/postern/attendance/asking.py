"""What may be asked for: a correction that says enough to be decided about, and nothing impossible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from postern.attendance.model import CorrectionDeed, Direction, Punch
from postern.clock import aware
from postern.errors import BadInput, NotFound

FARTHEST_BACK = timedelta(days=60)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedCorrection:
    """ADD has `at` and `direction`; MOVE has `punch` and `at`; REMOVE has `punch`; EXCUSE has its day."""

    day: date
    deed: CorrectionDeed
    reason: str
    punch: UUID | None = None
    at: datetime | None = None
    direction: Direction | None = None


def check_wanted(
    wanted: WantedCorrection, *, local_day: date | None, punch: Punch | None, now: datetime, today: date
) -> None:
    """Raises BadInput or NotFound for what nobody could decide about.

    `local_day`: the day of `wanted.at` by the site's wall; `punch`: the one that `wanted.punch` names.
    """
    if wanted.day > today or wanted.day < today - FARTHEST_BACK:
        raise BadInput(f"corrections are for the last {FARTHEST_BACK.days} days; choose one of them")
    if wanted.deed in (CorrectionDeed.MOVE, CorrectionDeed.REMOVE) and punch is None:
        raise NotFound("there is no such punch; reload the page")
    if wanted.deed in (CorrectionDeed.ADD, CorrectionDeed.MOVE):
        if wanted.at is None or local_day is None:
            raise BadInput("say when it was")
        if aware(wanted.at) > now:
            raise BadInput("that moment is still to come; correct it")
        if not wanted.day - _DAY <= local_day <= wanted.day + _DAY:
            raise BadInput("that moment is not near the day that it is for; correct one of them")
    if wanted.deed is CorrectionDeed.ADD and wanted.direction is None:
        raise BadInput("say whether it was coming or going")
