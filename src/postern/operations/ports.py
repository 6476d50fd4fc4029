"""What operations ask of the world outside, each with two real implementations or handed in by `wiring`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from postern.biometrics.model import ModelCard, Rgb, SeenFace
from postern.money import Money
from postern.records.model import Kind
from postern.vehicles.plates import PlateReading


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedPicture:
    """A picture sealed under a key of its own; `name` is 32 random hex digits."""

    name: str
    sealed: bytes


class PictureStore(Protocol):
    """Where sealed pictures lie: a local folder, or a bucket."""

    async def put(self, name: str, sealed: bytes) -> None:
        """Returns once the bytes survive a power cut. Putting the same name again replaces nothing new.

        Raises StorageFull or Unavailable; then nothing may be acknowledged.
        """
        ...

    async def get(self, name: str) -> bytes:
        """Raises NotFound when there is no such picture (any more), Unavailable when the store is away."""
        ...

    async def delete(self, name: str) -> None:
        """Gone afterwards, whether it was there or not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A letter in plain text, with a picture (PNG) beside it where there is one."""

    to: str
    subject: str
    text: str
    picture: bytes | None = None


class Post(Protocol):
    """Who delivers letters, as `wiring` gives it."""

    async def send(self, letter: Letter) -> None:
        """Returns once it was taken over for delivery.

        Raises Refused for an address that will never be taken, Unavailable when trying again may help.
        """
        ...


class Spool(Protocol):
    """The agent's durable backlog, which `admit` writes to without knowing agents."""

    async def append(
        self,
        *,
        kind: Kind,
        day: date,
        plaintext: bytes,
        pictures: Sequence[SealedPicture] = (),
        releases_at: datetime | None = None,
        settles: int | None = None,
    ) -> int:
        """Seal to the hub and write; returns the entry's seq once it survives a power cut.

        `releases_at`: a door is let go on this entry, and a passage must follow it; `settles` is the seq of
        the entry whose passage this one tells. Raises StorageFull or another PosternError when durability
        cannot be promised.
        """
        ...


class Recognition(Protocol):
    """The worker processes that find faces and read plates."""

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        """Every face in the picture, encoded."""
        ...

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        """Plates in the picture, best first."""
        ...


class LoadPicture(Protocol):
    """Turns a picture file's bytes into pixels. Raises BadPicture with what to do about it."""

    async def __call__(self, data: bytes, /) -> Rgb: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognitionPort:
    """Recognition as the hub uses it: for enrolment and for trying a picture."""

    recognise: Recognition
    load_picture: LoadPicture
    card: ModelCard


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutLine:
    """One line of what is to be paid, in the words of the quote."""

    label: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutWanted:
    """What a driver is asked to pay. `reference` is random and tells nobody anything but us.

    `success_url` and `cancel_url`: where the driver's phone goes afterwards. `good_until`: the provider
    takes no money later. `language`: "en" or "zh".
    """

    reference: str
    lines: tuple[CheckoutLine, ...]
    total: Money
    success_url: str
    cancel_url: str
    good_until: datetime
    language: str = "en"


class CheckoutState(StrEnum):
    """How far a checkout is. EXPIRED takes no money any more."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A checkout at its provider. `url`: where to send the driver while it is open.

    `amount` is what was paid when it is PAID, else what is asked; `payment` is the provider's name for the
    money, by which it is refunded.
    """

    id: str
    reference: str
    state: CheckoutState
    amount: Money
    url: str | None = None
    payment: str | None = None


class NoticeKind(StrEnum):
    """What a provider tells on its own."""

    PAID = "paid"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A provider's word, verified as the provider's. `id` is the same however often it is sent.

    `amount`: what was paid, or everything refunded so far; `checkout` and `payment` as far as it names them.
    """

    id: str
    kind: NoticeKind
    reference: str
    amount: Money | None = None
    checkout: str | None = None
    payment: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refunded:
    """Money on its way back; `id` is the provider's. `settled` False: the provider has yet to confirm it."""

    id: str
    amount: Money
    settled: bool


class PaymentProvider(Protocol):
    """Who takes the money: Stripe Checkout, or an attendant at a desk. No card data ever comes to us."""

    @property
    def name(self) -> str:
        """As the books name it: "stripe", "by-hand"."""
        ...

    async def create_checkout(self, wanted: CheckoutWanted) -> Checkout:
        """Start one; asking again with the same reference gives the same one.

        Raises BadInput for an amount that the provider cannot take, Unavailable when it does not answer.
        """
        ...

    async def find(self, id: str) -> Checkout:
        """How it stands now. Raises NotFound, Unavailable."""
        ...

    async def expire(self, id: str) -> Checkout:
        """Let it take no money any more; how it stands now, which is PAID when the driver was faster."""
        ...

    async def refund(self, payment: str, amount: Money, *, reference: str) -> Refunded:
        """Give back `amount` of a payment; asking again with the same reference refunds once.

        Raises Refused when more would go back than came, NotFound, Unavailable.
        """
        ...

    def verify_webhook(self, body: bytes, signature: str) -> Notice:
        """What the provider says. Raises CannotVerify for what it did not sign, or not lately."""
        ...


class Slips(PaymentProvider, Protocol):
    """A provider whose money an attendant takes in hand."""

    async def take_money(self, code: str) -> Checkout:
        """The money is there. Raises NotFound, and Refused for a slip that is over."""
        ...
