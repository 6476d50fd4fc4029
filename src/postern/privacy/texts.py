"""What people are told: wordings of the consent by version, a legal basis for each purpose, the filing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from postern.errors import BadInput

SHORTEST_WORDING, LONGEST_WORDING = 80, 4000
LONGEST_REFERENCE = 300
FILING_WORKING_DAYS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentText:
    """A wording of the consent to face recognition. `number` 0: brought by Postern, of that `edition`."""

    number: int
    en: str
    zh: str
    published_at: datetime | None = None
    published_by: str = ""
    edition: str = ""

    @property
    def name(self) -> str:
        """By which a consent says what was shown."""
        return f"face-recognition {self.number or self.edition}"

    def in_language(self, language: str) -> str:
        """What to show."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, kw_only=True, slots=True)
class MovementsText:
    """The wording of the consent to records of who passed where, asked for by itself."""

    edition: str
    en: str
    zh: str

    @property
    def name(self) -> str:
        """By which a consent says what was shown."""
        return f"movements {self.edition}"

    def in_language(self, language: str) -> str:
        """What to show."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What somebody is asked to consent to; `movements` is None where those records rest on another basis."""

    face: ConsentText
    movements: MovementsText | None = None

    def name(self, *, movements: bool) -> str:
        """What was shown of it to whoever agreed, to the records of movements as well or not."""
        if self.movements is None or not movements:
            return self.face.name
        return f"{self.face.name}, {self.movements.name}"


def checked_wording(text: str) -> str:
    """Trimmed. Raises BadInput for one that cannot say what a consent must."""
    text = text.strip()
    if not len(text) * _weight(text) >= SHORTEST_WORDING or len(text) > LONGEST_WORDING:
        raise BadInput(
            f"a wording says what for, for how long and how to withdraw: {SHORTEST_WORDING} to "
            f"{LONGEST_WORDING} characters, in both languages"
        )
    return text


def _weight(text: str) -> int:
    """A Chinese character says about as much as three letters."""
    return 3 if any("\u4e00" <= letter <= "\u9fff" for letter in text) else 1


class Purpose(StrEnum):
    """What personal data is used for here."""

    ACCESS = "access"
    FACES = "faces"
    PHOTOS = "photos"
    MOVEMENTS = "movements"
    EVIDENCE = "evidence"
    HOURS = "hours"
    VISITORS = "visitors"
    MUSTER = "muster"
    PARKING = "parking"


class Basis(StrEnum):
    """The ground in law on which a purpose rests."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal-duty"
    INTERESTS = "legitimate-interests"
    PUBLIC = "public-task"

    @property
    def needs_reference(self) -> bool:
        """Whether it is none without the law that is behind it."""
        return self in (Basis.LEGAL_DUTY, Basis.PUBLIC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """The basis of one purpose, with the article or file that it is in."""

    purpose: Purpose
    basis: Basis
    reference: str = ""

    def __post_init__(self) -> None:
        if len(self.reference) > LONGEST_REFERENCE:
            raise BadInput(f"give the reference in {LONGEST_REFERENCE} characters")
        if self.purpose in (Purpose.FACES, Purpose.PHOTOS) and self.basis not in (
            Basis.CONSENT,
            Basis.LEGAL_DUTY,
            Basis.PUBLIC,
        ):
            raise BadInput("faces and photos rest on consent or on a law, and on nothing else")
        if self.basis.needs_reference and not self.reference.strip():
            raise BadInput("name the law of each purpose that rests on one")


@dataclass(frozen=True, kw_only=True, slots=True)
class Grounds:
    """The basis of every purpose."""

    every: tuple[Ground, ...]

    def __post_init__(self) -> None:
        if [one.purpose for one in self.every] != list(Purpose):
            raise BadInput("give every purpose one basis")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredGrounds:
    """The grounds as they were set. A purpose that came later is not among them."""

    every: tuple[Ground, ...]

    def completed(self, first: Grounds) -> Grounds:
        """With what `first` says of every purpose that is missing."""
        said = {one.purpose: one for one in self.every}
        return Grounds(every=tuple(said.get(one.purpose, one) for one in first.every))


@dataclass(frozen=True, kw_only=True, slots=True)
class Filing:
    """What a filing with the authority says beside the count: art. 15 of the Chinese measures of 2025.

    `reached`: the day on which the threshold was first seen to be reached; the filing is due 30 working days
    later.
    """

    handler: str = ""
    address: str = ""
    contact: str = ""
    purposes: str = ""
    rules: str = ""
    assessment: str = ""
    reached: date | None = None
    filed: date | None = None
    number: str = ""

    @property
    def due(self) -> date | None:
        """The last day to file. Weekends are left out and public holidays are not: never too late."""
        return None if self.reached is None else after_working_days(self.reached, FILING_WORKING_DAYS)


def after_working_days(start: date, days: int) -> date:
    """The day `days` weekdays after `start`."""
    found = start
    for _ in range(days):
        found += timedelta(days=1)
        while found.weekday() > 4:
            found += timedelta(days=1)
    return found
