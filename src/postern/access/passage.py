"""What came of a release: a pure state machine over what one door reports.

Every release settles as exactly one `Outcome`:

- `taken`      the contact opened while the door was released, and closed again in time;
- `held-open`  it opened, and still stood open `held_after` later;
- `not-taken`  it never opened (or no controller confirmed the release and nothing was seen);
- `presumed`   no contact is fitted, or it could not be heard: it was released, and nobody saw more.

Two releases before one opening are two passages of that opening. How many bodies followed is not guessed.
A door that opens although nothing released it is forced, unless a way out needs no release there.

The caller feeds what happened in the order it learned it, and `TimePassed` at `next_deadline`. It feeds
`Unlocked` before it commands the controller, whose answer may come later than the door opens, and `Released`
as soon as the decision has its seq. Times that run backwards (a clock set back, a late report) are read as
the latest time already known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postern.access.controller import Contact, DoorState
from postern.clock import aware
from postern.records.model import DoorCondition, Outcome

LATEST_ANSWER = timedelta(seconds=15)
"""Longer than any controller is waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorTimes:
    """How one door is fitted and how long it may take.

    `grace`: how late the contact's report may come after a release ended (network, polling).
    `bounce`: an opening this soon after a closing is the same leaf bouncing on its frame.
    `free_exit`: a handle opens it from inside without telling anyone, so that no opening is forced.
    """

    held_after: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=1)
    bounce: timedelta = timedelta(milliseconds=300)
    contact_fitted: bool = True
    free_exit: bool = False

    def __post_init__(self) -> None:
        if self.held_after <= timedelta(0) or self.grace < timedelta(0) or self.bounce < timedelta(0):
            raise ValueError("held_after must be above zero, grace and bounce not below")


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """A decision's release of the door, commanded at `at` to last `seconds`.

    `confirmed`: the controller said so; False after `ControllerUnavailable`, when it may still have acted.
    """

    decision_seq: int
    at: datetime
    seconds: float
    confirmed: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlocked:
    """Let go for `seconds` without a decision: a request to exit, or an operator's command from afar."""

    at: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePassed:
    """Nothing happened until `at`."""

    at: datetime


Happened = Released | Unlocked | TimePassed | DoorState


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What came of the release for `decision_seq`.

    `at` is when it took place: the opening, but never before the release; for `not-taken` the end of waiting.
    `settled_at` is when that was certain. Both lie at or after the release, and `at` not after `settled_at`.
    """

    decision_seq: int
    outcome: Outcome
    at: datetime
    settled_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Noticed:
    """The door's own condition changed; `closed` ends the one before, and `online` ends `offline`."""

    condition: DoorCondition
    at: datetime


