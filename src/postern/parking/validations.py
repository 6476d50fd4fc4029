"""Validations: a merchant pays for some or all of a session. Each takes off what is left, never more.

They apply in a fixed order, so that the price does not depend on which was scanned first: minutes, then
amounts, then per cents, then full ones. None makes a price fall while time passes: each leaves an amount
that grows with the price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from postern.errors import BadInput
from postern.money import Money
from postern.parking.quote import Quote, QuoteLine, price_of_first

VALIDATION = "validation"
"""Unit of a quote's lines that a merchant pays."""


class ValidationKind(StrEnum):
    """What the merchant takes over, in the order in which they apply."""

    MINUTES = "minutes"
    AMOUNT = "amount"
    PERCENT = "percent"
    FULL = "full"


_ORDER = tuple(ValidationKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """`value`: the session's first minutes, minor units, or per cent; 0 for a full one. `code` is what the
    QR says."""

    id: UUID
    merchant: str
    kind: ValidationKind
    value: int
    code: str

    def __post_init__(self) -> None:
        if self.kind is not ValidationKind.FULL and self.value < 1:
            raise BadInput("A validation must be worth something: give minutes, cents or per cent above 0.")
        if self.kind is ValidationKind.PERCENT and self.value > 100:
            raise BadInput("A validation cannot take off more than 100 per cent.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one validation's merchant owes for a session."""

    validation: Validation
    amount: Money


def apply(quote: Quote, validations: Sequence[Validation]) -> Quote:
    """The quote with one line for each validation that takes off something."""
    for share in shares(quote, validations):
        if share.amount:
            quote = quote.with_line(
                QuoteLine(label=share.validation.merchant, quantity=1, unit=VALIDATION, amount=-share.amount)
            )
    return quote


def shares(quote: Quote, validations: Sequence[Validation]) -> tuple[Share, ...]:
    """What each merchant owes. The same validation given twice counts once."""
    once = {one.id: one for one in validations}
    ordered = sorted(once.values(), key=lambda one: (_ORDER.index(one.kind), one.id))
    left, found = quote.total, []
    for one in ordered:
        amount = min(left, _worth(one, quote, left))
        left -= amount
        found.append(Share(validation=one, amount=amount))
    return tuple(found)


def _worth(one: Validation, quote: Quote, left: Money) -> Money:
    """What it takes off `left`. A percentage rounds what remains as the tariff rounds, in whole minor
    units."""
    match one.kind:
        case ValidationKind.MINUTES:
            return price_of_first(quote, timedelta(minutes=one.value))
        case ValidationKind.AMOUNT:
            return Money(one.value, left.currency)
        case ValidationKind.PERCENT:
            remains = quote.basis.tariff.rounding.of(left.share(Decimal(100 - one.value)))
            return left - min(left, remains)
        case ValidationKind.FULL:
            return left
