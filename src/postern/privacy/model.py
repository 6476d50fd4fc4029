"""Consent: on what ground a person's face may be used, and until when it lasted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postern.ids import ConsentId, PersonId, TenantId


class ConsentPurpose(StrEnum):
    """What is consented to."""

    FACE_RECOGNITION = "face-recognition"
    ENROLMENT_PHOTO = "enrolment-photo"
    MOVEMENTS = "movements"


class LegalBasis(StrEnum):
    """The ground in law. Anything but consent needs its reference written down."""

    CONSENT = "consent"
    OTHER = "other-recorded-basis"


class ConsentForm(StrEnum):
    """How it was expressed."""

    SIGNED_PAPER = "signed-paper"
    ON_SCREEN = "on-screen"
    ONLINE = "online"


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """One person's consent. It is live until withdrawn; a withdrawn one is kept as proof and never revived.

    `wording` names the text that was shown; `reference` the file, contract or law behind it; `without` are
    purposes of it that were withdrawn by themselves; `guardian` says who consented for a child, and as what.
    """

    id: ConsentId
    tenant: TenantId
    person: PersonId
    purposes: frozenset[ConsentPurpose]
    given_at: datetime
    recorded_by: str
    form: ConsentForm = ConsentForm.SIGNED_PAPER
    basis: LegalBasis = LegalBasis.CONSENT
    wording: str = ""
    reference: str = ""
    guardian: str = ""
    withdrawn_at: datetime | None = None
    without: frozenset[ConsentPurpose] = frozenset()
    version: int = 1

    def covers(self, purpose: ConsentPurpose) -> bool:
        """Whether it is live and for that purpose."""
        return self.withdrawn_at is None and purpose in self.purposes - self.without
