"""Money comes in, goes back, or is taken over by a merchant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from postern.money import Money
from postern.parking import charging, ledger
from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.charging import Charged
from postern.parking.garage import Garage, Receipted, Step
from postern.parking.happenings import Paid, Refunded, Seen, Validated
from postern.parking.leaving import settled
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState

_OF_MONEY = (CaseKind.UNPAID_EXIT, CaseKind.FOREIGN, CaseKind.WRONG_AMOUNT)
_RUNNING = (SessionState.OPEN, SessionState.STALE)


def paid(garage: Garage, happening: Paid, rules: Rules) -> Step:
    """Money came in. It is booked whatever it was for; a person looks at what does not fit."""
    session = garage.sessions.get(happening.session) if happening.session is not None else None
    foreign = happening.amount.currency != rules.settings.currency
    named = charging.slip(rules, happening, session, f"payment {happening.amount.plain()}")
    movement = ledger.payment(named, happening.amount, charging.paid_to(by_hand=happening.by_hand))
    if session is None or foreign or happening.doubtful:
        # Not counted for the session: a person says what it is for.
        kind = CaseKind.WRONG_AMOUNT if session is not None else CaseKind.UNKNOWN_SESSION
        case = _case(rules, happening, kind, _about(happening))
        claimed = (session.id,) if session is not None else ()
        case = replace(case, session=None, candidates=claimed)
        return Step(cases={case.id: case}, movements=(movement,))
    moment = max(session.entered_at, min(happening.quoted_at or happening.at, happening.at))
    sum = Sum(
        amount=happening.amount,
        moment=moment,
        reference=happening.reference,
        cause=happening,
    )
    counted = count_in(garage, session, sum, rules)
    return replace(
        counted,
        movements=(*counted.movements, movement),
        receipts=(Receipted(session=counted.sessions[session.id], payment=happening),),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Money for a session at the price of `moment`."""

    amount: Money
    moment: datetime
    reference: str
    cause: Seen


def count_in(garage: Garage, session: Session, sum: Sum, rules: Rules) -> Step:
    """The session after so much more was paid for it."""
    charged = Charged(session=session)
    if session.state in _RUNNING:
        charged = charging.charge(session, rules, sum.cause, sum.moment)
    now = replace(charged.session, paid=charged.session.paid + sum.amount)
    if _paid_in_time(now, sum, rules):
        let_off = charging.waive(now, rules, sum.cause)
        now, charged = let_off.session, replace(charged, movements=(*charged.movements, *let_off.movements))
    cases: dict[UUID, Case] = {}
    if now.owed.amount <= 0:
        now = replace(now, settled_at=sum.cause.at)
        cases = settled(garage, now, _OF_MONEY, sum.cause)
    if now.owed.amount:
        about = _About(session=now.id, owed=now.owed, reference=sum.reference)
        case = _case(rules, sum.cause, CaseKind.WRONG_AMOUNT, about)
        cases[case.id] = case
    return Step(sessions={now.id: now}, cases=cases, movements=charged.movements)


def _paid_in_time(session: Session, sum: Sum, rules: Rules) -> bool:
    """Whether it was paid in full before it left, within the grace, and we only heard of it afterwards.

    What was charged at the exit beyond the price that the driver was told is then not asked for.
    """
    tariff, then = charging.tariff_of(session, rules), charging.price(session, rules, sum.moment)
    if session.left_at is None or tariff is None or then is None:
        return False
    in_time = sum.moment <= session.left_at <= sum.moment + tariff.grace_after_paying
    return in_time and then.net.total <= session.paid + session.waived


@dataclass(frozen=True, kw_only=True, slots=True)
class _About:
    session: UUID | None
    owed: Money
    reference: str


def _case(rules: Rules, cause: Seen, kind: CaseKind, about: _About) -> Case:
    return Case(
        id=rules.naming.of(cause.key, kind.value),
        site=rules.settings.site,
        kind=kind,
        opened_at=cause.at,
        session=about.session,
        owed=about.owed,
        reference=about.reference,
    )


def _about(happening: Paid | Refunded) -> _About:
    return _About(session=happening.session, owed=happening.amount, reference=happening.reference)


def refunded(garage: Garage, happening: Refunded, rules: Rules) -> Step:
    """Money went back: first what was paid too much, then what was rightly charged."""
    session = garage.sessions.get(happening.session) if happening.session is not None else None
    if not happening.done:
        case = _case(rules, happening, CaseKind.REFUND_FAILED, _about(happening))
        return Step(cases={case.id: case})
    to = charging.paid_to(by_hand=happening.by_hand)
    if session is None or happening.amount.currency != rules.settings.currency:
        named = charging.slip(rules, happening, None, f"return {happening.amount.plain()}")
        return Step(
            movements=(ledger.give_back(named, happening.amount, to),), cases=_returned(garage, happening)
        )
    surplus = min(happening.amount, max(-session.owed, Money.zero(session.paid.currency)))
    rest, movements = happening.amount - surplus, []
    if surplus:
        named = charging.slip(rules, happening, session, f"return {surplus.plain()}")
        movements.append(ledger.give_back(named, surplus, to))
    tariff = charging.tariff_of(session, rules)
    if rest and tariff is not None:
        named = charging.slip(rules, happening, session, f"refund {rest.plain()}")
        movements.append(ledger.refund(named, rest, tariff.vat_in(rest), to))
    now = replace(session, paid=session.paid - surplus)
    cases = settled(garage, now, (CaseKind.WRONG_AMOUNT,), happening) if not now.owed else {}
    return Step(
        sessions={now.id: now}, movements=tuple(movements), cases={**cases, **_returned(garage, happening)}
    )


def _returned(garage: Garage, happening: Refunded) -> dict[UUID, Case]:
    """The cases about this very payment."""
    about = (CaseKind.UNKNOWN_SESSION, CaseKind.REFUND_FAILED)
    return {
        one.id: replace(one, state=CaseState.SETTLED, gone_at=happening.at)
        for one in garage.cases.values()
        if one.state is CaseState.OPEN and one.kind in about and one.reference == happening.reference
    }


def validated(garage: Garage, happening: Validated, rules: Rules) -> Step:
    """A merchant takes over a part of the price; of a session that has ended, of what was charged."""
    session = garage.sessions.get(happening.session)
    if session is None or happening.validation in session.validations:
        return Step()
    now = replace(session, validations=(*session.validations, happening.validation))
    if now.left_at is None or not now.charged:
        return Step(sessions={now.id: now})
    charged = charging.charge(now, rules, happening, now.left_at)
    cases = settled(garage, now, _OF_MONEY, happening) if charged.session.owed.amount <= 0 else {}
    return Step(sessions={now.id: charged.session}, cases=cases, movements=charged.movements)
