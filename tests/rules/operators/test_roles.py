"""What each role may do: nothing that is not written down."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp
import pytest

from postern.errors import BadInput, Refused
from postern.ids import TenantId
from postern.operators.model import Actor, Role
from postern.operators.passwords import hash_password, new_recovery_codes, password_matches, totp_step
from postern.operators.roles import DUTIES, Duty, may, require


def acting(role: Role) -> Actor:
    return Actor(tenant=TenantId(1), name="somebody", role=role)


def test_every_role_is_in_the_table() -> None:
    assert set(DUTIES) == set(Role)


def test_only_administrators_change_operators() -> None:
    assert [role for role in Role if may(acting(role), Duty.CHANGE_OPERATORS)] == [Role.ADMINISTRATOR]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PRIVACY_OFFICER, Role.INSTALLER, Role.HR])
def test_who_does_not_guard_doors_opens_none(role: Role) -> None:
    with pytest.raises(Refused, match="open-door"):
        require(acting(role), Duty.OPEN_DOOR)


def test_installers_and_auditors_see_nobody() -> None:
    seeing = {Duty.SEE_PEOPLE, Duty.WATCH, Duty.OPEN_EVIDENCE, Duty.SEARCH}
    assert not DUTIES[Role.INSTALLER] & seeing
    assert not DUTIES[Role.AUDITOR] & seeing


def test_a_manager_sees_and_keeps_hours_and_nothing_else() -> None:
    assert DUTIES[Role.MANAGER] == {Duty.SEE_HOURS, Duty.KEEP_HOURS}


def test_everybodys_hours_are_for_those_who_keep_the_registry() -> None:
    seeing = [role for role in Role if Duty.SEE_ALL_HOURS in DUTIES[role]]
    assert seeing == [role for role in Role if Duty.KEEP_PEOPLE in DUTIES[role]]


def test_a_password_matches_itself_only_and_nobodys_matches_nothing() -> None:
    hashed = hash_password("a long sentence of my own", "ada")
    assert password_matches(hashed, "a long sentence of my own")
    assert not password_matches(hashed, "a long sentence of my 0wn")
    assert not password_matches(None, "")
    assert "sentence" not in hashed


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "administrator"])
def test_a_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(BadInput):
        hash_password(password, "administrator")


def test_a_code_is_good_for_one_step_either_way_and_only_once() -> None:
    secret, at = pyotp.random_base32(), datetime(2026, 3, 4, 12, tzinfo=UTC)
    code = pyotp.TOTP(secret).at(at)
    step = totp_step(secret, code, at, after=0)
    assert step is not None
    assert totp_step(secret, code, at, after=step) is None
    assert totp_step(secret, pyotp.TOTP(secret).generate_otp(step - 1), at, after=0) == step - 1
    assert totp_step(secret, pyotp.TOTP(secret).generate_otp(step - 2), at, after=0) is None
    assert totp_step(secret, "", at, after=0) is None


def test_recovery_codes_are_all_different() -> None:
    assert len(set(new_recovery_codes())) == 10
