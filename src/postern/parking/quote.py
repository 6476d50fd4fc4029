"""The price now. A stay is metered: unit after unit is started, and each is asked for at its start.

**Why a price never falls, whatever the tariff.** What has been started stays asked for; a later moment can
only add. Each unit is priced by what was true at its start and before: the line in force, and what its caps
still leave. Nothing that comes later, no cheaper span, no new period, no lower cap, reaches back. So the
price is a sum of amounts of zero or more that grows with time, every cap holds, and the lines add up
(`docs/decisions/0010…`).

1. The first unit starts at entry. A unit is asked for as soon as it has begun: leaving after exactly one
   hour pays one hour, a moment later two.
2. A unit runs to its end at the price at which it started, also over the end of a span, a day or a period;
   the next starts where it ended. A flat price lasts until its span ends.
3. Within the free time of the line in force at entry nothing is asked; after it everything from entry is.
4. A unit counts for the calendar day, the 24 hours from entry and the span that it starts in. What one of
   their caps no longer leaves is taken off again, as a line of its own.

**Clocks.** Units, free time and the 24 hours are elapsed time. Spans and days are the wall's: on the night
when clocks go back the hour shown twice is two hours, each at the price that the wall shows, and the day of
25 hours has one day cap; on the night when they go forward the hour that is never shown costs nothing. A
flat price is asked once for its span, also when the wall shows the span's edge twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postern.clock import aware
from postern.errors import BadInput
from postern.money import Money, total
from postern.parking.meter import Metered, line_at, metered
from postern.parking.tariff import Basis, Calendar, Tariff

__all__ = ["ROUNDING", "Basis", "Calendar", "Quote", "QuoteLine", "price_of_first", "quote", "unit_of"]

ROUNDING = "rounding"
"""Unit of the line that rounds the total; its label too, for screens to word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteLine:
    """`quantity` times `unit` under `label`, which is the operator's wording. Reductions have negative
    amounts.

    `unit`: `60 min`, `flat`, `cap`, `rounding` or `validation`.
    """

    label: str
    quantity: int
    unit: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """The price of a session from `entered` to `at`. `lines` add up to `total`, which includes `vat`."""

    lines: tuple[QuoteLine, ...]
    total: Money
    vat: Money
    entered: datetime
    at: datetime
    basis: Basis

    def with_line(self, line: QuoteLine) -> Quote:
        """With one more line, and total and tax anew. Raises ValueError if it took more than there is."""
        lines, new = (*self.lines, line), self.total + line.amount
        if new.amount < 0:
            raise ValueError("a reduction may not be greater than the price")
        return replace(self, lines=lines, total=new, vat=self.basis.tariff.vat_in(new))


def quote(
    tariff: Tariff, *, entered: datetime, at: datetime, vehicle_class: str, calendar: Calendar
) -> Quote:
    """What the session costs at `at`.

    Raises BadInput when `at` is before `entered` (a clock was set back), when the tariff does not know the
    vehicle class, and when it has no period for a day of the session.
    """
    entered, at = aware(entered), aware(at)
    if at < entered:
        raise BadInput("The moment asked for is before the entry. Check the clocks of the lanes.")
    if vehicle_class not in tariff.vehicle_classes:
        known = ", ".join(tariff.vehicle_classes)
        raise BadInput(f"Tariff {tariff.id} has no vehicle class {vehicle_class!r}; it has {known}.")
    basis = Basis(tariff=tariff, calendar=calendar, vehicle_class=vehicle_class)
    lines = _lines(basis, entered, at)
    asked = total([line.amount for line in lines], tariff.currency)
    rounded = tariff.rounding.of(asked)
    if rounded != asked:
        lines.append(QuoteLine(label=ROUNDING, quantity=1, unit=ROUNDING, amount=rounded - asked))
    return Quote(
        lines=tuple(lines), total=rounded, vat=tariff.vat_in(rounded), entered=entered, at=at, basis=basis
    )


def price_of_first(given: Quote, minutes: timedelta) -> Money:
    """What the quote's session had cost when it was `minutes` old, or costs now if it is younger."""
    at = min(given.at, given.entered + minutes)
    return quote(
        given.basis.tariff,
        entered=given.entered,
        at=at,
        vehicle_class=given.basis.vehicle_class,
        calendar=given.basis.calendar,
    ).total


def unit_of(step: timedelta | None) -> str:
    """`60 min`; `flat` for a price that lasts as long as its span."""
    return "flat" if step is None else f"{step // timedelta(minutes=1)} min"


def _lines(basis: Basis, entered: datetime, at: datetime) -> list[QuoteLine]:
    """One line for each tariff line, in order of first use, then one for each cap that took off something."""
    currency = basis.tariff.currency
    if at - entered <= line_at(basis, entered, entered).line.free:
        return []
    used: dict[tuple[str, str, int], list[Metered]] = defaultdict(list)
    taken_off: dict[str, int] = defaultdict(int)
    for run in metered(basis, entered=entered, until=at):
        used[run.line.label, unit_of(run.line.step), run.line.price.amount].append(run)
        if run.taken_off:
            taken_off[run.cap] += run.taken_off
    lines = [
        QuoteLine(
            label=label,
            quantity=sum(run.units for run in runs),
            unit=unit,
            amount=Money(sum(run.units * price for run in runs), currency),
        )
        for (label, unit, price), runs in used.items()
    ]
    return lines + [
        QuoteLine(label=label, quantity=1, unit="cap", amount=Money(-amount, currency))
        for label, amount in taken_off.items()
    ]
