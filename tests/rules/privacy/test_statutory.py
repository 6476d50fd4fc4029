"""What the law makes one keep after an erasure, by the sites; employees' cases are in tests/cases/privacy."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from postern.privacy.profiles import profile
from postern.privacy.statutory import PERSON, RULES, VEHICLE, VISIT, SiteLaw, kept_by_law

ON = date(2026, 3, 4)
WORDS = yaml.safe_load(
    (Path(__file__).parents[2] / "cases" / "privacy" / "hours_of_erased.yaml").read_text("utf-8")
)


def at(*countries: str) -> list[SiteLaw]:
    return [SiteLaw(country=one) for one in countries]


def site_law(written: dict[str, Any]) -> SiteLaw:
    assert set(written) <= {"country", "jurisdiction", "pay"}
    chosen = written.get("jurisdiction")
    return SiteLaw(
        country=written.get("country"),
        jurisdiction=() if chosen is None else profile(chosen, ON).countries,
        pay=written.get("pay"),
    )


@pytest.mark.parametrize("case", WORDS["cases"], ids=lambda case: case["name"])
def test_a_clerk_s_case_of_an_erased_employee(case: dict[str, Any]) -> None:
    found = kept_by_law([site_law(one) for one in case["sites"]], PERSON, case.get("erased", WORDS["erased"]))
    if case.get("nothing"):
        assert found is None
        return
    assert found is not None
    assert found.until == case["until"]
    assert all(article in found.basis for article in case["articles"]), found.basis
    assert case.get("kept", found.what) == found.what


def test_without_a_country_or_a_rule_nothing_is_kept() -> None:
    assert kept_by_law([], PERSON, ON) is None
    assert kept_by_law(at("AQ"), PERSON, ON) is None
    assert kept_by_law(at("US", "DE", "CN"), VISIT, ON) is None
    assert kept_by_law(at("US"), VEHICLE, ON) is None


@pytest.mark.parametrize(
    ("country", "until", "basis"),
    [
        ("CN", date(2028, 3, 4), "工资支付暂行规定"),
        ("DE", date(2028, 3, 4), "ArbZG § 16"),
        ("US", date(2029, 3, 4), "29 CFR 516.5"),
    ],
)
def test_hours_are_kept_as_long_as_the_country_demands(country: str, until: date, basis: str) -> None:
    kept = kept_by_law(at(country), PERSON, ON)
    assert kept is not None
    assert kept.until == until
    assert basis in kept.basis


def test_the_united_states_keep_payroll_longer_than_time_cards_and_california_is_named() -> None:
    ours = {one.years: one.basis for one in RULES if one.country == "US"}
    assert set(ours) == {2, 3}
    assert "516.6" in ours[2]
    assert "Labor Code §§ 226 (a), 1174 (d)" in ours[3]


def test_of_several_countries_the_longest_time_holds() -> None:
    kept = kept_by_law(at("DE", "US"), PERSON, ON)
    assert kept is not None
    assert kept.until == date(2029, 3, 4)


def test_a_law_that_was_not_in_force_yet_keeps_nothing() -> None:
    assert kept_by_law(at("US"), PERSON, date(1987, 6, 30)) is None


def test_a_leap_day_ends_on_the_last_of_february() -> None:
    kept = kept_by_law(at("US"), PERSON, date(2028, 2, 29))
    assert kept is not None
    assert kept.until == date(2031, 2, 28)
