"""Keyed look-ups and derived keys say nothing without their key, and never stand in for one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.sealing.derive import purpose_key
from postern.sealing.envelope import new_key
from postern.sealing.tags import blind_index, day_tag


def test_a_subject_has_one_tag_on_one_site_and_day() -> None:
    site_day = new_key()

    assert day_tag(site_day, b"someone") == day_tag(site_day, b"someone")
    assert len(day_tag(site_day, b"someone")) == 16


def test_tags_of_two_days_cannot_be_joined() -> None:
    assert day_tag(new_key(), b"someone") != day_tag(new_key(), b"someone")


@given(st.text(), st.text())
def test_two_values_share_a_blind_index_only_when_equal(one: str, other: str) -> None:
    index = new_key()

    assert (blind_index(index, one) == blind_index(index, other)) == (one == other)
    assert len(blind_index(index, one)) == 32


def test_a_tag_is_no_prefix_of_a_blind_index_under_the_same_key() -> None:
    key = new_key()

    assert not blind_index(key, "B12345").startswith(day_tag(key, b"B12345"))


def test_every_purpose_tenant_and_version_has_its_own_key() -> None:
    tenant_key = new_key()
    made = [
        purpose_key(tenant_key, purpose="journal", tenant=1),
        purpose_key(tenant_key, purpose="operators", tenant=1),
        purpose_key(tenant_key, purpose="journal", tenant=2),
        purpose_key(tenant_key, purpose="journal", tenant=1, version=2),
        purpose_key(new_key(), purpose="journal", tenant=1),
        tenant_key,
    ]

    assert len({key.secret for key in made}) == len({key.id for key in made}) == len(made)
    assert purpose_key(tenant_key, purpose="journal", tenant=1) == made[0]


@pytest.mark.parametrize("name", ["", "journal|1"])
def test_a_purpose_name_that_could_be_read_two_ways_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="without"):
        purpose_key(new_key(), purpose=name, tenant=1)
