"""Resident identity numbers, by the example of GB 11643-1999."""

from __future__ import annotations

import pytest

from postern.errors import BadInput
from postern.people.model import PersonDetails, checked_details
from postern.people.resident_id import check_resident_id, looks_like_resident_id

EXAMPLE = "11010519491231002X"


def test_the_standards_example_is_right() -> None:
    assert looks_like_resident_id(EXAMPLE)
    check_resident_id(EXAMPLE)
    check_resident_id("440524188001010014")


@pytest.mark.parametrize("position", range(17))
def test_one_wrong_digit_anywhere_is_found(position: int) -> None:
    wrong = str((int(EXAMPLE[position]) + 1) % 10)
    with pytest.raises(BadInput):
        check_resident_id(EXAMPLE[:position] + wrong + EXAMPLE[position + 1 :])


def test_a_date_that_never_was_is_refused_although_the_check_fits() -> None:
    with pytest.raises(BadInput, match="no birth date"):
        check_resident_id("110105194913310021")


@pytest.mark.parametrize("number", ["", "AB123456", "1101051949123100", "12-34"])
def test_numbers_of_other_countries_are_left_alone(number: str) -> None:
    check_resident_id(number)


def test_details_are_trimmed_and_a_name_is_needed() -> None:
    kept = checked_details(PersonDetails(name="  Ada   Nowak ", resident_id_number=EXAMPLE.lower()))
    assert (kept.name, kept.resident_id_number) == ("Ada Nowak", EXAMPLE)
    with pytest.raises(BadInput, match="name"):
        checked_details(PersonDetails(name="  "))
    with pytest.raises(BadInput, match="too long"):
        checked_details(PersonDetails(name="x" * 201))
