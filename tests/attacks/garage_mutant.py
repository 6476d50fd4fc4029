"""The nursery of simulated hubs, with a fault: a payment that is told twice is noted twice."""

from __future__ import annotations

from datetime import date

from postern.ids import SiteId
from postern.parking import store
from postern.postgres.pool import Transaction
from postern.simulation.hub_process import main


async def _always(tx: Transaction, site: SiteId, tag: bytes, day: date) -> bool:
    return (tx, site, tag, day) is not None


store.note_once = _always
main()
