"""What a session costs and what was asked for: from the tariff to movements of the ledger.

A session is charged when it is paid and when it ends, each time for what it costs more than was charged
before. So the ledger's charges of a session add up to its price, and nobody is charged what they were not
asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from postern.errors import BadInput
from postern.money import total
from postern.parking import ledger
from postern.parking.clearance import Clearance, Paid, clearance
from postern.parking.happenings import Seen
from postern.parking.ledger import Movement, PaidTo, Slip
from postern.parking.pairing import Paired, Pairing
from postern.parking.permits import Coverage, Covered, Uncovered, charged_from
from postern.parking.quote import Quote, quote
from postern.parking.rules import Rules
from postern.parking.session import Session
from postern.parking.tariff import Tariff
from postern.parking.validations import apply, shares


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a session costs at a moment: `gross` of all, and `net` of what merchants take over."""

    gross: Quote
    net: Quote


def tariff_of(session: Session, rules: Rules) -> Tariff | None:
    """The tariff under which it came in."""
    return rules.tariff_at(session.entered_at)


def price(session: Session, rules: Rules, at: datetime) -> Price | None:
    """What it costs at that moment; None where no tariff says, and where a permit covers all of it."""
    tariff = tariff_of(session, rules)
    since = paying_since(session, rules, at)
    if tariff is None or since is None or at < since:
        return None
    try:
        gross = quote(
            tariff,
            entered=since,
            at=at,
            vehicle_class=session.vehicle_class,
            calendar=rules.calendar,
        )
    except BadInput:
        return None  # the tariff does not say: a person decides, and nothing is charged
    given = [found[1] for id in session.validations if (found := rules.validation(id)) is not None]
    return Price(gross=gross, net=apply(gross, given))


def paying_since(session: Session, rules: Rules, at: datetime) -> datetime | None:
    """From when on it pays: from entry, or from when its permit ended; None while a permit covers it."""
    permit = next((one.permit for one in rules.permits if one.id == session.permit), None)
    return session.entered_at if permit is None else charged_from(permit, session.entered_at, at)


def standing(session: Session, rules: Rules, at: datetime, pairing: Pairing | None = None) -> Clearance:
    """What stands between this session and the street, if `pairing` found that it is this one."""
    known = pairing or Paired(session=session.id, distance=0.0)
    now = price(session, rules, at)
    given = Paid(amount=session.paid + session.waived, settled_at=session.settled_at)
    return clearance(known, now.net if now is not None else None, given, coverage(session, rules, at), at)


def coverage(session: Session, rules: Rules, at: datetime) -> Coverage:
    """Whether a permit covers it still."""
    if session.permit is not None:
        over = paying_since(session, rules, at) is not None
        return Uncovered.NOT_VALID_NOW if over else Covered(permit=session.permit)
    return Uncovered.NEAR_A_PERMIT if session.near_a_permit else Uncovered.NO_PERMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Charged:
    """The session with what was asked for, and the movements of it."""

    session: Session
    movements: tuple[Movement, ...] = ()


def charge(session: Session, rules: Rules, cause: Seen, at: datetime) -> Charged:
    """Ask for what it costs at `at` beyond what was asked for before, and have merchants take over theirs."""
    now = price(session, rules, at)
    if now is None:
        return Charged(session=session)
    tariff, movements = now.gross.basis.tariff, []
    more = now.gross.total - session.charged
    if more.amount > 0:
        vat = tariff.vat_in(now.gross.total) - tariff.vat_in(session.charged)
        movements.append(ledger.charge(slip(rules, cause, session, f"charge {more.amount}"), more, vat))
        session = replace(session, charged=now.gross.total)
    given = [found[1] for id in session.validations if (found := rules.validation(id)) is not None]
    theirs = total([one.amount for one in shares(now.gross, given)], session.charged.currency)
    taken_over = theirs - session.validated
    if taken_over.amount > 0:
        named = slip(rules, cause, session, f"validation {taken_over.amount}")
        movements.append(ledger.validation(named, taken_over))
        session = replace(session, validated=theirs)
    return Charged(session=session, movements=tuple(movements))


def waive(session: Session, rules: Rules, cause: Seen) -> Charged:
    """Let the driver off what is owed."""
    tariff, owed = tariff_of(session, rules), session.owed
    if tariff is None or owed.amount <= 0:
        return Charged(session=session)
    named = slip(rules, cause, session, f"waiver {owed.amount}")
    movement = ledger.waiver(named, owed, tariff.vat_in(owed))
    waived = replace(session, waived=session.waived + owed, settled_at=cause.at)
    return Charged(session=waived, movements=(movement,))


def slip(rules: Rules, cause: Seen, session: Session | None, what: str) -> Slip:
    """The id of a movement follows from its cause and from what it says: other content, other movement."""
    whose = session.id if session is not None else None
    return Slip(
        id=rules.naming.of(cause.key, f"movement {what} of {whose}"),
        day=rules.local_day(cause.at),
        session=whose,
    )


def paid_to(*, by_hand: bool) -> PaidTo:
    """Where that money is."""
    return PaidTo.CASH if by_hand else PaidTo.PROVIDER
