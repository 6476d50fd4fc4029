"""Consent: live or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from postern.ids import ConsentId, PersonId, TenantId, new_id
from postern.privacy.model import Consent, ConsentPurpose
from postern.privacy.store import is_live

FACE, PHOTO = ConsentPurpose.FACE_RECOGNITION, ConsentPurpose.ENROLMENT_PHOTO
GIVEN = Consent(
    id=ConsentId(new_id()),
    tenant=TenantId(1),
    person=PersonId(new_id()),
    purposes=frozenset({FACE}),
    given_at=datetime(2026, 3, 1, tzinfo=UTC),
    recorded_by="hr",
)


def test_without_any_consent_nothing_is_allowed() -> None:
    assert not is_live([], FACE)


def test_a_consent_covers_its_own_purpose_only() -> None:
    assert is_live([GIVEN], FACE)
    assert not is_live([GIVEN], PHOTO)


def test_a_withdrawn_consent_covers_nothing() -> None:
    assert not is_live([replace(GIVEN, withdrawn_at=datetime(2026, 3, 2, tzinfo=UTC))], FACE)
