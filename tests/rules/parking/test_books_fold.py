"""The books of a garage: what each happening changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.money import Money
from postern.parking.cases import CaseKind, CaseState, Resolution
from postern.parking.ledger import Account
from postern.parking.session import SessionState
from tests.rules.parking.drawn_garage import NOON, Drawn, minutes


def test_who_pays_what_is_asked_and_leaves_in_time_owes_nothing_and_makes_no_case() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.pays(session.id, 400, 90)
    drawn.drives_out("KAB123", 95)
    ended = drawn.sessions[session.id]
    assert ended.state is SessionState.LEFT
    assert not ended.owed
    assert drawn.open_cases() == []
    assert (drawn.on(Account.PROVIDER_CLEARING), drawn.on(Account.RECEIVABLE)) == (400, 0)
    assert drawn.on(Account.REVENUE) + drawn.on(Account.VAT) == -400


def test_who_leaves_without_paying_is_charged_and_followed_up_until_the_money_comes() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 61)
    assert drawn.case(CaseKind.UNPAID_EXIT).owed == drawn.sessions[session.id].owed
    assert drawn.on(Account.RECEIVABLE) == 400
    drawn.pays(session.id, 400, 300)
    assert drawn.case(CaseKind.UNPAID_EXIT).state is CaseState.SETTLED
    assert drawn.on(Account.RECEIVABLE) == 0


def test_who_paid_in_time_owes_nothing_more_when_we_hear_of_it_after_the_exit() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 65)
    assert drawn.case(CaseKind.UNPAID_EXIT).owed == Money(400, "EUR")
    drawn.pays(session.id, 200, 300, quoted_at=minutes(55))
    assert not drawn.sessions[session.id].owed
    assert drawn.open_cases() == []
    assert (drawn.on(Account.PROVIDER_CLEARING), drawn.on(Account.RECEIVABLE)) == (200, 0)
    assert drawn.on(Account.REVENUE) + drawn.on(Account.VAT) + drawn.on(Account.WAIVED) == -200


@pytest.mark.parametrize(("quoted", "amount"), [(49, 200), (55, 100), (65.5, 200)])
def test_but_who_paid_too_long_before_the_exit_or_too_little_or_after_it_owes_the_rest(
    quoted: float, amount: int
) -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 65)
    drawn.pays(session.id, amount, 300, quoted_at=minutes(quoted))
    assert drawn.sessions[session.id].owed.amount == 400 - amount
    assert set(drawn.open_cases()) == {CaseKind.UNPAID_EXIT, CaseKind.WRONG_AMOUNT}


def test_an_exit_that_could_be_one_of_two_charges_nobody_and_is_a_case() -> None:
    drawn = Drawn()
    one, other = drawn.drives_in("KAB8123", 0), drawn.drives_in("KABB123", 5)
    assert one is not None
    assert other is not None
    drawn.drives_out("KAB8123", 70)
    case = drawn.case(CaseKind.AMBIGUOUS)
    assert set(case.candidates) == {one.id, other.id}
    assert not drawn.movements
    drawn.resolves(case, Resolution.PAIR, 80, session=one.id)
    assert drawn.sessions[one.id].left_at == NOON + timedelta(minutes=70)
    assert drawn.on(Account.RECEIVABLE) == 400
    assert drawn.garage.cases[case.id].state is CaseState.RESOLVED


def test_a_low_score_at_the_exit_charges_nobody() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.drives_out("KAB123", 70, score=0.3)
    assert drawn.open_cases() == [CaseKind.AMBIGUOUS]
    assert not drawn.movements


def test_two_entries_of_one_plate_are_a_case_and_the_exit_charges_neither() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.drives_in("KAB123", 30)
    assert drawn.open_cases() == [CaseKind.CLONED]
    drawn.drives_out("KAB123", 90)
    assert CaseKind.AMBIGUOUS in drawn.open_cases()
    assert not drawn.movements


def test_a_car_that_is_read_twice_at_its_entry_has_one_session() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    assert drawn.drives_in("KAB123", 0.2) is None
    assert drawn.garage.count_inside() == 1
    assert drawn.open_cases() == []


def test_a_plate_that_cannot_be_read_is_a_case_that_a_person_settles_by_typing_it() -> None:
    drawn = Drawn()
    session = drawn.drives_in("", 0, score=0)
    assert session is not None
    drawn.resolves(drawn.case(CaseKind.UNREADABLE), Resolution.CORRECT_PLATE, 5, plate="KAB123")
    drawn.drives_out("KAB123", 50)
    assert drawn.sessions[session.id].state is SessionState.LEFT
    assert drawn.on(Account.RECEIVABLE) == 200


def test_an_exit_before_any_entry_is_a_case_and_charges_nobody() -> None:
    drawn = Drawn()
    drawn.drives_out("KAB123", -10)
    drawn.drives_in("KAB123", 0)
    assert drawn.open_cases() == [CaseKind.MISSING_ENTRY]
    assert not drawn.movements


def test_a_session_without_an_exit_goes_stale_and_is_not_charged() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_in("KXX9", 60 * 24 * 9)
    assert drawn.sessions[session.id].state is SessionState.STALE
    assert drawn.open_cases() == [CaseKind.MISSING_EXIT]
    drawn.resolves(drawn.case(CaseKind.MISSING_EXIT), Resolution.DISMISS, 60 * 24 * 9 + 5)
    assert drawn.sessions[session.id].state is SessionState.DISMISSED
    assert not drawn.movements


def test_a_wrong_amount_is_a_case_until_the_rest_comes_or_goes_back() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.pays(session.id, 500, 30)
    assert drawn.case(CaseKind.WRONG_AMOUNT).owed is not None
    drawn.refunds(session.id, 300, 35)
    assert drawn.case(CaseKind.WRONG_AMOUNT).state is CaseState.SETTLED
    assert (drawn.on(Account.PROVIDER_CLEARING), drawn.on(Account.RECEIVABLE)) == (200, 0)


def test_a_refund_that_failed_is_a_case_and_moves_no_money() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.refunds(session.id, 300, 35, done=False)
    assert drawn.open_cases() == [CaseKind.REFUND_FAILED]
    assert not drawn.movements


def test_money_in_another_currency_is_booked_and_counted_for_nobody() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.pays(session.id, 200, 30, currency="CHF")
    assert drawn.open_cases() == [CaseKind.WRONG_AMOUNT]
    assert not drawn.garage.sessions[session.id].paid


def test_a_waiver_leaves_nothing_owed_and_the_books_balanced() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 61)
    drawn.resolves(drawn.case(CaseKind.UNPAID_EXIT), Resolution.WAIVE, 70)
    assert not drawn.sessions[session.id].owed
    assert drawn.on(Account.RECEIVABLE) == 0
    assert drawn.on(Account.WAIVED) == -drawn.on(Account.REVENUE)
    assert drawn.on(Account.VAT) == 0


def test_who_waited_at_the_entry_unread_keeps_the_ticket_that_was_shown_meanwhile() -> None:
    drawn = Drawn()
    drawn.stands("", 0, waiting=True, out=False, score=0.0)
    shown = drawn.case(CaseKind.WAITING)
    drawn.stands("", 0.1, waiting=True, out=False, score=0.0)
    session = drawn.drives_in("", 0.2, score=0.0)
    assert session is not None
    assert session.ticket == shown.id
    after = drawn.drives_in("", 2, score=0.0)
    assert after is not None
    assert after.ticket is None


def test_who_was_read_surely_in_the_end_has_no_ticket() -> None:
    drawn = Drawn()
    drawn.stands("", 0, waiting=True, out=False, score=0.0)
    session = drawn.drives_in("KAB123", 0.2)
    assert session is not None
    assert session.ticket is None


def test_who_was_sent_a_link_to_pay_stays_listed_until_the_money_comes() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 61)
    drawn.resolves(drawn.case(CaseKind.UNPAID_EXIT), Resolution.SEND_PAY_LINK, 70)
    sent = drawn.case(CaseKind.UNPAID_EXIT)
    assert sent.state is CaseState.OPEN
    assert sent.resolved is not None
    drawn.drives_in("KXY777", 5 * 24 * 60)
    assert drawn.open_cases() == [CaseKind.UNPAID_EXIT]
    drawn.pays(session.id, 400, 6 * 24 * 60)
    assert drawn.case(CaseKind.UNPAID_EXIT).state is CaseState.SETTLED
    assert drawn.on(Account.RECEIVABLE) == 0


def test_who_was_sent_a_link_to_pay_and_does_not_can_still_be_let_off() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.drives_out("KAB123", 61)
    for resolution, at in ((Resolution.SEND_PAY_LINK, 70), (Resolution.DISMISS, 80)):
        drawn.resolves(drawn.case(CaseKind.UNPAID_EXIT), resolution, at)
    assert drawn.open_cases() == []
    assert drawn.on(Account.RECEIVABLE) == 0


def test_an_unpaid_exit_that_is_dismissed_is_written_off() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.drives_out("KAB123", 61)
    drawn.resolves(drawn.case(CaseKind.UNPAID_EXIT), Resolution.DISMISS, 70)
    assert drawn.on(Account.RECEIVABLE) == 0
    assert drawn.on(Account.WRITTEN_OFF) > 0


def test_who_turns_back_at_the_exit_is_still_inside() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.turns_back("KAB123", 30, out=True)
    assert drawn.garage.count_inside() == 1
    assert drawn.case(CaseKind.REVERSED_OUT).state is CaseState.NOTED
