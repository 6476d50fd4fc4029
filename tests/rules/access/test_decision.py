"""decide(): what refuses, in which order, and what must hold whatever the policy says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.access.decision import (
    CodePresented,
    Denied,
    FacePresented,
    Granted,
    PinPresented,
    PlatePresented,
    Presented,
    Request,
    decide,
)
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding
from postern.access.pins import hash_pin, pin_matches
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.biometrics.comparison import Match, NoMatch, NoMatchReason
from postern.biometrics.model import Pad, PadResult
from postern.errors import BadInput
from postern.ids import AccessLevelId, AccessPointId, CredentialId, PersonId
from tests.rules.access.drawn_policy import TENANT, named_id, point, policy_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
WORDS = {
    "site": {"time_zone": "Europe/Berlin"},
    "access levels": {"always": {"doors": ["front"]}},
    "holders": {"Ada": {"card": "AAAA", "levels": ["always"]}},
}
POLICY = policy_of(WORDS)
ADA = PersonId(named_id("Ada"))
EMPTY = replace(POLICY, holders=(), levels=(), schedules=(), access_points=(), doors=(), areas=())
NO_HOLDERS = replace(POLICY, holders=(), levels=())

moments = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2029, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
texts = st.text(max_size=12)
presentations: st.SearchStrategy[Presented] = st.one_of(
    st.builds(CodePresented, kind=st.sampled_from([CredentialKind.CARD, CredentialKind.QR]), value=texts),
    st.builds(PlatePresented, text=texts, score=st.floats(0, 1)),
    st.builds(PinPresented, keypad_number=texts, pin=texts),
    st.builds(FacePresented, result=st.builds(Match, person=st.uuids().map(PersonId), score=st.floats(0, 1))),
    st.just(FacePresented(result=NoMatch(reason=NoMatchReason.BELOW_THRESHOLD, score=0.1))),
)


def asked(presented: Presented, policy: Policy = POLICY, door: str = "front", at: datetime = NOON) -> Reason:
    return decide(Request(access_point=point(door), presented=presented), policy, at).reason


def card(number: str = "AAAA") -> CodePresented:
    return CodePresented(kind=CredentialKind.CARD, value=number)


def ada_with(*credentials: Credential) -> Policy:
    (ada,) = POLICY.holders
    return replace(POLICY, holders=(replace(ada, credentials=credentials),))


@settings(deadline=None)  # a PIN is compared slowly, on purpose
@given(presentations, moments)
def test_an_empty_policy_denies_everything(presented: Presented, at: datetime) -> None:
    decision = decide(Request(access_point=point("front"), presented=presented), EMPTY, at)
    assert isinstance(decision, Denied)


@settings(deadline=None)
@given(presentations, moments)
def test_a_policy_without_holders_lets_nobody_in_and_everybody_out(
    presented: Presented, at: datetime
) -> None:
    assert isinstance(
        decide(Request(access_point=point("front"), presented=presented), NO_HOLDERS, at), Denied
    )
    out = decide(Request(access_point=point("front out"), presented=presented), NO_HOLDERS, at)
    assert out == Granted(reason=Reason.WAY_OUT, policy="1.7")


def test_a_card_with_an_access_level_opens() -> None:
    decision = decide(Request(access_point=point("front"), presented=card()), POLICY, NOON)
    assert isinstance(decision, Granted)
    assert decision.holder is not None
    assert (decision.reason, decision.holder.subject, decision.policy) == (Reason.GRANTED, ADA, "1.7")


def test_an_access_point_of_another_site_is_unknown_even_as_a_way_out() -> None:
    request = Request(access_point=AccessPointId(named_id("elsewhere")), presented=card())
    assert decide(request, POLICY, NOON).reason is Reason.UNKNOWN_ACCESS_POINT


def test_a_policy_that_is_too_old_lets_nobody_in_and_still_lets_out() -> None:
    late = POLICY.valid_until
    assert asked(card(), at=late - timedelta(seconds=1)) is Reason.GRANTED
    assert asked(card(), at=late) is Reason.POLICY_EXPIRED
    assert asked(card(), door="front out", at=late) is Reason.WAY_OUT


def test_a_revoked_card_is_refused() -> None:
    (only,) = POLICY.holders[0].credentials
    assert asked(card(), ada_with(replace(only, revoked=True))) is Reason.CREDENTIAL_REVOKED


def test_a_new_card_works_where_the_same_number_was_revoked_for_somebody_else() -> None:
    (ada,) = POLICY.holders
    old = Holding(
        subject=named_id("Old"),
        kind=ada.kind,
        credentials=(replace(ada.credentials[0], id=CredentialId(named_id("old")), revoked=True),),
    )
    for holders in ((ada, old), (old, ada)):
        assert asked(card(), replace(POLICY, holders=holders)) is Reason.GRANTED


FACE = Credential(id=CredentialId(named_id("face")), kind=CredentialKind.FACE)


def shown(person: PersonId = ADA, pad: PadResult = PadResult.NOT_CHECKED) -> FacePresented:
    return FacePresented(result=Match(person=person, score=0.9), pad=Pad(result=pad))


def test_a_matched_face_opens() -> None:
    assert asked(shown(), ada_with(FACE)) is Reason.GRANTED


def test_a_face_without_consent_is_refused_although_it_matched() -> None:
    assert asked(shown(), POLICY) is Reason.NO_CONSENT


def test_a_picture_of_a_face_is_refused() -> None:
    assert asked(shown(pad=PadResult.ATTACK), ada_with(FACE)) is Reason.PAD_ATTACK


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (NoMatchReason.EMPTY_GALLERY, Reason.NO_MATCH),
        (NoMatchReason.BELOW_THRESHOLD, Reason.NO_MATCH),
        (NoMatchReason.AMBIGUOUS, Reason.UNCERTAIN_READ),
    ],
)
def test_a_face_that_is_nobodys_is_refused(why: NoMatchReason, reason: Reason) -> None:
    assert asked(FacePresented(result=NoMatch(reason=why, score=0.2)), ada_with(FACE)) is reason


def test_a_plate_opens_with_o_read_as_zero_and_is_refused_when_uncertain() -> None:
    plate = Credential(id=CredentialId(named_id("p")), kind=CredentialKind.PLATE, value="BOO1I")
    policy = ada_with(plate)
    assert asked(PlatePresented(text="B-001 1", score=0.9), policy) is Reason.GRANTED
    assert asked(PlatePresented(text="B-001 1", score=0.49), policy) is Reason.UNCERTAIN_READ
    assert asked(PlatePresented(text="B-002 1", score=0.9), policy) is Reason.UNKNOWN_CREDENTIAL


def test_a_pin_opens_only_with_its_own_keypad_number() -> None:
    pin = Credential(
        id=CredentialId(named_id("n")), kind=CredentialKind.PIN, value="123456", secret=hash_pin("2580")
    )
    policy = ada_with(pin)
    assert asked(PinPresented(keypad_number="123456", pin="2580"), policy) is Reason.GRANTED
    assert asked(PinPresented(keypad_number="123456", pin="2581"), policy) is Reason.WRONG_PIN
    assert asked(PinPresented(keypad_number="123457", pin="2580"), policy) is Reason.WRONG_PIN


def test_a_pin_without_its_secret_never_matches() -> None:
    assert not pin_matches(None, "2580")
    assert not pin_matches("no hash", "2580")
    with pytest.raises(BadInput):
        hash_pin("1111")


@given(st.sets(st.sampled_from(["front", "store", "front out"])), moments)
def test_adding_a_level_never_takes_a_way_in_away(doors: set[str], at: datetime) -> None:
    (ada,) = POLICY.holders
    more = AccessLevel(
        id=AccessLevelId(named_id("more")),
        tenant=TENANT,
        name="more",
        access_points=frozenset(point(door) for door in doors),
    )
    richer = replace(
        POLICY,
        levels=(more, *POLICY.levels),
        holders=(replace(ada, grants=(Grant(level=more.id), *ada.grants)),),
    )
    request = Request(access_point=point("front"), presented=card())
    if isinstance(decide(request, POLICY, at), Granted):
        assert isinstance(decide(request, richer, at), Granted)


def test_a_grant_of_a_level_or_schedule_that_is_gone_opens_nothing() -> None:
    assert asked(card(), replace(POLICY, levels=())) is Reason.NO_ACCESS_LEVEL
    level = replace(POLICY.levels[0], schedule=named_id("gone"))
    assert asked(card(), replace(POLICY, levels=(level,))) is Reason.OUTSIDE_SCHEDULE


def test_every_reason_has_words_and_every_refusal_a_cure_in_both_languages() -> None:
    for reason in Reason:
        for language in ("en", "zh"):
            assert reason.words(language)
            assert bool(reason.cure(language)) is (reason.makes_case or not reason.grants)


def test_a_policy_survives_being_written_and_read() -> None:
    assert Policy.from_bytes(POLICY.to_bytes()) == POLICY


def test_a_policy_of_another_shape_is_refused() -> None:
    with pytest.raises(BadInput, match="newer release"):
        Policy.from_bytes(b'{"epoch": 1}')
    with pytest.raises(BadInput):
        Policy.from_bytes(POLICY.to_bytes().replace(b'"epoch":1', b'"epoch":"1"'))
