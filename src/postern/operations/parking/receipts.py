"""Receipts: what a driver was asked for and paid, line by line. Kept by law, and so primary: never made anew.

A registered vehicle's are sealed under its statutory key, which outlives its erasure as long as the law says;
everybody else's under the garage's purpose key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern import documents
from postern.errors import CannotOpen, KeyDestroyed
from postern.money import Money
from postern.operations.parking.rows import Desk
from postern.parking import charging, store
from postern.parking.garage import Receipted
from postern.parking.happenings import Paid
from postern.parking.quote import QuoteLine
from postern.parking.store import ReceiptRow
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.keyring import Purpose


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What one payment was for. `lines` are the price's at that time; `paid` is what this payment was.

    `plate` is a registered vehicle's; empty for everybody else's.
    """

    number: str
    session: UUID
    plate: str
    tariff: str
    entered: datetime
    paid_at: datetime
    lines: tuple[QuoteLine, ...]
    total: Money
    vat: Money
    paid: Money
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Whose:
    vehicle: UUID | None = None


def receipt_id(desk: Desk, payment: Paid) -> UUID:
    """The id of the receipt of that payment."""
    return desk.rules.naming.of(payment.key, "receipt")


async def keep_receipts(desk: Desk, made: Sequence[Receipted]) -> None:
    """Keep one for each payment; one that is there already stays as it was handed out."""
    if not made:
        return
    common = await desk.services.keyring.purpose_key(desk.tenant, store.PURPOSE)
    vehicles = {one.session.who.vehicle for one in made if one.session.who.vehicle is not None}
    own = await desk.services.keyring.subject_keys(desk.tenant, list(vehicles), Purpose.STATUTORY)
    rows = []
    for one in made:
        if not isinstance(one.payment, Paid):
            continue
        vehicle = one.session.who.vehicle
        key = own.get(vehicle) if vehicle is not None else None
        rows.append(_row(desk, one, one.payment, common, key))
    await store.add_receipts(desk.tx, desk.site, rows)


def _row(desk: Desk, one: Receipted, payment: Paid, common: Key, own: Key | None) -> ReceiptRow:
    id = receipt_id(desk, payment)
    whose = documents.to_bytes(_Whose(vehicle=one.session.who.vehicle if own is not None else None))
    return ReceiptRow(
        id=id,
        day=desk.rules.local_day(payment.at),
        whose=seal(common, whose, _context(desk, id, "whose")),
        sealed=seal(
            own or common,
            documents.to_bytes(_receipt(desk, id, one, payment, own=own is not None)),
            _context(desk, id, "sealed"),
        ),
    )


def _receipt(desk: Desk, id: UUID, one: Receipted, payment: Paid, *, own: bool) -> Receipt:
    session = one.session
    moment = max(session.entered_at, min(payment.quoted_at or payment.at, payment.at))
    price = charging.price(session, desk.rules, session.left_at or moment)
    nothing = Money.zero(payment.amount.currency)
    return Receipt(
        number=f"{desk.site}-{payment.at:%Y%m%d}-{id.hex[:8].upper()}",
        session=session.id,
        # What lies under the common key cannot be erased by itself: it names nobody's plate.
        plate=session.who.plate if own else "",
        tariff=price.net.basis.tariff.name if price is not None else "",
        entered=session.entered_at,
        paid_at=payment.at,
        lines=price.net.lines if price is not None else (),
        total=price.net.total if price is not None else nothing,
        vat=price.net.vat if price is not None else nothing,
        paid=payment.amount,
        reference=payment.reference,
    )


async def open_receipt(desk: Desk, id: UUID) -> Receipt:
    """The receipt. Raises NotFound; KeyDestroyed when its vehicle was erased and the law's time is over."""
    found, _ = await open_with_vehicle(desk, id)
    return found


async def open_with_vehicle(desk: Desk, id: UUID) -> tuple[Receipt, UUID | None]:
    """The receipt, as `open_receipt`, and the registered vehicle that it is of."""
    row = await store.receipt(desk.tx, desk.site, id)
    common = await desk.services.keyring.purpose_key(desk.tenant, store.PURPOSE)
    whose = documents.from_bytes(_Whose, open_sealed(common, row.whose, _context(desk, id, "whose")))
    key = common
    if whose.vehicle is not None:
        keys = await desk.services.keyring.subject_keys(desk.tenant, [whose.vehicle], Purpose.STATUTORY)
        if whose.vehicle not in keys:
            raise KeyDestroyed("this receipt's key was destroyed with its vehicle's last data")
        key = keys[whose.vehicle]
    try:
        opened = open_sealed(key, row.sealed, _context(desk, id, "sealed"))
    except CannotOpen as fault:
        raise CannotOpen("this receipt was changed in the database; look at the alarms") from fault
    return documents.from_bytes(Receipt, opened), whose.vehicle


def _context(desk: Desk, id: UUID, column: str) -> Context:
    return Context(tenant=desk.tenant, table="parking_receipt", column=column, row=id.bytes)
