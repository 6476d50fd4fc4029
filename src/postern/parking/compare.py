"""What a tariff means before it is in force: its price over time, and what it had changed for past
sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.clock import aware
from postern.money import Money
from postern.parking.meter import line_at, metered
from postern.parking.quote import quote
from postern.parking.tariff import Basis, Calendar, Tariff

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PricePoint:
    """From just after `minutes` in the garage the price is `amount`, until the next point."""

    minutes: float
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class PastSession:
    """When a car came and went, and of which class it was. Nothing says whose."""

    entered: datetime
    left: datetime
    vehicle_class: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """One past session under both tariffs."""

    session: PastSession
    before: Money
    after: Money

    @property
    def difference(self) -> Money:
        """Above zero: dearer than before."""
        return self.after - self.before


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Totals under both tariffs, and who had paid less (`winners`), more (`losers`) or the same."""

    before: Money
    after: Money
    winners: int
    losers: int
    same: int
    greatest_savings: tuple[Changed, ...]
    greatest_rises: tuple[Changed, ...]


def price_series(basis: Basis, *, entered: datetime, length: timedelta) -> tuple[PricePoint, ...]:
    """The price over time of a session from `entered`, at each moment at which it changes.

    The first point is at 0: the price of the first moment. Raises BadInput as `quote` does.
    """
    entered = aware(entered)
    free = line_at(basis, entered, entered).line.free
    points: dict[float, int] = {0.0: 0}
    asked = 0
    for run in metered(basis, entered=entered, until=entered + length):
        step = run.line.step or timedelta(0)
        for unit in range(run.units):
            taken = run.taken_by(unit + 1) - run.taken_by(unit)
            if not taken:
                break
            asked += taken
            due = max(free, run.starts - entered + unit * step)
            points[due / _MINUTE] = asked
    return _steps(basis.tariff, points)


def compare(
    before: Tariff, after: Tariff, sessions: Iterable[PastSession], calendar: Calendar, *, examples: int = 5
) -> Comparison:
    """Both tariffs on the same past sessions. Raises BadInput where one has no price for a session."""
    changed = [
        Changed(
            session=one,
            before=_price(before, one, calendar),
            after=_price(after, one, calendar),
        )
        for one in sessions
    ]
    differences = [one.difference.amount for one in changed]
    ordered = sorted(changed, key=lambda one: one.difference)
    return Comparison(
        before=sum((one.before for one in changed), Money.zero(before.currency)),
        after=sum((one.after for one in changed), Money.zero(after.currency)),
        winners=sum(one < 0 for one in differences),
        losers=sum(one > 0 for one in differences),
        same=sum(one == 0 for one in differences),
        greatest_savings=tuple(one for one in ordered[:examples] if one.difference.amount < 0),
        greatest_rises=tuple(one for one in ordered[::-1][:examples] if one.difference.amount > 0),
    )


def _steps(tariff: Tariff, points: dict[float, int]) -> tuple[PricePoint, ...]:
    """Rounded as asked for; points at which the rounded price stays are left out."""
    found: list[PricePoint] = []
    for minutes, asked in sorted(points.items()):
        amount = tariff.rounding.of(Money(asked, tariff.currency))
        if not found or amount != found[-1].amount:
            found.append(PricePoint(minutes=minutes, amount=amount))
    return tuple(found)


def _price(tariff: Tariff, session: PastSession, calendar: Calendar) -> Money:
    return quote(
        tariff,
        entered=session.entered,
        at=session.left,
        vehicle_class=session.vehicle_class,
        calendar=calendar,
    ).total
