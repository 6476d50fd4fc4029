"""Money that moved, in double entry. A movement that does not balance cannot be made.

Debits are positive, credits negative; the postings of a movement add up to zero. Prices include VAT:
whatever turns revenue around turns its tax around too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from postern.money import Money, total


class Account(StrEnum):
    """An account of the ledger; which side grows it."""

    RECEIVABLE = "receivable"
    """Debit: what drivers owe for sessions that were charged."""
    REVENUE = "revenue"
    """Credit: parking sold, without tax."""
    VAT = "vat"
    """Credit: tax owed on it."""
    PROVIDER_CLEARING = "provider-clearing"
    """Debit: paid by phone, not yet on the bank's statement."""
    CASH = "cash"
    """Debit: taken by hand, or by invoice desk."""
    VALIDATIONS_RECEIVABLE = "validations-receivable"
    """Debit: what merchants owe."""
    WAIVED = "waived"
    """Debit: charged, then let go by a person, without tax."""
    REFUNDS = "refunds"
    """Debit: paid and given back, without tax."""
    WRITTEN_OFF = "written-off"
    """Debit: charged and not to be had, without tax."""
    CASH_DIFFERENCE = "cash-difference"
    """Debit: short in the till; credit: over."""


class MovementKind(StrEnum):
    """What happened."""

    CHARGE = "charge"
    PAYMENT = "payment"
    REFUND = "refund"
    RETURN = "return"
    WAIVER = "waiver"
    VALIDATION = "validation"
    WRITE_OFF = "write-off"
    CASH_COUNT = "cash-count"
    REVERSAL = "reversal"


class PaidTo(StrEnum):
    """Where a payment arrived."""

    PROVIDER = "provider"
    CASH = "cash"

    @property
    def account(self) -> Account:
        """The ledger account that grows by it."""
        return Account.PROVIDER_CLEARING if self is PaidTo.PROVIDER else Account.CASH


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """So much on one account: debit positive, credit negative."""

    account: Account
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """Postings that balance, on a day of the site. Raises ValueError if they do not."""

    id: UUID
    day: date
    kind: MovementKind
    postings: tuple[Posting, ...]
    session: UUID | None = None

    def __post_init__(self) -> None:
        if not self.postings:
            raise ValueError("a movement needs postings")
        if total([one.amount for one in self.postings], self.postings[0].amount.currency):
            raise ValueError("the postings of a movement must add up to zero")

    def on(self, account: Account) -> Money:
        """What it moves on one account."""
        currency = self.postings[0].amount.currency
        return total([one.amount for one in self.postings if one.account is account], currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """What every movement carries: its id, the site's day it belongs to, and the session if there is one."""

    id: UUID
    day: date
    session: UUID | None = None


def charge(slip: Slip, price: Money, vat: Money) -> Movement:
    """A session ended and costs `price`, of which `vat` is tax: before validations."""
    return _moved(
        slip,
        MovementKind.CHARGE,
        (Account.RECEIVABLE, price),
        (Account.REVENUE, vat - price),
        (Account.VAT, -vat),
    )


def payment(slip: Slip, amount: Money, to: PaidTo) -> Movement:
    """The driver paid."""
    return _moved(slip, MovementKind.PAYMENT, (to.account, amount), (Account.RECEIVABLE, -amount))


def give_back(slip: Slip, amount: Money, to: PaidTo) -> Movement:
    """More was paid than the session cost; the surplus goes back. No revenue is touched."""
    return _moved(slip, MovementKind.RETURN, (Account.RECEIVABLE, amount), (to.account, -amount))


def refund(slip: Slip, amount: Money, vat: Money, to: PaidTo) -> Movement:
    """Rightly charged and paid, and given back all the same."""
    return _moved(
        slip, MovementKind.REFUND, (Account.REFUNDS, amount - vat), (Account.VAT, vat), (to.account, -amount)
    )


def waiver(slip: Slip, amount: Money, vat: Money) -> Movement:
    """A person lets the driver go without paying."""
    return _let_go(slip, MovementKind.WAIVER, Account.WAIVED, amount, vat)


def write_off(slip: Slip, amount: Money, vat: Money) -> Movement:
    """An unpaid exit that is followed up no longer."""
    return _let_go(slip, MovementKind.WRITE_OFF, Account.WRITTEN_OFF, amount, vat)


def validation(slip: Slip, amount: Money) -> Movement:
    """A merchant takes over part of what the driver owes."""
    return _moved(
        slip,
        MovementKind.VALIDATION,
        (Account.VALIDATIONS_RECEIVABLE, amount),
        (Account.RECEIVABLE, -amount),
    )


def cash_count(slip: Slip, over: Money) -> Movement:
    """The till holds more than was recorded (negative: less)."""
    return _moved(slip, MovementKind.CASH_COUNT, (Account.CASH, over), (Account.CASH_DIFFERENCE, -over))


def reversal(slip: Slip, of: Movement) -> Movement:
    """Takes a movement back: a charge on the wrong session, say. What was written stays written."""
    return _moved(slip, MovementKind.REVERSAL, *((one.account, -one.amount) for one in of.postings))


def _let_go(slip: Slip, kind: MovementKind, account: Account, amount: Money, vat: Money) -> Movement:
    return _moved(slip, kind, (account, amount - vat), (Account.VAT, vat), (Account.RECEIVABLE, -amount))


def _moved(slip: Slip, kind: MovementKind, *postings: tuple[Account, Money]) -> Movement:
    """Postings of nothing are left out, unless nothing moved at all."""
    made = tuple(Posting(account=account, amount=amount) for account, amount in postings)
    return Movement(
        id=slip.id,
        day=slip.day,
        kind=kind,
        session=slip.session,
        postings=tuple(one for one in made if one.amount) or made,
    )
