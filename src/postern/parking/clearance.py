"""May this car leave without paying (more) now? Grace is time to reach the exit after paying; after it only
the difference is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postern.money import Money
from postern.parking.pairing import Ambiguous, Paired, Pairing, Why
from postern.parking.permits import Coverage, Covered, Uncovered
from postern.parking.quote import Quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Paid:
    """What was paid for a session so far, and the last moment at which with it nothing was owed."""

    amount: Money
    settled_at: datetime | None = None

    def more(self, amount: Money, *, at: datetime, price: Money) -> Paid:
        """After another payment (or, negative, a refund) at `at`, when the session cost `price`."""
        new = self.amount + amount
        settled = new >= price
        return Paid(amount=new, settled_at=at if settled else None if amount.amount < 0 else self.settled_at)


class Reason(StrEnum):
    """Why a car is cleared to leave."""

    PERMIT = "permit"
    FREE = "free"
    VALIDATED = "validated"
    PAID = "paid"
    PAID_WITHIN_GRACE = "paid-within-grace"


class Doubt(StrEnum):
    """Why a person must decide. Nothing is charged meanwhile."""

    LOW_SCORE = "low-score"
    TWICE_INSIDE = "twice-inside"
    TOO_ALIKE = "too-alike"
    BOTH_SURE = "both-sure"
    NO_ENTRY = "no-entry"
    NEAR_A_PERMIT = "near-a-permit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleared:
    """The exit may open."""

    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """So much is to be paid first, or later, as the garage's rule says."""

    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertain:
    """A case for a person."""

    doubt: Doubt


Clearance = Cleared | Owed | Uncertain
_DOUBTS = {
    Why.LOW_SCORE: Doubt.LOW_SCORE,
    Why.TWICE_INSIDE: Doubt.TWICE_INSIDE,
    Why.TOO_ALIKE: Doubt.TOO_ALIKE,
    Why.BOTH_SURE: Doubt.BOTH_SURE,
}


def clearance(
    pairing: Pairing, quote: Quote | None, paid: Paid | None, coverage: Coverage, at: datetime
) -> Clearance:
    """What stands between a car and the street at `at`.

    `quote` is the price of the paired session at `at`, validations taken off; of a car whose permit ended
    meanwhile, from that moment on (`permits.charged_from`), with `Uncovered.NOT_VALID_NOW`.

    1. Who is leaving must be certain.
    2. A permit covers it, or might: then a person decides.
    3. Nothing is owed: free minutes, validations, or paid.
    4. It was settled not longer ago than the tariff's grace.
    5. Else the difference is owed.
    """
    if not isinstance(pairing, Paired):
        return Uncertain(doubt=_DOUBTS[pairing.why] if isinstance(pairing, Ambiguous) else Doubt.NO_ENTRY)
    if isinstance(coverage, Covered):
        return Cleared(reason=Reason.PERMIT)
    if quote is None:
        return Uncertain(doubt=Doubt.NO_ENTRY)
    given = paid if paid is not None else Paid(amount=Money.zero(quote.total.currency))
    if quote.total <= given.amount:
        return Cleared(reason=_why_nothing(quote, given))
    if coverage is Uncovered.NEAR_A_PERMIT:
        return Uncertain(doubt=Doubt.NEAR_A_PERMIT)
    return _after_paying(quote, given, at)


def _after_paying(quote: Quote, paid: Paid, at: datetime) -> Clearance:
    grace = quote.basis.tariff.grace_after_paying
    if paid.settled_at is not None and at - paid.settled_at <= grace:
        return Cleared(reason=Reason.PAID_WITHIN_GRACE)
    return Owed(amount=quote.total - paid.amount)


def _why_nothing(quote: Quote, paid: Paid) -> Reason:
    if paid.amount:
        return Reason.PAID
    return Reason.VALIDATED if any(line.amount.amount for line in quote.lines) else Reason.FREE
