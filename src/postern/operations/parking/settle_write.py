"""What the books have changed, written down: projections, beginnings of days, ledger and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from postern.operations.parking.receipts import keep_receipts
from postern.operations.parking.rows import CASES, SESSIONS, Desk, keep, keep_beginnings
from postern.parking import ledger_store, store
from postern.parking.books import Change
from postern.parking.ledger_store import Booking


async def write(desk: Desk, change: Change) -> None:
    """All of it, as part of the desk's transaction. Repeating it changes nothing."""
    await keep(desk, SESSIONS, change.sessions)
    await keep(desk, CASES, change.cases)
    await keep_beginnings(desk, change.beginnings)
    await _book(desk, change)
    await keep_receipts(desk, change.receipts)


async def _book(desk: Desk, change: Change) -> None:
    """Take back what is not in force any more, and post what is not yet."""
    key = await desk.services.keyring.purpose_key(desk.tenant, store.PURPOSE)
    nths: Mapping[UUID, int] = {}
    if change.rewound:
        concerned = [*change.posted, *change.withdrawn]
        nths = await ledger_store.latest_of(desk.tx, desk.site, concerned)
    in_force = {id: nths[id] for id in change.withdrawn if nths.get(id, 1) % 2 == 0}
    await ledger_store.take_back(desk.tx, desk.site, in_force, booked=desk.today)
    bookings = [
        Booking(movement=movement, cause_day=day, nth=nths.get(id, -1) + 1)
        for id, (movement, day) in change.posted.items()
        if nths.get(id, -1) % 2 == 1
    ]
    await ledger_store.post(desk.tx, desk.tenant, desk.site, key, bookings, booked=desk.today)
