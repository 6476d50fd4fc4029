"""California's meal and rest periods: an hour's pay for each day on which one was not given.

They are seen from the punches themselves and never from rounded time (Donohue v. AMN Services, 11 Cal.5th
58): a record of a meal that is missing, short or late is taken to mean that it was not provided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from postern.attendance.model import WorkDay
from postern.attendance.moments import whole
from postern.attendance.pay import LineKind, PayLine
from postern.attendance.rules_model import Law, Meals, PaidRest, Rests, Rule

_MINUTE = timedelta(minutes=1)
_WHOLE = Decimal(100)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pause:
    """A break, and the minutes that had been worked before it."""

    worked: int
    length: timedelta


def meal_lines(days: Sequence[WorkDay], law: Law) -> tuple[PayLine, ...]:
    """The EXTRA lines: at most one hour a day for meals and one for rests."""
    found: list[PayLine] = []
    for one in days:
        in_force = law.on(one.day)
        meals = in_force.of(Meals)
        if not meals or not one.stretches:
            continue
        worked, pauses = _pauses(one, max((rest.minutes for _, rest in in_force.of(PaidRest)), default=0))
        missed = [
            (rule, meal)
            for rule, meal in meals
            if _is_missed(meal, worked, pauses, waived=law.profile.meals_waived)
        ]
        found.extend(_extra(one, rule, meal) for rule, meal in missed[:1])
        if law.profile.rests_punched:
            shortest_meal = min(meal.minutes for _, meal in meals) * _MINUTE
            short = [pause for pause in pauses if pause.length < shortest_meal]
            found.extend(
                _extra(one, rule, rests)
                for rule, rests in in_force.of(Rests)
                if sum(pause.length >= rests.minutes * _MINUTE for pause in short) < _rests_due(rests, worked)
            )
    return tuple(found)


def _pauses(work: WorkDay, paid: int) -> tuple[int, list[_Pause]]:
    """The minutes worked, those of paid rests among them, and every break.

    What was worked is counted by the minutes that the clock showed, a break by the second.
    """
    worked, pauses = 0, []
    for number, one in enumerate(work.stretches):
        if number:
            length = one.start - work.stretches[number - 1].end
            pauses.append(_Pause(worked=worked, length=length))
            worked += length // _MINUTE if length <= paid * _MINUTE else 0
        worked += (whole(one.end) - whole(one.start)) // _MINUTE
    return worked, pauses


def _is_missed(meal: Meals, worked: int, pauses: Sequence[_Pause], *, waived: bool) -> bool:
    if worked <= meal.by:
        return False
    taken = [one for one in pauses if one.length >= meal.minutes * _MINUTE]
    if waived and worked <= meal.waived_up_to and len(taken) >= meal.number - 1:
        return False  # a second meal may be waived only by who had the first
    return len(taken) < meal.number or taken[meal.number - 1].worked > meal.by


def _rests_due(rests: Rests, worked: int) -> int:
    """One for each full part and one for the larger half of a part; none for a short day."""
    full, over = divmod(worked, rests.each)
    return full + (1 if over * 2 > rests.each else 0) if worked >= rests.least else 0


def _extra(work: WorkDay, rule: Rule, demand: Meals | Rests) -> PayLine:
    return PayLine(
        day=work.day,
        category=demand.category,
        minutes=demand.pay,
        percent=_WHOLE,
        article=rule.article,
        kind=LineKind.EXTRA,
    )
