"""Permits in the books: a plate that was not read right once costs nobody their permit."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from postern.parking.cases import CaseKind, Resolution
from postern.parking.permits import Permit
from postern.parking.rules import PermitKept
from tests.rules.parking.drawn_garage import NOON, Drawn, rules

PLATES = frozenset({"KAB1238", "KXY999"})


def garage(bays: int = 1, **more) -> Drawn:
    begins = NOON - timedelta(days=30)
    permit = Permit(id=UUID(int=70), holder="Ada", plates=PLATES, bays=bays, valid_from=begins, **more)
    return Drawn(rules=rules(permits=(PermitKept(id=permit.id, permit=permit, since=begins),)))


def test_a_permit_that_is_read_right_costs_nothing() -> None:
    drawn = garage()
    drawn.drives_in("KAB1238", 0)
    drawn.drives_out("KAB1238", 600)
    assert drawn.movements == []
    assert drawn.open_cases() == []


@pytest.mark.parametrize(
    ("read", "score"), [("KAB1238", 0.3), ("KABI238", 0.8), ("KAB123B", 0.8), ("KAB12338", 0.8)]
)
def test_a_permit_that_was_not_read_surely_or_right_at_entry_is_seen_at_the_exit(
    read: str, score: float
) -> None:
    drawn = garage()
    drawn.drives_in(read, 0, score=score)
    drawn.drives_out("KAB1238", 600)
    assert drawn.movements == []
    assert [kind for kind in drawn.open_cases() if kind is not CaseKind.UNREADABLE] == []


def test_a_permit_that_was_misread_at_the_exit_costs_nothing() -> None:
    drawn = garage()
    drawn.drives_in("KAB1238", 0)
    drawn.drives_out("KAB123B", 600, score=0.8)
    assert drawn.movements == []
    assert drawn.open_cases() == []


def test_a_plate_near_a_permit_s_at_both_lanes_is_a_person_s_to_decide() -> None:
    drawn = garage()
    drawn.drives_in("KAB123B", 0)
    drawn.drives_out("KAB123B", 600)
    assert drawn.movements == []
    assert drawn.open_cases() == [CaseKind.AMBIGUOUS]


@pytest.mark.parametrize(("left_as", "charged"), [("KAB1238", 0), ("KAB123B", 2000)])
def test_a_person_who_says_which_car_it_is_takes_a_permit_from_nobody_whose_plate_was_read(
    left_as: str, charged: int
) -> None:
    drawn = garage()
    mine = drawn.drives_in("KAB123B", 0, score=0.8)
    assert mine is not None
    drawn.drives_in("KAB1Z38", 5, score=0.8)
    drawn.drives_out(left_as, 600, score=0.8)
    drawn.resolves(drawn.case(CaseKind.AMBIGUOUS), Resolution.PAIR, 610, session=mine.id)
    ended = drawn.sessions[mine.id]
    assert ended.left_at == NOON + timedelta(minutes=600)
    assert (ended.charged.amount, ended.permit is not None) == (charged, not charged)


def test_an_unsure_entry_near_a_permit_is_never_charged_by_itself() -> None:
    drawn = garage()
    drawn.drives_in("KAB123B", 0, score=0.3)
    drawn.drives_out("KAB123B", 600)
    assert drawn.movements == []
    assert CaseKind.AMBIGUOUS in drawn.open_cases()


def test_who_found_the_bays_taken_pays_although_one_is_free_at_the_exit() -> None:
    drawn = garage(bays=1)
    drawn.drives_in("KXY999", 0)
    second = drawn.drives_in("KAB1238", 5)
    assert second is not None
    drawn.drives_out("KXY999", 30)
    drawn.drives_out("KAB1238", 65)
    assert drawn.sessions[second.id].charged.amount == 200
    assert drawn.open_cases() == [CaseKind.UNPAID_EXIT]


@pytest.mark.parametrize(("exit_read", "score"), [("KXY999", 0.3), ("", 0.0)])
def test_a_bay_whose_car_may_have_left_unread_makes_nobody_pay_by_itself(
    exit_read: str, score: float
) -> None:
    drawn = garage(bays=1)
    drawn.drives_in("KXY999", 0)
    drawn.drives_out(exit_read, 30, score=score)
    second = drawn.drives_in("KAB1238", 60)
    assert second is not None
    drawn.drives_out("KAB1238", 240)
    assert drawn.sessions[second.id].charged.amount == 0
    assert drawn.open_cases().count(CaseKind.AMBIGUOUS) == (2 if exit_read else 1)


def test_an_unknown_exit_of_quite_another_car_takes_no_permit_s_bay_into_doubt() -> None:
    drawn = garage(bays=1)
    drawn.drives_in("KXY999", 0)
    drawn.drives_out("MQQ77", 30)
    second = drawn.drives_in("KAB1238", 60)
    assert second is not None
    drawn.drives_out("KAB1238", 100)
    assert drawn.sessions[second.id].charged.amount == 200


def test_a_permit_that_began_during_the_session_does_not_cover_it() -> None:
    drawn = garage()
    later = Permit(
        id=UUID(int=71),
        holder="B",
        plates=frozenset({"KZZ555"}),
        bays=1,
        valid_from=NOON + timedelta(hours=1),
    )
    kept = PermitKept(id=later.id, permit=later, since=NOON + timedelta(minutes=30))
    drawn.rules = rules(permits=(kept,))
    session = drawn.drives_in("KZZ555", 0, score=0.3)
    assert session is not None
    drawn.drives_out("KZZ555", 115)
    assert drawn.sessions[session.id].charged.amount == 400


@pytest.mark.parametrize("stated", [True, False])
def test_a_person_who_reads_a_permit_s_plate_at_the_exit_is_believed_over_a_camera_that_was_sure_at_entry(
    stated: bool,
) -> None:
    drawn = garage()
    session = drawn.drives_in("KPB1238", 0)
    assert session is not None
    drawn.drives_out("KAB1238", 65)
    if stated:
        drawn.resolves(drawn.case(CaseKind.MISSING_ENTRY), Resolution.CORRECT_PLATE, 70, plate="KAB1238")
    drawn.resolves(drawn.case(CaseKind.MISSING_ENTRY), Resolution.PAIR, 71, session=session.id)
    assert drawn.sessions[session.id].charged.amount == (0 if stated else 400)
    assert drawn.open_cases() == ([] if stated else [CaseKind.UNPAID_EXIT])
