"""Holding the books of a simulated garage against what truly happened."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.parking.cases import Case, CaseState
from postern.parking.session import Session
from postern.simulation.garage_rules import STALE_AFTER, Fate, Truth

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class BooksView:
    """The books at the end: every session and case, and what the ledger says, in minor units.

    `ledger`: what moved on each account on each day, in words.
    """

    sessions: tuple[Session, ...]
    cases: tuple[Case, ...]
    takings: int
    balanced: bool
    ledger: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageSummary:
    """What came of it; amounts in minor units.

    `cases`: in which a person was needed: who answered one, or for whom it is still open, or who opened the
    barrier without one; cases of one passage through a lane count once. `all_cases`: also those that the
    books explained by themselves meanwhile.

    `wrong_charges`: stays from which more was taken than they cost, or to which the books charge something
    else without an open case that says so. `open_cases_value`: what the stays named in open cases cost, less
    what was taken for them; so `takings` and it together are `true_takings`, which are net of permits,
    validations and waivers.
    """

    seed: int
    days: int
    bays: int
    stays: int
    cases: int
    all_cases: int
    open_cases: int
    wrong_charges: int
    ledger_balanced: bool
    takings: int
    open_cases_value: int
    true_takings: int
    accounted: bool
    settled_without_person: float
    misread_share: float
    missed_share: float
    clones: int
    helped: int
    cases_by_kind: Mapping[str, int]
    counted: Mapping[str, int]
    seconds: float

    def as_json(self) -> str:
        """One line; the same for two runs with one seed, but for `seconds`."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The books beside the truth, stay by stay."""

    fate: Fate
    due: int
    taken: int
    charged: int
    listed: bool
    attended: bool
    """A person answered a case about it."""

    @property
    def wrong(self) -> bool:
        """More was taken than it cost; or something else is charged, and no open case says so."""
        return self.taken > self.due or (self.charged != self.due and not self.listed)

    @property
    def without_a_person(self) -> bool:
        """Whether nobody had to look at it or to open."""
        return not self.listed and not self.attended and not self.fate.helped


def compared(fates: Sequence[Fate], truth: Truth, books: BooksView) -> list[Found]:
    """Every stay, with what the books say of it."""
    of_entry = {one.entry: one for one in fates if one.entry is not None}
    of_exit = {one.exit: one for one in fates if one.exit is not None}
    whose = {
        one.id: of_entry[one.entry.seq]
        for one in books.sessions
        if one.entry is not None and one.entry.seq in of_entry
    }
    charged: defaultdict[int, int] = defaultdict(int)
    for session in books.sessions:
        if session.id in whose:
            net = session.charged - session.validated - session.waived
            charged[whose[session.id].stay.number] += net.amount
    seen = {**of_entry, **of_exit}
    about, mentioned = _listed([one for one in books.cases if one.state is CaseState.OPEN], whose, seen)
    attended, _ = _listed([one for one in books.cases if one.resolved is not None], whose, seen)
    doubts = _bays_in_doubt(fates, about, _first_left_unread(books))
    found = [
        Found(
            fate=one,
            # In doubt the permit covers: what was not charged then is not owed.
            due=truth.due(one, bays_in_doubt=one.stay.number in doubts and not charged[one.stay.number]),
            taken=sum(told.amount for told in one.told),
            charged=charged[one.stay.number],
            listed=one.stay.number in about,
            attended=one.stay.number in attended,
        )
        for one in fates
        if one.parked
    ]
    # A candidate of a case is concerned by it only where its own books are not right already.
    return [
        replace(one, listed=True) if one.charged != one.due and one.fate.stay.number in mentioned else one
        for one in found
    ]


def _first_left_unread(books: BooksView) -> datetime | None:
    """When somebody first drove out whose plate could not be read, and is not known yet."""
    unread = [
        one.opened_at
        for one in books.cases
        if one.state is CaseState.OPEN and one.way_out and one.session is None and not one.who.plate
    ]
    return min(unread, default=None)


def _bays_in_doubt(fates: Sequence[Fate], about: set[int], left_unread: datetime | None) -> set[int]:
    """The stays at whose entry it was not known which vehicles of the same permit were inside."""
    of_permit: defaultdict[int, list[Fate]] = defaultdict(list)
    found = set()
    for one in sorted((one for one in fates if one.entered_at is not None), key=_entered_at):
        if one.stay.permit is None:
            continue
        before = of_permit[one.stay.permit]
        before.append(one)
        recent = [two for two in before if _entered_at(one) - _entered_at(two) <= STALE_AFTER + _DAY]
        unread = left_unread is not None and left_unread <= _entered_at(one)
        if unread or any(not two.was_known or two.stay.number in about for two in recent):
            found.add(one.stay.number)
    return found


def _entered_at(fate: Fate) -> datetime:
    if fate.entered_at is None:
        raise ValueError("only who came in has a moment of it")
    return fate.entered_at


def _listed(
    cases: Sequence[Case], whose: Mapping[UUID, Fate], seen: Mapping[int, Fate]
) -> tuple[set[int], set[int]]:
    """The stays that these cases are about, by their session or record; and those that they may be about."""
    about, mentioned = set(), set()
    for case in cases:
        named = [whose.get(case.session) if case.session is not None else None]
        named.append(seen.get(case.record.seq) if case.record is not None else None)
        about |= {one.stay.number for one in named if one is not None}
        mentioned |= {whose[id].stay.number for id in case.candidates if id in whose}
    return about, mentioned


def summed(
    found: Sequence[Found], books: BooksView, *, counted: Counter[str], **about: int | float
) -> GarageSummary:
    """The summary. `about`: seed, days, bays and seconds."""
    readings = [
        (looks.first, one.fate.stay.plate)
        for one in found
        for looks in (one.fate.stay.entry, one.fate.stay.exit)
    ]
    misread = sum(reading.text != plate and bool(reading.text) for reading, plate in readings)
    missed = sum(not reading.text for reading, _ in readings)
    true_takings = sum(one.due for one in found)
    open_value = sum(one.due - one.taken for one in found if one.listed)
    open_cases = [one for one in books.cases if one.state is CaseState.OPEN]
    return GarageSummary(
        seed=int(about["seed"]),
        days=int(about["days"]),
        bays=int(about["bays"]),
        stays=len(found),
        cases=_needed(found, books),
        all_cases=sum(one.state is not CaseState.NOTED for one in books.cases),
        open_cases=len(open_cases),
        wrong_charges=sum(one.wrong for one in found),
        ledger_balanced=books.balanced,
        takings=books.takings,
        open_cases_value=open_value,
        true_takings=true_takings,
        accounted=books.takings + open_value == true_takings,
        settled_without_person=_share(sum(one.without_a_person for one in found), len(found)),
        misread_share=_share(misread, len(readings)),
        missed_share=_share(missed, len(readings)),
        clones=sum(one.fate.stay.is_clone for one in found),
        helped=counted["helped"],
        cases_by_kind=dict(sorted(Counter(one.kind.value for one in open_cases).items())),
        counted=dict(sorted(counted.items())),
        seconds=round(about["seconds"], 1),
    )


def _needed(found: Sequence[Found], books: BooksView) -> int:
    """How often a person was needed."""
    needed = [one for one in books.cases if one.state is CaseState.OPEN or one.resolved is not None]
    passages = {one.record or one.id for one in needed}
    return len(passages) + sum(one.fate.helped and not one.listed and not one.attended for one in found)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
