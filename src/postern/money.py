"""Money in whole minor units of one currency. No float ever holds an amount.

The list of currencies and their minor units is ISO 4217's as of 2026, without funds, metals and test codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering

from postern.errors import BadInput

_CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD
    KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - a list of codes reads better as words
)
_NO_MINOR = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "JPY": "¥", "CHF": "CHF ", "KRW": "₩", "INR": "₹"}
_SIGN_LAST = frozenset(("de", "fr", "es", "it", "nl", "pl", "pt", "cs", "sv", "da", "fi"))
_WRITTEN = re.compile(r"([+-]?)([0-9]{1,12})(?:[.,]([0-9]{1,3}))?")


def exponent(currency: str) -> int:
    """How many decimals the currency has. Raises BadInput for a code that ISO 4217 does not list."""
    if currency not in _CURRENCIES:
        raise BadInput(f"{currency!r} is no currency; give its ISO 4217 code in capitals, for example EUR")
    return 0 if currency in _NO_MINOR else 3 if currency in _THOUSANDTHS else 2


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """`amount` minor units (cents) of `currency`. Adding or comparing two currencies raises ValueError."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if not isinstance(self.amount, int):
            raise TypeError("an amount is a whole number of minor units")

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in that currency."""
        return cls(0, currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.amount * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def share(self, percent: Decimal) -> Money:
        """That many per cent of it, rounded to the minor unit, halves away from zero."""
        return self.scaled(percent / 100)

    def scaled(self, factor: Decimal) -> Money:
        """`factor` times it, rounded to the minor unit, halves away from zero."""
        whole = (Decimal(self.amount) * factor).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Money(int(whole), self.currency)

    def plain(self) -> str:
        """As `12.50`: a point, no sign of the currency; `parse` reads it back."""
        decimals = exponent(self.currency)
        digits = str(abs(self.amount)).rjust(decimals + 1, "0")
        whole = digits[: len(digits) - decimals]
        return ("-" if self.amount < 0 else "") + (f"{whole}.{digits[-decimals:]}" if decimals else whole)

    def text(self, locale: str = "en") -> str:
        """As people of that language write it: `€1,234.50`; `1.234,50 €` in German and its like."""
        minus, number = ("-", self.plain()[1:]) if self.amount < 0 else ("", self.plain())
        whole, point, rest = number.partition(".")
        grouped = f"{int(whole):,}"
        sign = _SIGNS.get(self.currency, f"{self.currency} ")
        if locale.partition("-")[0].lower() in _SIGN_LAST:
            comma = "," if point else ""
            return f"{minus}{grouped.replace(',', '.')}{comma}{rest}\N{NO-BREAK SPACE}{sign.strip()}"
        return f"{minus}{sign}{grouped}{point}{rest}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up or compare")
        return other.amount


def parse(text: str, currency: str) -> Money:
    """`12.5`, `12,50` or `12` as money. Raises BadInput for anything else, also for too many decimals."""
    decimals = exponent(currency)
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text!r} is no amount of money; write it like 12.50")
    sign, whole, rest = found[1], found[2], found[3] or ""
    if len(rest) > decimals:
        raise BadInput(f"{text!r} has more decimals than {currency}, which has {decimals}")
    return Money(int(f"{sign}{whole}{rest.ljust(decimals, '0')}"), currency)


def total(amounts: list[Money], currency: str) -> Money:
    """The sum; nothing for none."""
    return sum(amounts, Money.zero(currency))
