"""Punches as the approved corrections leave them. A correction is laid over a punch and never changes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date
from operator import attrgetter

from postern.attendance.model import (
    Correction,
    CorrectionDeed,
    CorrectionState,
    Direction,
    Punch,
    PunchSource,
)
from postern.clock import aware
from postern.ids import SiteId

NO_SITE = SiteId(0)
"""Where an added punch belongs that no other punch of the person shows a site for."""

_IN_ORDER = attrgetter("at", "direction", "id.int")
"""By moment; of two at one moment an IN goes before an OUT."""


def corrected(punches: Iterable[Punch], corrections: Iterable[Correction]) -> tuple[Punch, ...]:
    """The punches that count, each once, whatever the order of what is given.

    Corrections count in the order of their approval; of two that move one punch, the later one holds. One
    that speaks of a punch not given here changes nothing. An added punch has its correction's id, so that a
    later correction can move or remove it; a moved one is a person's word and no clock's any more.
    """
    known = {one.id: one for one in punches}
    site = min((one.site for one in known.values()), default=NO_SITE)
    for one in sorted(approved(corrections), key=lambda one: (one.decided_at or one.asked_at, one.id)):
        if one.deed is CorrectionDeed.ADD and one.at is not None:
            known[one.id] = Punch(
                id=one.id,
                at=one.at,
                direction=one.direction or Direction.EITHER,
                source=PunchSource.MANAGER,
                site=site,
            )
        before = known.get(one.punch) if one.punch is not None else None
        if before is None:
            continue
        if one.deed is CorrectionDeed.REMOVE:
            del known[before.id]
        elif one.deed is CorrectionDeed.MOVE:
            known[before.id] = replace(
                before,
                at=one.at or before.at,
                direction=one.direction or before.direction,
                device_at=None,
                received_at=None,
            )
    return tuple(sorted(map(_in_utc, known.values()), key=_IN_ORDER))


def _in_utc(punch: Punch) -> Punch:
    """Two moments of one time zone would be subtracted by the wall clock, whatever it did in between."""
    return punch if punch.at.tzinfo is UTC else replace(punch, at=aware(punch.at))


def excused(corrections: Iterable[Correction]) -> frozenset[date]:
    """The days that somebody with the right to do so has excused."""
    return frozenset(one.day for one in approved(corrections) if one.deed is CorrectionDeed.EXCUSE)


def approved(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """Those that count."""
    return tuple(one for one in corrections if one.state is CorrectionState.APPROVED)
