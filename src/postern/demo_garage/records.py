"""The week as records: what an agent at the lanes would have recorded, and what the hub would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.clock import utc_day
from postern.demo_garage.places import Approach, Lanes
from postern.demo_garage.week import Part, Stay, Week
from postern.ids import AgentId, SiteId, TenantId
from postern.money import Money
from postern.operations.parking.books import OwedLine
from postern.operations.parking.payment_attempts import Attempt, AttemptDetails, AttemptState
from postern.operations.parking.settle_read import BY_HAND
from postern.parking.cases import CaseKind, Resolution
from postern.parking.naming import Naming
from postern.parking.quote import Calendar, Quote, quote
from postern.parking.tariff import Tariff
from postern.parking.validations import Validation, apply
from postern.records.model import (
    CorrectionRecord,
    DecisionRecord,
    Deed,
    Happening,
    Outcome,
    PassageRecord,
    PaymentRecord,
    PictureRef,
    RecordKey,
)

PROVIDER = "demo"
OPERATOR = "job:demo"
_DRIVES = timedelta(seconds=7)
_ANSWERED_AFTER = timedelta(minutes=2, seconds=10)
_WAITED = timedelta(seconds=10)

Pictures = Mapping[tuple[int, bool], PictureRef]
"""By the stay's number, and whether it drives out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What the stays cost. `validations`: one of each merchant."""

    tariff: Tariff
    calendar: Calendar
    validations: tuple[Validation, ...]

    def of(self, stay: Stay, at: datetime) -> Quote:
        """The price at `at`, with what the merchant takes over."""
        gross = quote(self.tariff, entered=stay.entered, at=at, vehicle_class="car", calendar=self.calendar)
        return apply(gross, [self.validations[stay.merchant]] if stay.merchant is not None else [])


