"""Who may leave, who owes, and who is a person's to decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from postern.money import Money
from postern.parking.clearance import Cleared, Doubt, Owed, Paid, Reason, Uncertain, clearance
from postern.parking.pairing import Ambiguous, Candidate, Paired, Unpaired, Why
from postern.parking.permits import Covered, Uncovered
from postern.parking.quote import Quote, quote
from postern.parking.tariff import Calendar
from postern.parking.tariff_data import load_tariff
from postern.parking.validations import Validation, ValidationKind, apply

HOURLY = load_tariff(
    "{id: a, name: A, currency: EUR, vat_percent: 19, grace_after_paying: 15 min, vehicle_classes: [car],"
    " periods: [{from: 2025-01-01, lines: [{label: Hour, price: 2.00, each: 60 min, free: 10 min}]}]}"
)
NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SESSION = UUID(int=1)
PAIRED = Paired(session=SESSION, distance=0)


def price(minutes: int) -> Quote:
    calendar = Calendar(time_zone=ZoneInfo("Europe/Berlin"))
    return quote(HOURLY, entered=NOON, at=NOON + minutes * MINUTE, vehicle_class="car", calendar=calendar)


def leaving(minutes: int, paid: Paid | None = None, coverage=Uncovered.NO_PERMIT, pairing=PAIRED):
    return clearance(pairing, price(minutes), paid, coverage, NOON + minutes * MINUTE)


def paid_at(minutes: int) -> Paid:
    """Who paid the price of that moment."""
    nothing, now = Paid(amount=Money.zero("EUR")), price(minutes).total
    return nothing.more(now, at=NOON + minutes * MINUTE, price=now)


def test_who_paid_nothing_owes_the_price() -> None:
    assert leaving(61) == Owed(amount=Money(400, "EUR"))


def test_who_leaves_within_the_free_minutes_is_cleared() -> None:
    assert leaving(10) == Cleared(reason=Reason.FREE)


def test_who_paid_is_cleared() -> None:
    assert leaving(58, paid_at(50)) == Cleared(reason=Reason.PAID)


def test_the_grace_after_paying_is_time_to_reach_the_exit() -> None:
    assert leaving(65, paid_at(50)) == Cleared(reason=Reason.PAID_WITHIN_GRACE)


def test_after_the_grace_only_the_difference_is_owed() -> None:
    assert leaving(66, paid_at(50)) == Owed(amount=Money(200, "EUR"))


def test_who_paid_too_little_has_no_grace() -> None:
    some = Paid(amount=Money.zero("EUR")).more(
        Money(100, "EUR"), at=NOON + 50 * MINUTE, price=price(50).total
    )
    assert leaving(51, some) == Owed(amount=Money(100, "EUR"))


def test_a_second_payment_that_settles_gives_grace_again() -> None:
    again = paid_at(50).more(Money(200, "EUR"), at=NOON + 115 * MINUTE, price=price(115).total)
    assert leaving(130, again) == Cleared(reason=Reason.PAID_WITHIN_GRACE)
    assert leaving(131, again) == Owed(amount=Money(200, "EUR"))


def test_a_refund_ends_the_grace() -> None:
    back = paid_at(50).more(Money(-200, "EUR"), at=NOON + 52 * MINUTE, price=price(52).total)
    assert leaving(53, back) == Owed(amount=Money(200, "EUR"))


def test_a_permit_clears() -> None:
    assert leaving(600, coverage=Covered(permit=UUID(int=7))) == Cleared(reason=Reason.PERMIT)


def test_a_read_near_a_permit_s_plate_is_never_charged_by_itself() -> None:
    assert leaving(600, coverage=Uncovered.NEAR_A_PERMIT) == Uncertain(doubt=Doubt.NEAR_A_PERMIT)
    assert leaving(5, coverage=Uncovered.NEAR_A_PERMIT) == Cleared(reason=Reason.FREE)


@pytest.mark.parametrize("why", Why)
def test_an_ambiguous_read_is_never_charged_by_itself(why: Why) -> None:
    pairing = Ambiguous(candidates=(Candidate(session=SESSION, distance=0),), why=why)
    assert leaving(600, pairing=pairing) == Uncertain(doubt=Doubt(why.value))


def test_an_exit_without_an_entry_is_never_charged_by_itself() -> None:
    assert leaving(600, pairing=Unpaired(nearest=())) == Uncertain(doubt=Doubt.NO_ENTRY)
    assert clearance(PAIRED, None, None, Uncovered.NO_PERMIT, NOON) == Uncertain(doubt=Doubt.NO_ENTRY)


def test_who_is_validated_in_full_is_cleared() -> None:
    full = Validation(id=UUID(int=3), merchant="Cinema", kind=ValidationKind.FULL, value=0, code="c")
    validated = apply(price(90), [full])
    answer = clearance(PAIRED, validated, None, Uncovered.NO_PERMIT, validated.at)
    assert answer == Cleared(reason=Reason.VALIDATED)
