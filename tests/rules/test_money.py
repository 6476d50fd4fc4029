"""Money is whole minor units of one currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.errors import BadInput
from postern.money import Money, exponent, parse, total

AMOUNTS = st.builds(Money, st.integers(-(10**11), 10**11), st.sampled_from(["EUR", "JPY", "KWD"]))


def test_no_amounts_are_nothing() -> None:
    assert total([], "EUR") == Money.zero("EUR")


def test_amounts_add_subtract_and_multiply() -> None:
    assert Money(250, "EUR") + Money(50, "EUR") - Money(100, "EUR") == Money(200, "EUR")
    assert 3 * Money(250, "EUR") == Money(750, "EUR") == -Money(-750, "EUR")


def test_two_currencies_neither_add_up_nor_compare() -> None:
    with pytest.raises(ValueError, match="EUR and CHF"):
        Money(1, "EUR") + Money(1, "CHF")
    with pytest.raises(ValueError, match="EUR and CHF"):
        assert Money(1, "EUR") < Money(1, "CHF")


def test_equal_amounts_of_two_currencies_are_not_the_same() -> None:
    assert Money(1, "EUR") != Money(1, "CHF")


def test_amounts_of_one_currency_compare() -> None:
    assert Money(1, "EUR") < Money(2, "EUR") <= Money(2, "EUR")
    assert max(Money(1, "EUR"), Money(3, "EUR")) == Money(3, "EUR")


@pytest.mark.parametrize("code", ["eur", "EURO", "", "XYZ", "XAU"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(BadInput, match="ISO 4217"):
        Money(1, code)


def test_a_float_is_no_amount() -> None:
    with pytest.raises(TypeError, match="whole number"):
        Money(1.5, "EUR")


@pytest.mark.parametrize(("code", "decimals"), [("EUR", 2), ("CNY", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3)])
def test_currencies_have_their_own_decimals(code: str, decimals: int) -> None:
    assert exponent(code) == decimals


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.5", "EUR", 1250),
        ("12,50", "EUR", 1250),
        (" 3 ", "EUR", 300),
        ("-0.05", "EUR", -5),
        ("300", "JPY", 300),
        ("1.234", "KWD", 1234),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, currency: str, amount: int) -> None:
    assert parse(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "EUR"),
        ("1.999", "EUR"),
        ("1.5", "JPY"),
        ("1.000,00", "EUR"),
        ("1e3", "EUR"),
        ("NaN", "EUR"),
        ("€5", "EUR"),
        ("٣", "EUR"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(text: str, currency: str) -> None:
    with pytest.raises(BadInput, match=r"amount of money|more decimals"):
        parse(text, currency)


@given(AMOUNTS)
def test_what_is_written_plainly_is_read_back(money: Money) -> None:
    assert parse(money.plain(), money.currency) == money


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(123450, "EUR"), "en", "€1,234.50"),
        (Money(123450, "EUR"), "de", "1.234,50\N{NO-BREAK SPACE}€"),
        (Money(-5, "EUR"), "en", "-€0.05"),
        (Money(1200, "CNY"), "zh", "¥12.00"),
        (Money(1200, "JPY"), "zh-CN", "¥1,200"),
        (Money(99, "PLN"), "en", "PLN 0.99"),
    ],
)
def test_amounts_are_shown_as_the_language_writes_them(money: Money, locale: str, text: str) -> None:
    assert money.text(locale) == text


def test_shares_are_rounded_commercially() -> None:
    assert Money(5, "EUR").share(Decimal(50)) == Money(3, "EUR")
    assert Money(-5, "EUR").share(Decimal(50)) == Money(-3, "EUR")
