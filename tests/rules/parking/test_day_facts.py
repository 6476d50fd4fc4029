"""A day folded into the books is in order, or the reconciliation says what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from postern.parking.cases import Case, CaseKind, Resolution
from postern.parking.day_facts import Told, day_facts
from postern.parking.reconciliation import Reconciliation, reconcile
from postern.parking.session import SessionState
from tests.rules.parking.drawn_garage import NOON, Drawn

TODAY = date(2026, 3, 4)
QUIET = Told(listed=(), booked=(), through_in=0, through_out=0)


def day(drawn: Drawn, told: Told, which: date = TODAY) -> Reconciliation:
    cases: dict[object, Case] = {one.id: one for step in drawn.steps for one in step.cases.values()}
    return reconcile(day_facts(which, list(drawn.sessions.values()), list(cases.values()), drawn.rules, told))


def kinds(found: Reconciliation) -> list[str]:
    return [one.kind.value for one in found.differences]


def test_an_empty_day_is_in_order() -> None:
    assert day(Drawn(), QUIET).differences == ()


def test_cars_that_came_and_went_are_in_order() -> None:
    drawn = Drawn()
    for n, plate in enumerate(("KAB123", "MXY456", "WZZ777")):
        session = drawn.drives_in(plate, n)
        assert session is not None
        if n:
            drawn.pays(session.id, 200, 50)
            drawn.drives_out(plate, 55 + n)
    found = day(drawn, replace(QUIET, through_in=3, through_out=2, counted=1))
    assert found.differences == ()


def test_who_left_unpaid_is_told_with_the_sum() -> None:
    drawn = Drawn()
    drawn.drives_in("KAB123", 0)
    drawn.drives_out("KAB123", 50)
    found = day(drawn, replace(QUIET, through_in=1, through_out=1))
    assert kinds(found) == ["left-unpaid"]
    assert found.unpaid.amount == 200


def test_an_exit_that_waits_for_a_person_is_explained_until_it_is_a_session_s() -> None:
    drawn = Drawn()
    session = drawn.drives_in("KAB123", 0)
    assert session is not None
    drawn.drives_out("KAB123", 50, score=0.3)
    told = replace(QUIET, through_in=1, through_out=1)
    assert kinds(day(drawn, told)) == ["in-doubt"]
    drawn.resolves(drawn.case(CaseKind.AMBIGUOUS), Resolution.PAIR, 60, session=session.id)
    assert kinds(day(drawn, told)) == ["left-unpaid"]


def test_a_passage_that_the_books_do_not_know_is_told() -> None:
    assert kinds(day(Drawn(), replace(QUIET, through_in=1))) == ["entry-without-session"]
    assert kinds(day(Drawn(), replace(QUIET, through_out=2))) == ["exit-without-session"]


def test_a_session_that_grew_too_old_is_given_up_on_its_day_and_inside_until_then() -> None:
    drawn = Drawn()
    first = drawn.drives_in("KAB123", 0)
    drawn.drives_in("MXY456", 60 * 24 * 8)
    assert first is not None
    assert drawn.sessions[first.id].state is SessionState.STALE
    assert kinds(day(drawn, replace(QUIET, through_in=1))) == []
    assert kinds(day(drawn, replace(QUIET, counted=1), TODAY + timedelta(days=3))) == []
    assert kinds(day(drawn, replace(QUIET, through_in=1), (NOON + timedelta(days=8)).date())) == ["given-up"]
