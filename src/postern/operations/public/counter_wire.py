"""What passes between the public process and the hub's counter: every question and every answer there is.

It imports nothing that knows a database or a key, so that the public process can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class AskGarage:
    """Which garage is this code's? `client` is the phone's address, for limits only, here and below."""

    garage: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageView:
    """A garage as its poster's reader may know it."""

    name: str
    garage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskFree:
    """How many bays of this code's garage are free?"""

    garage: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeBays:
    """Numbers, and of when they are; nothing else."""

    bays: int
    free: int
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AskVisit:
    """A driver types a plate, or opens a link to pay afterwards (then `garage` and `plate` are empty)."""

    client: str
    garage: str = ""
    plate: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitMade:
    """The visit's secret, by which everything else is asked. Made for every plate, inside or not."""

    visit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskAboutVisit:
    """How far is this visit? Also to start its checkout (in `language`) or to apply a merchant's code."""

    visit: str
    client: str
    language: str = "en"
    merchant: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceView:
    """One answer to the question of proof: a moment of entry, or a picture with its plates covered."""

    id: str
    moment: datetime | None = None
    picture: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceLine:
    """A line of the price; `unit` as quotes name it."""

    label: str
    quantity: int
    unit: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceView:
    """What is owed now, and why. `leave_by`: until when that holds."""

    lines: tuple[PriceLine, ...]
    total: Money
    vat: Money
    vat_percent: str
    paid: Money
    owed: Money
    entered: datetime
    at: datetime
    leave_by: datetime | None = None
    left: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitView:
    """A visit: the question of proof with its choices, or the price once the proof was given.

    `over`: no proof is taken any more; only help is left.
    """

    garage: str
    garage_name: str
    time_zone: str
    plate: str
    choices: tuple[ChoiceView, ...] = ()
    tries_left: int = 0
    over: bool = False
    price: PriceView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveProof:
    """A choice, or the code on the entry ticket."""

    visit: str
    client: str
    choice: str = ""
    ticket: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutStarted:
    """Where to send the phone; empty when nothing is owed."""

    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Validated:
    """Whose code took something off."""

    merchant: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TellWebhook:
    """A provider's message as it came."""

    body: bytes
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """Whether it was about one of our payments."""

    taken: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AskReceipt:
    """The payment of this reference, which only its driver and its provider were told."""

    reference: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptView:
    """A payment: `state` "asked", "paid", "expired" or "wrong". Nothing in it names a driver or a vehicle.

    `slip`: the code for the desk, while it is to be paid there.
    """

    state: str
    reference: str
    garage: str
    garage_name: str
    time_zone: str
    amount: Money
    price: PriceView
    provider: str
    paid_at: datetime | None = None
    refunded: Money | None = None
    slip: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskHelp:
    """A driver asks for an attendant."""

    garage: str
    client: str
    visit: str = ""
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HelpComing:
    """A case was opened; `number` is what the driver and the attendant both say."""

    number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why not: a fault's code and words."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskInvitation:
    """A visitor opens the page of their visit by their link."""

    link: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignTerms:
    """The visitor signs the terms of that number, read in that language, with their name."""

    link: str
    client: str
    number: int
    language: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsView:
    """The terms that wait to be signed."""

    number: int
    english: str
    chinese: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LookView:
    """When somebody looked at the visit or changed it, and why; not who."""

    at: datetime
    act: str
    purpose: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveFace:
    """The visitor consents to be known by their face, with a photo. `guardian`: for whoever is under age."""

    link: str
    client: str
    wording: str
    language: str
    name: str
    photo: bytes
    minor: bool = False
    movements: bool = False
    guardian: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawFace:
    """The visitor takes that back."""

    link: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceFault:
    """Why a face was not taken: an empty `code` when it was. `english` and `chinese` where more is to say."""

    code: str = ""
    english: str = ""
    chinese: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceAnswer:
    """The visit after a photo was given."""

    view: InvitationView
    fault: FaceFault


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceView:
    """The visitor's face: `state` is offered, forbidden, given or ended; texts as far as they matter then."""

    state: str
    wording: str = ""
    english: str = ""
    chinese: str = ""
    guardian_age: int = 0
    movements_english: str = ""
    movements_chinese: str = ""
    name: str = ""
    guardian: str = ""
    at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationView:
    """A visit as its visitor sees it: all that is held of it. `code`: its QR code's text, once that opens."""

    site: str
    time_zone: str
    state: str
    name: str
    company: str
    mail: str
    purpose: str
    host: str
    start: datetime
    end: datetime
    code: str
    directions_english: str
    directions_chinese: str
    kept_days: int
    terms: TermsView | None = None
    signed_name: str = ""
    signed_at: datetime | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    face: FaceView | None = None
    looks: tuple[LookView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AskAsHost:
    """A host opens the link of a letter: who waits for them?"""

    link: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerAsHost:
    """The host lets them in, or not."""

    link: str
    client: str
    approve: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingView:
    """Who waits for the host, or what became of it."""

    site: str
    time_zone: str
    state: str
    name: str
    company: str
    purpose: str
    came_at: datetime
