"""Visit: somebody's planned presence at a site. All of it is sealed under the visit's own identity key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from postern.errors import BadInput
from postern.ids import AccessLevelId, CredentialId, PersonId, SiteId, TenantId, VisitId
from postern.people.mail import checked_mail
from postern.spans import Span

LONGEST_TEXT = 200
LONGEST_TERMS = 20_000
LONGEST_VISIT = timedelta(days=31)
SHORTEST_KEPT, LONGEST_KEPT, USUALLY_KEPT = 1, 365, 30
"""Days for which a visit is kept after it ended."""
LANGUAGES = ("en", "zh")


class VisitState(StrEnum):
    """How far a visit is. The last four are its ends."""

    ASKED = "asked"
    """Somebody stands at a kiosk, and the host has not answered."""
    EXPECTED = "expected"
    INSIDE = "inside"
    LEFT = "left"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MISSED = "missed"
    """Nobody came in the time that was given."""

    @property
    def is_end(self) -> bool:
        """Whether nothing comes after it."""
        return self in _ENDS


_ENDS = frozenset({VisitState.LEFT, VisitState.REFUSED, VisitState.CANCELLED, VisitState.MISSED})


class LetterKind(StrEnum):
    """What a letter is about; all but the first go to the host."""

    INVITATION = "invitation"
    ASKED = "asked"
    ARRIVED = "arrived"
    OVERDUE = "overdue"


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitDetails:
    """What is asked of a visit. `valid` has both ends; `host` is None where nobody was found or is left.

    `level`: what the visitor's QR code opens in that time; None: nothing, the host fetches them.
    """

    site: SiteId
    name: str
    valid: Span
    company: str = ""
    mail: str | None = None
    host: PersonId | None = None
    level: AccessLevelId | None = None
    purpose: str = ""
    language: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedTerms:
    """Which text was signed, by its number, language and SHA-256; with which name, and when."""

    number: int
    language: str
    digest: bytes
    name: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitFace:
    """A visitor's consent to be known by their face while the visit lasts: which wording, in which language.

    `name`: who consented; `guardian`: for a child, and as what. `alike`: the face is too much like somebody
    else's, so that nothing of it was kept. `at_doors`: agents have it now. `ended_at`: its key is destroyed.
    """

    wording: str
    language: str
    digest: bytes
    name: str
    at: datetime
    credential: CredentialId
    guardian: str = ""
    alike: bool = False
    at_doors: bool = False
    ended_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the consent holds still."""
        return self.ended_at is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """The visitor went through a door, or somebody states it (`by`). `out`: they left the site."""

    at: datetime
    out: bool
    by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A visit as it stands. `code`: its QR code's text; `terms_needed`: the terms to be signed, 0 for none.

    `stated`: comings and goings that operators told, where no reader saw them. `told`: of what the host was.
    """

    id: VisitId
    tenant: TenantId
    details: VisitDetails
    state: VisitState
    code: str
    credential: CredentialId
    made_at: datetime
    made_by: str
    walk_up: bool = False
    terms_needed: int = 0
    signed: SignedTerms | None = None
    decided_by: str = ""
    stated: tuple[Sighting, ...] = ()
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    ended_at: datetime | None = None
    told: frozenset[str] = frozenset()
    face: VisitFace | None = None
    version: int = 1

    @property
    def may_sign(self) -> bool:
        """Whether terms wait to be signed."""
        return self.terms_needed > 0 and self.signed is None and not self.state.is_end

    @property
    def is_ready(self) -> bool:
        """Whether its QR code opens doors, in its time: it is approved, and what must be signed is."""
        return self.state in (VisitState.EXPECTED, VisitState.INSIDE) and not self.may_sign


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """The text that visitors of a site sign, in both languages. A changed text gets the next number."""

    site: SiteId
    number: int
    since: datetime
    by: str
    english: str
    chinese: str

    def text(self, language: str) -> str:
        """The text in that language; the other one where there is none."""
        first, second = (self.chinese, self.english) if language == "zh" else (self.english, self.chinese)
        return first or second


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRules:
    """How a site takes visitors. `walk_up_level` is what those get who were not invited, once approved.

    `faces`: whether visitors are offered, beside their QR code, to be known by their face.
    """

    site: SiteId
    walk_ups: bool = False
    walk_up_level: AccessLevelId | None = None
    walk_up_hours: int = 4
    kept_days: int = USUALLY_KEPT
    directions_english: str = ""
    directions_chinese: str = ""
    faces: bool = False
    version: int = 0

    def __post_init__(self) -> None:
        if not SHORTEST_KEPT <= self.kept_days <= LONGEST_KEPT:
            raise BadInput(f"keep visits for {SHORTEST_KEPT} to {LONGEST_KEPT} days after they end")
        if not 1 <= self.walk_up_hours <= 24:
            raise BadInput("a visit without invitation lasts 1 to 24 hours")
        if max(len(self.directions_english), len(self.directions_chinese)) > 10 * LONGEST_TEXT:
            raise BadInput(f"the directions are too long; {10 * LONGEST_TEXT} characters are the most")

    def directions(self, language: str) -> str:
        """How to find the way, in that language; in the other one where there are none."""
        first, second = self.directions_english, self.directions_chinese
        return (second or first) if language == "zh" else (first or second)


def checked_visit(details: VisitDetails) -> VisitDetails:
    """Trimmed and checked. Raises BadInput with what to correct."""
    name = " ".join(details.name.split())
    if not name:
        raise BadInput("a visitor needs a name")
    if max(len(one) for one in (name, details.company, details.purpose)) > LONGEST_TEXT:
        raise BadInput(f"a text is too long; {LONGEST_TEXT} characters are the most")
    start, end = details.valid.start, details.valid.end
    if start is None or end is None or end <= start:
        raise BadInput("a visit has a beginning and, after it, an end")
    if end - start > LONGEST_VISIT:
        raise BadInput(f"a visit lasts {LONGEST_VISIT.days} days at most; for longer, add a person")
    return VisitDetails(
        site=details.site,
        name=name,
        valid=details.valid,
        company=" ".join(details.company.split()),
        mail=checked_mail(details.mail),
        host=details.host,
        level=details.level,
        purpose=details.purpose.strip(),
        language=details.language if details.language in LANGUAGES else LANGUAGES[0],
    )
