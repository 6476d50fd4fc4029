"""Garages over the API: how they stand, the queue of cases, what an attendant decides, the ledger."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from postern.errors import NotFound
from postern.ids import SiteId
from postern.money import Money, parse
from postern.operations.parking import cases as parking_cases
from postern.operations.parking import checkout, desk, resolve_case, take_by_hand
from postern.operations.parking import views as parking_views
from postern.operations.parking.cases import CaseRow
from postern.operations.parking.checkout import Till
from postern.operations.parking.pay_session import SessionPrice
from postern.operations.parking.views import Overview
from postern.parking.cases import CaseKind, CaseState, Resolution
from postern.parking.ledger import Account
from postern.parking.session import SessionState
from postern.web.login import Hub, SignedIn
from postern.web.ports import ConsolePorts

router = APIRouter(tags=["garages"])
TEXT = 200


class MoneyOut(BaseModel):
    """`amount` in minor units (cents) of `currency`."""

    amount: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> MoneyOut:
        """From the operation's."""
        return cls(amount=money.amount, currency=money.currency)


class GarageOut(BaseModel):
    """How a garage stands. `takings`: what came in today, less what went back; `owed`: not paid yet."""

    site: int
    name: str
    bays: int
    inside: int
    free: int
    open_cases: int
    waiting: int
    takings: MoneyOut
    owed: MoneyOut

    @classmethod
    def of(cls, one: Overview) -> GarageOut:
        """From the operation's."""
        return cls(
            site=one.site,
            name=one.name,
            bays=one.bays,
            inside=one.inside,
            free=one.free,
            open_cases=one.open_cases,
            waiting=one.waiting,
            takings=MoneyOut.of(one.takings),
            owed=MoneyOut.of(one.owed),
        )


class CaseOut(BaseModel):
    """A case in the queue. `waits`: somebody stands at a barrier for it."""

    id: UUID
    site: int
    garage: str
    kind: CaseKind
    state: CaseState
    opened_at: datetime
    lane: str
    way_out: bool
    waits: bool
    owed: MoneyOut | None
    seconds_to_answer: float | None

    @classmethod
    def of(cls, one: CaseRow) -> CaseOut:
        """From the operation's."""
        answered = one.time_to_answer
        return cls(
            id=one.id,
            site=one.site,
            garage=one.garage,
            kind=one.kind,
            state=one.state,
            opened_at=one.opened_at,
            lane=one.lane,
            way_out=one.way_out,
            waits=one.waits,
            owed=MoneyOut.of(one.owed) if one.owed is not None else None,
            seconds_to_answer=answered.total_seconds() if answered is not None else None,
        )


class LineOut(BaseModel):
    """A line of a price, in the operator's own words; what is taken off is negative."""

    label: str
    quantity: int
    unit: str
    amount: MoneyOut


class SessionOut(BaseModel):
    """A session as an attendant sees it. `total` null: no tariff says, or a permit covers it."""

    id: UUID
    plate: str
    score: float
    state: SessionState
    entered_at: datetime
    left_at: datetime | None
    lines: list[LineOut]
    total: MoneyOut | None
    paid: MoneyOut
    owed: MoneyOut
    has_picture: bool

    @classmethod
    def of(cls, one: SessionPrice) -> SessionOut:
        """From the operation's."""
        net = one.price.net if one.price is not None else None
        return cls(
            id=one.session.id,
            plate=one.session.who.plate,
            score=one.session.who.score,
            state=one.session.state,
            entered_at=one.session.entered_at,
            left_at=one.session.left_at,
            lines=[
                LineOut(
                    label=line.label,
                    quantity=line.quantity,
                    unit=line.unit,
                    amount=MoneyOut.of(line.amount),
                )
                for line in (net.lines if net is not None else ())
            ],
            total=MoneyOut.of(net.total) if net is not None else None,
            paid=MoneyOut.of(one.session.paid),
            owed=MoneyOut.of(one.owed),
            has_picture=one.session.who.picture is not None,
        )


class CasePageOut(BaseModel):
    """A case with what was read at the lane, and the session that it is about or those that it may be."""

    case: CaseOut
    plate: str
    score: float
    has_picture: bool
    resolved_by: str | None
    resolution: Resolution | None
    reason: str | None
    sessions: list[SessionOut]


class ResolutionIn(BaseModel):
    """What the attendant decides, and why; `plate` for a corrected one, `session` for the one that it is."""

    resolution: Resolution
    reason: str = Field(max_length=TEXT)
    plate: str = Field(default="", max_length=30)
    session: UUID | None = None


class ResolutionOut(BaseModel):
    """What came of it. `barrier_opened` null: none was to open. `link`: the last part of the pay link."""

    state: CaseState | None
    barrier_opened: bool | None
    detail: str
    link: str | None


class HandPaymentIn(BaseModel):
    """What was taken by hand: `12.50`; given back: `-12.50`."""

    amount: str = Field(max_length=20)
    reason: str = Field(max_length=TEXT)


class ReasonIn(BaseModel):
    """Why, for the journal."""

    reason: str = Field(max_length=TEXT)


class RefundIn(BaseModel):
    """What goes back: `12.50`."""

    amount: str = Field(max_length=20)
    reason: str = Field(max_length=TEXT)


class StandingOut(BaseModel):
    """What a session has paid and owes: nothing of whose it is."""

    id: UUID
    paid: MoneyOut
    owed: MoneyOut


class PaymentOut(BaseModel):
    """A driver's payment. `state`: "asked", "paid", "expired" or "wrong"."""

    reference: str
    state: str
    amount: MoneyOut


