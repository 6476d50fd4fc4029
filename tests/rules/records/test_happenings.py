"""A happening keeps its meaning as bytes and sealed, and shows each part only to its own key."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.errors import BadInput, CannotOpen
from postern.ids import AccessPointId, AgentId, AreaId, DoorId, ReaderId, SiteId, TenantId
from postern.records.model import (
    CommandRecord,
    DecisionRecord,
    DoorCondition,
    DoorRecord,
    Happening,
    Kind,
    Outcome,
    PassageRecord,
    PictureRef,
    PresenceDeed,
    PresenceRecord,
    RecordKey,
    kind_of,
)
from postern.records.sealed import anonymous, decode, encode, open_happening, seal_happening, subjects_by_tag
from postern.sealing.envelope import Key, new_key

AT = datetime(2026, 3, 1, 7, 30, 12, 345678, tzinfo=UTC)
TENANT = TenantId(1)
KEY = RecordKey(site=SiteId(4), day=date(2026, 3, 1), agent=AgentId(3), seq=17)
PERSON = UUID("8d8e47c6-6f4d-4a5e-9a39-0a3f63f0a3a1")
DECISION = DecisionRecord(
    at=AT,
    access_point=AccessPointId(UUID(int=1)),
    door=DoorId(UUID(int=2)),
    reader=ReaderId(UUID(int=3)),
    direction_out=True,
    credential_kind="face",
    subject=PERSON,
    subject_kind="person",
    granted=True,
    reason="granted",
    score=0.93,
    policy="1.7",
    picture=PictureRef(name="ab" * 16, key=b"k" * 32),
)
STRANGER = replace(DECISION, subject=None, subject_kind=None, plate="京A12345", credential_kind="plate")
STATED = PresenceRecord(
    at=AT,
    deed=PresenceDeed.STATED,
    by="warden",
    reason="walked out with the others",
    subject=PERSON,
    subject_kind="person",
    area=AreaId(UUID(int=5)),
)
FIRST = replace(DECISION, plate="京A12345", reason='a "quoted"\n word')
FIRST_ENCODED = (
    '{"v":1,"k":1,"at":1772350212345678,"a":"AAAAAAAAAAAAAAAAAAAAAQ","d":"AAAAAAAAAAAAAAAAAAAAAg"'
    ',"r":"AAAAAAAAAAAAAAAAAAAAAw","out":true,"c":"face","g":true,"y":"a \\"quoted\\"\\n word","q":0.93'
    ',"b":"1.7","s":"jY5Hxm9NSl6aOQo_Y_CjoQ","sk":"person","p":"京A12345","pn":"q6urq6urq6urq6urq6urqw"'
    ',"pk":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"}'
)
FIRST_SEALED = (
    "AXNpdGUtZGF5bXWF9nOi8CR6YP3lCw5CVKoiEVJSNGCb9QTYnGtpKq/ZW6hyduqaldIUUPO5prw80gw/qqUijaxnN1iW0//6"
    "w3PceZZ56siQWTxVxCyrQPmKHdjAfKyFXTCfw891VIVgqD++KCbAjF4K2+P1/lMYxgA1R/TCg59Pu37w+NP1Hg3EdbIFHQCU"
    "FGLEs89T5IUcZb1QbhhzSZz7eLDkaxkasJulelS/F/KbvKO70pwJqXBljUr1XG3RZe1SkajLYbDVWgvwWQuJGnn2bqTfrDL0"
    "ftoIqlBKuKtjSY+3Z9a5kvViz+C9FKxY+pfS9tAWjayQFxm2HtVVuob86fiN5RkKh+oVOCjkFqphZ/nqLUy72jZv5P3/zZ/E"
    "XVAqHqjcCwEOGb3cmQ4/CsdEVRqSAU3U9Ad15ZKx1ON9WC3KJbGVRwrHE744Qs/rpgCUrZf6X3OsG6T3iVzLTv/fZcUWsuo1"
    "4RgoVAuOUWJ65WnEtZaMBjnTnShB8wfTCzWIS1tJ6vwekOk2yPSzn8NYkfqlLi66vWpTmNenpdxl6YyUWyKldeMbcDNw2F3N"
    "KBquCPhm28+0GF2DEQ9z/ul30wposzwRSpkBQh0SGFUufpzVo2dCWn+p/b3NZtcfRuBAUWaC0I9cOHyhsUJ8SnI="
)
OTHERS: list[Happening] = [
    PassageRecord(at=AT, decision_seq=16, outcome=Outcome.TAKEN),
    DoorRecord(at=AT, door=DoorId(UUID(int=2)), state=DoorCondition.FORCED),
    CommandRecord(at=AT, door=DoorId(UUID(int=2)), operator="guard", reason="delivery", done=False),
    PresenceRecord(at=AT, deed=PresenceDeed.CALLED, by="guard", reason="smoke", drill=True),
]

identifiers = st.uuids(version=4)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
pictures = st.none() | st.builds(
    PictureRef,
    name=st.binary(min_size=16, max_size=16).map(bytes.hex),
    key=st.binary(min_size=32, max_size=32),
)
decisions = st.builds(
    DecisionRecord,
    at=moments,
    access_point=identifiers,
    door=identifiers,
    reader=st.none() | identifiers,
    direction_out=st.booleans(),
    credential_kind=st.sampled_from(["face", "plate", "card", "pin", "qr"]),
    plate=st.none() | st.text(),
    granted=st.booleans(),
    reason=st.text(),
    score=st.none() | st.floats(0, 1),
    policy=st.text(),
    picture=pictures,
)
happenings = st.one_of(
    decisions,
    st.builds(
        lambda record, subject: replace(record, subject=subject, subject_kind="person"),
        decisions,
        identifiers,
    ),
    st.builds(PassageRecord, at=moments, decision_seq=st.integers(0), outcome=st.sampled_from(Outcome)),
    st.builds(DoorRecord, at=moments, door=identifiers, state=st.sampled_from(DoorCondition)),
    st.builds(
        CommandRecord, at=moments, door=identifiers, operator=st.text(), reason=st.text(), done=st.booleans()
    ),
    st.builds(
        PresenceRecord,
        at=moments,
        deed=st.sampled_from(PresenceDeed),
        by=st.text(),
        reason=st.text(),
        drill=st.booleans(),
        subject=identifiers,
        subject_kind=st.sampled_from(["person", "vehicle"]),
        area=st.none() | identifiers,
        vehicle=st.none() | identifiers,
        more=st.integers(0, 100),
        place=st.none() | st.integers(1, 100),
    ),
)


@given(happenings)
def test_what_is_encoded_is_decoded_equal(happening: Happening) -> None:
    assert decode(encode(happening)) == happening


@given(happenings)
def test_what_is_encoded_is_what_a_general_encoder_writes(happening: Happening) -> None:
    told = json.loads(encode(happening))
    assert encode(happening) == json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def test_what_the_first_release_sealed_opens_and_is_tagged_and_encoded_the_same() -> None:
    site_day = Key(id=b"site-day", secret=bytes(range(32, 64)))
    movement = Key(id=b"movement", secret=bytes(range(32)))
    opened = open_happening(
        base64.b64decode(FIRST_SEALED), tenant=TENANT, key=KEY, site_day=site_day, movement=movement
    )
    assert (opened.happening, opened.withheld) == (FIRST, False)
    assert encode(FIRST).decode() == FIRST_ENCODED
    sealed, tag = seal_happening(FIRST, tenant=TENANT, key=KEY, site_day=site_day, movement=movement)
    assert tag == bytes.fromhex("4ad4d13c68ae4ec1473a56f7247e41fd")
    assert len(sealed) == len(base64.b64decode(FIRST_SEALED))


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="a score is a number"):
        encode(replace(DECISION, score=score))


@given(st.binary() | st.dictionaries(st.text(), st.integers()).map(lambda made: json.dumps(made).encode()))
def test_other_bytes_are_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        decode(data)


@pytest.mark.parametrize("change", [{"v": 2}, {"k": 99}, {"k": 5}, {"at": "now"}, {"d": "?"}, {"pn": "AAAA"}])
def test_a_decision_that_was_tampered_with_is_bad_input(change: dict[str, object]) -> None:
    fields = json.loads(encode(DECISION))
    with pytest.raises(BadInput, match="use the release that wrote it"):
        decode(json.dumps({**fields, **change}).encode())


def test_a_subject_without_its_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="comes with its kind"):
        replace(DECISION, subject_kind=None)


@pytest.mark.parametrize("happening", [STRANGER, *OTHERS])
def test_a_happening_without_subject_opens_with_the_days_key(happening: Happening) -> None:
    site_day = new_key()
    sealed, tag = seal_happening(happening, tenant=TENANT, key=KEY, site_day=site_day, movement=None)
    assert tag is None
    opened = open_happening(sealed, tenant=TENANT, key=KEY, site_day=site_day, movement=None)
    assert (opened.happening, opened.withheld) == (happening, False)


@pytest.mark.parametrize("happening", [DECISION, STATED])
def test_a_subject_opens_only_with_its_own_movement_key(happening: Happening) -> None:
    site_day, movement = new_key(), new_key()
    sealed, _ = seal_happening(happening, tenant=TENANT, key=KEY, site_day=site_day, movement=movement)
    opened = open_happening(sealed, tenant=TENANT, key=KEY, site_day=site_day, movement=movement)
    assert (opened.happening, opened.withheld) == (happening, False)
    for other in (None, new_key()):
        opened = open_happening(sealed, tenant=TENANT, key=KEY, site_day=site_day, movement=other)
        assert (opened.happening, opened.withheld) == (anonymous(happening), True)


def test_an_anonymous_decision_tells_place_and_reason_but_not_who() -> None:
    left = anonymous(replace(DECISION, plate="AB123"))
    assert isinstance(left, DecisionRecord)
    assert (left.subject, left.subject_kind, left.plate, left.picture) == (None, None, None, None)
    assert (left.at, left.reason, left.score) == (DECISION.at, DECISION.reason, DECISION.score)


def test_a_subject_is_never_sealed_without_its_movement_key() -> None:
    with pytest.raises(ValueError, match="sealed under its movement key"):
        seal_happening(DECISION, tenant=TENANT, key=KEY, site_day=new_key(), movement=None)


@pytest.mark.parametrize(
    "moved", [{"site": SiteId(5)}, {"day": date(2026, 3, 2)}, {"agent": AgentId(4)}, {"seq": 18}]
)
def test_a_record_moved_to_another_row_does_not_open(moved: dict[str, object]) -> None:
    site_day, movement = new_key(), new_key()
    sealed, _ = seal_happening(DECISION, tenant=TENANT, key=KEY, site_day=site_day, movement=movement)
    elsewhere = replace(KEY, **moved)
    with pytest.raises(CannotOpen):
        open_happening(sealed, tenant=TENANT, key=elsewhere, site_day=site_day, movement=movement)


def test_the_tag_leads_to_the_subject_on_its_day_only() -> None:
    site_day, another_day = new_key(), new_key()
    _, tag = seal_happening(DECISION, tenant=TENANT, key=KEY, site_day=site_day, movement=new_key())
    assert tag is not None
    people = [UUID(int=9), PERSON]
    assert subjects_by_tag(site_day, people)[tag] == PERSON
    assert tag not in subjects_by_tag(another_day, people)


def test_a_strangers_plate_is_found_by_its_comparison_form() -> None:
    site_day = new_key()
    first, second = (
        seal_happening(
            STRANGER, tenant=TENANT, key=KEY, site_day=site_day, movement=None, compared_plate="京A12345"
        )
        for _ in range(2)
    )
    assert first[1] == second[1] is not None
    assert first[0] != second[0]


def test_every_happening_has_its_kind() -> None:
    assert [kind_of(happening) for happening in [DECISION, *OTHERS]] == [
        Kind.DECISION,
        Kind.PASSAGE,
        Kind.DOOR,
        Kind.COMMAND,
        Kind.PRESENCE,
    ]