Finding = Settled | Noticed


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A release whose outcome is still open. `until`: an opening before this instant belongs to it."""

    decision_seq: int
    released_at: datetime
    until: datetime
    confirmed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorWatch:
    """All that is known of one door at `at`. Made by `DoorWatch(times=…)`, moved on only by `follow`."""

    times: DoorTimes
    at: datetime | None = None
    online: bool = True
    contact: Contact = Contact.UNKNOWN
    waiting: tuple[Pending, ...] = ()
    passing: tuple[Pending, ...] = ()
    lawful_until: datetime | None = None
    opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    held_at: datetime | None = None
    """When the door that stands open will have stood open too long; None when closed or already noticed."""
    trouble: DoorCondition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """The watch moved on, and what was found on the way, in the order of time."""

    watch: DoorWatch
    findings: tuple[Finding, ...] = ()


def follow(watch: DoorWatch, happened: Happened) -> Followed:
    """Move `watch` on by one thing that happened, after every deadline that came before it."""
    at = aware(happened.at) if watch.at is None else max(watch.at, aware(happened.at))
    followed = _pass_deadlines(watch, at)
    match happened:
        case Released():
            step = _released(followed.watch, happened, at)
        case Unlocked():
            step = Followed(watch=_unlocked(followed.watch, at, happened.seconds))
        case DoorState():
            step = _seen(followed.watch, happened, at)
        case TimePassed():
            step = Followed(watch=followed.watch)
    return Followed(watch=step.watch, findings=followed.findings + step.findings)


def next_deadline(watch: DoorWatch) -> datetime | None:
    """When `TimePassed` will find something new; None while only the door itself can."""
    deadlines = [pending.until for pending in watch.waiting]
    if watch.held_at is not None:
        deadlines.append(watch.held_at)
    return min(deadlines, default=None)


def _pass_deadlines(watch: DoorWatch, at: datetime) -> Followed:
    findings: tuple[Finding, ...] = ()
    while (deadline := next_deadline(watch)) is not None and deadline <= at:
        step = _held(watch, deadline) if watch.held_at == deadline else _lapsed(watch, deadline)
        watch, findings = step.watch, findings + step.findings
    return Followed(watch=replace(watch, at=at), findings=findings)


def _held(watch: DoorWatch, at: datetime) -> Followed:
    """The door has stood open too long: what it was opened for is settled so, and the door noticed."""
    settled = _settle(watch, watch.passing, Outcome.HELD_OPEN, at)
    noticed = Noticed(condition=DoorCondition.HELD_OPEN, at=at)
    moved = replace(watch, passing=(), held_at=None, trouble=DoorCondition.HELD_OPEN)
    return Followed(watch=moved, findings=(*settled, noticed))


def _lapsed(watch: DoorWatch, at: datetime) -> Followed:
    """Releases whose time ended without an opening; one that could not have been seen stays presumed."""
    blind = watch.contact is Contact.UNKNOWN
    findings = tuple(
        Settled(
            decision_seq=pending.decision_seq,
            outcome=Outcome.PRESUMED if blind and pending.confirmed else Outcome.NOT_TAKEN,
            at=pending.released_at if blind and pending.confirmed else at,
            settled_at=at,
        )
        for pending in watch.waiting
        if pending.until <= at
    )
    waiting = tuple(pending for pending in watch.waiting if pending.until > at)
    return Followed(watch=replace(watch, waiting=waiting), findings=findings)


def _released(watch: DoorWatch, released: Released, at: datetime) -> Followed:
    unlocked = _unlocked(watch, at, released.seconds)
    until = at + timedelta(seconds=released.seconds) + watch.times.grace
    pending = Pending(
        decision_seq=released.decision_seq, released_at=at, until=until, confirmed=released.confirmed
    )
    # 1. Nobody will ever tell: settle now.
    if not watch.times.contact_fitted:
        outcome = Outcome.PRESUMED if released.confirmed else Outcome.NOT_TAKEN
        return Followed(watch=unlocked, findings=_settle(watch, (pending,), outcome, at))
    # 2. Told late: the door has opened since and closed again.
    if watch.opened_at is None and _opened_since(watch, released, at):
        opening = replace(watch, opened_at=watch.last_opened_at)
        before = replace(pending, released_at=aware(released.at))
        return Followed(watch=unlocked, findings=_settle(opening, (before,), Outcome.TAKEN, at))
    # 3. Closed, or not heard of: wait for the opening.
    if watch.opened_at is None:
        return Followed(watch=replace(unlocked, waiting=(*watch.waiting, pending)))
    # 4. Noticed as held open before this release: its contact can confirm nothing more.
    if unlocked.held_at is None:
        return Followed(watch=unlocked, findings=_settle(watch, (pending,), Outcome.HELD_OPEN, at))
    # 5. Open already, for someone else: this release belongs to the same opening.
    return Followed(watch=replace(unlocked, passing=(*watch.passing, pending)))


def _opened_since(watch: DoorWatch, released: Released, at: datetime) -> bool:
    """A release much further back was not told late: the clock was set back, and it is a new one."""
    late = timedelta(0) < at - aware(released.at) <= LATEST_ANSWER
    return late and watch.last_opened_at is not None and watch.last_opened_at >= aware(released.at)


def _unlocked(watch: DoorWatch, at: datetime, seconds: float) -> DoorWatch:
    """The door may lawfully be opened for `seconds`, and who stands in it has `held_after` from now."""
    until = at + timedelta(seconds=seconds) + watch.times.grace
    held_at = None if watch.held_at is None else max(watch.held_at, at + watch.times.held_after)
    return replace(watch, lawful_until=_later(watch.lawful_until, until), held_at=held_at)


def _seen(watch: DoorWatch, state: DoorState, at: datetime) -> Followed:
    findings: tuple[Finding, ...] = ()
    if watch.online and not state.online:
        findings = (Noticed(condition=DoorCondition.OFFLINE, at=at),)
        watch = replace(watch, trouble=DoorCondition.OFFLINE)
    step = _contact_seen(replace(watch, online=state.online), state, at)
    findings += step.findings
    if state.online and step.watch.trouble is DoorCondition.OFFLINE:
        findings = (*findings, Noticed(condition=DoorCondition.ONLINE, at=at))
        return Followed(watch=replace(step.watch, trouble=DoorCondition.ONLINE), findings=findings)
    return Followed(watch=step.watch, findings=findings)


def _contact_seen(watch: DoorWatch, state: DoorState, at: datetime) -> Followed:
    contact = state.contact if state.online and watch.times.contact_fitted else Contact.UNKNOWN
    if contact is watch.contact:
        return Followed(watch=watch)
    match contact:
        case Contact.OPEN:
            return _opened(watch, at)
        case Contact.CLOSED:
            return _closed(watch, at)
        case Contact.UNKNOWN:
            return _lost(watch, at)


def _opened(watch: DoorWatch, at: datetime) -> Followed:
    """The contact opened. Only an opening that was watched from closed can be called forced."""
    lawful = watch.times.free_exit or (watch.lawful_until is not None and at < watch.lawful_until)
    forced = watch.contact is Contact.CLOSED and not lawful
    moved = replace(
        watch,
        contact=Contact.OPEN,
        opened_at=at,
        last_opened_at=at,
        passing=watch.waiting,
        waiting=(),
        held_at=at + watch.times.held_after,
        trouble=DoorCondition.FORCED if forced else watch.trouble,
    )
    return Followed(watch=moved, findings=(Noticed(condition=DoorCondition.FORCED, at=at),) if forced else ())


def _closed(watch: DoorWatch, at: datetime) -> Followed:
    findings: tuple[Finding, ...] = _settle(watch, watch.passing, Outcome.TAKEN, at)
    if watch.trouble is not None:
        findings = (*findings, Noticed(condition=DoorCondition.CLOSED, at=at))
    bounced = None if watch.opened_at is None else at + watch.times.bounce
    return Followed(
        watch=replace(
            watch,
            contact=Contact.CLOSED,
            opened_at=None,
            held_at=None,
            passing=(),
            lawful_until=_later(watch.lawful_until, bounced),
            trouble=None,
        ),
        findings=findings,
    )


def _lost(watch: DoorWatch, at: datetime) -> Followed:
    """The contact is not heard of any more; what had opened before did open."""
    findings = _settle(watch, watch.passing, Outcome.TAKEN, at)
    moved = replace(watch, contact=Contact.UNKNOWN, opened_at=None, held_at=None, passing=())
    return Followed(watch=moved, findings=findings)


def _settle(
    watch: DoorWatch, pendings: tuple[Pending, ...], outcome: Outcome, at: datetime
) -> tuple[Settled, ...]:
    return tuple(
        Settled(
            decision_seq=pending.decision_seq,
            outcome=outcome,
            at=_later(pending.released_at, watch.opened_at) or at,
            settled_at=at,
        )
        for pending in pendings
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
