"""What is paid on top of minutes for the hour or the day they were worked in: nights, Sundays, holidays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from postern.attendance.law_at import LawAt, Paid
from postern.attendance.pay import LineKind, PayLine
from postern.attendance.rules_model import InForce
from postern.attendance.worked import MINUTE, Worked


def premium_lines(worked: Sequence[Worked], law_at: LawAt) -> tuple[PayLine, ...]:
    """The PREMIUM lines: of each family of premiums the highest that fits a minute."""
    return tuple(line for one in worked for line in _of_day(one, law_at))


def _of_day(worked: Worked, law_at: LawAt) -> Iterator[PayLine]:
    in_force = law_at.law.on(worked.day)
    slices = list(_slices(worked, law_at, in_force))
    if not slices:
        return
    fitting: dict[str, int] = {}
    for minutes, fits in slices:
        for rule, _ in fits:
            fitting[rule.id] = fitting.get(rule.id, 0) + minutes
    enough = {
        rule.id for rule, premium in law_at.premiums(in_force) if fitting.get(rule.id, 0) > premium.more_than
    }
    paid: dict[str, int] = {}
    for minutes, fits in slices:
        best: dict[str, Paid] = {}
        for rule, premium in fits:
            known = best.get(premium.family)
            if rule.id in enough and (known is None or premium.percent > known[1].percent):
                best[premium.family] = rule, premium
        for rule, _ in best.values():
            paid[rule.id] = paid.get(rule.id, 0) + minutes
    for rule, premium in law_at.premiums(in_force):
        if rule.id in paid:
            yield PayLine(
                day=worked.day,
                category=premium.category,
                minutes=paid[rule.id],
                percent=premium.percent,
                article=rule.article,
                kind=LineKind.PREMIUM,
            )


def _slices(worked: Worked, law_at: LawAt, in_force: InForce) -> Iterator[tuple[int, Sequence[Paid]]]:
    """Minutes between two hours at which a premium may begin or end, with the premiums that fit them."""
    begun: date | None = None
    """The calendar day of the work day's first minute."""
    for part in worked.parts:
        begun = part.day if begun is None else begun
        for start, end, premiums in law_at.premium_spans(in_force, part.day):
            if start < part.end and part.start < end:
                minutes = (min(end, part.end) - max(start, part.start)) // MINUTE
                fits = [one for one in premiums if not one[1].begun_before_midnight or begun < part.day]
                yield minutes, fits
