"""Whether a plate is another country's; in doubt it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.vehicles.abroad import is_from_abroad
from postern.vehicles.grammars import match


@pytest.mark.parametrize(
    ("text", "country", "abroad"),
    [
        ("", "DE", False),
        ("BXY123", "DE", False),
        ("b-xy 123", "DE", False),
        ("AB12CDE", "DE", True),
        ("365QX75", "DE", True),
        ("365QX75", "FR", False),
        ("AB12CDE", "GB", False),
        ("AB12CDE", "UK", False),
        ("粤B12345", "DE", True),
        ("粤B12345", "CN", False),
        ("MV568WW", "DE", True),
        ("MV568WW", "EU", False),
        ("########", "DE", False),
    ],
)
def test_a_plate_is_from_abroad_when_only_other_countries_have_such(
    text: str, country: str, abroad: bool
) -> None:
    assert is_from_abroad(text, country) is abroad


def test_a_plate_that_may_be_a_misread_one_of_the_country_is_not_from_abroad() -> None:
    assert is_from_abroad("365QX75", "DE")
    for misread in ("8XY123", "BXY12O", "BXY1Z3"):  # B XY 123, most likely
        assert not is_from_abroad(misread, "DE")


@given(st.text("ABCDEXYZ0123456789", max_size=9), st.sampled_from(["DE", "GB", "FR", "NL", "CN"]))
def test_what_reads_at_no_cost_as_the_country_s_own_is_never_from_abroad(text: str, country: str) -> None:
    own = any(one.country == country and one.cost < 1 and one.text == text for one in match(text, country))
    assert not (own and is_from_abroad(text, country))
