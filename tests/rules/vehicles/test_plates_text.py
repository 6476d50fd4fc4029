"""Plates as text: normalised, and compared with O as 0 and I as 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.vehicles.plates import comparison_form, normalise


def test_nothing_normalises_to_nothing() -> None:
    assert normalise("") == ""
    assert normalise(" -·: ") == ""


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("rk-755 aj", "RK755AJ"),
        ("京A·12345", "京A12345"),
        ("ＡＢ１２", "AB12"),
        ("鄂F8888警", "鄂F8888警"),
        ("BA-302 OZ", "BA302OZ"),
    ],
)
def test_separators_case_and_width_do_not_matter(written: str, plain: str) -> None:
    assert normalise(written) == plain


def test_o_and_0_stay_apart_in_what_is_shown_and_fall_together_in_comparison() -> None:
    assert normalise("O0I1") == "O0I1"
    assert comparison_form("OY09 FEU") == comparison_form("0YO9FEU")
    assert comparison_form("B8") != comparison_form("88")


@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert comparison_form(comparison_form(text)) == comparison_form(text)
