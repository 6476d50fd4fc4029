"""Wordings, legal bases and the filing: what is taken, and when it is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from postern.errors import BadInput
from postern.privacy.profiles import first_grounds, profile
from postern.privacy.texts import (
    Basis,
    Filing,
    Ground,
    Grounds,
    Purpose,
    StoredGrounds,
    after_working_days,
    checked_wording,
)

GENERAL = profile("general", date(2026, 3, 4))
FIRST_GROUNDS = first_grounds([GENERAL])
FIRST_TEXT = GENERAL.consent_text


def test_an_empty_or_curt_wording_is_none() -> None:
    for curt in ("", "  ", "I agree.", "我同意。", "x" * 5000):
        with pytest.raises(BadInput):
            checked_wording(curt)
    assert checked_wording(f"  {FIRST_TEXT.zh} ") == FIRST_TEXT.zh
    assert checked_wording(FIRST_TEXT.en) == FIRST_TEXT.en


def test_a_face_never_rests_on_interests_or_a_contract() -> None:
    for basis in (Basis.INTERESTS, Basis.CONTRACT):
        for purpose in (Purpose.FACES, Purpose.PHOTOS):
            with pytest.raises(BadInput):
                Ground(purpose=purpose, basis=basis, reference="our interest")


def test_a_legal_duty_names_its_law() -> None:
    with pytest.raises(BadInput):
        Ground(purpose=Purpose.HOURS, basis=Basis.LEGAL_DUTY)
    Ground(purpose=Purpose.HOURS, basis=Basis.LEGAL_DUTY, reference="ArbZG § 16 (2)")


def test_every_purpose_has_exactly_one_basis() -> None:
    assert [one.purpose for one in FIRST_GROUNDS.every] == list(Purpose)
    for wrong in (FIRST_GROUNDS.every[1:], (), (*FIRST_GROUNDS.every, FIRST_GROUNDS.every[0])):
        with pytest.raises(BadInput):
            Grounds(every=wrong)


def test_thirty_working_days_after_a_wednesday_is_a_wednesday_six_weeks_later() -> None:
    assert Filing(reached=date(2026, 3, 4)).due == date(2026, 4, 15)
    assert Filing().due is None


@pytest.mark.parametrize("offset", range(14))
def test_a_filing_is_never_due_on_a_weekend_nor_after_the_plain_count(offset: int) -> None:
    reached = date(2026, 3, 2) + timedelta(days=offset)
    due = after_working_days(reached, 30)
    assert due.weekday() < 5
    days = [reached + timedelta(days=n + 1) for n in range((due - reached).days)]
    assert sum(day.weekday() < 5 for day in days) == 30


def test_a_wording_is_named_by_its_number() -> None:
    assert FIRST_TEXT.name == "face-recognition 2026-01"
    assert replace(FIRST_TEXT, number=3).name == "face-recognition 3"


def test_a_purpose_that_came_after_the_grounds_were_set_rests_on_what_the_law_begins_with() -> None:
    before = StoredGrounds(every=tuple(one for one in FIRST_GROUNDS.every if one.purpose != "movements"))
    assert before.completed(FIRST_GROUNDS) == FIRST_GROUNDS
    chosen = Ground(purpose=Purpose.MOVEMENTS, basis=Basis.CONTRACT)
    said = StoredGrounds(every=(*before.every, chosen)).completed(FIRST_GROUNDS)
    assert chosen in said.every
    assert [one.purpose for one in said.every] == list(Purpose)
