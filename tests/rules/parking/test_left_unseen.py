"""Who left unseen, or paid by a ticket: what a garage may conclude by itself, and that nobody pays for it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from postern.money import Money
from postern.parking.books import Books
from postern.parking.cases import CaseKind, CaseState
from postern.parking.happenings import GarageHappening
from postern.parking.permits import Permit
from postern.parking.rules import PermitKept
from postern.parking.session import Session, SessionState
from tests.rules.parking.drawn_garage import NOON, Drawn, rules

DAY = 24 * 60.0


def garage(bays: int = 1, **more) -> Drawn:
    begins = NOON - timedelta(days=30)
    plates = frozenset({"KAB1238", "KXY999", "KMQ77"})
    permit = Permit(id=UUID(int=70), holder="Ada", plates=plates, bays=bays, valid_from=begins, **more)
    return Drawn(rules=rules(permits=(PermitKept(id=permit.id, permit=permit, since=begins),)))


def entered(drawn: Drawn, plate: str, at: float, **more) -> Session:
    found = drawn.drives_in(plate, at, **more)
    assert found is not None
    return found


def test_a_permit_s_car_that_slipped_out_is_taken_to_have_left_when_it_drives_in_again() -> None:
    drawn = garage()
    first = entered(drawn, "KAB1238", 0)
    again = entered(drawn, "KAB1238", DAY)
    assert again.permit is not None
    assert drawn.sessions[first.id].state is SessionState.STALE
    assert not drawn.sessions[first.id].is_inside
    drawn.drives_out("KAB1238", DAY + 90)
    assert drawn.open_cases() == []
    assert drawn.movements == []
    noted = drawn.case(CaseKind.MISSING_EXIT)
    assert (noted.state, noted.session) == (CaseState.NOTED, first.id)


def test_another_of_the_permit_is_covered_by_the_bay_of_a_car_that_is_inside_since_yesterday() -> None:
    drawn = garage()
    first = entered(drawn, "KXY999", 0)
    second = entered(drawn, "KAB1238", DAY)
    drawn.drives_out("KAB1238", DAY + 65)
    assert second.permit is not None
    assert drawn.sessions[first.id].state is SessionState.STALE
    assert (drawn.open_cases(), drawn.movements) == ([], [])


def test_who_finds_the_bays_taken_by_cars_of_the_same_day_pays() -> None:
    drawn = garage()
    entered(drawn, "KXY999", 0)
    second = entered(drawn, "KAB1238", 15 * 60)
    drawn.drives_out("KAB1238", 15 * 60 + 65)
    assert drawn.sessions[second.id].charged.amount == 400


def test_only_the_longest_gives_up_its_bay_and_only_while_none_is_free() -> None:
    drawn = garage(bays=2)
    first = entered(drawn, "KXY999", 0)
    entered(drawn, "KAB1238", DAY)
    assert drawn.sessions[first.id].is_inside
    entered(drawn, "KMQ77", DAY + 5)
    assert [one.is_inside for one in drawn.sessions.values()] == [False, True, True]


def test_a_car_that_was_there_after_all_is_a_person_s_to_look_at_and_pays_nothing() -> None:
    drawn = garage()
    entered(drawn, "KXY999", 0)
    entered(drawn, "KAB1238", DAY)
    drawn.drives_out("KXY999", DAY + 30)
    drawn.drives_out("KAB1238", DAY + 40)
    assert drawn.open_cases() == [CaseKind.MISSING_ENTRY]
    assert drawn.movements == []


def test_a_clone_of_a_permit_s_plate_on_the_same_day_is_a_person_s_to_decide() -> None:
    drawn = garage()
    entered(drawn, "KXY999", 0)
    entered(drawn, "KXY999", 15 * 60)
    assert drawn.open_cases() == [CaseKind.CLONED]


def test_a_clone_that_comes_a_day_later_comes_to_light_at_the_second_exit() -> None:
    drawn = garage()
    entered(drawn, "KXY999", 0)
    entered(drawn, "KXY999", DAY)
    drawn.drives_out("KXY999", DAY + 60)
    assert drawn.open_cases() == []
    drawn.drives_out("KXY999", DAY + 120)
    assert drawn.open_cases() == [CaseKind.MISSING_ENTRY]
    assert drawn.movements == []


@pytest.mark.parametrize("unsure", ["before", "now"])
def test_an_unsure_read_closes_nobody_s_session(unsure: str) -> None:
    drawn = garage()
    first = entered(drawn, "KXY999", 0, score=0.3 if unsure == "before" else 0.95)
    entered(drawn, "KXY999", DAY, score=0.3 if unsure == "now" else 0.95)
    assert drawn.sessions[first.id].is_inside
    assert CaseKind.CLONED in drawn.open_cases()


def test_a_paying_car_s_second_entry_stays_a_person_s_to_decide() -> None:
    drawn = garage()
    first = entered(drawn, "MZZ11", 0)
    entered(drawn, "MZZ11", DAY)
    assert drawn.sessions[first.id].is_inside
    assert drawn.open_cases() == [CaseKind.CLONED]


def test_a_permit_that_ended_meanwhile_closes_nothing() -> None:
    drawn = garage(valid_until=NOON + timedelta(hours=20))
    first = entered(drawn, "KXY999", 0)
    entered(drawn, "KXY999", DAY)
    assert drawn.sessions[first.id].is_inside


def test_an_exit_that_arrives_late_takes_the_conclusion_back() -> None:
    told = garage()
    entered(told, "KAB1238", 0)
    told.drives_out("KAB1238", 600)
    entered(told, "KAB1238", DAY)
    came, left, came_again = _happenings(told)
    books, tomorrow = Books(), NOON.date() + timedelta(days=1)
    books.take([came, came_again], tomorrow, told.rules)
    assert [one.state for one in books.garage.sessions.values()] == [SessionState.STALE, SessionState.OPEN]
    books.take([left], tomorrow, told.rules)
    assert [one.state for one in books.garage.sessions.values()] == [SessionState.LEFT, SessionState.OPEN]
    assert not books.garage.cases


def _happenings(drawn: Drawn) -> list[GarageHappening]:
    standing = (one for step in drawn.steps for one in step.standing.values() if one is not None)
    return [one.seen for one in standing]  # type: ignore[misc]  # whatever stands was a happening


def ticketed(drawn: Drawn, at: float = 0) -> Session:
    """A car that waited at the entry as its plate could not be read."""
    drawn.stands("", at, waiting=True, score=0.0, out=False)
    return entered(drawn, "", at + 0.2, score=0.0)


def paid(drawn: Drawn, session: Session, at: float, amount: int = 400) -> None:
    drawn.pays(session.id, amount, at)


def test_a_car_paid_for_by_its_ticket_leaves_by_elimination() -> None:
    drawn = garage()
    session = ticketed(drawn)
    entered(drawn, "MZZ11", 3)
    paid(drawn, session, 65)
    drawn.drives_out("KPQ4567", 70)
    assert drawn.sessions[session.id].state is SessionState.LEFT
    assert drawn.sessions[session.id].owed == Money.zero("EUR")
    assert drawn.open_cases() == []


@pytest.mark.parametrize(
    "spoilt",
    ["another-unread", "unpaid", "paid-too-little", "grace-over", "exit-unsure", "exit-unread", "no-ticket"],
)
def test_elimination_leaves_to_a_person_whatever_could_be_another(spoilt: str) -> None:
    drawn = garage()
    session = ticketed(drawn) if spoilt != "no-ticket" else entered(drawn, "", 0, score=0.0)
    if spoilt == "another-unread":
        entered(drawn, "", 20, score=0.0)
    if spoilt != "unpaid":
        paid(drawn, session, 65, 100 if spoilt == "paid-too-little" else 400)
    at = 180 if spoilt == "grace-over" else 70
    plate = "" if spoilt == "exit-unread" else "KPQ4567"
    drawn.drives_out(plate, at, score=0.3 if spoilt == "exit-unsure" else 0.95 if plate else 0.0)
    assert drawn.sessions[session.id].is_inside
    left = [one for one in drawn.garage.cases.values() if one.way_out and one.record is not None]
    assert any(one.state is CaseState.OPEN and one.session is None for one in left)


def test_a_car_that_is_known_inside_is_never_taken_for_the_ticketed_one() -> None:
    drawn = garage()
    session = ticketed(drawn)
    other = entered(drawn, "MZZ11", 3)
    paid(drawn, session, 65)
    drawn.drives_out("MZZ11", 70)
    assert drawn.sessions[session.id].is_inside
    assert drawn.sessions[other.id].charged.amount == 400
