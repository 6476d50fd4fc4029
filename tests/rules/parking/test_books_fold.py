"""The books of a garage: what each happening changes."""

from __future__ import annotations

from datetime import timedelta

from postern.parking.cases import CaseKind, CaseState, Resolution
from postern.parking.ledger import Account
from postern.parking.session import SessionState
from tests.rules.parking.drawn_garage import NOON, Drawn


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
