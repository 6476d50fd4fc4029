"""Which texts are plates, and what becomes of marks that are not part of one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.vehicles.grammars import Slot, is_known, match, resolve
from postern.vehicles.grammars_data import ALPHABET, known_codes, shapes


def likely(text: str) -> list[Slot]:
    return [Slot(characters={c: 0.99}) for c in text]


def test_nothing_is_no_plate() -> None:
    assert resolve([]) == []
    assert match("") == []


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("RK755AJ", "SK"),
        ("1B80338", "CZ"),
        ("BMW1234", "DE"),
        ("AB123CD", "FR"),
        ("AB123CD", "IT"),
        ("1234BCD", "ES"),
        ("OY09FEU", "GB"),
        ("ZH123456", "CH"),
        ("WA12345", "PL"),
        ("JST2699", "BR"),
        ("ABC1D23", "BR"),
        ("4GLS168", "US"),
        ("AG6V1W", "US"),
        ("京A12345", "CN"),
        ("粤BD12345", "CN"),
        ("鄂F8888警", "CN"),
        ("粤Z1234港", "CN"),
        ("粤Z1234澳", "CN"),
        ("沪A1234学", "CN"),
        ("民航B1234", "CN"),
        ("B12ABC", "RO"),
        ("AA1234BB", "UA"),
        ("34ABC123", "TR"),
    ],
)
def test_each_country_knows_its_own_plates(text: str, country: str) -> None:
    found = [one for one in match(text, country) if one.country == country]
    assert found
    assert found[0].text == text
    assert found[0].cost < 1.5


@pytest.mark.parametrize("text", ["A", "AB", "20140616064642", "WWWEXAMPLECOM", "18005551234567"])
def test_texts_of_no_known_form_are_refused(text: str) -> None:
    assert match(text) == []


def test_a_letter_and_a_digit_that_look_alike_are_settled_by_their_place() -> None:
    assert match("BA3020Z", "SK")[0].text == "BA302OZ"
    assert [one.text for one in match("JSTZ699", "BR") if one.country == "BR"] == ["JST2699"]


def test_what_was_nearly_read_decides_before_what_looks_alike() -> None:
    slots = likely("RK75")
    slots.append(Slot(characters={"S": 0.6, "5": 0.38}))
    slots += likely("AJ")
    assert resolve(slots, "SK")[0].text == "RK755AJ"


def test_a_coat_of_arms_read_as_a_character_is_left_out() -> None:
    arms = Slot(characters={"8": 0.5, "0": 0.2}, nothing=0.3)
    slots = [*likely("4B2"), arms, *likely("1875")]
    best = resolve(slots, "CZ")[0]
    assert best.text == "4B21875"
    assert best.used == (0, 1, 2, 4, 5, 6, 7)


def test_a_country_band_read_as_a_letter_is_left_out() -> None:
    band = Slot(characters={"H": 0.2, "C": 0.4}, nothing=0.3)
    assert resolve([band, *likely("RK708AI")], "SK")[0].text == "RK708AI"


def test_a_clear_character_is_not_left_out_lightly() -> None:
    assert match("HL0KTY1", "US")[0].text in ("HL0KTY1", "HLOKTY1")


def test_two_lines_are_read_as_one_plate() -> None:
    upper = [Slot(characters={c: 0.9}, line=0) for c in "京E"]
    lower = [Slot(characters={c: 0.9}, line=1) for c in "A5331"]
    assert resolve(upper + lower)[0].text == "京EA5331"


def test_lines_are_not_mixed_up() -> None:
    swapped = [Slot(characters={c: 0.9}, line=0) for c in "A5331"]
    swapped += [Slot(characters={c: 0.9}, line=1) for c in "京E"]
    assert all(one.country != "CN" for one in resolve(swapped))


def test_the_expected_country_comes_first_and_others_stay_possible() -> None:
    assert match("JST2699", "BR")[0].country == "BR"
    assert match("JST2699", "US")[0].country == "US"
    foreign = match("京A12345", "DE")
    assert foreign[0].country == "CN"
    assert foreign[0].cost > match("京A12345", "CN")[0].cost


def test_a_region_stands_for_its_countries() -> None:
    assert match("RK755AJ", "EU")[0].cost == match("RK755AJ", "SK")[0].cost
    assert is_known("EU")
    assert is_known("uk")
    assert not is_known("XX")


def test_a_word_whose_digits_are_only_guessed_costs_more_than_a_plate() -> None:
    assert match("STORIT")[0].cost > match("AKS4329")[0].cost + 1


def test_every_shape_is_whole_and_priced() -> None:
    for shape in shapes():
        assert 4 <= len(shape.places) <= 10
        assert all(place.allowed <= frozenset(ALPHABET) for place in shape.places)
        assert all(cost >= 0 and math.isfinite(cost) for _, cost in shape.countries)
    assert len(known_codes()) > 40


slots_drawn = st.lists(
    st.builds(
        lambda chars, share: Slot(characters={c: share / len(chars) for c in chars}, nothing=1 - share),
        st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=3, unique=True),
        st.floats(0.1, 1.0),
    ),
    max_size=9,
)


@given(slots_drawn)
def test_whatever_was_seen_the_readings_keep_its_order_and_are_sorted(slots: list[Slot]) -> None:
    found = resolve(slots)
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    for one in found:
        assert list(one.used) == sorted(set(one.used))
        assert len(one.used) == len(one.text)
        assert 0.0 < one.read <= 1.0
