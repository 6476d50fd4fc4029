"""Which IN belongs to which OUT. What does not pair is left over with the reason, and counts nowhere.

1. Punches of one direction within the duplicate window are one: the first IN, the last OUT.
2. In the order of time, an OUT closes the IN before it, however the day changes in between, unless it came
   later than the longest stretch: then both are left over.
3. A reader for both directions says neither. Its punch closes what is open, unless it is the start of
   another shift; it opens a stretch, unless it is the last of its shift and near the shift's end.
4. An IN that nothing closes is still open for as long as a stretch may last, and left over after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from postern.attendance.model import AnomalyKind, Direction, Punch, Shift
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.planned import Plan, nearer_its_start

_NEAR_THE_END = timedelta(hours=2)


class Matched(NamedTuple):
    """An IN and the OUT that closes it; `shift` is the one that the IN belongs to."""

    came: Punch
    went: Punch
    shift: Shift | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Loose:
    """A punch that pairs with nothing. `next_at`: when the next punch of its shift came, if one did."""

    kind: AnomalyKind
    punch: Punch
    shift: Shift | None
    last_went: datetime | None = None
    next_at: datetime | None = None


@dataclass(kw_only=True, slots=True)
class Matching:
    """All of it; `still_in` is whoever came and has not gone yet."""

    matched: list[Matched] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)
    still_in: Punch | None = None


class _Placed(NamedTuple):
    """A punch with its shift; `is_last` of it so far."""

    punch: Punch
    shift: Shift | None
    is_last: bool


def match(punches: Sequence[Punch], plan: Plan, rules: PairingRules, at: datetime) -> Matching:
    """Pair punches that are in order of time, as things stand at `at`."""
    found = Matching()
    came: _Placed | None = None
    for placed in _placed(merged(punches, rules.duplicate), plan):
        direction = placed.punch.direction
        if direction is Direction.EITHER:
            direction = _guess(placed, came, rules, at)
        if direction is Direction.IN:
            if came is not None:
                found.loose.append(_missing_out(came, placed))
            came = placed
            continue
        if came is not None and placed.punch.at - came.punch.at <= rules.longest:
            found.matched.append(Matched(came=came.punch, went=placed.punch, shift=came.shift))
        else:
            if came is not None:
                found.loose.append(_missing_out(came, placed))
            found.loose.append(_missing_in(placed, found.matched))
        came = None
    if came is not None and at - came.punch.at <= rules.longest:
        found.still_in = came.punch
    elif came is not None:
        found.loose.append(_missing_out(came, None))
    return found


def _placed(punches: Sequence[Punch], plan: Plan) -> list[_Placed]:
    shifts = [plan.shift_at(one.at) for one in punches]
    after = [*shifts[1:], None]
    ends = [number + 1 == len(shifts) or after[number] is not one for number, one in enumerate(shifts)]
    return [
        _Placed(punch, shift, is_last) for punch, shift, is_last in zip(punches, shifts, ends, strict=True)
    ]


def merged(punches: Sequence[Punch], window: timedelta) -> tuple[Punch, ...]:
    """Punches without duplicates. A window begins with the first of them and is not stretched by others."""
    found: list[Punch] = []
    since: datetime | None = None
    for punch in punches:
        if since is not None and punch.at - since <= window and _alike(found[-1], punch):
            found[-1] = _one_of(found[-1], punch)
        else:
            found.append(punch)
            since = punch.at
    return tuple(found)


def _alike(one: Punch, other: Punch) -> bool:
    return one.direction is other.direction or Direction.EITHER in (one.direction, other.direction)


def _one_of(one: Punch, other: Punch) -> Punch:
    """The first IN, the last OUT, the first of two that say neither; who says a direction is believed."""
    directed = other.direction if one.direction is Direction.EITHER else one.direction
    kept = other if directed is Direction.OUT else one
    return replace(kept, direction=directed)


def _guess(placed: _Placed, came: _Placed | None, rules: PairingRules, at: datetime) -> Direction:
    punch, shift = placed.punch, placed.shift
    if came is None:
        ends = shift is not None and placed.is_last and not nearer_its_start(punch.at, shift)
        near = shift is not None and abs(punch.at - shift.end) <= _NEAR_THE_END and at >= shift.end
        return Direction.OUT if ends and near else Direction.IN
    if punch.at - came.punch.at > rules.longest:
        return Direction.IN
    begins = shift is not None and shift is not came.shift and nearer_its_start(punch.at, shift)
    return Direction.IN if begins else Direction.OUT


def _missing_out(came: _Placed, after: _Placed | None) -> Loose:
    same = after is not None and came.shift is not None and came.shift is after.shift
    return Loose(
        kind=AnomalyKind.MISSING_OUT,
        punch=came.punch,
        shift=came.shift,
        next_at=after.punch.at if same and after is not None else None,
    )


def _missing_in(went: _Placed, matched: Sequence[Matched]) -> Loose:
    before = matched[-1] if matched and went.shift is not None and matched[-1].shift is went.shift else None
    last_went = before.went.at if before is not None else None
    return Loose(kind=AnomalyKind.MISSING_IN, punch=went.punch, shift=went.shift, last_went=last_went)
