"""Jurisdiction profiles: what each forbids, why, and by which article."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from postern.errors import NotFound, Refused
from postern.ids import ConsentId, PersonId, TenantId, new_id
from postern.privacy.model import Consent, ConsentForm, ConsentPurpose, LegalBasis
from postern.privacy.profiles import (
    ForbiddenHere,
    Profile,
    WorkingTime,
    age,
    first_grounds,
    first_text,
    profile,
    profile_of_country,
    profiles,
    refuse_movements,
)
from postern.privacy.texts import Asked, Basis, Purpose, checked_wording

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
        assert len(ruling.article.en) >= 8, question
        assert any("\u4e00" <= letter <= "\u9fff" for letter in ruling.article.zh), question
        official = re.findall("第[一二三四五六七八九十]+条", ruling.article.en)
        assert all(one in ruling.article.zh for one in official), question
        if not official:
            assert numbers(ruling.article.en) <= numbers(ruling.article.zh), question
        assert "art." not in ruling.article.zh, question
        assert " and " not in ruling.article.zh, question
        assert len(ruling.why.en) >= 20, question
        assert any("\u4e00" <= letter <= "\u9fff" for letter in ruling.why.zh), question


def numbers(article: str) -> set[str]:
    return set(re.findall("[0-9]+", article))


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


@pytest.mark.parametrize("found", profiles(NOW), ids=lambda one: one.id)
def test_a_site_begins_with_a_wording_of_its_own_law_in_both_languages(found: Profile) -> None:
    text = found.consent_text
    assert checked_wording(text.en) == text.en
    assert checked_wording(text.zh) == text.zh
    assert (text.number, text.published_by) == (0, "")
    assert found.id in text.name or found.id == "general"
    for language, needed in (("en", ("card", "withdraw")), ("zh", ("卡", "撤回"))):
        assert all(one in text.in_language(language) for one in needed), language


@pytest.mark.parametrize(
    ("id", "needed"),
    [
        ("cn", ("单独同意", "敏感个人信息", "必要性", "影响", "期限")),
        ("eu", ("第 9 条第 2 款", "投诉", "控制者")),
        ("fr", ("绝不用于计算工时", "CNIL")),
        ("us-il", ("740 ILCS 14", "特定目的", "期限", "授权")),
        ("sg", ("个人数据保护法", "撤回")),
    ],
)
def test_a_wording_says_what_its_law_demands(id: str, needed: tuple[str, ...]) -> None:
    assert all(one in profile(id, NOW).consent_text.zh for one in needed)


def test_no_two_laws_share_the_name_of_their_wording() -> None:
    names = [one.consent_text.name for one in profiles(NOW)]
    assert len(names) == len(set(names))


def test_whoever_is_known_at_sites_of_two_laws_reads_both_wordings_and_one_law_only_once() -> None:
    china, europe = profile("cn", NOW), profile("eu", NOW)
    both = first_text([china, europe, china])
    assert both.name == "face-recognition cn 2026-11 + eu 2026-11"
    assert both.zh == f"{china.consent_text.zh}\n\n{europe.consent_text.zh}"
    assert first_text([europe, europe]) == europe.consent_text


@pytest.mark.parametrize("found", profiles(NOW), ids=lambda one: one.id)
def test_every_purpose_begins_with_a_basis_that_the_law_itself_does_not_refuse(found: Profile) -> None:
    refused = found.ruling("legitimate-interests")
    for one in first_grounds([found]).every:
        assert refused is None or one.basis is not Basis.INTERESTS, one.purpose


def test_in_china_whereabouts_begin_with_consent_and_in_europe_with_interests() -> None:
    def basis(*ids: str) -> Basis:
        return next(
            one.basis
            for one in first_grounds([profile(id, NOW) for id in ids]).every
            if one.purpose is Purpose.MOVEMENTS
        )

    assert basis("cn") is Basis.CONSENT
    assert basis("eu") is basis("fr") is Basis.INTERESTS
    assert basis("eu", "cn") is basis("cn", "eu") is Basis.CONSENT
    assert "第二十八条" in profile("cn", NOW).rulings["basis-movements"].article.zh


def test_a_legal_duty_is_begun_with_by_its_law() -> None:
    muster = profile("cn", NOW).ground(Purpose.MUSTER)
    assert muster.basis is Basis.LEGAL_DUTY
    assert "消防法" in muster.reference


def test_records_of_movements_need_a_consent_only_where_they_rest_on_one() -> None:
    china, europe = profile("cn", NOW), profile("eu", NOW)
    for basis in Basis:
        refuse_movements([china], basis, consents=True)
        if basis is not Basis.CONSENT:
            refuse_movements([china], basis, consents=False)
    with pytest.raises(ForbiddenHere, match="第二十八条、第二十九条"):
        refuse_movements([europe, china], Basis.CONSENT, consents=False)
    with pytest.raises(Refused) as chosen:  # Europe does not begin with it: somebody chose it
        refuse_movements([europe], Basis.CONSENT, consents=False)
    assert not isinstance(chosen.value, ForbiddenHere)


@pytest.mark.parametrize("found", profiles(NOW), ids=lambda one: one.id)
def test_every_law_has_a_wording_for_records_of_movements_too(found: Profile) -> None:
    text = found.movements_text
    assert checked_wording(text.en) == text.en
    assert checked_wording(text.zh) == text.zh
    assert ("行踪轨迹" in text.zh) is (found.id == "cn")


def test_a_consent_names_the_wording_for_movements_only_where_it_was_shown_and_agreed_to() -> None:
    china = profile("cn", NOW)
    asked = Asked(face=china.consent_text, movements=china.movements_text)
    assert asked.name(movements=True) == "face-recognition cn 2026-11, movements cn 2026-11"
    assert asked.name(movements=False) == "face-recognition cn 2026-11"
    assert Asked(face=china.consent_text).name(movements=True) == "face-recognition cn 2026-11"
