"""Jurisdiction profiles: what each forbids, why, and by which article."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from postern.errors import NotFound
from postern.ids import ConsentId, PersonId, TenantId, new_id
from postern.privacy.model import Consent, ConsentForm, ConsentPurpose, LegalBasis
from postern.privacy.profiles import (
    ForbiddenHere,
    Profile,
    WorkingTime,
    age,
    profile,
    profile_of_country,
    profiles,
)

NOW = date(2026, 3, 4)
GIVEN = Consent(
    id=ConsentId(new_id()),
    tenant=TenantId(1),
    person=PersonId(new_id()),
    purposes=frozenset({ConsentPurpose.FACE_RECOGNITION}),
    given_at=datetime(2026, 3, 4, tzinfo=UTC),
    recorded_by="hr",
)


def consent(**changed: object) -> Consent:
    return Consent(**{name: getattr(GIVEN, name) for name in GIVEN.__slots__} | changed)  # type: ignore[arg-type]  # a test's own words


def test_without_a_country_the_general_lines_hold() -> None:
    assert profile_of_country(None, NOW).id == "general"
    assert profile_of_country("JP", NOW).id == "general"


@pytest.mark.parametrize(
    ("country", "expected"),
    [("CN", "cn"), ("DE", "eu"), ("NO", "eu"), ("FR", "fr"), ("US", "us-il"), ("SG", "sg")],
)
def test_a_site_begins_with_its_country_s_profile(country: str, expected: str) -> None:
    assert profile_of_country(country, NOW).id == expected


def test_no_country_has_two_profiles() -> None:
    every = [country for one in profiles(NOW) for country in one.countries]
    assert len(every) == len(set(every))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(NotFound):
        profile("atlantis", NOW)


@pytest.mark.parametrize("id", ["cn", "eu", "fr", "us-il", "sg", "general"])
def test_every_ruling_cites_its_article_and_says_why_in_both_languages(id: str) -> None:
    for question, ruling in profile(id, NOW).rulings.items():
        assert len(ruling.article) >= 8, question
        assert len(ruling.why.en) >= 20, question
        assert any("\u4e00" <= letter <= "\u9fff" for letter in ruling.why.zh), question


def test_in_france_no_consent_makes_hours_from_a_face() -> None:
    france = profile("fr", NOW)
    assert france.working_time is WorkingTime.REFUSED
    for consents in (True, False):
        with pytest.raises(ForbiddenHere, match="CNIL"):
            france.refuse_hours_by_face(consents=consents)


@pytest.mark.parametrize("id", ["cn", "eu", "us-il", "sg", "general"])
def test_elsewhere_hours_come_from_a_face_only_with_consent(id: str) -> None:
    profile(id, NOW).refuse_hours_by_face(consents=True)
    with pytest.raises(ForbiddenHere):
        profile(id, NOW).refuse_hours_by_face(consents=False)


def test_france_says_in_chinese_why_hours_are_not_counted_from_a_face() -> None:
    with pytest.raises(ForbiddenHere) as fault:
        profile("fr", NOW).refuse_hours_by_face(consents=True)
    assert fault.value.in_language("zh").startswith("在法国不得依据人脸计算工时")
    assert fault.value.in_language("en") == str(fault.value)


def test_illinois_takes_no_tick_on_an_operators_screen_and_nothing_instead_of_the_release() -> None:
    illinois = profile("us-il", NOW)
    illinois.refuse_consent(consent(form=ConsentForm.SIGNED_PAPER), born=None, on=NOW)
    illinois.refuse_consent(consent(form=ConsentForm.ONLINE), born=None, on=NOW)
    for refused in (
        consent(form=ConsentForm.ON_SCREEN),
        consent(basis=LegalBasis.OTHER, reference="a contract"),
    ):
        with pytest.raises(ForbiddenHere, match="740 ILCS 14"):
            illinois.refuse_consent(refused, born=None, on=NOW)


def test_before_august_2024_illinois_took_paper_only() -> None:
    before = profile("us-il", date(2024, 8, 1))
    assert before.consent_forms == {ConsentForm.SIGNED_PAPER}
    with pytest.raises(ForbiddenHere):
        before.refuse_consent(consent(form=ConsentForm.ONLINE), born=None, on=date(2024, 8, 1))


def test_china_had_no_filing_before_june_2025() -> None:
    assert profile("cn", date(2025, 5, 31)).filing_at is None
    assert profile("cn", date(2025, 6, 1)).filing_at == 100_000
    assert profile("eu", NOW).filing_at is None


@pytest.mark.parametrize(
    ("id", "grown_up"), [("cn", 14), ("eu", 16), ("fr", 15), ("us-il", 18), ("sg", 13), ("general", 14)]
)
def test_a_child_consents_through_a_guardian_until_the_very_birthday(id: str, grown_up: int) -> None:
    one, birthday = profile(id, NOW), date(NOW.year - grown_up, NOW.month, NOW.day)
    one.refuse_consent(GIVEN, born=birthday, on=NOW)
    day_after = birthday.replace(day=birthday.day + 1)
    with pytest.raises(ForbiddenHere):
        one.refuse_consent(GIVEN, born=day_after, on=NOW)
    one.refuse_consent(consent(guardian="Jo Nowak, mother"), born=day_after, on=NOW)


def test_whose_age_is_not_known_is_not_taken_for_a_child() -> None:
    profile("cn", NOW).refuse_consent(GIVEN, born=None, on=NOW)


@pytest.mark.parametrize(
    ("id", "days", "pictures"), [("fr", 180, 180), ("us-il", 1095, 1095), ("cn", 3660, 90)]
)
def test_nothing_is_kept_for_longer_than_the_law_lets_it(id: str, days: int, pictures: int) -> None:
    one = profile(id, NOW)
    one.refuse_retention(days=days, picture_days=pictures)
    with pytest.raises(ForbiddenHere):
        one.refuse_retention(days=days, picture_days=pictures + 1)
    with pytest.raises(ForbiddenHere):
        one.refuse_retention(days=days + 1, picture_days=pictures)


def test_a_birthday_on_a_leap_day_is_had_the_day_after() -> None:
    assert age(date(2012, 2, 29), date(2026, 2, 28)) == 13
    assert age(date(2012, 2, 29), date(2026, 3, 1)) == 14


@pytest.mark.parametrize("found", profiles(NOW), ids=lambda one: one.id)
def test_what_a_profile_begins_with_it_does_not_forbid(found: Profile) -> None:
    found.refuse_retention(days=found.default_days, picture_days=found.default_picture_days)


def test_a_stricter_law_begins_with_less() -> None:
    pictures = {one.id: one.default_picture_days for one in profiles(NOW)}
    assert pictures["eu"] == pictures["fr"] == 14
    assert {pictures["cn"], pictures["us-il"], pictures["sg"], pictures["general"]} == {30}