@dataclass(kw_only=True)
class Written:
    """The records, in the order of their moments."""

    lanes: list[tuple[RecordKey, Happening]] = field(default_factory=list)
    hub: list[CorrectionRecord | PaymentRecord] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the records belong. `agent`: a number of its own, as every writer of records has."""

    tenant: TenantId
    site: SiteId
    agent: AgentId
    lanes: Lanes
    naming: Naming


def written(place: Place, drawn: Week, prices: Prices, pictures: Pictures) -> Written:
    """Everything that was recorded of the week."""
    made = Written()
    sessions: dict[int, UUID] = {}
    for seq, (number, out) in enumerate(_passages(drawn), 1):
        stay = drawn.stays[number]
        at = (stay.left if out else stay.entered) or stay.entered
        decision = _decision(place, stay, at, out=out, picture=pictures.get((number, out)))
        key = RecordKey(site=place.site, day=utc_day(at), agent=place.agent, seq=2 * seq - 1)
        passed = at + _DRIVES
        after = RecordKey(site=place.site, day=utc_day(passed), agent=place.agent, seq=2 * seq)
        passage = PassageRecord(at=passed, decision_seq=key.seq, outcome=Outcome.TAKEN)
        made.lanes += [(key, decision), (after, passage)]
        if not out:
            sessions[number] = place.naming.of(key, "session")
            if stay.part is Part.CORRECTED:
                case = place.naming.of(key, CaseKind.UNREADABLE.value)
                made.hub.append(_corrected(stay, case, sessions[number]))
    for number, stay in enumerate(drawn.stays):
        _money(place, stay, sessions[number], prices, made)
    made.hub.sort(key=lambda one: one.at)
    return made


def _passages(drawn: Week) -> Iterator[tuple[int, bool]]:
    """Who drove through a lane, and which way, one after the other."""
    moments = [(one.entered, number, False) for number, one in enumerate(drawn.stays)]
    moments += [(one.left, number, True) for number, one in enumerate(drawn.stays) if one.left is not None]
    for at, number, out in sorted(moments):
        if at + _DRIVES <= drawn.now:
            yield number, out


def _decision(
    place: Place, stay: Stay, at: datetime, *, out: bool, picture: PictureRef | None
) -> DecisionRecord:
    lane: Approach = place.lanes.way_out if out else place.lanes.way_in
    text, score, reason = _read(stay, at, out=out)
    return DecisionRecord(
        at=at,
        access_point=lane.point,
        door=lane.door,
        reader=lane.reader,
        direction_out=out,
        credential_kind=CredentialKind.PLATE,
        plate=text or None,
        subject=None,
        subject_kind=None,
        granted=True,
        reason=reason,
        score=score,
        policy="1.1",
        picture=picture,
    )


def _read(stay: Stay, at: datetime, *, out: bool) -> tuple[str, float, Reason]:
    """What the camera read, how surely, and why the barrier opened."""
    sure = round(0.9 + Random(f"{stay.plate} {at}").random() * 0.09, 3)  # noqa: S311 - a demo
    match stay.part:
        case Part.AMBIGUOUS if out:
            return f"{stay.plate[:-1]}B", 0.54, Reason.OPENED_UNANSWERED
        case Part.UNPAID if out:
            return stay.plate, sure, Reason.OPENED_UNANSWERED
        case Part.UNREADABLE | Part.CORRECTED if not out:
            return "", 0.0, Reason.UNCERTAIN_ENTRY
        case _:
            return stay.plate, sure, Reason.CLEARED_TO_LEAVE if out else Reason.PARKING_ENTRY


def _corrected(stay: Stay, case: UUID, session: UUID) -> CorrectionRecord:
    return CorrectionRecord(
        at=stay.entered + _ANSWERED_AFTER,
        deed=Deed.RESOLVED,
        operator=OPERATOR,
        reason="read on the picture",
        case=case,
        session=session,
        resolution=Resolution.CORRECT_PLATE.value,
        plate=stay.plate,
    )


def _money(place: Place, stay: Stay, session: UUID, prices: Prices, made: Written) -> None:
    """The merchant's part, and what the driver paid, if anything was owed then."""
    at = stay.paid_at
    if at is None:
        return
    if stay.merchant is not None:
        made.hub.append(
            CorrectionRecord(
                at=at - _WAITED,
                deed=Deed.VALIDATED,
                operator="merchant",
                reason="shopped there",
                session=session,
                validation=prices.validations[stay.merchant].id,
            )
        )
    price = prices.of(stay, at)
    if not price.total:
        return
    attempt = _attempt(place, session, price, at)
    if not stay.by_hand:
        made.attempts.append(attempt)
    made.hub.append(
        PaymentRecord(
            at=at,
            deed=Deed.PAID,
            session=session,
            amount=price.total.amount,
            currency=price.total.currency,
            provider=BY_HAND if stay.by_hand else PROVIDER,
            reference=f"{BY_HAND}-{attempt.id.hex}" if stay.by_hand else attempt.reference,
            quoted_at=at,
        )
    )


def _attempt(place: Place, session: UUID, price: Quote, at: datetime) -> Attempt:
    """The checkout by phone, as paid."""
    id = place.naming.named(f"demo payment of {session}")
    lines = (
        OwedLine(label=one.label, quantity=one.quantity, unit=one.unit, amount=one.amount)
        for one in price.lines
    )
    return Attempt(
        id=id,
        tenant=place.tenant,
        site=place.site,
        state=AttemptState.PAID,
        provider=PROVIDER,
        amount=Money(price.total.amount, price.total.currency),
        details=AttemptDetails(
            session=session,
            started=at - _WAITED,
            good_until=at + timedelta(minutes=30),
            entered=price.entered,
            at=at,
            lines=tuple(lines),
            total=price.total,
            vat=price.vat,
            vat_percent=str(price.basis.tariff.vat_percent),
            checkout=f"demo-{id.hex}",
            payment=f"demo-{id.hex}",
            paid_at=at,
        ),
    )
