"""Every movement balances, and what does not cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.money import Money, total
from postern.parking import ledger
from postern.parking.ledger import Account, Movement, MovementKind, PaidTo, Posting, Slip

SLIP = Slip(id=UUID(int=1), day=date(2026, 3, 4), session=UUID(int=2))


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def sums(*movements: Movement) -> dict[Account, int]:
    """What stands on each account after them, without those that stand at nothing."""
    found = {account: sum(one.on(account).amount for one in movements) for account in Account}
    return {account: amount for account, amount in found.items() if amount}


def test_a_movement_without_postings_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs postings"):
        Movement(id=SLIP.id, day=SLIP.day, kind=MovementKind.CHARGE, postings=())


def test_a_movement_that_does_not_balance_cannot_be_made() -> None:
    one = Posting(account=Account.CASH, amount=euro(5))
    other = Posting(account=Account.RECEIVABLE, amount=euro(-4))
    with pytest.raises(ValueError, match="add up to zero"):
        Movement(id=SLIP.id, day=SLIP.day, kind=MovementKind.PAYMENT, postings=(one, other))


def test_two_currencies_do_not_balance() -> None:
    one = Posting(account=Account.CASH, amount=euro(5))
    other = Posting(account=Account.RECEIVABLE, amount=Money(-5, "CHF"))
    with pytest.raises(ValueError, match="do not add up"):
        Movement(id=SLIP.id, day=SLIP.day, kind=MovementKind.PAYMENT, postings=(one, other))


def test_a_session_charged_and_paid_leaves_revenue_tax_and_money() -> None:
    charged, paid = ledger.charge(SLIP, euro(238), euro(38)), ledger.payment(SLIP, euro(238), PaidTo.PROVIDER)
    assert sums(charged, paid) == {Account.REVENUE: -200, Account.VAT: -38, Account.PROVIDER_CLEARING: 238}


def test_a_merchant_owes_what_a_validation_took_off() -> None:
    moved = ledger.charge(SLIP, euro(238), euro(38)), ledger.validation(SLIP, euro(238))
    assert sums(*moved)[Account.VALIDATIONS_RECEIVABLE] == 238
    assert Account.RECEIVABLE not in sums(*moved)


@pytest.mark.parametrize(
    ("let_go", "account"), [(ledger.waiver, Account.WAIVED), (ledger.write_off, Account.WRITTEN_OFF)]
)
def test_what_is_let_go_takes_its_tax_back(let_go, account: Account) -> None:
    moved = ledger.charge(SLIP, euro(238), euro(38)), let_go(SLIP, euro(238), euro(38))
    assert sums(*moved) == {Account.REVENUE: -200, account: 200}


def test_a_refund_takes_its_tax_back_and_a_surplus_had_none() -> None:
    charged = ledger.charge(SLIP, euro(238), euro(38))
    twice = ledger.payment(SLIP, euro(476), PaidTo.CASH), ledger.give_back(SLIP, euro(238), PaidTo.CASH)
    back = ledger.refund(SLIP, euro(238), euro(38), PaidTo.CASH)
    assert sums(charged, *twice) == {Account.REVENUE: -200, Account.VAT: -38, Account.CASH: 238}
    assert sums(charged, *twice, back) == {Account.REVENUE: -200, Account.REFUNDS: 200}


def test_a_reversal_undoes_to_the_cent() -> None:
    charged = ledger.charge(SLIP, euro(238), euro(38))
    assert sums(charged, ledger.reversal(SLIP, charged)) == {}


def test_a_till_that_holds_too_little_is_a_cost() -> None:
    assert sums(ledger.cash_count(SLIP, euro(-5))) == {Account.CASH: -5, Account.CASH_DIFFERENCE: 5}


def test_nothing_charged_is_still_a_movement() -> None:
    assert sums(ledger.charge(SLIP, euro(0), euro(0))) == {}


CENTS = st.integers(0, 10**7)
MAKERS: list[Callable[[Money, Money], Movement]] = [
    lambda a, v: ledger.charge(SLIP, a, v),
    lambda a, v: ledger.payment(SLIP, a, PaidTo.PROVIDER),
    lambda a, v: ledger.give_back(SLIP, a, PaidTo.PROVIDER),
    lambda a, v: ledger.refund(SLIP, a, v, PaidTo.CASH),
    lambda a, v: ledger.waiver(SLIP, a, v),
    lambda a, v: ledger.write_off(SLIP, a, v),
    lambda a, v: ledger.validation(SLIP, a),
    lambda a, v: ledger.cash_count(SLIP, a),
]


@given(st.lists(st.tuples(st.sampled_from(MAKERS), CENTS, CENTS), max_size=20))
def test_whatever_moves_the_ledger_balances(made) -> None:
    moved = [make(euro(amount), euro(min(vat, amount))) for make, amount, vat in made]
    moved += [ledger.reversal(SLIP, one) for one in moved[::2]]
    assert total([posting.amount for one in moved for posting in one.postings], "EUR") == euro(0)
