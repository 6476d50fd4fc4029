"""Stripe counts some currencies in other units than ISO 4217 does; this converts exactly or refuses.

Source: https://docs.stripe.com/currencies, "Zero-decimal currencies", "Special cases" and "Three-decimal
currencies".
"""

from __future__ import annotations

from postern.errors import BadInput
from postern.money import Money, exponent

WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905 - as published
IN_HUNDREDTHS_ALL_THE_SAME = frozenset({"ISK", "UGX"})
"""Without decimals by ISO, but counted in hundredths, whole ones only."""


def to_stripe(money: Money) -> int:
    """The amount as Stripe counts it. Raises BadInput where Stripe could not take it to the last unit."""
    own, theirs = exponent(money.currency), _exponent(money.currency)
    if theirs >= own:
        amount: int = money.amount * 10 ** (theirs - own)
    else:
        amount, rest = divmod(money.amount, 10 ** (own - theirs))
        if rest:
            raise _not_payable(money)
    if own == 3 and amount % 10:
        raise _not_payable(money)
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """The money that Stripe speaks of. Raises BadInput for a part of a unit that ISO does not have."""
    code = currency.upper()
    own, theirs = exponent(code), _exponent(code)
    if own >= theirs:
        return Money(amount=amount * 10 ** (own - theirs), currency=code)
    whole, rest = divmod(amount, 10 ** (theirs - own))
    if rest:
        raise BadInput(f"Stripe names an amount in {code} that the currency cannot have")
    return Money(amount=whole, currency=code)


def _exponent(currency: str) -> int:
    if currency in WITHOUT_DECIMALS:
        return 0
    return 2 if currency in IN_HUNDREDTHS_ALL_THE_SAME else exponent(currency)


def _not_payable(money: Money) -> BadInput:
    return BadInput(
        f"Stripe cannot take this amount of {money.currency} to its last digit; round the tariff's prices"
    )
