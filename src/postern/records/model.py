"""What happened, in the open (only ever in memory) and sealed (as it is stored)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from struct import Struct
from typing import TypeAlias
from uuid import UUID

from postern.clock import aware
from postern.ids import AccessPointId, AgentId, AreaId, DoorId, ReaderId, SiteId

TAG_BYTES = 16
DIGEST_BYTES = 32
_RECORD_KEY = Struct(">IIIQ")


class Kind(IntEnum):
    """What a record is about. Stored in clear; a number is never reused."""

    DECISION = 1
    PASSAGE = 2
    COMMAND = 3
    DOOR = 4
    CORRECTION = 5
    PAYMENT = 6
    ATTENDANCE = 7
    PRESENCE = 8


class Outcome(StrEnum):
    """What came of a release: the way from Actuation to Passage."""

    TAKEN = "taken"
    PRESUMED = "presumed"
    """Released at a door without a contact."""
    NOT_TAKEN = "not-taken"
    HELD_OPEN = "held-open"


class DoorCondition(StrEnum):
    """What a door itself reports."""

    FORCED = "forced"
    HELD_OPEN = "held-open"
    CLOSED = "closed"
    OFFLINE = "offline"
    ONLINE = "online"
    """It answers again, and nothing yet tells how it stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureRef:
    """Where the evidence lies (32 hexadecimal digits) and the key of its own that opens it."""

    name: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(bytes.fromhex(self.name)) != 16 or len(self.key) != 32:
            raise ValueError("a picture has a name of 32 hexadecimal digits and a key of 32 bytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRecord:
    """A judgement: what was presented where, by whom if known, and what was answered.

    `score` is recognition's, 0 to 1; `policy` is the bundle's "epoch.version"; `plate` is normalised.
    `at` is by the agent's clock; `received_at`, by the hub's, is stated when the hub takes the record in.
    """

    at: datetime
    access_point: AccessPointId
    door: DoorId
    reader: ReaderId | None = None
    direction_out: bool = False
    credential_kind: str
    subject: UUID | None = None
    subject_kind: str | None = None
    plate: str | None = None
    granted: bool
    reason: str
    score: float | None = None
    policy: str
    picture: PictureRef | None = None
    received_at: datetime | None = None

    def __post_init__(self) -> None:
        aware(self.at)
        if (self.subject is None) != (self.subject_kind is None):
            raise ValueError("a subject comes with its kind, and a kind with its subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class PassageRecord:
    """What came of the decision `decision_seq` of the same agent."""

    at: datetime
    decision_seq: int
    outcome: Outcome

    def __post_init__(self) -> None:
        aware(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorRecord:
    """What a door reported by itself."""

    at: datetime
    door: DoorId
    state: DoorCondition

    def __post_init__(self) -> None:
        aware(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRecord:
    """An operator opened (or tried to open) a door from afar, and why."""

    at: datetime
    door: DoorId
    operator: str
    reason: str
    done: bool

    def __post_init__(self) -> None:
        aware(self.at)


class Deed(StrEnum):
    """What a correction or a payment of a garage is about."""

    RESOLVED = "resolved"
    """A person resolved a case or corrected a session."""
    VALIDATED = "validated"
    """A merchant takes over a part of the price."""
    HELP = "help"
    """Somebody asked for help at a lane."""
    PAID = "paid"
    PAID_IN_DOUBT = "paid-in-doubt"
    """Money that does not fit what was asked for."""
    REFUNDED = "refunded"
    REFUND_FAILED = "refund-failed"
    CAME_LATE = "came-late"
    """A record of a day whose books are closed: somebody has to look at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionRecord:
    """Something about a parking session that no reader saw, stated by a person, and why. Recorded by the hub.

    `resolution` is what an operator did about `case`; `plate` is the normalised plate as they read it;
    `validation` is the garage's, of a merchant.
    """

    at: datetime
    deed: Deed
    operator: str
    reason: str
    case: UUID | None = None
    session: UUID | None = None
    resolution: str | None = None
    plate: str | None = None
    validation: UUID | None = None
    access_point: AccessPointId | None = None

    def __post_init__(self) -> None:
        aware(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRecord:
    """Money that came in for a parking session, or went back. Recorded by the hub.

    `amount` in minor units of `currency`; `provider` and its `reference` name the payment there. `quoted_at`:
    when the driver was told the price.
    """

    at: datetime
    deed: Deed
    session: UUID | None
    amount: int
    currency: str
    provider: str
    reference: str
    quoted_at: datetime | None = None

    def __post_init__(self) -> None:
        aware(self.at)


class PresenceDeed(StrEnum):
    """What somebody stated about who is where."""

    STATED = "stated"
    """A subject is in an area, whatever the doors saw."""
    ABOARD = "aboard"
    """A person is in a vehicle; or, of a vehicle, how many unnamed people are in it."""
    SAFE = "safe"
    NOT_SAFE = "not-safe"
    CALLED = "called"
    """A muster begins."""
    ENDED = "ended"
    ROLL_OPENED = "roll-opened"
    """Somebody opened the roll of names at the agent itself, with the muster code."""
    ROLL_REFUSED = "roll-refused"
    """Somebody tried to, with a wrong code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PresenceRecord:
    """Something about who is where, stated by the person in `by`: an operator, or a warden at the agent.

    `area` is where the subject is; `vehicle` what a person is aboard of; `more` how many unnamed people are
    aboard the subject, and `place` which of them was seen.
    """

    at: datetime
    deed: PresenceDeed
    by: str
    reason: str = ""
    drill: bool = False
    subject: UUID | None = None
    subject_kind: str | None = None
    area: AreaId | None = None
    vehicle: UUID | None = None
    more: int = 0
    place: int | None = None

    def __post_init__(self) -> None:
        aware(self.at)
        if (self.subject is None) != (self.subject_kind is None):
            raise ValueError("a subject comes with its kind, and a kind with its subject")


class AttendanceDeed(StrEnum):
    """What a record of attendance says."""

    PUNCHED = "punched"
    """From the person's own phone, or entered by a manager with a reason."""
    ASKED = "asked"
    """A correction is asked for."""
    APPROVED = "approved"
    REFUSED = "refused"
    MONTH_APPROVED = "month-approved"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttendanceRecord:
    """Something about a person's hours that no reader saw, stated by whom, and why. Recorded by the hub.

    `at`: when it was recorded; `by`: a person's or an operator's id. `correction`: the one that is asked for
    or decided about; `change`: what it does; `concerns`: the punch that it moves or removes, or the hours of
    the month that are approved. `moment`: when the punch was, as stated.
    `day`: to which of the person's days it belongs.
    `person` is None in a record whose subject was erased.
    """

    at: datetime
    deed: AttendanceDeed
    person: UUID | None
    by: UUID | None = None
    reason: str = ""
    correction: UUID | None = None
    concerns: UUID | None = None
    change: str | None = None
    moment: datetime | None = None
    day: date | None = None
    direction: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        aware(self.at)


Happening: TypeAlias = (
    DecisionRecord
    | PassageRecord
    | DoorRecord
    | CommandRecord
    | CorrectionRecord
    | PaymentRecord
    | PresenceRecord
    | AttendanceRecord
)
Personal: TypeAlias = DecisionRecord | PresenceRecord | AttendanceRecord
"""Happenings that may be about somebody registered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordKey:
    """Which record: unique for ever, since agent ids and their seqs are never reused."""

    site: SiteId
    day: date
    agent: AgentId
    seq: int

    def to_bytes(self) -> bytes:
        """The 20 bytes that bind a sealed record to its row."""
        return _RECORD_KEY.pack(self.site, self.day.toordinal(), self.agent, self.seq)


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedRecord:
    """A row of the archive. `digest` is the SHA-256 of the agent's spool entry."""

    site: SiteId
    day: date
    agent: AgentId
    seq: int
    kind: Kind
    tag: bytes | None
    digest: bytes
    sealed: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_BYTES or (self.tag is not None and len(self.tag) != TAG_BYTES):
            raise ValueError(f"a digest has {DIGEST_BYTES} bytes and a tag {TAG_BYTES}")

    @property
    def key(self) -> RecordKey:
        """Which record this is."""
        return RecordKey(site=self.site, day=self.day, agent=self.agent, seq=self.seq)


def kind_of(happening: Happening) -> Kind:
    """The kind under which a happening is recorded."""
    return _KINDS[type(happening)]


_KINDS: dict[type[Happening], Kind] = {
    DecisionRecord: Kind.DECISION,
    PassageRecord: Kind.PASSAGE,
    CommandRecord: Kind.COMMAND,
    DoorRecord: Kind.DOOR,
    CorrectionRecord: Kind.CORRECTION,
    PaymentRecord: Kind.PAYMENT,
    PresenceRecord: Kind.PRESENCE,
    AttendanceRecord: Kind.ATTENDANCE,
}


def subject_of(happening: Happening) -> UUID | None:
    """Whom it is about, where that is somebody registered."""
    if isinstance(happening, DecisionRecord):  # nearly all are decisions
        return happening.subject
    if isinstance(happening, AttendanceRecord):
        return happening.person
    return happening.subject if isinstance(happening, PresenceRecord) else None
