"""A day of a garage seen three times: money, barriers, vehicles. What one tells and another does not is a
difference.

1. Money: what the provider lists against what the ledger booked, payment by payment; and what left unpaid.
2. Barriers: who drove through against the sessions that began and ended.
3. Vehicles: who is inside by the sessions against who was inside before and came and went, and against a
   count.

Each difference says in words what it most likely is and what to do. One that is `explained` is told for
completeness: its reason is known to the cent or to the vehicle. A day is in order when no other is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from postern.money import Money, total
from postern.parking.reconciliation_words import EN, ZH


class DifferenceKind(StrEnum):
    """What does not agree with what."""

    NOT_BOOKED = "not-booked"
    """The provider lists money that the ledger does not know."""
    NOT_LISTED = "not-listed"
    """The ledger booked money that the provider does not list."""
    OTHER_AMOUNT = "other-amount"
    LISTED_TWICE = "listed-twice"
    LEFT_UNPAID = "left-unpaid"
    """Charged, left, and not paid yet: explained, and still to be had."""
    READ_TWICE = "read-twice"
    """Passages that were a second reading of the same vehicle: explained."""
    IN_DOUBT = "in-doubt"
    """Passages that wait for a person to say whose they were: explained."""
    GIVEN_UP = "given-up"
    """Sessions that ended without an exit, by age or by a person: explained."""
    ENTRY_WITHOUT_SESSION = "entry-without-session"
    SESSION_WITHOUT_ENTRY = "session-without-entry"
    EXIT_WITHOUT_SESSION = "exit-without-session"
    SESSION_WITHOUT_EXIT = "session-without-exit"
    INSIDE_DOES_NOT_ADD_UP = "inside-does-not-add-up"
    FEWER_COUNTED = "fewer-counted"
    """Fewer vehicles were counted than there are sessions."""
    MORE_COUNTED = "more-counted"


EXPLAINED = frozenset(
    {
        DifferenceKind.LEFT_UNPAID,
        DifferenceKind.READ_TWICE,
        DifferenceKind.IN_DOUBT,
        DifferenceKind.GIVEN_UP,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Money under the provider's reference; below zero when it went back."""

    reference: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpaid:
    """A session that left that day and still owes."""

    session: UUID
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Passages:
    """Vehicles that went through the barriers one way, and how many of those passages are accounted for.

    `read_twice` were the same vehicle again; `in_doubt` wait for a person.
    """

    through: int
    read_twice: int = 0
    in_doubt: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicles:
    """Open sessions when the day began and ended, and what came between. `counted`: by a person, at its end.

    `given_up` sessions ended without an exit, by their age or by a person.
    """

    inside_before: int
    began: int
    ended: int
    inside_after: int
    given_up: int = 0
    counted: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DayFacts:
    """Everything that is compared. `listed` is the provider's own list, `booked` the ledger's."""

    day: date
    currency: str
    listed: Sequence[Sum]
    booked: Sequence[Sum]
    unpaid: Sequence[Unpaid]
    inward: Passages
    outward: Passages
    vehicles: Vehicles


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One difference: of money (`amount`, with a reference or session) or of so many `vehicles`."""

    kind: DifferenceKind
    amount: Money | None = None
    vehicles: int = 0
    reference: str = ""
    session: UUID | None = None

    @property
    def is_explained(self) -> bool:
        """Whether its reason is known, so that nobody has to look into it."""
        return self.kind in EXPLAINED

    def words(self, language: str = "en") -> str:
        """What it is and what to do, in English ("en") or Chinese ("zh")."""
        texts = ZH if language.startswith("zh") else EN
        amount = abs_text(self.amount, language)
        return texts[self.kind.value].format(amount=amount, vehicles=self.vehicles, reference=self.reference)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """A day's totals and all its differences, those to be looked into first."""

    day: date
    listed: Money
    booked: Money
    unpaid: Money
    differences: tuple[Difference, ...]

    @property
    def in_order(self) -> bool:
        """Whether every difference is explained."""
        return all(one.is_explained for one in self.differences)


def reconcile(facts: DayFacts) -> Reconciliation:
    """Compare the three; nothing on all sides is in order."""
    found = [*_of_money(facts), *_of_passages(facts), *_of_vehicles(facts.vehicles)]
    return Reconciliation(
        day=facts.day,
        listed=total([one.amount for one in facts.listed], facts.currency),
        booked=total([one.amount for one in facts.booked], facts.currency),
        unpaid=total([one.amount for one in facts.unpaid], facts.currency),
        differences=tuple(sorted(found, key=lambda one: one.is_explained)),
    )


def abs_text(amount: Money | None, language: str) -> str:
    """The amount without its sign; empty for none."""
    return max(amount, -amount).text(language) if amount is not None else ""


def _of_money(facts: DayFacts) -> Iterator[Difference]:
    listed, booked = _by_reference(facts.listed), _by_reference(facts.booked)
    times = Counter((one.reference, one.amount.amount > 0) for one in facts.listed)
    for reference in sorted({*listed, *booked}):
        theirs, ours = listed.get(reference), booked.get(reference)
        if ours is None:
            yield Difference(kind=DifferenceKind.NOT_BOOKED, amount=theirs, reference=reference)
        elif theirs is None:
            yield Difference(kind=DifferenceKind.NOT_LISTED, amount=ours, reference=reference)
        elif theirs != ours:
            twice = times[reference, True] > 1
            kind = DifferenceKind.LISTED_TWICE if twice else DifferenceKind.OTHER_AMOUNT
            yield Difference(kind=kind, amount=theirs - ours, reference=reference)
    for one in facts.unpaid:
        yield Difference(kind=DifferenceKind.LEFT_UNPAID, amount=one.amount, session=one.session)


def _by_reference(sums: Sequence[Sum]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for one in sums:
        found[one.reference] = found[one.reference] + one.amount if one.reference in found else one.amount
    return found


def _of_passages(facts: DayFacts) -> Iterator[Difference]:
    for passages in (facts.inward, facts.outward):
        yield from _some(DifferenceKind.READ_TWICE, passages.read_twice)
        yield from _some(DifferenceKind.IN_DOUBT, passages.in_doubt)
    came = facts.inward.through - facts.inward.read_twice - facts.inward.in_doubt - facts.vehicles.began
    went = facts.outward.through - facts.outward.read_twice - facts.outward.in_doubt - facts.vehicles.ended
    yield from _some(DifferenceKind.ENTRY_WITHOUT_SESSION, came)
    yield from _some(DifferenceKind.SESSION_WITHOUT_ENTRY, -came)
    yield from _some(DifferenceKind.EXIT_WITHOUT_SESSION, went)
    yield from _some(DifferenceKind.SESSION_WITHOUT_EXIT, -went)


def _of_vehicles(seen: Vehicles) -> Iterator[Difference]:
    yield from _some(DifferenceKind.GIVEN_UP, seen.given_up)
    expected = seen.inside_before + seen.began - seen.ended - seen.given_up
    yield from _some(DifferenceKind.INSIDE_DOES_NOT_ADD_UP, abs(seen.inside_after - expected))
    if seen.counted is not None:
        yield from _some(DifferenceKind.FEWER_COUNTED, seen.inside_after - seen.counted)
        yield from _some(DifferenceKind.MORE_COUNTED, seen.counted - seen.inside_after)


def _some(kind: DifferenceKind, vehicles: int) -> Iterator[Difference]:
    if vehicles > 0:
        yield Difference(kind=kind, vehicles=vehicles)
