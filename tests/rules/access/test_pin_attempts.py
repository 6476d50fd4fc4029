"""PINs are few enough to be guessed, so whoever guesses must wait; nobody who leaves ever does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from postern.access import pins
from postern.access.decision import PinPresented, Request, counted, decide
from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.pins import NO_ATTEMPTS, OF_NUMBER, OF_READER, hash_pin, pin_matches
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.ids import AccessLevelId, AccessPointId, CredentialId, ReaderId
from tests.flows.agent_site import CARD_IN, FACE_IN, WAY_IN, WAY_OUT, policy

NOW = datetime.now(UTC)
ANNA, BERT = "000111", "000222"
RIGHT = "2580"


def holder(number: str) -> Holding:
    pin = Credential(
        id=CredentialId(UUID(int=50)), kind=CredentialKind.PIN, value=number, secret=hash_pin(RIGHT)
    )
    return Holding(
        subject=UUID(int=int(number)),
        kind=SubjectKind.PERSON,
        credentials=(pin,),
        grants=(Grant(level=AccessLevelId(UUID(int=10))),),
    )


@pytest.fixture(scope="module")
def site() -> Policy:
    plain = policy()
    return Policy(
        epoch=1,
        version=1,
        tenant=plain.tenant,
        site=plain.site,
        valid_until=NOW + timedelta(days=365),
        doors=plain.doors,
        access_points=plain.access_points,
        readers=plain.readers,
        holders=(holder(ANNA), holder(BERT)),
        levels=plain.levels,
    )


class Keypad:
    """Somebody types; `later` lets time pass."""

    def __init__(self, site: Policy) -> None:
        self._site = site
        self.at = NOW
        self.attempts = NO_ATTEMPTS

    def types(
        self, number: str, pin: str, *, reader: ReaderId = CARD_IN, point: AccessPointId = WAY_IN
    ) -> Reason:
        typed = PinPresented(keypad_number=number, pin=pin)
        request = Request(access_point=point, reader=reader, presented=typed)
        decision = decide(request, self._site, self.at, self.attempts)
        self.attempts = counted(self.attempts, request, decision, self.at)
        return decision.reason

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def keypad(site: Policy) -> Keypad:
    return Keypad(site)


def test_nobody_waits_who_never_tried() -> None:
    assert not NO_ATTEMPTS.waits(ANNA, CARD_IN, NOW)


def test_three_slips_are_free(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free):
        assert keypad.types(ANNA, "1111") is Reason.WRONG_PIN
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_after_four_wrong_pins_even_the_right_one_waits_for_two_seconds(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free + 1):
        keypad.types(ANNA, "1111")
    assert keypad.types(ANNA, RIGHT) is Reason.TOO_MANY_ATTEMPTS
    keypad.later(seconds=2)
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_each_further_wrong_pin_doubles_the_wait_up_to_a_quarter_of_an_hour(keypad: Keypad) -> None:
    waits = []
    for _ in range(16):
        keypad.types(ANNA, "1111")
        waited = 0
        while keypad.attempts.waits(ANNA, CARD_IN, keypad.at):
            keypad.later(seconds=1)
            waited += 1
        waits.append(waited)
    assert waits[:6] == [0, 0, 0, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == OF_NUMBER.longest.total_seconds()


def test_typing_while_waiting_makes_nobody_wait_longer(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free + 1):
        keypad.types(ANNA, "1111")
    for _ in range(100):
        assert keypad.types(ANNA, "1111") is Reason.TOO_MANY_ATTEMPTS
    keypad.later(seconds=2)
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_another_number_is_not_held_up(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free + 1):
        keypad.types(ANNA, "1111")
    assert keypad.types(BERT, RIGHT) is Reason.GRANTED


def test_a_number_waits_at_every_reader(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free + 1):
        keypad.types(ANNA, "1111")
    assert keypad.types(ANNA, RIGHT, reader=FACE_IN) is Reason.TOO_MANY_ATTEMPTS


def test_one_pin_tried_with_many_numbers_makes_the_reader_wait(keypad: Keypad) -> None:
    for number in range(OF_READER.free + 1):
        assert keypad.types(f"{number:06}", RIGHT) is Reason.WRONG_PIN
    assert keypad.types(ANNA, RIGHT) is Reason.TOO_MANY_ATTEMPTS
    assert keypad.types(ANNA, RIGHT, reader=FACE_IN) is Reason.GRANTED


def test_a_right_pin_frees_its_number_and_not_the_reader(keypad: Keypad) -> None:
    for number in range(OF_READER.free):
        keypad.types(f"{number:06}", RIGHT)
    assert keypad.types(BERT, RIGHT) is Reason.GRANTED
    keypad.types("999999", RIGHT)
    assert keypad.types(ANNA, RIGHT) is Reason.TOO_MANY_ATTEMPTS


def test_a_rush_hours_slips_hold_up_nobody(keypad: Keypad) -> None:
    for number in range(60):
        assert keypad.types(f"{number:06}", "1111") is Reason.WRONG_PIN
        keypad.later(minutes=1)
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_whoever_never_gives_up_gets_about_a_hundred_tries_a_day(keypad: Keypad) -> None:
    tries = 0
    while keypad.at < NOW + timedelta(days=2):
        tries += keypad.types(ANNA, "1111") is Reason.WRONG_PIN
        keypad.later(seconds=30)
    assert tries < 230


def test_wrong_pins_are_forgiven_with_time(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free):
        keypad.types(ANNA, "1111")
    keypad.later(hours=4)
    for _ in range(OF_NUMBER.free):
        assert keypad.types(ANNA, "1111") is Reason.WRONG_PIN
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_a_clock_that_is_set_back_locks_nobody_out_for_long(keypad: Keypad) -> None:
    for _ in range(OF_NUMBER.free + 3):
        keypad.types(ANNA, "1111")
    keypad.later(days=-300)
    assert keypad.types(ANNA, RIGHT) is Reason.GRANTED


def test_a_way_out_is_never_held(keypad: Keypad) -> None:
    for _ in range(50):
        assert keypad.types(ANNA, "1111", point=WAY_OUT) is Reason.WAY_OUT
    for _ in range(50):
        keypad.types(ANNA, "1111")
    assert keypad.types(ANNA, "1111") is Reason.TOO_MANY_ATTEMPTS
    assert keypad.types(ANNA, "1111", point=WAY_OUT) is Reason.WAY_OUT


def test_numbers_typed_at_random_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_MOST_KEPT", 20)
    attempts = NO_ATTEMPTS
    for number in range(100):
        attempts = attempts.wrong(f"{number:06}", CARD_IN, NOW)
    assert list(attempts.numbers) == [f"{number:06}" for number in range(80, 100)]
    assert len(attempts.readers) == 1


def test_a_number_that_nobody_has_is_compared_as_well() -> None:
    assert not pin_matches(None, "no PIN at all")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_refusal_says_what_to_do(language: str) -> None:
    assert Reason.TOO_MANY_ATTEMPTS.words(language)
    assert Reason.TOO_MANY_ATTEMPTS.cure(language)