class TotalOut(BaseModel):
    """What moved on an account on a day: debit positive, credit negative."""

    day: date
    ledger_account: Account
    amount: MoneyOut


@router.get("/garages")
async def garages(hub: Hub, caller: SignedIn) -> list[GarageOut]:
    """Every garage."""
    return [GarageOut.of(one) for one in await parking_views.garage_overviews(hub, caller.actor)]


@router.get("/garages/{site}")
async def garage(hub: Hub, caller: SignedIn, site: int) -> GarageOut:
    """One garage."""
    return GarageOut.of(await parking_views.garage_overview(hub, caller.actor, SiteId(site)))


@router.get("/garage/cases")
async def cases(hub: Hub, caller: SignedIn, site: int | None = None, answered: bool = False) -> list[CaseOut]:
    """The queue over all garages: who stands at a barrier first. `answered`: those of the last day."""
    found = await parking_cases.cases_open(
        hub, caller.actor, site=SiteId(site) if site is not None else None, answered=answered
    )
    return [CaseOut.of(one) for one in found]


@router.get("/garages/{site}/cases/{case}")
async def case_page(hub: Hub, caller: SignedIn, site: int, case: UUID) -> CasePageOut:
    """One case; the look is in the journal first."""
    page = await parking_cases.case_page(hub, caller.actor, SiteId(site), case)
    resolved = page.case.resolved
    return CasePageOut(
        case=CaseOut.of(page.row),
        plate=page.case.who.plate,
        score=page.case.who.score,
        has_picture=page.case.who.picture is not None,
        resolved_by=resolved.operator if resolved is not None else None,
        resolution=resolved.resolution if resolved is not None else None,
        reason=resolved.reason if resolved is not None else None,
        sessions=[SessionOut.of(one) for one in page.sessions],
    )


@router.get(
    "/garages/{site}/cases/{case}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
async def case_picture(
    hub: Hub, caller: SignedIn, site: int, case: UUID, session: UUID | None = None
) -> Response:
    """The vehicle at the lane, or of a session's entry; the look is in the journal first."""
    jpeg = await parking_cases.case_picture(hub, caller.actor, SiteId(site), case, session)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/garages/{site}/cases/{case}/resolution")
async def resolution(hub: Hub, caller: SignedIn, site: int, case: UUID, given: ResolutionIn) -> ResolutionOut:
    """Decide a case. Where a barrier is to open, waits for the agent's answer, 15 seconds at most."""
    wanted = resolve_case.Wanted(
        resolution=given.resolution, reason=given.reason, plate=given.plate, session=given.session
    )
    decided = await resolve_case.resolve_case(hub, caller.actor, SiteId(site), case, wanted)
    return ResolutionOut(
        state=decided.case.state if decided.case is not None else None,
        barrier_opened=decided.barrier.done if decided.barrier is not None else None,
        detail=decided.barrier.detail if decided.barrier is not None else "",
        link=decided.link,
    )


@router.post("/garages/{site}/sessions/{session}/payments")
async def hand_payment(
    hub: Hub, caller: SignedIn, site: int, session: UUID, given: HandPaymentIn
) -> StandingOut:
    """Book money that was taken or given back by hand."""
    found = await take_by_hand.take_by_hand(
        hub, caller.actor, SiteId(site), session, amount=given.amount, reason=given.reason
    )
    return StandingOut(
        id=found.session.id, paid=MoneyOut.of(found.session.paid), owed=MoneyOut.of(found.owed)
    )


@router.post("/garages/{site}/slips/{code}/paid")
async def slip_paid(
    request: Request, hub: Hub, caller: SignedIn, site: int, code: str, given: ReasonIn
) -> PaymentOut:
    """The money for a driver's slip is in hand; say why it was paid at the desk."""
    found = await desk.take_for_slip(
        hub, _till(request), caller.actor, SiteId(site), code, reason=given.reason
    )
    return PaymentOut(reference=found.reference, state=found.state.value, amount=MoneyOut.of(found.amount))


@router.post("/garages/payments/{reference}/refunds")
async def refund(request: Request, hub: Hub, caller: SignedIn, reference: str, given: RefundIn) -> MoneyOut:
    """Give back a part or all of a payment, by the way it came."""
    till = _till(request)
    found = await checkout.find(hub, reference)
    if found.tenant != caller.actor.tenant:
        raise NotFound("there is no such payment")
    amount = parse(given.amount, found.amount.currency)
    back = await checkout.refund(
        hub, till, caller.actor, reference=reference, amount=amount, reason=given.reason
    )
    return MoneyOut.of(back)


def _till(request: Request) -> Till:
    ports: ConsolePorts = request.app.state.ports
    if ports.till is None:
        raise NotFound("this hub takes no payments; it was started without them")
    return ports.till


@router.get("/garages/{site}/takings")
async def takings(hub: Hub, caller: SignedIn, site: int, first: date, last: date) -> list[TotalOut]:
    """What moved on each account on each day."""
    found = await parking_views.takings(hub, caller.actor, SiteId(site), first=first, last=last)
    return [
        TotalOut(day=one.day, ledger_account=one.account, amount=MoneyOut.of(one.amount)) for one in found
    ]


@router.get(
    "/garages/{site}/ledger.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def ledger(hub: Hub, caller: SignedIn, site: int, first: date, last: date) -> Response:
    """Every line of the ledger of these days, for the accountant."""
    text = await parking_views.ledger_csv(hub, caller.actor, SiteId(site), first=first, last=last)
    return Response(text, media_type="text/csv", headers={"Cache-Control": "no-store"})
